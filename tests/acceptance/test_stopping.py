"""Stops, kills and starts again: an engine call outlives the service, and no run is lost or launched twice."""

import asyncio
import os
import pathlib
import signal
from collections.abc import Awaitable, Callable

import pytest

from niassa_orch.seqware import call
from tests.acceptance import books, killed_calls, services, stages, steps


async def test_a_drain_leaves_the_engine_call_alive_and_the_next_start_adopts_it(stage: stages.Stage) -> None:
    calls = killed_calls.Killer(stage)
    mine = await stage.schedule("alice", pause="1")  # the engine works as long as this test likes
    async with stage.service() as service:
        await service.tells("launch.called")
        engine = (await books.until("an engine that stopped", calls.any_stopped))[mine]["engine"]
        [transcript] = stage.transcripts("open")
        assert await service.drain() == 0
        assert service.events("service.stopped")
    assert call.is_held(transcript)
    assert await stage.oozie.jobs() == []
    later = await stage.schedule("alice")
    async with stage.service() as service:
        await service.tells("recovery.adopted", accessions=mine)
        assert call.is_held(transcript)
        os.kill(engine, signal.SIGCONT)
        await stage.web.reach("completed", mine, later)
        assert service.events("launch.called", accessions=mine) == []
    await stage.launched_once(mine, later)
    assert await stage.oozie.jobs() == await stage.oozie.jobs(mine, later)


async def test_what_ended_while_no_service_ran_is_settled_at_the_next_start(tmp_path: pathlib.Path) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        calls = killed_calls.Killer(stage)
        mine = await stage.schedule("alice", launch="silent_after_submit", pause="1")
        async with stage.service() as service:
            engine = (await books.until("an engine that stopped", calls.any_stopped))[mine]["engine"]
            await service.drain()
        os.kill(engine, signal.SIGCONT)
        [transcript] = stage.transcripts("open")
        async with asyncio.timeout(60):
            await call.wait_until_free(transcript)
        async with stage.service() as service:
            await service.tells("recovery.to_settle", accessions=mine)
            await service.tells("launch.repaired", accession=mine)
            await stage.web.reach("completed", mine)
        await stage.launched_once(mine)
        assert stage.transcripts("open") == []


async def test_the_first_signal_waits_for_a_write_and_the_second_ends_at_once(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", steps.LONG)
    await stage.web.order("hang", method="PUT", body_contains=">running<")
    async with stage.service(HTTP__TIMEOUT_SECONDS=100) as service:

        async def writing() -> bool | None:
            return await stage.web.fault_hits() > 0 or None

        await books.until("a write that hangs", writing)
        service.signal(signal.SIGTERM)
        with pytest.raises(TimeoutError):
            await service.ended(1.0)
        service.signal(signal.SIGTERM)
        assert await service.ended(30) == 1  # sooner than the write gives up
        assert "Traceback" not in service.text
    async with stage.service():
        await steps.end(stage, mine)
        await stage.web.reach("completed", mine)
    await stage.launched_once(mine)


async def test_a_service_that_is_killed_at_any_moment_loses_no_run_and_launches_none_twice(stage: stages.Stage) -> None:
    accessions: list[int] = []
    for moment, launch in _MOMENTS:
        accessions += [await stage.schedule("bob"), mine := await stage.schedule("alice", launch=launch)]
        async with stage.service() as service:
            await _come(moment, stage, service, mine)
            await service.kill()
    async with stage.service() as service:
        await service.tells("service.started")  # all may be done by now; before this a SIGTERM is no drain
        await stage.web.reach("completed", *accessions, seconds=60)
    await stage.launched_once(*accessions)
    assert stage.transcripts("open") == []


async def _come(
    moment: Callable[[stages.Stage, services.Service, int], Awaitable[bool]],
    stage: stages.Stage,
    service: services.Service,
    mine: int,
) -> None:
    async def look() -> bool | None:
        return await moment(stage, service, mine) or None

    await books.until(moment.__name__, look)


async def _intent_is_on_disk(stage: stages.Stage, _service: services.Service, mine: int) -> bool:
    return any(str(mine) in text for text in _texts(stage))


async def _working_directory_is_told(stage: stages.Stage, _service: services.Service, mine: int) -> bool:
    return any(str(mine) in text and "Using working directory" in text for text in _texts(stage))


async def _job_is_in_oozie(stage: stages.Stage, _service: services.Service, mine: int) -> bool:
    return bool(await stage.oozie.jobs(mine))


async def _job_is_told(stage: stages.Stage, _service: services.Service, mine: int) -> bool:
    job = await stage.oozie.jobs(mine)
    return bool(job) and any(job[0]["id"] in text for text in _texts(stage))


async def _record_names_the_job(stage: stages.Stage, _service: services.Service, mine: int) -> bool:
    return (await stage.web.runs())[mine]["statusCmd"] is not None


async def _call_is_over(stage: stages.Stage, _service: services.Service, mine: int) -> bool:
    return any(str(mine) in text and '"exit' in text for text in _texts(stage))


async def _verdict_is_told(_stage: stages.Stage, service: services.Service, mine: int) -> bool:
    return any(event["accession"] == str(mine) for event in service.events("launch.verified"))


#: When the service is killed, and how the engine treats the run that it is killed over.
_MOMENTS: tuple[tuple[Callable[[stages.Stage, services.Service, int], Awaitable[bool]], str], ...] = (
    (_intent_is_on_disk, ""),
    (_intent_is_on_disk, "lost_answer"),
    (_working_directory_is_told, "silent_after_submit"),
    (_job_is_in_oozie, "failed_after_submit"),
    (_job_is_in_oozie, "dies_after_submit"),
    (_job_is_told, "silent_after_submit"),
    (_record_names_the_job, ""),
    (_call_is_over, "lost_answer"),
    (_call_is_over, "failed_after_submit"),
    (_verdict_is_told, ""),
)


def _texts(stage: stages.Stage) -> list[str]:
    return [path.read_text("utf-8", "replace") for path in stage.transcripts()]
