"""Nobody else's work, nobody else's login: hosts, owners, cookies, redirects, secrets."""

import asyncio
import os
import pathlib
import signal

from niassa_orch.sandbox import up, users
from tests.acceptance import books, killed_calls, machine, stages, steps, strangers


async def test_a_run_for_another_host_or_of_an_unknown_owner_is_never_launched(stage: stages.Stage) -> None:
    frank = {"email": "frank@lab.net", "password": "no profile"}
    await stage.web.post("accounts", frank)
    url = str(stage.web.url)
    strange = await users.schedule(
        url, *frank.values(), host=stages.HOST, engine="oozie", ini="steps=align:0.1", name="of frank"
    )
    away = await stage.schedule("alice", host="elsewhere.lab.net")
    mine = await stage.schedule("alice")
    async with stage.service():
        await stage.web.reach("completed", mine)
        await stage.web.polls()
    assert await stage.oozie.jobs(strange, away) == []
    assert await stage.web.statuses(strange) == await stage.web.statuses(away) == ["submitted"]
    assert not [text for text in _transcripts(stage) if str(strange) in text.split("\n", 1)[0]]


async def test_a_session_cookie_never_makes_one_account_act_as_another(tmp_path: pathlib.Path) -> None:
    behaviour = up.Behaviour(engine=stages.PROMPT.engine, set_cookie=True)
    async with stages.own(tmp_path, "alice", "bob", behaviour=behaviour) as stage:
        # By name: cookie jars pass over hosts that are mere addresses.
        url = str(stage.web.url).replace("127.0.0.1", "localhost")
        for name in ("alice", "bob"):
            text = stage.profile(name).read_text("utf-8")
            stage.profile(name).write_text(f'{text}[web_service]\nurl = "{url}"\n', "utf-8")
        accessions = [await stage.schedule(name) for name in ("alice", "bob", "alice", "bob")]
        async with stage.service():
            await stage.web.reach("completed", *accessions)
        seen = await stage.web.requests()
        assert {request["user"] for request in seen} == {"alice@lab.net", "bob@lab.net"}
        assert [request for request in seen if request["identity"] != request["user"]] == []
        assert [request for request in seen if request["cookie"] is not None] == []


async def test_a_redirect_never_carries_a_password_to_another_server(stage: stages.Stage) -> None:
    async with strangers.stranger() as (address, visits):
        headers = {"Location": address}
        await stage.web.order(
            "status", status=302, method="GET", path="workflowruns$", user="alice@lab.net", headers=headers, times=2
        )
        mine = await stage.schedule("alice", steps.LONG)
        await stage.web.order("status", status=307, method="PUT", body_contains=">running<", headers=headers, times=1)
        async with stage.service() as service:
            told = await service.tells("account.backing_off", account="alice")
            assert "302" in told["reason"]
            await stage.web.reach("running", mine)
            await steps.end(stage, mine)
            await stage.web.reach("completed", mine)
            assert await stage.web.fault_hits() == 3
        assert visits == []


async def test_the_password_of_an_account_is_nowhere(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        await stage.web.order("status", status=500, method="GET", skip=3)
        await stage.web.order("status", status=500, method="PUT", body_contains=">completed<")
        mine = await stage.schedule("alice", engine="oozie-sge", pause="1")
        seen: set[bytes] = set()
        async with stage.service("run", "--log-level", "debug") as service:
            watching = asyncio.create_task(_watch(stage.place.directory, seen))
            await service.tells("account.backing_off")
            engine = await books.until("an engine that was watched", lambda: _watched(stage, mine, seen))
            os.kill(engine, signal.SIGCONT)
            await stage.web.reach("completed", mine)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        stage.assert_secrets_kept()
        everything = b"".join(seen)
        assert not [secret for secret in stage.secrets() if secret.encode() in everything]


async def _watched(stage: stages.Stage, accession: int, seen: set[bytes]) -> int | None:
    """The engine that has stopped itself, once it was seen."""
    calls = killed_calls.Killer(stage).stopped()
    is_seen = any(b"launch-scheduled" in both for both in seen)
    return calls[accession]["engine"] if is_seen and accession in calls else None


async def _watch(directory: pathlib.Path, seen: set[bytes]) -> None:
    """Collect arguments and environments of the service and of all that it starts."""
    word = str(directory).encode()

    def look(entry: pathlib.Path) -> bool:
        both = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        if word in both:
            seen.add(both)
        return False

    while True:
        machine.processes(look)
        await asyncio.sleep(0.03)


def _transcripts(stage: stages.Stage) -> list[str]:
    return [path.read_text("utf-8") for path in stage.transcripts()]
