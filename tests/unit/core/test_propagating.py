import pytest

from niassa_orch import errors
from niassa_orch.core import board
from niassa_orch.domain import jobs, runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import propagation

R, J = runs.RunStatus, jobs.JobStatus
JOB, GONE_AFTER_SECONDS = propagation.JOB, propagation.GONE_AFTER_SECONDS


@pytest.fixture
def scene(stage: stages.Stage) -> propagation.Scene:
    return propagation.Scene(stage)


async def test_a_status_follows_its_job_and_what_did_not_change_is_not_written(scene: propagation.Scene) -> None:
    scene.run(R.PENDING, J.PREP)
    assert await scene.propagate() is R.RUNNING
    assert await scene.propagate() is R.RUNNING
    scene.oozie.becomes(JOB, J.SUCCEEDED)
    assert await scene.propagate() is R.COMPLETED
    assert scene.puts == 2
    assert scene.stage.events == ["run.moved", "run.moved"]
    assert scene.told.line("bob").ended == {R.COMPLETED: 1}


async def test_a_write_that_did_not_take_is_told_and_decided_again(scene: propagation.Scene) -> None:
    scene.run(R.PENDING, J.RUNNING)
    scene.service.before_put.append(fakes.unknown_fate)
    assert await scene.propagate() is R.PENDING
    assert scene.stage.events == ["write.not_taken"]
    assert await scene.propagate() is R.RUNNING


async def test_oozie_out_of_reach_changes_nothing(scene: propagation.Scene) -> None:
    scene.oozie.down = True
    for status in (R.PENDING, R.RUNNING, R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY):
        scene.run(status, J.FAILED)
        for _ in range(5):
            scene.clock.advance(GONE_AFTER_SECONDS)
            with pytest.raises(errors.OozieUnavailableError):
                await scene.propagate()
        assert scene.service.run(7).status is status
    assert scene.puts == 0


async def test_an_account_without_an_oozie_is_told_what_to_set(scene: propagation.Scene) -> None:
    scene.run(R.RUNNING)
    scene.without_oozie()
    with pytest.raises(errors.OozieUnavailableError, match=r"OOZIE_URL .* niassa-bob"):
        await scene.propagate()


async def test_a_job_is_gone_after_several_looks_over_the_set_time(scene: propagation.Scene) -> None:
    scene.run(R.RUNNING)
    assert await scene.propagate() is R.RUNNING
    scene.clock.advance(GONE_AFTER_SECONDS)
    assert await scene.propagate() is R.RUNNING
    assert await scene.propagate() is R.FAILED
    assert "versions" in scene.oozie.asked


async def test_many_looks_in_a_short_time_do_not_make_a_job_gone(scene: propagation.Scene) -> None:
    scene.run(R.RUNNING)
    for _ in range(20):
        scene.clock.advance(60)
        assert await scene.propagate() is R.RUNNING


async def test_a_job_that_is_found_again_was_never_gone(scene: propagation.Scene) -> None:
    scene.run(R.RUNNING)
    for _ in range(2):
        await scene.propagate()
    scene.oozie.start(JOB, J.RUNNING)
    await scene.propagate()
    del scene.oozie.jobs[JOB]
    scene.clock.advance(2 * GONE_AFTER_SECONDS)
    assert await scene.propagate() is R.RUNNING


@pytest.mark.parametrize(("status", "wanted"), [(R.SUBMITTED_CANCEL, R.CANCELLED), (R.SUBMITTED_RETRY, R.SUBMITTED)])
async def test_a_wish_for_a_run_without_a_job_is_carried_out_when_its_launch_is_settled(
    scene: propagation.Scene, status: runs.RunStatus, wanted: runs.RunStatus
) -> None:
    scene.run(status, statusCmd="")
    assert await scene.propagate(settled=False) is status
    assert await scene.propagate(settled=True) is wanted
    assert scene.oozie.asked == []


async def test_a_running_run_without_a_job_is_told_once_and_left_as_it_is(scene: propagation.Scene) -> None:
    scene.run(R.RUNNING, statusCmd="")
    for _ in range(3):
        assert await scene.propagate() is R.RUNNING
    (event,) = scene.told.snapshot().events
    assert (event.name, event.level) == ("run.left_alone", board.Level.ERROR)
    scene.propagator.forget(runs.Accession(8))
    await scene.propagate()
    assert len(scene.told.snapshot().events) == 1


async def test_an_engine_that_nobody_knows_is_told_once_and_whitestar_is_left_to_its_call(
    scene: propagation.Scene,
) -> None:
    scene.run(R.RUNNING, J.FAILED, workflowEngine="cromwell")
    for _ in range(2):
        assert await scene.propagate() is R.RUNNING
    assert scene.stage.events == ["run.left_alone"]
    scene.run(R.RUNNING, J.FAILED, workflowEngine="whitestar")
    assert await scene.propagate() is R.RUNNING
    assert len(scene.stage.events) == 1
