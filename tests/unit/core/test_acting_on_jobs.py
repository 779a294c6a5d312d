"""Kills, resumes and reruns: what users asked for, what we did, and what the job says."""

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs, runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import propagation

R, J = runs.RunStatus, jobs.JobStatus
JOB = propagation.JOB


@pytest.fixture
def scene(stage: stages.Stage) -> propagation.Scene:
    return propagation.Scene(stage)


async def test_a_cancel_kills_the_job_and_is_believed_when_the_job_says_so(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    assert await scene.propagate() is R.CANCELLED
    assert scene.acts == [f"kill {JOB} as niassa-bob"]
    assert scene.oozie.jobs[JOB].status is J.KILLED


async def test_a_kill_that_oozie_only_pretends_to_do_changes_nothing_and_is_asked_for_again(
    scene: propagation.Scene,
) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    scene.oozie.deaf = True
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert scene.puts == 0
    scene.oozie.deaf = False
    assert await scene.propagate() is R.CANCELLED
    assert len(scene.acts) == 2


async def test_a_kill_that_took_late_is_still_ours(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    scene.oozie.deaf = True
    await scene.propagate()
    scene.oozie.becomes(JOB, J.KILLED)
    assert await scene.propagate() is R.CANCELLED
    assert len(scene.acts) == 1


async def test_a_job_that_was_killed_by_somebody_else_is_failed(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.KILLED)
    assert await scene.propagate() is R.FAILED
    assert scene.acts == []


async def test_a_retry_resumes_a_suspended_job(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.SUSPENDED)
    assert await scene.propagate() is R.PENDING
    assert scene.acts == [f"resume {JOB} as niassa-bob"]
    assert await scene.propagate() is R.RUNNING


async def test_a_retry_reruns_a_failed_job_once(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    scene.service.before_put.append(fakes.unknown_fate)
    assert await scene.propagate() is R.SUBMITTED_RETRY
    assert await scene.propagate() is R.PENDING
    assert scene.acts == [f"rerun {JOB} as niassa-bob"]
    assert scene.oozie.jobs[JOB].run == 1


async def test_a_second_retry_reruns_the_job_again(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    await scene.propagate()
    scene.oozie.becomes(JOB, J.FAILED)
    assert await scene.propagate() is R.FAILED
    scene.service.sets(7, status=R.SUBMITTED_RETRY)()
    assert await scene.propagate() is R.PENDING
    assert scene.oozie.jobs[JOB].run == 2


async def test_a_second_retry_is_carried_out_although_the_answer_to_the_failure_was_lost(
    scene: propagation.Scene,
) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    await scene.propagate()
    scene.oozie.becomes(JOB, J.FAILED)
    scene.service.before_get = [None, fakes.unreachable]
    scene.service.after_put.append(fakes.unknown_fate)
    with pytest.raises(errors.WebServiceUnavailableError):
        await scene.propagate()
    assert scene.service.run(7).status is R.FAILED
    scene.propagator.forget(runs.Accession(7))
    scene.service.sets(7, status=R.SUBMITTED_RETRY)()
    await scene.propagate()
    assert scene.oozie.jobs[JOB].run == 2


async def test_a_run_that_a_user_moved_before_the_act_is_left_alone(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    scene.service.before_get.append(scene.service.sets(7, status=R.SUBMITTED_CANCEL))
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert (scene.acts, scene.puts) == ([], 0)


async def test_a_cancel_between_decision_and_write_is_not_overwritten(scene: propagation.Scene) -> None:
    scene.run(R.PENDING, J.RUNNING)
    scene.service.before_get.append(scene.service.sets(7, status=R.SUBMITTED_CANCEL))
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert scene.puts == 0
    assert scene.stage.events == ["run.moved_meanwhile"]


async def test_an_act_that_oozie_refuses_is_an_error_and_writes_nothing(scene: propagation.Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)

    async def refuses(job_id: str, user: str) -> None:  # noqa: ARG001
        raise errors.OozieRefusedError(code="E0508", message="not yours")

    scene.oozie.kill = refuses  # type: ignore[method-assign]
    with pytest.raises(errors.OozieRefusedError):
        await scene.propagate()
    assert scene.service.run(7).status is R.SUBMITTED_CANCEL
