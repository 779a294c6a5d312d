"""Runs that somebody else launches between our last look and our engine's."""

import pytest

from niassa_orch.core import board
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
JOB, DIRECTORY, OTHER = launches.JOB, launches.DIRECTORY, "0000008-oozie-W"


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    stage.bar(7)
    return launches.Scene(stage)


async def during_the_call(scene: launches.Scene, *lines: str, **changes: str) -> None:
    """Launch run 7; while its call waits at the gate, somebody else writes the record."""
    scene.stage.service.schedule(7)
    scene.stage.says(*calls.whole(*lines), gate=True)
    scene.offer()
    async with scene.stage.at_gate(7):
        scene.stage.service.sets(7, **changes)()
    await scene.launcher.join()


@pytest.mark.parametrize("status", [R.PENDING, R.RUNNING, R.COMPLETED, R.FAILED])
async def test_it_is_left_in_peace_and_its_record_untouched(scene: launches.Scene, status: runs.RunStatus) -> None:
    stage = scene.stage
    await during_the_call(scene, "Number of submitted workflows: 0", status=status, statusCmd=OTHER)
    assert (stage.service.run(7).status, stage.service.run(7).status_cmd) == (status, OTHER)
    assert "PUT 7" not in stage.service.asked
    assert "launch.elsewhere" in stage.events
    assert scene.is_settled(7)
    assert sum(stage.line.ended.values()) == 0, "it is not ours to count"
    assert (stage.line.held, stage.line.in_doubt, scene.launcher.trouble) == ({}, (), "")


async def test_a_job_beside_a_status_that_stayed_does_not_make_a_call_in_each_beat(scene: launches.Scene) -> None:
    await during_the_call(scene, "Number of submitted workflows: 0", statusCmd=OTHER)
    assert "launch.elsewhere" in scene.stage.events
    assert not scene.is_available(7), "it rests"


async def test_what_both_launched_is_held_and_said_loudly(scene: launches.Scene) -> None:
    stage = scene.stage
    await during_the_call(scene, *calls.launching(7, DIRECTORY, JOB), status=R.RUNNING, statusCmd=OTHER)
    assert JOB in stage.line.held[runs.Accession(7)]
    assert OTHER in stage.line.held[runs.Accession(7)]
    assert not scene.is_settled(7)
    event = next(event for event in stage.told.snapshot().events if event.name == "launch.held")
    assert event.level is board.Level.ERROR


async def test_a_job_on_a_submitted_record_that_nobody_here_launched_is_put_off_for_as_long_as_it_is_there(
    scene: launches.Scene,
) -> None:
    stage = scene.stage
    await during_the_call(scene, "Number of submitted workflows: 0", statusCmd=OTHER)
    stage.says(*launches.WELL)
    stage.clock.advance(60)
    await scene.beat()
    assert stage.called == ["launch 7"], "it is not launched beside that job"
    put_off = next(event for event in stage.told.snapshot().events if event.name == "launch.put_off")
    assert OTHER in str(put_off.fields["reason"])
    assert "clear statusCmd" in str(put_off.fields["reason"])
    stage.service.sets(7, statusCmd="")()
    stage.clock.advance(600)
    await scene.beat()
    assert stage.called == ["launch 7", "launch 7"]
    assert stage.service.run(7).status_cmd == JOB
