"""What a launch meets later: a person's word on it, another login, another name of its web service, a stop."""

import asyncio

import pytest

from niassa_orch import errors
from niassa_orch.core import calling
from niassa_orch.domain import runs, settling
from niassa_orch.journal import records
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R, Outcome = runs.RunStatus, settling.Outcome
JOB, DIRECTORY = stages.JOB, stages.DIRECTORY
COPIED = calls.whole(*calls.launching(7, DIRECTORY))


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    return launches.Scene(stage)


async def test_a_job_that_a_person_names_is_written_into_a_record_that_the_engine_failed(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    attempt = await stage.intend(7, lines=COPIED)
    for job in (JOB, "2-oozie-W"):
        stage.oozie.start(job, app_path="/apps/oozie-1")
    stage.service.sets(7, status=R.FAILED)()
    stage.intents.leave(attempt)
    await scene.beat()
    assert not scene.is_settled(7)
    (held,) = stage.journal.unsettled()
    await stage.journal.tell(held, records.Told.LAUNCHED, JOB)
    stage.restart()
    scene.launcher = stage.launcher()
    await scene.beat()
    run = stage.service.run(7)
    assert (run.status, run.status_cmd) == (R.PENDING, JOB)
    assert scene.is_settled(7)


async def test_a_doubt_is_settled_with_the_login_of_today(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(7)
    attempt = await stage.intend(7, lines=COPIED)
    stage.intents.leave(attempt)
    scene.launcher.take_up(stage.known)
    today = stages.renamed(stage, "bob")
    scene.launcher.take_up(today)
    (taken,) = scene.launcher._attended
    assert taken.enrolled is today


async def test_a_run_that_was_launched_under_another_name_of_its_web_service_is_put_off(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    attempt = await stage.intend(7)
    await stage.journal.settle(attempt.launches[runs.Accession(7)], records.Settled(Outcome.LAUNCHED, "it was", JOB))
    stage.says(*launches.WELL)
    scene.offer(known=stages.renamed(stage, "bob", web_service_url="http://ws.lab.net"))
    await scene.launcher.join()
    assert stage.events.count("launch.put_off") == 1
    assert calls.calls_of(stage.mediator) == []


async def test_launches_wait_for_a_living_call_of_their_unix_user_that_nobody_attends_to(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.service.schedule(8)
    stage.says(*launches.WELL, gate=True)
    stage.bar(7)
    scene.launcher.offer(stage.known, [run for run in stages.rows(stage) if run.accession == 7])
    async with stage.at_gate(7):
        await scene.launcher.stop()
        with pytest.raises(errors.EngineBusyError, match="run 7 of account bob"):
            calling.check_turn(stage.intents, "niassa-bob")
        calling.check_turn(stage.intents, "niassa-alice")


async def test_a_transcript_whose_launches_are_settled_is_put_away_at_a_start(stage: stages.Stage) -> None:
    for accession in (7, 8):
        stage.service.schedule(accession)
    settled, doubtful = await stage.intend(7, lines=COPIED), await stage.intend(8, lines=COPIED)
    await stage.journal.settle(settled.launches[runs.Accession(7)], records.Settled(Outcome.CLEAN, "it was"))
    stage.restart()
    stage.intents.tidy()
    assert stage.state.open_transcripts() == (doubtful.transcript,)


async def test_a_stop_waits_for_the_verdict_that_is_being_written(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(7)
    attempt = await stage.intend(7, lines=launches.WELL)
    stage.intents.leave(attempt)
    reading, go_on = asyncio.Event(), asyncio.Event()
    read = stage.service.get_run

    async def slowly(accession: runs.Accession) -> object:
        reading.set()
        await go_on.wait()
        return await read(accession)

    stage.service.get_run = slowly  # type: ignore[assignment,method-assign]  # a web service that takes its time
    scene.launcher.take_up(stage.known)
    task = scene.launcher._spawn(lambda: scene.launcher.settle_doubts(), "settle")
    await reading.wait()
    stopping = asyncio.create_task(scene.launcher.stop())
    await asyncio.sleep(0)
    assert not task.cancelled()
    go_on.set()
    await stopping
    assert stage.journal.unsettled() == ()
    assert stage.service.run(7).status_cmd == JOB
