"""Neighbours in trouble: what is broken for one account is told and changes nothing for the others; what is out of
reach is not failed.
"""

import asyncio
import contextlib
import pathlib
import signal
from collections.abc import AsyncIterator
from typing import Any

from niassa_orch.sandbox import up
from tests.acceptance import books, stages, steps

_OOZIE_TROUBLES: tuple[dict[str, Any], ...] = (
    {"action": "drop_before"},
    {"action": "hang"},
    {"action": "status", "status": 503},
    {"action": "status", "status": 500},
    {"action": "status", "status": 401},
    {"action": "status", "status": 404},
    {"action": "status", "status": 200, "body": "<html>welcome</html>"},
    {"action": "status", "status": 400, "body": "no error code of Oozie's"},
    {"action": "cut"},
)


async def test_what_is_broken_for_some_accounts_is_told_and_the_others_finish(tmp_path: pathlib.Path) -> None:
    names = ("alice", "bob", "carol", "dave", "erin")
    # Verdicts are not cached here: a password that was changed is refused at once, not a minute later.
    behaviour = up.Behaviour(engine=stages.PROMPT.engine, verdict_cache_seconds=0)
    async with stages.own(tmp_path, *names, behaviour=behaviour) as stage, _black_hole() as nowhere:
        accessions = {name: await stage.schedule(name) for name in names}
        more = [await stage.schedule("alice") for _ in range(6)]
        await stage.web.post("accounts", {"email": "bob@lab.net", "password": "changed"})
        await stage.web.order("hang", user="carol@lab.net", times=None)
        stage.profile("dave").write_text('unix_usr = "dave"\n', "utf-8")
        secret = tmp_path / "erin"
        secret.write_text(stage.accounts["erin"].password, "utf-8")
        secret.chmod(0o600)
        where = f'[web_service]\nurl = "{nowhere}"\nuser = "erin@lab.net"\npassword_file = "{secret}"\n'
        stage.profile("erin").write_text(stage.profile("erin").read_text("utf-8") + where, "utf-8")
        # Long enough for alice, whose requests are to be answered in time, on a machine that stands still for a while.
        async with stage.service(HTTP__TIMEOUT_SECONDS=4, HTTP__ATTEMPTS=2) as service:
            await stage.web.reach("completed", accessions["alice"], *more)
            for event, name, word in (
                ("account.login_refused", "bob", "401"),
                ("account.backing_off", "carol", "workflowruns"),
                ("profile.refused", "dave", "unix_user"),
                ("account.backing_off", "erin", nowhere),
            ):
                assert word in (await service.tells(event, account=name))["reason"]
            assert service.events("account.backing_off", account="alice") == []
            runs = await stage.web.runs()
            assert {runs[accessions[name]]["status"] for name in names[1:]} == {"submitted"}

            await stage.web.delete("faults")
            await stage.web.reach("completed", accessions["carol"])
            await service.tells("account.recovered", account="carol")

            await stage.web.post("accounts", {"email": "bob@lab.net", "password": stage.accounts["bob"].password})
            service.signal(signal.SIGHUP)
            await stage.web.reach("completed", accessions["bob"])
        assert "Traceback" not in service.text


async def test_an_oozie_out_of_reach_fails_no_run_and_loses_no_cancel_and_no_retry(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice", "bob") as stage:
        running, cancelled = [await stage.schedule("alice", steps.LONG) for _ in range(2)]
        retried = await stage.schedule("bob", "align:0.1,sort:0.1?")
        async with stage.service(HTTP__TIMEOUT_SECONDS=1, HTTP__ATTEMPTS=1) as service:
            await stage.web.reach("failed", retried)
            await stage.web.reach("running", running, cancelled)
            for number, trouble in enumerate(_OOZIE_TROUBLES):
                await stage.oozie.order(times=None, **trouble)
                if number == 0:
                    await stage.cancel("alice", cancelled)
                    await stage.retry("bob", retried)
                    waiting = await stage.schedule("alice")
                if number == len(_OOZIE_TROUBLES) // 2:
                    await steps.end(stage, running)
                await _struck(stage, times=4)
                runs = await stage.web.runs()
                await stage.oozie.delete("faults")
                if number == 0:
                    expected = {running: "running", cancelled: "submitted_cancel", retried: "submitted_retry"}
                    assert {accession: runs[accession]["status"] for accession in expected} == expected
                    assert runs[waiting]["status"] == "submitted"
                assert runs[running]["status"] in ("running", "completed")
            await stage.web.reach("completed", running, retried, waiting, seconds=60)
            await stage.web.reach("cancelled", cancelled)
        assert (await stage.oozie.job(cancelled))["status"] == "KILLED"
        for accession in (running, cancelled, waiting):
            assert "failed" not in await stage.web.statuses(accession)
        await stage.launched_once(running, cancelled, retried, waiting)
        assert "Traceback" not in service.text


async def _struck(stage: stages.Stage, times: int) -> None:
    """Wait until the trouble was met so many times."""

    async def look() -> bool | None:
        return await stage.oozie.fault_hits() >= times or None

    await books.until(f"{times} requests that met the trouble", look)


@contextlib.asynccontextmanager
async def _black_hole() -> AsyncIterator[str]:
    """A web service that takes connections and never says a word."""
    gone = asyncio.Event()

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/SeqWareWebService"
    finally:
        gone.set()
        server.close()
        await server.wait_closed()
