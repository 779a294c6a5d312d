"""The last look before a launch: who cannot be read, and what is on record already."""

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.domain import runs, settling
from niassa_orch.journal import records
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
JOB, DIRECTORY, WELL = launches.JOB, launches.DIRECTORY, launches.WELL
UNREADABLE = [
    errors.WebServiceError("answered 500"),
    errors.MalformedAnswerError("cut"),
    errors.RunNotFoundError("404"),
    errors.WebServiceUnavailableError("time-out"),
]


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    return launches.Scene(stage)


def names(exc: errors.NiassaOrchError) -> str:
    return type(exc).__name__


@pytest.mark.parametrize("exc", UNREADABLE, ids=names)
async def test_a_run_that_cannot_be_read_does_not_keep_the_others_from_being_launched(
    stage: stages.Stage, scene: launches.Scene, exc: errors.NiassaOrchError
) -> None:
    stage.service.broken[7] = exc
    for accession in (7, 8):
        stage.service.schedule(accession)
    stage.says(*calls.whole(*calls.launching(8, DIRECTORY, JOB)))
    await scene.beat()
    assert stage.called == ["launch 8"]
    assert scene.launcher.trouble == ""
    assert not scene.is_available(7), "it rests"
    del stage.service.broken[7]
    stage.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB)))
    stage.clock.advance(60)
    await scene.beat()
    assert stage.called == ["launch 8", "launch 7"]


@pytest.mark.parametrize("exc", UNREADABLE[:-1], ids=names)
async def test_batches_after_one_that_cannot_be_read_at_all_are_launched_in_the_same_beat(
    stage: stages.Stage, exc: errors.NiassaOrchError
) -> None:
    launcher = stage.launcher(engine=settings.Engine(batch=1))
    stage.service.broken[7] = exc
    for accession in (7, 8):
        stage.service.schedule(accession)
    stage.says(*calls.whole(*calls.launching(8, DIRECTORY, JOB)))
    launcher.offer(stage.known, stages.rows(stage))
    await launcher.join()
    assert stage.called == ["launch 8"]


async def test_a_web_service_that_answers_for_no_run_at_all_makes_the_account_wait(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.service.broken[7] = errors.WebServiceUnavailableError("time-out")
    await scene.beat()
    assert scene.launcher.trouble == "time-out"


async def test_a_refused_login_stops_the_look_at_once(stage: stages.Stage, scene: launches.Scene) -> None:
    for accession in (7, 8):
        stage.service.schedule(accession)
        stage.service.broken[accession] = errors.LoginRefusedError("401")
    await scene.beat()
    assert stage.service.asked == ["GET 7"]
    assert stage.called == []
    assert scene.launcher.trouble == "401"


async def test_a_journal_that_cannot_be_read_launches_nothing_and_lets_no_run_rest(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    for accession in (7, 8):
        stage.service.schedule(accession)
    stage.says(*WELL)
    stage.alter("ALTER TABLE launches RENAME TO away")
    await scene.beat()
    assert stage.called == []
    assert "nothing is launched until it can" in scene.launcher.trouble
    assert scene.is_available(7)
    stage.alter("ALTER TABLE away RENAME TO launches")
    stage.clock.advance(60)
    await scene.beat()
    assert stage.called == ["launch 7 8"]


async def test_a_stale_record_that_wiped_the_job_of_a_run_is_restored_and_the_run_not_launched_again(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    await scene.beat()
    assert stage.service.run(7).status_cmd == JOB
    await scene.again()
    stage.service.sets(7, status=R.SUBMITTED, statusCmd="")()
    await scene.beat()
    assert stage.called == ["launch 7"]
    assert (stage.service.run(7).status, stage.service.run(7).status_cmd) == (R.PENDING, JOB)
    assert stage.events[-1] == "run.restored"


async def test_a_restoring_that_did_not_take_is_not_told_as_one_and_launches_nothing(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    await settled(stage, 7, JOB)
    stage.service.after_put.append(stage.service.sets(7, status=R.SUBMITTED, statusCmd=""))
    await scene.beat()
    assert stage.called == []
    assert "run.restored" not in stage.events
    await scene.beat()
    assert stage.service.run(7).status_cmd == JOB


async def test_a_launch_after_one_that_made_no_job_is_no_second_one(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(7)
    await settled(stage, 7, None)
    stage.says(*WELL)
    await scene.beat()
    assert stage.called == ["launch 7"]


async def test_what_whitestar_has_executed_is_not_executed_again_when_its_record_is_set_back(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7, workflowEngine="whitestar")
    stage.says(*calls.whole("Setting workflow-run status to failed for: 7"))
    await scene.beat()
    stage.service.sets(7, status=R.SUBMITTED, statusCmd="")()
    await scene.beat()
    assert stage.called == ["launch-whitestar 7"]
    assert stage.service.run(7).status is R.SUBMITTED, "nobody can say what else it is"
    assert stage.events[-1] == "launch.put_off"


async def settled(stage: stages.Stage, accession: int, job: str | None) -> None:
    """An earlier launch made this job, or none."""
    attempt = await stage.intend(accession)
    (launch,) = attempt.launches.values()
    outcome = settling.Outcome.LAUNCHED if job else settling.Outcome.CLEAN
    await stage.journal.settle(launch, records.Settled(outcome, "of a test", job))
    stage.intents.leave(attempt)
