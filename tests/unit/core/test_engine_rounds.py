"""Rounds of the engine's propagation beside the beats: one at a time, and what is told of them."""

import pytest

from niassa_orch.core import board, engine_rounds
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import engine_rounds_of_bob

R = runs.RunStatus


@pytest.fixture
def scene(stage: stages.Stage) -> engine_rounds_of_bob.Scene:
    found = engine_rounds_of_bob.Scene(stage)
    found.run(1)
    return found


async def beat(scene: engine_rounds_of_bob.Scene, rounds: engine_rounds.EngineRounds) -> None:
    rounds.offer(scene.known, stages.rows(scene.stage))
    await rounds.join()
    scene.stage.clock.advance(60)


async def test_a_round_is_begun_when_it_is_due_and_none_is_under_way(scene: engine_rounds_of_bob.Scene) -> None:
    rounds = scene.stage.rounds(scene.propagator)
    async with scene.stage.turns.turn("niassa-bob", what="bob launches 9"):
        rounds.offer(scene.known, stages.rows(scene.stage))
        await scene.stage.until(lambda: rounds.trouble != "")
        assert rounds.trouble == "1 to propagate wait for the turn of niassa-bob: bob launches 9"
        scene.stage.clock.advance(120)
        rounds.offer(scene.known, stages.rows(scene.stage))
    await rounds.join()
    assert scene.propagated == ["1"]
    assert set(rounds.take()) == {1}


async def test_what_fails_is_told_once_and_that_it_is_well_again(scene: engine_rounds_of_bob.Scene) -> None:
    rounds = scene.stage.rounds(scene.propagator)
    calls.oozie(scene.stage.mediator, "HTTP status 503")
    for _ in range(3):
        await beat(scene, rounds)
        assert "HTTP status 503" in rounds.trouble
    assert len(scene.events("propagation.failing")) == 1
    calls.oozie(scene.stage.mediator)
    await beat(scene, rounds)
    await beat(scene, rounds)
    assert (rounds.trouble, len(scene.events("propagation.recovered"))) == ("", 1)


async def test_a_lock_whose_holder_changes_is_told_once_and_once_more_when_it_lasts(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    rounds = scene.stage.rounds(scene.propagator)
    calls.propagated(scene.stage.mediator, 91, locked=True)
    for pid in range(100, 166):
        calls.locks(scene.stage.mediator, ("seqware-server2.lock", pid, "java ..."))
        await beat(scene, rounds)
        assert f"pid {pid}" in rounds.trouble
    assert "pid 165" in rounds.alarm
    events = scene.stage.told.snapshot().events
    levels = [event.level for event in events if event.name == "propagation.waiting_for_lock"]
    assert levels == [board.Level.WARNING, board.Level.ERROR]


async def test_a_defect_is_told_and_the_next_round_tries_again(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    rounds = scene.stage.rounds(scene.propagator)
    scene.stage.service.broken[1] = ZeroDivisionError("oh")
    await beat(scene, rounds)
    assert rounds.trouble == rounds.alarm == "a defect, please report it: ZeroDivisionError: oh"
    del scene.stage.service.broken[1]
    await beat(scene, rounds)
    assert (rounds.trouble, rounds.alarm, scene.propagated) == ("", "", ["1", "1"])


async def test_stopping_waits_for_nobody(scene: engine_rounds_of_bob.Scene) -> None:
    scene.stage.says(gate=True)
    scene.stage.bar(1)
    calls.oozie(scene.stage.mediator, later=True)
    rounds = scene.stage.rounds(scene.propagator)
    rounds.offer(scene.known, stages.rows(scene.stage))
    async with scene.stage.at_gate(1):
        await rounds.stop()
    later = scene.stage.directory / "mediator.probe-later"
    await scene.stage.until(lambda: not later.exists())
