import dataclasses

import pytest

from niassa_orch.core import board
from niassa_orch.domain import runs, settling
from tests.fakes import calls
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import verdicts

R, Outcome = runs.RunStatus, settling.Outcome
A = runs.Accession(7)
JOB, DIRECTORY = stages.JOB, stages.DIRECTORY
GRACE_SECONDS = stages.GRACE_SECONDS
COPIED = calls.whole(*calls.launching(7, DIRECTORY))
SUBMITTED = calls.whole(*calls.launching(7, DIRECTORY, JOB))


@pytest.fixture
def scene(stage: stages.Stage) -> verdicts.Scene:
    return verdicts.Scene(stage)


async def test_a_launch_that_the_engine_recorded_is_left_as_it_is(scene: verdicts.Scene) -> None:
    await scene.write(SUBMITTED)
    scene.service.schedule(7, R.PENDING, statusCmd=JOB)
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert scene.attempt.is_over
    assert "PUT 7" not in scene.service.asked
    assert scene.oozie.asked == []


@pytest.mark.parametrize("status", [R.SUBMITTED, R.FAILED])
async def test_a_job_that_the_engine_did_not_record_is_repaired(scene: verdicts.Scene, status: runs.RunStatus) -> None:
    await scene.write(SUBMITTED)
    scene.service.schedule(7, status)
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    row = scene.service.rows[A]
    assert (row["status"], row["statusCmd"], row["currentWorkingDir"]) == (R.PENDING, JOB, DIRECTORY)
    assert "launch.repaired" in fakes.names(scene.told)


@pytest.mark.parametrize("status", [R.SUBMITTED_CANCEL, R.CANCELLED])
async def test_a_cancel_stays_a_cancel_and_gets_the_job_to_kill(scene: verdicts.Scene, status: runs.RunStatus) -> None:
    await scene.write(SUBMITTED)
    scene.service.schedule(7, status)
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert scene.service.run(7).status is R.SUBMITTED_CANCEL
    assert scene.service.run(7).status_cmd == JOB


async def test_a_job_without_its_line_is_found_in_oozie_by_its_working_directory(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    scene.service.schedule(7, R.FAILED)
    scene.oozie.start("other", app_path="/apps/oozie-11")
    scene.oozie.start(JOB, app_path="hdfs://nn/apps/oozie-1/")
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert (scene.service.run(7).status, scene.service.run(7).status_cmd) == (R.PENDING, JOB)


async def test_two_jobs_of_one_launch_are_held_and_said_loudly(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    scene.service.schedule(7)
    for job in (JOB, "2-oozie-W"):
        scene.oozie.start(job, app_path="/apps/oozie-1")
    assert await scene.settle() == {A: Outcome.HELD}
    assert (scene.attempt.unsettled, list(scene.attempt.held), scene.attempt.is_over) == ({}, [A], False)
    assert scene.told.snapshot().events[-1].level is board.Level.ERROR
    assert scene.service.run(7).status is R.SUBMITTED


async def test_oozie_must_say_none_twice_a_grace_period_apart_before_a_run_is_clean(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    scene.service.schedule(7)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.stage.clock.advance(GRACE_SECONDS - 1)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.stage.clock.advance(1)
    assert await scene.settle() == {A: Outcome.CLEAN}
    assert scene.attempt.is_over
    assert fakes.names(scene.told) == ["launch.in_doubt", "launch.clean"]


async def test_one_answer_is_never_two_however_short_the_grace_period(scene: verdicts.Scene) -> None:
    scene.settlement = scene.stage.settlement(grace_seconds=0)
    await scene.write(COPIED)
    scene.service.schedule(7)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.stage.clock.advance(0.001)
    assert await scene.settle() == {A: Outcome.CLEAN}


async def test_a_job_that_shows_up_late_is_not_launched_again(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    scene.service.schedule(7)
    await scene.settle()
    scene.oozie.start(JOB, app_path="/apps/oozie-1")
    scene.stage.clock.advance(GRACE_SECONDS)
    assert await scene.settle() == {A: Outcome.LAUNCHED}


async def test_oozie_out_of_reach_leaves_a_doubt_for_as_long_as_it_lasts(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    scene.service.schedule(7)
    scene.oozie.down = True
    for _ in range(3):
        scene.stage.clock.advance(10 * GRACE_SECONDS)
        assert await scene.settle() == {}
    assert list(scene.attempt.unsettled) == [A]
    assert fakes.names(scene.told) == ["launch.in_doubt"]
    scene.oozie.down = False
    assert await scene.settle() == {A: Outcome.IN_DOUBT}, "silence is no answer: the grace period begins only now"


async def test_a_web_service_out_of_reach_leaves_a_doubt(scene: verdicts.Scene) -> None:
    await scene.write(SUBMITTED)
    scene.service.schedule(7)
    scene.service.before_get.append(fakes.unreachable)
    assert await scene.settle() == {}
    assert await scene.settle() == {A: Outcome.LAUNCHED}


async def test_a_repair_that_did_not_take_is_tried_again(scene: verdicts.Scene) -> None:
    await scene.write(SUBMITTED)
    scene.service.schedule(7)
    scene.service.before_put.append(fakes.unknown_fate)
    assert await scene.settle() == {}
    assert "could not be repaired" in scene.attempt.unsettled[A]
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert scene.service.run(7).status_cmd == JOB


async def test_a_call_that_never_reached_the_run_is_clean_and_a_cut_one_is_held(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(calls.whole("Number of submitted workflows: 0"))
    assert await scene.settle() == {A: Outcome.CLEAN}
    assert not scene.stage.unsettled()
    await scene.write([calls.BEGIN, "Number of submitted workflows: 1"])
    assert await scene.settle() == {A: Outcome.HELD}


async def test_a_transcript_that_is_gone_is_held(scene: verdicts.Scene) -> None:
    scene.service.schedule(7)
    await scene.write(SUBMITTED)
    scene.attempt.transcript.unlink()
    assert await scene.settle() == {A: Outcome.HELD}
    assert list(scene.attempt.held) == [A]
    assert scene.stage.unsettled()[7].outcome is Outcome.HELD


async def test_each_run_of_a_call_gets_its_own_verdict(scene: verdicts.Scene) -> None:
    lines = [*calls.launching(7, DIRECTORY, JOB), *calls.launching(8, "/scratch/oozie-8"), *calls.launching(9)]
    await scene.write(calls.whole(*lines), 7, 8, 9)
    scene.service.schedule(7, R.PENDING, statusCmd=JOB)
    scene.service.schedule(8)
    scene.service.schedule(9, R.FAILED)
    outcomes = await scene.settle()
    assert outcomes == {7: Outcome.LAUNCHED, 8: Outcome.IN_DOUBT, 9: Outcome.FAILED}
    assert list(scene.attempt.unsettled) == [8]
    assert scene.told.line("bob").ended == {R.FAILED: 1}
    assert (scene.stage.slots.busy, scene.stage.slots.waiting) == (0, 0)


async def test_an_account_without_an_oozie_stays_in_doubt_and_is_told_why(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    scene.attempt.enrolled = dataclasses.replace(scene.stage.known, oozie_server=None)
    scene.service.schedule(7)
    assert await scene.settle() == {}
    assert "OOZIE_URL" in scene.attempt.unsettled[A]
