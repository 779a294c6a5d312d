"""Commands of operators, on the real service: what they say, what then holds, and that it holds over a restart."""

import datetime
import functools
import json
import signal
from collections.abc import Iterator

import pytest

from tests.acceptance import books, services, stages


async def answered(stage: stages.Stage, *words: str, code: int = 0) -> str:
    """What a command says that ends so."""
    exit_code, text = await stage.command(*words)
    assert exit_code == code, text
    return text


async def test_a_pause_survives_a_restart_and_ends_when_its_time_is_over(stage: stages.Stage) -> None:
    async with stage.service() as service:
        await service.tells("account.started", account="bob")
        said = await answered(stage, "pause", "bob", "--for", "1h", "--reason", "disk is replaced")
        assert said.startswith("paused, propagation too, for bob by order of ")
        assert said.strip().endswith("disk is replaced")
        mine = await stage.schedule("bob")
        await service.tells("launch.held_back", account="bob")
        before = json.loads(await answered(stage, "status", "--json"))["orders"]
        assert [(order["kind"], order["account"], order["reason"]) for order in before] == [
            ("pause", "bob", "disk is replaced")
        ]
        assert await service.drain() == 0
    async with stage.service() as service:
        await service.tells("launch.held_back", account="bob")
        assert json.loads(await answered(stage, "status", "--json"))["orders"] == before
        [waits] = json.loads(await answered(stage, "runs", "--account", "bob", "--json"))
        assert (waits["accession"], waits["status"]) == (mine, "submitted")
        begun = datetime.datetime.now(datetime.UTC)
        await answered(stage, "pause", "bob", "--for", "2s")
        await service.tells("order.ended", account="bob")
        await stage.web.reach("completed", mine)
        [called] = [line for line in service.text.splitlines() if " launch.called " in line]
        assert datetime.datetime.fromisoformat(called.split(" ")[0]) >= begun + datetime.timedelta(seconds=2)
    await stage.launched_once(mine)


async def test_a_stop_without_a_service_holds_when_one_starts_until_it_is_lifted(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice")
    said = await answered(stage, "stop-launching", "--all", "--reason", "the file server is full")
    assert "no service answers; this was written into the journal" in said
    assert "it holds from the next start on" in said
    for words in (("poll-now", "--all"), ("drain",), ("reload",), ("status",), ("runs",), ("events",)):
        assert "no service answers at " in await answered(stage, *words, code=1)
    async with stage.service() as service:
        await service.tells("launch.held_back", account="alice")
        assert "launching is STOPPED for all accounts" in await answered(stage, "status", "--check", code=1)
        waits = await answered(stage, "explain", str(mine))
        assert waits.startswith("asked:        the running service\n")
        assert "launching is STOPPED for all accounts" in waits
        assert "this still holds" in await answered(stage, "resume", "alice", code=1)
        assert (await answered(stage, "resume", "--all")).startswith("lifted: launching is STOPPED")
        await stage.web.reach("completed", mine)
        await answered(stage, "status", "--check")
        assert "completed" in await answered(stage, "explain", str(mine))
        assert "knows no run 99" in await answered(stage, "explain", "99", code=1)
        names = [json.loads(line)["event"] for line in (await answered(stage, "events", "--json")).splitlines()]
        assert "launch.verified" in names
        assert "draining" in await answered(stage, "drain")
        assert await service.ended() == 0
    trail = (stage.place.state_dir / "audit" / "_service.jsonl").read_text("utf-8").splitlines()
    given = [entry["what"] for entry in map(json.loads, trail) if not entry["result"]]
    assert given == ["stop-launching", "start", "resume-orders", "drain", "stop"]


@pytest.fixture
def as_at_a_terminal() -> Iterator[None]:
    """In the background of a shell Ctrl-C is ignored, by what is started from there too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("as_at_a_terminal")
async def test_events_are_followed_until_ctrl_c_or_the_end_of_the_service(stage: stages.Stage) -> None:
    async with stage.service() as service:
        await service.tells("account.started", account="bob")
        following = [await stage.start("events", "--follow") for _ in range(2)]
        await answered(stage, "pause", "bob", "--reason", "look")
        for one in following:
            await books.until("the order heard", functools.partial(_heard, one, "order.given account=bob order=pause"))
        following[0].signal(signal.SIGINT)
        assert await following[0].ended() == 130
        assert await service.drain() == 0
        assert await following[1].ended() == 1
        assert "no service answers at " in following[1].text
        assert all("Traceback" not in one.text for one in following)


async def _heard(follower: services.Service, words: str) -> bool | None:
    return words in follower.text or None


async def test_what_is_no_order_is_refused_in_words(stage: stages.Stage) -> None:
    for words, said in (
        (("pause",), "say one account, or --all"),
        (("pause", "bob", "--all"), "say one account, or --all"),
        (("pause", "bob", "--for", "2 hours"), "90s, 30m, 2h or 1d"),
        (("stop-launching", "--all"), "--reason"),
        (("urgent", "0"), "greater than or equal to 1"),
        (("runs", "--status", "lost"), "submitted"),
    ):
        assert said in " ".join((await answered(stage, *words, code=2)).split())
    assert "did you mean bob" in await answered(stage, "pause", "bobb", code=1)
    assert "one line" in await answered(stage, "pause", "bob", "--reason", "x\ny", code=1)
    assert not (stage.place.state_dir / "audit" / "bob.jsonl").exists()
