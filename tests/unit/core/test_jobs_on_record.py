"""Which job a run has: of which user, in which record, and what the journal knows better."""

import pytest

from niassa_orch.domain import jobs, runs, settling
from niassa_orch.journal import records
from tests.fakes import stage as stages
from tests.unit.core import propagation

R, J = runs.RunStatus, jobs.JobStatus
JOB = propagation.JOB


@pytest.fixture
def scene(stage: stages.Stage) -> propagation.Scene:
    return propagation.Scene(stage)


@pytest.mark.parametrize(
    ("status", "job"),
    [
        (R.SUBMITTED_CANCEL, J.RUNNING),
        (R.SUBMITTED_CANCEL, J.KILLED),
        (R.SUBMITTED_RETRY, J.FAILED),
        (R.SUBMITTED_RETRY, J.SUSPENDED),
        (R.PENDING, J.RUNNING),
        (R.RUNNING, J.SUCCEEDED),
    ],
)
async def test_a_job_of_another_user_is_neither_acted_upon_nor_believed(
    scene: propagation.Scene, status: runs.RunStatus, job: jobs.JobStatus
) -> None:
    scene.run(status)
    scene.oozie.start(JOB, job, user="niassa-eve")
    for _ in range(2):
        assert await scene.propagate() is status
    assert (scene.acts, scene.puts) == ([], 0)
    assert scene.stage.events == ["run.left_alone"]
    assert "belongs to niassa-eve" in str(scene.told.snapshot().events[0].fields["reason"])


async def test_a_cancel_whose_job_a_stale_record_wiped_kills_the_job(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING, statusCmd="")
    await launched(scene.stage, JOB)
    scene.restart()
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert scene.service.run(7).status_cmd == JOB
    assert scene.stage.events == ["run.restored"]
    assert await scene.propagate() is R.CANCELLED
    assert scene.acts == [f"kill {JOB} as niassa-bob"]


async def test_a_retry_whose_job_a_stale_record_wiped_reruns_the_job(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED, statusCmd="")
    await launched(scene.stage, JOB)
    assert await scene.propagate() is R.SUBMITTED_RETRY
    assert await scene.propagate() is R.PENDING
    assert scene.acts == [f"rerun {JOB} as niassa-bob"]


@pytest.mark.parametrize("status", [R.PENDING, R.RUNNING])
async def test_a_run_whose_job_a_stale_record_wiped_follows_it_again(
    scene: propagation.Scene, status: runs.RunStatus
) -> None:
    scene.run(status, J.SUCCEEDED, statusCmd="")
    await launched(scene.stage, JOB)
    assert await scene.propagate() is status
    assert await scene.propagate() is R.COMPLETED


async def test_a_cancel_after_a_launch_without_a_job_has_none_to_kill(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, statusCmd="")
    await launched(scene.stage, None)
    assert await scene.propagate() is R.CANCELLED


async def launched(stage: stages.Stage, job: str | None) -> None:
    """An earlier launch of run 7 made this job, or none."""
    attempt = await stage.intend(7)
    (launch,) = attempt.launches.values()
    await stage.journal.settle(
        launch, records.Settled(settling.Outcome.LAUNCHED if job else settling.Outcome.CLEAN, "of a test", job)
    )
