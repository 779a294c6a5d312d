"""What somebody's write wiped, a user's request or a run's job: put back when one of our lists had seen it."""

import asyncio
import contextlib
import os
import pathlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.acceptance import books, services, stages, steps


@contextlib.asynccontextmanager
async def stale_writer(stage: stages.Stage, name: str, accession: int) -> AsyncIterator[str]:
    """Somebody who reads a run's record now, and writes it back, as it was, when the context ends."""
    account = stage.accounts[name]
    headers = {"Authorization": aiohttp.encode_basic_auth(account.web_user, account.password)}
    address = f"{stage.web.url}/workflowruns/{accession}"
    async with aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as http:
        async with http.get(address) as answer:
            record = await answer.text()
        yield record
        xml = {"Content-Type": "application/xml; charset=UTF-8"}
        async with http.put(address, data=record.encode(), headers=xml) as answer:
            assert answer.status == 201, await answer.text()


async def listed(stage: stages.Stage, status: str) -> None:
    """Wait until a list of this status that is asked for from now on was answered."""
    query = {"status": status}
    before = len(await stage.web.requests(method="GET", query=query))

    async def is_answered() -> bool | None:
        seen = await stage.web.requests(method="GET", query=query)
        return any(one["status"] == 200 for one in seen[before + 1 :]) or None

    await books.until(f"a list of {status}", is_answered)


async def restored_once(service: services.Service, accession: int, asked: str) -> None:
    """It was put back once, and nobody was told that it is lost."""
    [event] = service.events("request.restored", accession=accession)
    assert (event["to"], event["account"]) == (asked, "alice")
    assert service.events("request.lost") == []


async def test_a_cancel_that_another_writer_wiped_is_put_back_and_carried_out(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", f"{steps.LONG}*")
    async with stage.service() as service:
        await stage.web.reach("running", mine)
        # While its job cannot be asked for, a cancel waits.
        await stage.oozie.order("status", path="/v1/job/", status=503, times=None)
        async with stale_writer(stage, "alice", mine):
            await stage.cancel("alice", mine)
            await listed(stage, "submitted_cancel")
        await stage.oozie.delete("faults")
        await stage.web.reach("cancelled", mine)
        await stage.web.polls()
        await restored_once(service, mine, "submitted_cancel")
    assert (await stage.oozie.job(mine))["status"] == "KILLED"
    put_back = ["submitted_cancel", "running", "submitted_cancel", "cancelled"]
    assert await stage.web.statuses(mine) == ["submitted", "pending", "running", *put_back]


async def test_a_retry_that_another_writer_wiped_is_put_back_and_carried_out(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", "align:0.1,sort:0.1?")
    async with stage.service() as service:
        await stage.web.reach("failed", mine)
        job = await stage.oozie.job(mine)
        # The job is looked at, and its rerun does not come through.
        await stage.oozie.order("status", method="PUT", path=f"/v1/job/{job['id']}", status=503, times=None)
        async with stale_writer(stage, "alice", mine):
            await stage.retry("alice", mine)
            await service.tells("job.rerun", accession=mine)
            await listed(stage, "submitted_retry")
        await stage.web.reach("submitted_retry", mine)
        await stage.oozie.delete("faults")
        await stage.web.reach("completed", mine)
        await restored_once(service, mine, "submitted_retry")
    assert (await stage.oozie.job(mine))["run"] == 1


async def test_a_cancel_that_our_own_write_wiped_is_put_back_if_a_list_had_seen_it(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice", "bob") as stage:
        mine = await stage.schedule("alice", f"{steps.LONG}*")
        # Bob's beats go on meanwhile, and read the lists for alice too.
        await stage.web.order("hold", method="PUT", body_contains=">running<")
        async with stage.service(HTTP__TIMEOUT_SECONDS=60) as service:

            async def lingering() -> bool | None:
                return await stage.web.fault_hits() > 0 or None

            await books.until("our write is under way", lingering)
            await stage.cancel("alice", mine)
            await listed(stage, "submitted_cancel")
            await stage.web.delete("faults")
            await stage.web.reach("cancelled", mine)
            await stage.web.polls()
            await restored_once(service, mine, "submitted_cancel")
        put_back = ["submitted_cancel", "running", "submitted_cancel", "cancelled"]
        assert await stage.web.statuses(mine) == ["submitted", "pending", *put_back]


@pytest.mark.parametrize("wanted", ["cancelled", "completed"])
async def test_what_was_carried_out_is_never_put_back(stage: stages.Stage, wanted: str) -> None:
    mine = await stage.schedule("alice", f"{steps.LONG}*" if wanted == "cancelled" else "align:0.1,sort:0.1?")
    async with stage.service() as service:
        if wanted == "cancelled":
            await stage.web.reach("running", mine)
            await stage.cancel("alice", mine)
        else:
            await stage.web.reach("failed", mine)
            await stage.retry("alice", mine)
        await stage.web.reach(wanted, mine)
        await stage.web.polls()
        assert service.events("request.restored") == []
        assert service.events("request.lost") == []


async def test_a_crontabs_run_that_a_stale_record_calls_submitted_gets_its_job_back_and_is_not_launched_again(
    stage: stages.Stage,
) -> None:
    mine = await stage.schedule("alice", "align:60*")
    async with contextlib.AsyncExitStack() as staleness:
        await staleness.enter_async_context(stale_writer(stage, "alice", mine))
        await launched_by_crontab(stage, "alice", mine)
        async with stage.service() as service:
            await stage.web.reach("running", mine)
            await staleness.aclose()
            event = await service.tells("run.restored", accession=mine)
            await stage.web.reach("running", mine)
            await stage.cancel("alice", mine)
            await stage.web.reach("cancelled", mine)
            assert service.events("launch.called") == []
    await stage.launched_once(mine)
    job = await stage.oozie.job(mine)
    assert (event["job"], event["status"], job["status"]) == (job["id"], "submitted", "KILLED")


async def launched_by_crontab(stage: stages.Stage, name: str, accession: int) -> None:
    """What a line of the crontab does, while there is no service yet."""
    process = await asyncio.create_subprocess_exec(
        stage.place.engine,
        *("workflow-run", "launch-scheduled", "--accession", str(accession)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        env={**os.environ, "SEQWARE_SETTINGS": str(stage.place.settings_file(name))},
    )
    async with asyncio.timeout(60):
        assert await process.wait() == 0
