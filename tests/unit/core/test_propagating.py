import dataclasses
import json
import pathlib

import pytest

from niassa_orch import errors
from niassa_orch.core import board, propagating
from niassa_orch.domain import jobs, runs
from tests.fakes import clock as clocks
from tests.fakes import neighbours_in_memory as fakes

R, J = runs.RunStatus, jobs.JobStatus
JOB = "1-oozie-W"
GONE_AFTER_SECONDS = 3600.0


class Scene:
    """Bob's run 7 with its job, and who propagates it."""

    def __init__(self, mediator: pathlib.Path) -> None:
        self.clock = clocks.Clock()
        self.service = fakes.WebServiceInMemory()
        self.oozie = fakes.OozieInMemory()
        self.told = fakes.board_of()
        self.known = fakes.enrolled(self.service, self.oozie, mediator)
        self.propagator = propagating.Propagator(self.told, GONE_AFTER_SECONDS)

    def run(self, status: runs.RunStatus, of_job: jobs.JobStatus | None = None, **fields: str) -> None:
        if of_job is not None:
            self.oozie.start(JOB, of_job)
        self.service.schedule(7, status, **{"statusCmd": JOB, "workflowEngine": "oozie", **fields})

    async def propagate(self, *, settled: bool = True) -> runs.RunStatus | None:
        """One beat of run 7; returns what its record says then."""
        await self.propagator.propagate(self.known, self.service.run(7), settled=settled)
        return self.service.run(7).status

    @property
    def acts(self) -> list[str]:
        return [asked for asked in self.oozie.asked if not asked.startswith(("job ", "versions"))]

    @property
    def puts(self) -> int:
        return self.service.asked.count("PUT 7")


@pytest.fixture
def mediator(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "mediator"


@pytest.fixture
def scene(mediator: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(mediator)
    monkeypatch.setattr(propagating, "time", found.clock)
    return found


def answer(mediator: pathlib.Path, text: str, exit_code: int = 0) -> None:
    """Let the mediator say this."""
    mediator.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{text}\nEND\nexit {exit_code}\n")
    mediator.chmod(0o755)


async def test_a_status_follows_its_job_and_what_did_not_change_is_not_written(scene: Scene) -> None:
    scene.run(R.PENDING, J.PREP)
    assert await scene.propagate() is R.RUNNING
    assert await scene.propagate() is R.RUNNING
    scene.oozie.becomes(JOB, J.SUCCEEDED)
    assert await scene.propagate() is R.COMPLETED
    assert scene.puts == 2
    assert fakes.names(scene.told) == ["run.moved", "run.moved"]
    assert scene.told.line("bob").ended == {R.COMPLETED: 1}


async def test_a_cancel_kills_the_job_and_is_believed_when_the_job_says_so(scene: Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    assert await scene.propagate() is R.CANCELLED
    assert scene.acts == [f"kill {JOB} as niassa-bob"]
    assert scene.oozie.jobs[JOB].status is J.KILLED


async def test_a_kill_that_oozie_only_pretends_to_do_changes_nothing_and_is_asked_for_again(scene: Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    scene.oozie.deaf = True
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert scene.puts == 0
    scene.oozie.deaf = False
    assert await scene.propagate() is R.CANCELLED
    assert len(scene.acts) == 2


async def test_a_kill_that_took_late_is_still_ours(scene: Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)
    scene.oozie.deaf = True
    await scene.propagate()
    scene.oozie.becomes(JOB, J.KILLED)
    assert await scene.propagate() is R.CANCELLED
    assert len(scene.acts) == 1


async def test_a_job_that_was_killed_by_somebody_else_is_failed(scene: Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.KILLED)
    assert await scene.propagate() is R.FAILED
    assert scene.acts == []


async def test_a_retry_resumes_a_suspended_job(scene: Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.SUSPENDED)
    assert await scene.propagate() is R.PENDING
    assert scene.acts == [f"resume {JOB} as niassa-bob"]
    assert await scene.propagate() is R.RUNNING


async def test_a_retry_reruns_a_failed_job_once(scene: Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    scene.service.before_put.append(fakes.unknown_fate)
    assert await scene.propagate() is R.SUBMITTED_RETRY
    assert await scene.propagate() is R.PENDING
    assert scene.acts == [f"rerun {JOB} as niassa-bob"]
    assert scene.oozie.jobs[JOB].run == 1


async def test_a_second_retry_reruns_the_job_again(scene: Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    await scene.propagate()
    scene.oozie.becomes(JOB, J.FAILED)
    assert await scene.propagate() is R.FAILED
    scene.service.sets(7, status=R.SUBMITTED_RETRY)()
    assert await scene.propagate() is R.PENDING
    assert scene.oozie.jobs[JOB].run == 2


async def test_a_second_retry_is_carried_out_although_the_answer_to_the_failure_was_lost(scene: Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    await scene.propagate()
    scene.oozie.becomes(JOB, J.FAILED)
    scene.service.before_get = [None, fakes.unreachable]
    scene.service.after_put.append(fakes.unknown_fate)
    with pytest.raises(errors.WebServiceUnavailableError):
        await scene.propagate()
    assert scene.service.run(7).status is R.FAILED
    scene.propagator.forget_all_but(set())
    scene.service.sets(7, status=R.SUBMITTED_RETRY)()
    await scene.propagate()
    assert scene.oozie.jobs[JOB].run == 2


async def test_a_run_that_a_user_moved_before_the_act_is_left_alone(scene: Scene) -> None:
    scene.run(R.SUBMITTED_RETRY, J.FAILED)
    scene.service.before_get.append(scene.service.sets(7, status=R.SUBMITTED_CANCEL))
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert (scene.acts, scene.puts) == ([], 0)


async def test_a_cancel_between_decision_and_write_is_not_overwritten(scene: Scene) -> None:
    scene.run(R.PENDING, J.RUNNING)
    scene.service.before_get.append(scene.service.sets(7, status=R.SUBMITTED_CANCEL))
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert scene.puts == 0
    assert fakes.names(scene.told) == ["run.moved_meanwhile"]


async def test_a_write_that_did_not_take_is_told_and_decided_again(scene: Scene) -> None:
    scene.run(R.PENDING, J.RUNNING)
    scene.service.before_put.append(fakes.unknown_fate)
    assert await scene.propagate() is R.PENDING
    assert fakes.names(scene.told) == ["write.not_taken"]
    assert await scene.propagate() is R.RUNNING


async def test_oozie_out_of_reach_changes_nothing(scene: Scene) -> None:
    scene.oozie.down = True
    for status in (R.PENDING, R.RUNNING, R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY):
        scene.run(status, J.FAILED)
        for _ in range(5):
            scene.clock.advance(GONE_AFTER_SECONDS)
            with pytest.raises(errors.OozieUnavailableError):
                await scene.propagate()
        assert scene.service.run(7).status is status
    assert scene.puts == 0


async def test_an_account_without_an_oozie_is_told_what_to_set(scene: Scene) -> None:
    scene.run(R.RUNNING)
    scene.known = dataclasses.replace(scene.known, oozie_server=None)
    with pytest.raises(errors.OozieUnavailableError, match=r"OOZIE_URL .* niassa-bob"):
        await scene.propagate()


async def test_a_job_is_gone_after_several_looks_over_the_set_time(scene: Scene) -> None:
    scene.run(R.RUNNING)
    assert await scene.propagate() is R.RUNNING
    scene.clock.advance(GONE_AFTER_SECONDS)
    assert await scene.propagate() is R.RUNNING
    assert await scene.propagate() is R.FAILED
    assert "versions" in scene.oozie.asked


async def test_many_looks_in_a_short_time_do_not_make_a_job_gone(scene: Scene) -> None:
    scene.run(R.RUNNING)
    for _ in range(20):
        scene.clock.advance(60)
        assert await scene.propagate() is R.RUNNING


async def test_a_job_that_is_found_again_was_never_gone(scene: Scene) -> None:
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
    scene: Scene, status: runs.RunStatus, wanted: runs.RunStatus
) -> None:
    scene.run(status, statusCmd="")
    assert await scene.propagate(settled=False) is status
    assert await scene.propagate(settled=True) is wanted
    assert scene.oozie.asked == []


async def test_a_running_run_without_a_job_is_told_once_and_left_as_it_is(scene: Scene) -> None:
    scene.run(R.RUNNING, statusCmd="")
    for _ in range(3):
        assert await scene.propagate() is R.RUNNING
    (event,) = scene.told.snapshot().events
    assert (event.name, event.level) == ("run.left_alone", board.Level.ERROR)
    scene.propagator.forget_all_but({runs.Accession(7)})
    await scene.propagate()
    assert len(scene.told.snapshot().events) == 1


async def test_an_engine_that_nobody_knows_is_told_once_and_whitestar_is_left_to_its_call(scene: Scene) -> None:
    scene.run(R.RUNNING, J.FAILED, workflowEngine="cromwell")
    for _ in range(2):
        assert await scene.propagate() is R.RUNNING
    assert fakes.names(scene.told) == ["run.left_alone"]
    scene.run(R.RUNNING, J.FAILED, workflowEngine="whitestar")
    assert await scene.propagate() is R.RUNNING
    assert len(fakes.names(scene.told)) == 1


async def test_with_the_end_of_an_oozie_sge_run_go_the_texts_of_its_steps(scene: Scene, mediator: pathlib.Path) -> None:
    file = {
        "name": "a.o9",
        "step": "a",
        "stream": "o",
        "number": 9,
        "mtime": 0,
        "size": 4,
        "cut": False,
        "text": "fine",
    }
    answer(mediator, json.dumps({"niassa_orch_mediator": 1, "accession": 7, "files": [file]}))
    scene.run(R.RUNNING, J.SUCCEEDED, workflowEngine="oozie-sge", currentWorkingDir="/work/oozie-1")
    assert await scene.propagate() is R.COMPLETED
    row = scene.service.rows[runs.Accession(7)]
    assert row["stdOut"].endswith("\nfine")
    assert row["stdErr"] == ""


@pytest.mark.parametrize(
    ("text", "exit_code"),
    [("nonsense", 0), ("", 1), ('{"niassa_orch_mediator": 1, "accession": 7, "missing": true}', 0)],
    ids=["garbage", "a failure", "a directory that is gone"],
)
async def test_texts_that_cannot_be_had_leave_the_stored_ones_and_never_hold_up_a_status(
    scene: Scene, mediator: pathlib.Path, text: str, exit_code: int
) -> None:
    answer(mediator, text, exit_code)
    scene.run(R.RUNNING, J.FAILED, workflowEngine="oozie-sge", currentWorkingDir="/work/oozie-1", stdOut="stored")
    assert await scene.propagate() is R.FAILED
    assert scene.service.rows[runs.Accession(7)]["stdOut"] == "stored"


async def test_a_run_without_a_working_directory_keeps_its_texts(scene: Scene) -> None:
    scene.run(R.RUNNING, J.FAILED, workflowEngine="oozie-sge", stdErr="stored")
    assert await scene.propagate() is R.FAILED
    assert scene.service.rows[runs.Accession(7)]["stdErr"] == "stored"


async def test_an_act_that_oozie_refuses_is_an_error_and_writes_nothing(scene: Scene) -> None:
    scene.run(R.SUBMITTED_CANCEL, J.RUNNING)

    async def refuses(job_id: str, user: str) -> None:  # noqa: ARG001
        raise errors.OozieRefusedError(code="E0508", message="not yours")

    scene.oozie.kill = refuses  # type: ignore[method-assign]
    with pytest.raises(errors.OozieRefusedError):
        await scene.propagate()
    assert scene.service.run(7).status is R.SUBMITTED_CANCEL
