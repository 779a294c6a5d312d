"""Clocks that are wrong, or are set while a launch is in doubt: "no such job" must not come of that.

What Oozie lists goes by its clock, what we ask for by ours; how long "none" was the answer goes by neither.
"""

import dataclasses
import datetime

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs, settling
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import verdicts

Outcome = settling.Outcome
A = runs.Accession(7)
COPIED = calls.whole(*calls.launching(7, stages.DIRECTORY))
HOURS, DAYS = 3600.0, 24 * 3600.0
EITHER_WAY = [-5 * DAYS, -6 * HOURS, 6 * HOURS, 5 * DAYS]


@pytest.fixture
def scene(stage: stages.Stage) -> verdicts.Scene:
    made = verdicts.Scene(stage)
    made.service.schedule(7)
    return made


def job_is_made(scene: verdicts.Scene, *, wrong_seconds: float, there_seconds: float = 0.0) -> None:
    """Right now; while our clock is that far ahead of the true time, and Oozie's is so far ahead of it."""
    now = datetime.datetime.now(datetime.UTC)
    scene.oozie.ahead = datetime.timedelta(seconds=there_seconds)
    scene.oozie.start(stages.JOB, app_path="/apps/oozie-1")
    scene.oozie.created[stages.JOB] = now + scene.oozie.ahead
    set_intent(scene, now + datetime.timedelta(seconds=wrong_seconds))


def set_intent(scene: verdicts.Scene, created: datetime.datetime) -> None:
    """What our clock said when the call was intended."""
    scene.attempt.header = dataclasses.replace(scene.attempt.header, created=created.isoformat())
    scene.stage.alter(f"UPDATE launches SET created = '{created.isoformat()}'")  # noqa: S608 - our own time


async def settle_twice(scene: verdicts.Scene, *, restarts: bool = False) -> settling.Outcome:
    """The verdict, by the end of the grace at the latest."""
    for _ in range(2):
        outcome = (await scene.settle())[A]
        if outcome is not Outcome.IN_DOUBT:
            return outcome
        scene.stage.clock.advance(stages.GRACE_SECONDS)
        if restarts:
            await scene.restart()
    return outcome


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "restarts"])
@pytest.mark.parametrize("wrong_seconds", EITHER_WAY)
async def test_a_job_is_found_however_wrong_our_clock_was_when_it_was_made(
    scene: verdicts.Scene, wrong_seconds: float, *, restarts: bool
) -> None:
    await scene.write(COPIED)
    job_is_made(scene, wrong_seconds=wrong_seconds)
    assert await settle_twice(scene, restarts=restarts) is Outcome.LAUNCHED
    assert scene.service.run(7).status_cmd == stages.JOB


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "restarts"])
@pytest.mark.parametrize("there_seconds", EITHER_WAY)
async def test_a_job_is_found_however_wrong_the_clock_of_oozie_is(
    scene: verdicts.Scene, there_seconds: float, *, restarts: bool
) -> None:
    await scene.write(COPIED)
    job_is_made(scene, wrong_seconds=0.0, there_seconds=there_seconds)
    assert await settle_twice(scene, restarts=restarts) is Outcome.LAUNCHED


async def test_a_job_of_a_call_that_is_in_doubt_for_days_is_found_though_our_clock_was_wrong_then(
    scene: verdicts.Scene,
) -> None:
    await scene.write(COPIED)
    now = datetime.datetime.now(datetime.UTC)
    job_is_made(scene, wrong_seconds=-DAYS)
    scene.oozie.created[stages.JOB] = now - datetime.timedelta(days=9)
    scene.stage.clock.advance(9 * DAYS)
    assert await settle_twice(scene) is Outcome.LAUNCHED


async def test_a_server_that_does_not_tell_the_time_is_asked_for_all_jobs_before_none_is_believed(
    scene: verdicts.Scene,
) -> None:
    await scene.write(COPIED)
    scene.oozie.ahead = None
    assert await settle_twice(scene) is Outcome.CLEAN
    assert "all jobs of niassa-bob" in scene.oozie.asked


async def test_clocks_that_agree_spare_oozie_the_question_for_all_jobs(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    assert await settle_twice(scene) is Outcome.CLEAN
    assert "all jobs of niassa-bob" not in scene.oozie.asked


async def test_an_oozie_that_fails_at_the_last_question_leaves_the_doubt(scene: verdicts.Scene) -> None:
    await scene.write(COPIED)
    scene.oozie.start("other", app_path="/apps/other")
    scene.oozie.created["other"] = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=10)
    scene.oozie.broken["other"] = errors.OozieUnavailableError("garbage")
    set_intent(scene, datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5))
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.stage.clock.advance(stages.GRACE_SECONDS)
    assert await scene.settle() == {}
    assert scene.attempt.unsettled[A] == "garbage"


@pytest.mark.parametrize("set_seconds", EITHER_WAY)
async def test_a_clock_that_is_set_between_two_looks_neither_shortens_the_grace_nor_prolongs_it(
    scene: verdicts.Scene, set_seconds: float
) -> None:
    await scene.write(COPIED)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.stage.clock.set_back(set_seconds)
    await scene.restart()
    scene.stage.clock.advance(stages.GRACE_SECONDS - 1)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    await scene.restart()
    scene.stage.clock.advance(1)
    assert await scene.settle() == {A: Outcome.CLEAN}


async def test_a_machine_that_slept_for_days_since_the_call_asks_for_all_jobs(scene: verdicts.Scene) -> None:
    """Its monotonic clock stood still meanwhile, ours and Oozie's, which is days behind, did not."""
    await scene.write(COPIED)
    now = datetime.datetime.now(datetime.UTC)
    scene.oozie.start(stages.JOB, app_path="/apps/oozie-1")
    scene.oozie.ahead = datetime.timedelta(days=-3)
    scene.oozie.created[stages.JOB] = now - datetime.timedelta(days=12)
    set_intent(scene, now - datetime.timedelta(days=9))
    assert await settle_twice(scene) is Outcome.LAUNCHED
    assert "all jobs of niassa-bob" in scene.oozie.asked
