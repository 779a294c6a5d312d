"""What we did to jobs, as the journal remembers it."""

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs, runs, transitions
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import propagation

R, J = runs.RunStatus, jobs.JobStatus
JOB = propagation.JOB


@pytest.fixture
def scene(stage: stages.Stage) -> propagation.Scene:
    return propagation.Scene(stage)


async def test_an_act_is_in_the_journal_before_it_is_done(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    seen = []

    async def dies(job_id: str, user: str) -> None:  # noqa: ARG001
        seen.append(scene.stage.journal.acts.done("http://oozie/oozie", job_id))
        raise errors.OozieUnavailableError

    scene.oozie.kill = dies  # type: ignore[method-assign]
    with pytest.raises(errors.OozieUnavailableError):
        await scene.propagate()
    assert seen == [(transitions.Act.KILL, 0)]


async def test_after_a_restart_a_killed_job_whose_kill_is_in_the_journal_is_cancelled(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    scene.oozie.deaf = True
    await scene.propagate()
    scene.oozie.becomes(JOB, J.KILLED)
    scene.restart()
    assert await scene.propagate() is R.CANCELLED
    assert len(scene.acts) == 1


async def test_after_a_restart_a_rerun_that_took_is_not_done_again(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    scene.service.before_put.append(fakes.unknown_fate)
    assert await scene.propagate() is R.SUBMITTED_RETRY
    scene.restart()
    assert await scene.propagate() is R.PENDING
    assert len(scene.acts) == 1


async def test_a_kill_of_a_request_that_was_done_with_says_nothing_about_the_next(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    assert await scene.propagate() is R.CANCELLED
    scene.restart()
    scene.run(R.SUBMITTED_CANCEL, J.KILLED)
    assert await scene.propagate() is R.FAILED


@pytest.mark.parametrize(
    ("status", "job"),
    [(R.SUBMITTED_CANCEL, J.RUNNING), (R.SUBMITTED_RETRY, J.FAILED), (R.SUBMITTED_RETRY, J.SUSPENDED)],
)
async def test_nothing_is_done_to_a_job_when_the_journal_cannot_be_written(
    scene: propagation.Scene, status: runs.RunStatus, job: jobs.JobStatus
) -> None:
    scene.run(status, job)
    scene.stage.alter("CREATE TRIGGER full BEFORE INSERT ON acts BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(errors.JournalError, match="no room"):
        await scene.propagate()
    assert (scene.acts, scene.puts) == ([], 0)
