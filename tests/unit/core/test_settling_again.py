"""Verdicts that need more than the transcript: doubts over time, other writers, other users, other engines."""

import datetime

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs, runs, settling
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import verdicts

R, J, Outcome = runs.RunStatus, jobs.JobStatus, settling.Outcome
A = runs.Accession(7)
JOB, DIRECTORY, GRACE_SECONDS = stages.JOB, stages.DIRECTORY, stages.GRACE_SECONDS
COPIED = calls.whole(*calls.launching(7, DIRECTORY))
SUBMITTED = calls.whole(*calls.launching(7, DIRECTORY, JOB))


@pytest.fixture
def scene(stage: stages.Stage) -> verdicts.Scene:
    return verdicts.Scene(stage)


async def test_oozie_is_asked_for_jobs_of_the_user_that_the_call_ran_as(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    scene.attempt.enrolled = stages.renamed(scene.stage, "bob", unix_user="niassa-robert")
    scene.oozie.start(JOB, app_path="/apps/oozie-1")
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert scene.oozie.asked[0] == "jobs of niassa-bob"


@pytest.mark.parametrize(("age_hours", "outcome"), [(26, Outcome.LAUNCHED), (24 * 7, Outcome.IN_DOUBT)])
async def test_clocks_may_differ_by_a_day_and_a_job_of_last_week_is_of_another_launch(
    scene: verdicts.Scene, age_hours: int, outcome: settling.Outcome
) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    scene.oozie.start(JOB, app_path="/apps/oozie-1")
    scene.oozie.created[JOB] = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=age_hours)
    assert await scene.settle() == {A: outcome}


async def test_the_first_none_is_remembered_by_a_later_process_which_believes_the_second(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    await scene.restart()
    scene.stage.clock.advance(GRACE_SECONDS - 1)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    await scene.restart()
    scene.stage.clock.advance(1)
    assert await scene.settle() == {A: Outcome.CLEAN}


async def test_the_first_none_is_remembered_by_another_worker_of_this_process(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    await scene.settle()
    scene.stage.intents.leave(scene.attempt)
    (scene.attempt,) = scene.stage.intents.take_up(scene.stage.known)
    scene.stage.clock.advance(GRACE_SECONDS)
    assert await scene.settle() == {A: Outcome.CLEAN}


async def test_a_machine_that_was_started_since_the_first_none_begins_the_grace_anew(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    await scene.settle()
    await scene.restart()
    scene.stage.clock.now_seconds = 10.0
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    await scene.restart()
    scene.stage.clock.advance(GRACE_SECONDS - 1)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.stage.clock.advance(1)
    assert await scene.settle() == {A: Outcome.CLEAN}


async def test_another_oozie_than_the_calls_cannot_say_that_there_is_no_job(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    scene.attempt.enrolled = stages.renamed(scene.stage, "bob", oozie_url="http://new/oozie")
    for _ in range(3):
        scene.stage.clock.advance(GRACE_SECONDS)
        assert await scene.settle() == {}
    assert "http://oozie/oozie" in scene.attempt.unsettled[A]
    scene.oozie.start(JOB, app_path="/apps/oozie-1")
    assert await scene.settle() == {A: Outcome.LAUNCHED}, "that it has one, it can say"


async def test_a_job_that_cannot_be_looked_at_may_be_the_one(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    scene.oozie.start("other", app_path="/apps/other")
    scene.oozie.broken["other"] = errors.OozieUnavailableError("garbage")
    for _ in range(3):
        scene.stage.clock.advance(GRACE_SECONDS)
        assert await scene.settle() == {}
    scene.oozie.broken["other"] = errors.JobUnknownError("E0604")
    assert await scene.settle() == {A: Outcome.IN_DOUBT}


async def test_jobs_of_another_user_are_not_taken_for_the_launch(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(COPIED)
    scene.oozie.start(JOB, app_path="/apps/oozie-1", user="niassa-eve")
    assert await scene.settle() == {A: Outcome.IN_DOUBT}


@pytest.mark.parametrize("engine", ["oozie-sge", "whitestar"])
async def test_the_engine_of_the_call_counts_whatever_the_record_says_by_now(
    scene: verdicts.Scene, engine: str
) -> None:
    other = "whitestar" if engine == "oozie-sge" else "oozie-sge"
    scene.service.schedule(7, R.SUBMITTED, workflowEngine=other)
    lines = calls.launching(7, DIRECTORY, JOB if engine == "oozie-sge" else None)
    await scene.write(calls.whole(*lines), engine=engine)
    outcome = Outcome.LAUNCHED if engine == "oozie-sge" else Outcome.HELD
    assert await scene.settle() == {A: outcome}


async def test_a_run_that_was_deleted_between_call_and_verdict_is_held(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    scene.service.schedule(8, R.PENDING, statusCmd="8-W")
    lines = [*calls.launching(7, DIRECTORY, JOB), *calls.launching(8, "/scratch/oozie-8", "8-W")]
    await scene.write(calls.whole(*lines), 7, 8)
    del scene.service.rows[A]
    assert await scene.settle() == {A: Outcome.HELD, 8: Outcome.LAUNCHED}
    assert "does not know the run" in scene.attempt.held[A]
    assert list(scene.stage.unsettled()) == [7]


@pytest.mark.parametrize("change", [{"ownerUserName": "eve@lab.net"}, {"host": "server1"}])
async def test_a_run_that_was_given_away_between_call_and_verdict_is_held_and_not_written(
    scene: verdicts.Scene, change: dict[str, str]
) -> None:
    scene.service.schedule(7)
    await scene.write(SUBMITTED)
    scene.service.sets(7, **change)()
    assert await scene.settle() == {A: Outcome.HELD}
    assert "PUT 7" not in scene.service.asked
    assert "belongs to" in scene.attempt.held[A]


async def test_a_run_that_was_given_away_with_its_job_on_record_is_launched(scene: verdicts.Scene) -> None:
    scene.service.schedule(7, R.PENDING, statusCmd=JOB, ownerUserName="eve@lab.net")
    await scene.write(SUBMITTED)
    assert await scene.settle() == {A: Outcome.LAUNCHED}


async def test_a_verdict_that_the_journal_does_not_take_is_given_again(scene: verdicts.Scene) -> None:
    scene.service.schedule(7, R.PENDING, statusCmd=JOB)
    await scene.write(SUBMITTED)
    scene.stage.alter("CREATE TRIGGER full BEFORE UPDATE ON launches BEGIN SELECT RAISE(ABORT, 'no room'); END")
    assert await scene.settle() == {}
    assert "no room" in scene.attempt.unsettled[A]
    assert not scene.attempt.is_over
    scene.stage.alter("DROP TRIGGER full")
    assert await scene.settle() == {A: Outcome.LAUNCHED}


async def test_what_the_launch_made_is_remembered_when_it_is_settled(scene: verdicts.Scene) -> None:
    scene.service.schedule(7, R.PENDING, statusCmd=JOB)
    await scene.write(SUBMITTED)
    await scene.settle()
    assert await scene.stage.journal.past.known_job("http://ws", A) == JOB


async def test_a_transcript_that_cannot_be_opened_for_a_moment_is_read_again(scene: verdicts.Scene) -> None:
    scene.service.schedule(7, R.PENDING, statusCmd=JOB)
    await scene.write(SUBMITTED)
    with stages.no_descriptor_left():
        assert await scene.settle() == {A: Outcome.IN_DOUBT}
    assert await scene.settle() == {A: Outcome.LAUNCHED}
