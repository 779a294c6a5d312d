"""A crontab of Bob's Unix user that still launches: we do not, and say which line is in the way."""

import pytest

from niassa_orch.core import crontab_guard
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import beats_within_limits as scenes

LAUNCHES = "MAILTO=bob\n* * * * * seqware workflow-run launch-scheduled\n"
PROPAGATES = "* * * * * seqware workflow-run propagate-statuses\n"


@pytest.fixture
def scene(stage: stages.Stage, monkeypatch: pytest.MonkeyPatch) -> scenes.Scene:
    monkeypatch.setattr(crontab_guard, "time", stage.clock)
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    return scenes.Scene(stage)


async def test_nothing_is_launched_beside_a_crontab_that_launches(stage: stages.Stage, scene: scenes.Scene) -> None:
    calls.crontab(stage.mediator, LAUNCHES)
    await scene.beat(stages.renamed(stage, "bob"))
    assert stage.called == []
    assert "the crontab of niassa-bob still launches (line 2)" in scene.launcher.trouble
    assert "crontab -e -u niassa-bob" in scene.launcher.trouble
    calls.crontab(stage.mediator, LAUNCHES.replace("\n*", "\n# *"))
    stage.clock.advance(600)
    await scene.beat(stages.renamed(stage, "bob"))
    assert (stage.called, scene.launcher.trouble) == (["launch 1"], "")


async def test_a_profile_may_say_that_it_launches_beside_cron(stage: stages.Stage, scene: scenes.Scene) -> None:
    calls.crontab(stage.mediator, LAUNCHES)
    await scene.beat(stages.renamed(stage, "bob", beside_cron=True))
    assert stage.called == ["launch 1"]


async def test_a_crontab_that_only_propagates_is_in_nobodys_way(stage: stages.Stage, scene: scenes.Scene) -> None:
    calls.crontab(stage.mediator, PROPAGATES)
    await scene.beat(stages.renamed(stage, "bob"))
    assert stage.called == ["launch 1"]


async def test_a_crontab_that_cannot_be_read_may_launch_and_keeps_launches_waiting_until_it_can(
    stage: stages.Stage, scene: scenes.Scene
) -> None:
    calls.crontab(stage.mediator, None)
    for _ in range(3):
        await scene.beat(stages.renamed(stage, "bob"))
        assert stage.called == []
        assert "it cannot be known whether a crontab of niassa-bob launches: " in scene.launcher.trouble
        assert "see crontab -l -u niassa-bob (as root)" in scene.launcher.trouble
        assert "beside_cron = true in [launching] of the profile (bob.toml)" in scene.launcher.trouble
        stage.clock.advance(600)
    assert stage.events.count("launch.backing_off") == 1
    calls.crontab(stage.mediator, PROPAGATES)
    await scene.beat(stages.renamed(stage, "bob"))
    assert (stage.called, scene.launcher.trouble) == (["launch 1"], "")


async def test_a_profile_may_say_that_it_launches_beside_what_cannot_be_read(
    stage: stages.Stage, scene: scenes.Scene
) -> None:
    calls.crontab(stage.mediator, None)
    await scene.beat(stages.renamed(stage, "bob", beside_cron=True))
    assert stage.called == ["launch 1"]


async def test_a_machine_without_crontabs_launches_nothing_by_them(stage: stages.Stage, scene: scenes.Scene) -> None:
    calls.crontab(stage.mediator, "", installed=False)
    await scene.beat(stages.renamed(stage, "bob"))
    assert stage.called == ["launch 1"]


async def test_it_is_asked_about_seldom(stage: stages.Stage, scene: scenes.Scene) -> None:
    await scene.beat(stages.renamed(stage, "bob"))
    calls.crontab(stage.mediator, LAUNCHES)
    stage.clock.advance(500)
    scenes.schedule(stage, 2)
    scenes.launch_well(stage, 1, 2)
    await scene.beat(stages.renamed(stage, "bob"))
    assert stage.called == ["launch 1", "launch 2"]
    stage.clock.advance(200)
    scenes.schedule(stage, 3)
    await scene.beat(stages.renamed(stage, "bob"))
    assert len(stage.called) == 2
