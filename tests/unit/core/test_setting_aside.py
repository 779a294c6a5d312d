"""A run whose launches come to nothing again and again is a person's, with its reasons; a user may still take it."""

import asyncio
import contextlib

import pytest

from niassa_orch.core import board
from niassa_orch.domain import runs
from niassa_orch.journal import records, store
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
NOTHING = calls.whole(*calls.launching(7))
EXIT_91 = calls.END.replace('"exit_code": 0', '"exit_code": 91')


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    stage.service.schedule(7)
    stage.says(*NOTHING)
    return launches.Scene(stage)


async def fail(scene: launches.Scene, times: int) -> None:
    """So many launches, an hour apart."""
    for _ in range(times):
        await scene.beat()
        scene.stage.clock.advance(3600)


async def cycle(scene: launches.Scene) -> None:
    """A whole beat: poll, launch, propagate."""
    await scene.stage.cycle(scene.launcher, asyncio.Event()).cycle(scene.stage.known)
    await scene.launcher.join()


async def test_after_so_many_launches_that_came_to_nothing_it_is_set_aside_with_the_reasons(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await fail(scene, 10)
    assert len(stage.called) == stages.TRIES
    assert stage.line.held == {7: "3 launches came to nothing: no job was made"}
    (told,) = [event for event in stage.told.snapshot().events if event.name == "launch.set_aside"]
    assert told.level is board.Level.ERROR


async def test_launches_are_counted_over_restarts_and_it_stays_aside_after_one(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    for _ in range(2 * stages.TRIES):
        await fail(scene, 1)
        await scene.again()
    assert len(stage.called) == stages.TRIES
    assert list(stage.line.held) == [7]


async def test_a_user_cancels_what_is_set_aside_and_it_is_aside_no_more(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await fail(scene, stages.TRIES)
    stage.service.sets(7, status=R.SUBMITTED_CANCEL)()
    await cycle(scene)
    assert stage.service.run(7).status is R.CANCELLED
    assert not stage.line.held
    assert not stage.unsettled()


async def test_what_a_user_took_away_and_submitted_again_gets_all_its_launches(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await fail(scene, stages.TRIES)
    stage.service.sets(7, status=R.CANCELLED)()
    await cycle(scene)
    stage.service.sets(7, status=R.SUBMITTED)()
    await fail(scene, 10)
    assert len(stage.called) == 2 * stages.TRIES


async def test_what_is_submitted_stays_aside_however_often_it_is_listed(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await fail(scene, stages.TRIES)
    await cycle(scene)
    await cycle(scene)
    assert list(stage.line.held) == [7]
    assert len(stage.called) == stages.TRIES


async def test_a_person_lets_it_be_launched_again_and_it_is_counted_anew(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await fail(scene, stages.TRIES)
    said = records.Settled(stages.CLEAN, "a person said so", told=records.Told.RELAUNCH)
    await stage.journal.settle(stage.unsettled()[7], said)
    await fail(scene, 10)
    assert len(stage.called) == 2 * stages.TRIES


@pytest.mark.parametrize(
    "lines", [NOTHING, calls.whole(*calls.launching(7, launches.DIRECTORY))], ids=["aside", "doubt"]
)
async def test_a_person_says_that_it_failed_and_the_record_says_so(
    stage: stages.Stage, scene: launches.Scene, lines: list[str]
) -> None:
    stage.says(*lines)
    await fail(scene, 1 if lines is not NOTHING else stages.TRIES)
    with contextlib.closing(store.Journal(stage.state.journal)) as resolving:
        await resolving.tell(stage.unsettled()[7], records.Told.FAILED)
    await stage.journal.refresh()
    scene.launcher.take_up(stage.known)
    await scene.launcher.settle_doubts()
    assert stage.service.run(7).status is R.FAILED
    assert not stage.unsettled()
    assert not stage.line.held


async def test_what_keeps_all_launches_from_working_is_not_counted_against_a_run(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.says(
        calls.BEGIN, "[SeqWare Pipeline] ERROR | the web service refuses the list", "\tat a.b.C(C.java:1)", EXIT_91
    )
    await fail(scene, 5)
    assert len(stage.called) == 5
    assert "exit code 91 before it came to any run" in scene.launcher.trouble
    assert "the web service refuses" not in scene.launcher.trouble, "what an engine says may hold a secret"
    assert not stage.line.held
    stage.says(*launches.WELL)
    await fail(scene, 1)
    assert (stage.service.run(7).status_cmd, scene.launcher.trouble) == (launches.JOB, "")
