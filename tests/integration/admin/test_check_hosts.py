"""Which hosts a web service knows, asked of a real server: how little is asked and read, and what is said of it."""

import asyncio
import contextlib
import dataclasses
import itertools
import re
import urllib.parse
from collections.abc import AsyncIterator

from niassa_orch.admin import check_hosts, links
from niassa_orch.core import enrolling
from niassa_orch.webservice import client
from niassa_orch.wire import pacing, sessions
from tests.fakes import neighbours, neighbours_in_memory, secrets

BOB = dataclasses.replace(neighbours_in_memory.BOB, host="server2.lab.net")
ANN = dataclasses.replace(BOB, name="ann", web_user="ann@lab.net")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n<WorkflowRunList2>"


@dataclasses.dataclass(frozen=True, slots=True)
class Books:
    """What a web service knows, ``(status, owner, host)`` each; ``endless`` goes on for ever after what it knows."""

    runs: tuple[tuple[str, str, str], ...] = ()
    endless: tuple[str, str, str] | None = None
    refuses: int = 0

    async def __call__(
        self, there: neighbours.Neighbour, asked: neighbours.Asked, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a list."""
        if len(there.asked) <= self.refuses:
            writer.write(neighbours.reply(401))
            return True
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(asked.target).query))
        meant = [run for run in self.runs if run[0] == query["status"] and query.get("host", run[2]) == run[2]]
        writer.write(HEAD + b"".join(_row(number, run) for number, run in enumerate(meant, start=1)))
        if self.endless and self.endless[0] == query["status"] and "host" not in query:
            many = b"".join(_row(number, self.endless) for number in range(100, 1100))
            with contextlib.suppress(OSError):
                while not writer.is_closing():
                    writer.write(many)
                    await writer.drain()
        writer.write(b"</WorkflowRunList2>")
        await writer.drain()
        return False


def _row(number: int, run: tuple[str, str, str]) -> bytes:
    status, owner, host = run
    fields = {"host": host, "iniFile": "x" * 1000, "ownerUserName": f"{owner}@lab.net", "status": status}
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f"<list>{inside}<swAccession>{number}</swAccession></list>".encode()


@contextlib.asynccontextmanager
async def web_service(books: Books) -> AsyncIterator[tuple[neighbours.Neighbour, enrolling.Enrolled]]:
    """The server, and bob as its client."""
    async with neighbours.neighbour(books) as there, sessions.open_session() as session:
        web = client.WebService(session, there.url, secrets.authorization, budget=pacing.Budget(4), attempts=1)
        account = dataclasses.replace(BOB, web_service_url=there.url)
        yield there, neighbours_in_memory.enrolled(web, account=account)


async def looked(*runs: tuple[str, str, str]) -> tuple[links.Link, list[str]]:
    """What is told of bob, and what was asked for."""
    async with web_service(Books(runs)) as (there, bob):
        found = await check_hosts.look(bob, check_hosts.Lists())
    return found, [target.partition("?")[2] for target in there.targets]


async def test_where_runs_wait_for_our_host_one_list_is_asked_for_and_hosts_are_named() -> None:
    found, asked = await looked(
        ("submitted", "bob", "server2.lab.net"), ("submitted", "bob", "server1"), ("submitted", "ann", "server9")
    )
    assert asked == ["status=submitted"]
    assert found.verdict is links.Verdict.OK
    assert found.seen == (
        "1 run of bob@lab.net for server2.lab.net; others for server1 (1) (looked at all 3 submitted for any host)"
    )


async def test_where_nothing_waits_what_is_at_work_is_asked_for_of_our_host_alone() -> None:
    found, asked = await looked(("running", "bob", "server2.lab.net"), ("running", "bob", "server1"))
    assert asked == ["status=submitted", "status=running&host=server2.lab.net"]
    assert found.seen.startswith("1 run of bob@lab.net for server2.lab.net (looked at no submitted for any host, all 1")


async def test_a_host_that_is_called_much_as_ours_is_worth_a_look_unless_runs_are_for_ours_too() -> None:
    waiting = ("submitted", "bob", "server2")
    found, _ = await looked(waiting)
    assert (found.verdict, found.mend) == (
        links.Verdict.LOOK,
        'host = "server2"  # in bob.toml, if that is this machine too',
    )
    for at_work in ("running", "pending"):
        found, _ = await looked(waiting, (at_work, "bob", "server2.lab.net"))
        assert found.verdict is links.Verdict.OK


async def test_of_who_has_no_run_the_hosts_of_others_are_told() -> None:
    """Whose runs they are is told to look at them: one cause, one account."""
    found, _ = await looked(("submitted", "ann", "SERVER2"), ("submitted", "eve", "server1"))
    assert found.seen.startswith("no run of anybody for server2.lab.net; others for SERVER2 (1), server1 (1)")
    assert found.verdict is links.Verdict.OK


async def test_of_a_list_without_end_the_beginning_is_read_and_our_host_is_asked_for_by_itself() -> None:
    books = Books((("submitted", "bob", "server2.lab.net"),), endless=("submitted", "ann", "server7"))
    mine = dataclasses.replace(books, runs=())
    for told, lists in ((books, 1), (mine, 4)):
        async with web_service(told) as (there, bob):
            async with asyncio.timeout(60):
                found = await check_hosts.look(bob, check_hosts.Lists())
        assert len(there.targets) == lists
        (many,) = re.findall(r"looked at the first (\d+) submitted for any host", found.seen)
        assert 1000 < int(many) <= check_hosts.MOST_BYTES / 1000
    assert there.targets[1].endswith("status=submitted&host=server2.lab.net")


async def test_accounts_share_what_was_asked_and_what_one_was_refused_another_asks_for() -> None:
    async with web_service(Books((("submitted", "ann", "server2.lab.net"),), refuses=1)) as (there, bob):
        ann = dataclasses.replace(bob, account=dataclasses.replace(ANN, web_service_url=there.url))
        lists = check_hosts.Lists()
        refused = await check_hosts.look(bob, lists)
        assert refused.verdict is links.Verdict.SKIPPED
        found = await asyncio.gather(*(check_hosts.look(ann, lists) for _ in range(20)))
        assert len(there.targets) == 2
    assert {one.verdict for one in found} == {links.Verdict.OK}


async def test_what_does_not_come_is_not_asked_for_by_each_account_again() -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(500))) as there, sessions.open_session() as http:
        web = client.WebService(http, there.url, secrets.authorization, budget=pacing.Budget(4), attempts=1)
        bob, lists = neighbours_in_memory.enrolled(web, account=BOB), check_hosts.Lists()
        for _ in itertools.repeat(None, 3):
            assert (await check_hosts.look(bob, lists)).verdict is links.Verdict.SKIPPED
        assert len(there.asked) == 1
