"""Launches of Bob's within limits: how many begin, what counts, and what is said of those that wait."""

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import limits
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import beats_within_limits as scenes
from tests.unit.core import served

DIRECTORY = stages.DIRECTORY


@pytest.fixture
def scene(stage: stages.Stage) -> scenes.Scene:
    return scenes.Scene(stage)


async def test_a_batch_is_cut_to_what_is_left_of_the_beat_and_the_rest_follows_in_the_next(
    stage: stages.Stage, scene: scenes.Scene
) -> None:
    known = stages.renamed(stage, "bob", a_beat=3)
    scenes.schedule(stage, 1, 2, 3, 4, 5)
    scenes.launch_well(stage, 1, 2, 3, 4, 5)
    await scene.beat(known)
    assert stage.called == ["launch 1 2", "launch 3"]
    said = "2 to launch: 3 of 3 launches of this account were begun in this beat; more in 30 s"
    assert stage.line.waiting == said
    stage.clock.advance(20)
    await scene.beat(known)
    assert stage.line.waiting == said.replace("30 s", "10 s")
    stage.clock.advance(10)
    await scene.beat(known)
    assert stage.called == ["launch 1 2", "launch 3", "launch 4 5"]
    await scene.beat(known)
    assert stage.line.waiting == ""
    assert stage.events.count("launch.limited") == 1, "it is told when the wait begins"


async def test_a_wait_that_begins_anew_is_told_anew(stage: stages.Stage, scene: scenes.Scene) -> None:
    known = stages.renamed(stage, "bob", a_beat=1)
    for pair in ((1, 2), (3, 4)):
        scenes.schedule(stage, *pair)
        scenes.launch_well(stage, *pair)
        for _ in range(3):
            await scene.beat(known)
            stage.clock.advance(30)
    assert len(stage.called) == 4
    assert stage.events.count("launch.limited") == 2


async def test_what_is_in_doubt_counts_and_what_is_held_for_a_person_does_not(
    stage: stages.Stage, scene: scenes.Scene
) -> None:
    known = stages.renamed(stage, "bob", in_flight=1)
    scenes.schedule(stage, 7, 8)
    stage.says(*calls.whole(*calls.launching(7, DIRECTORY)))
    await scene.beat(known)
    assert stage.line.in_doubt == (7,)
    assert stage.line.waiting == "1 to launch: 1 of 1 launches of this account are in flight"
    for job in ("1-oozie-W", "2-oozie-W"):
        stage.oozie.start(job, app_path="/apps/oozie-1")
    stage.clock.advance(300)
    scenes.launch_well(stage, 8)
    await scene.beat(known)
    assert list(stage.line.held) == [7]
    await scene.beat(known)
    assert stage.called == ["launch 7", "launch 8"]


async def test_launches_of_an_earlier_process_are_in_flight(stage: stages.Stage, scene: scenes.Scene) -> None:
    scenes.schedule(stage, 7, 8)
    await stage.intend(7, lines=calls.whole(*calls.launching(7, DIRECTORY)))
    await scene.beat(stages.renamed(stage, "bob", in_flight=1))
    assert stage.called == []
    assert "1 of 1 launches of this account are in flight" in stage.line.waiting


async def test_an_attempt_counts_although_its_intent_could_not_be_written(
    stage: stages.Stage, scene: scenes.Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = stages.renamed(stage, "bob", a_beat=2)
    scenes.schedule(stage, 1, 2)
    scenes.launch_well(stage, 1, 2)

    def no_room() -> None:
        message = "the disk is full"
        raise errors.JournalError(message)

    with monkeypatch.context() as broken:
        broken.setattr(stage.state, "check_room", no_room)
        await scene.beat(known)
    assert scene.launcher.trouble == "the disk is full"
    scene.launcher.forgive()
    await scene.beat(known)
    assert stage.called == []
    assert "2 of 2 launches of this account were begun" in stage.line.waiting
    stage.clock.advance(30)
    await scene.beat(known)
    assert stage.called == ["launch 1 2"]


async def test_launches_of_an_hour_are_counted_over_a_restart_too(stage: stages.Stage, scene: scenes.Scene) -> None:
    known = stages.renamed(stage, "bob", an_hour=3)
    scenes.schedule(stage, 1, 2, 3, 4)
    scenes.launch_well(stage, 1, 2, 3, 4)
    await scene.beat(known)
    assert stage.called == ["launch 1 2", "launch 3"]
    assert stage.line.waiting == "1 to launch: 3 of 3 launches of this account were begun in this hour; more in 3600 s"
    stage.restart()
    again = scenes.Scene(stage)
    await stage.intents.refresh()
    known = stages.renamed(stage, "bob", an_hour=3)
    await again.beat(known)
    assert stage.called == ["launch 1 2", "launch 3"]
    assert "3 of 3 launches of this account were begun in this hour; more in " in stage.line.waiting
    stage.clock.advance(3600)
    await again.beat(known)
    assert stage.called == ["launch 1 2", "launch 3", "launch 4"]


@pytest.mark.parametrize(
    ("where", "counts"),
    [
        # The clock on the wall was set since; the machine's own goes on.
        ("created = '2020-01-01T00:00:00.000+00:00'", True),
        ("created = '2999-01-01T00:00:00.000+00:00'", True),
        ("begun = begun - 3600", False),
        # The machine was started since.
        ("boot_id = 'another'", True),
        ("boot_id = 'another', begun = 1e9", True),
        ("boot_id = 'another', created = '2020-01-01T00:00:00.000+00:00'", False),
        ("boot_id = 'another', created = '2999-01-01T00:00:00.000+00:00'", False),
    ],
)
async def test_an_hour_is_that_of_the_machines_own_clock_and_only_before_its_start_that_of_the_wall(
    stage: stages.Stage, where: str, counts: bool
) -> None:
    scenes.schedule(stage, 1, 2)
    scenes.launch_well(stage, 1, 2)
    known = stages.renamed(stage, "bob", an_hour=1)
    await scenes.Scene(stage).beat(known)
    assert stage.called == ["launch 1"]
    stage.alter(f"UPDATE launches SET {where}")  # noqa: S608 - a test's own words
    stage.restart()
    await stage.intents.refresh()
    await scenes.Scene(stage).beat(known)
    assert (stage.called == ["launch 1"]) == counts


async def test_all_accounts_share_a_limit(stage: stages.Stage) -> None:
    most = limits.Limits(settings.Launching(a_beat=3), stages.BEAT_SECONDS, tuple)
    stage.intents.limits = most
    scenes.schedule(stage, 1, 2, 3, 4)
    stage.service.schedule(9, ownerUserName="eve@lab.net")
    scenes.launch_well(stage, 1, 2, 3, 4, 9)
    bob, eve = stage.launcher(), stage.launcher("eve")
    hers = stages.renamed(stage, "eve", web_user="eve@lab.net", unix_user="niassa-eve")
    for launcher, known in ((bob, stage.known), (eve, hers)):
        launcher.offer(known, stages.rows(stage))
        await launcher.join()
    assert stage.called == ["launch 1 2", "launch 3"]
    assert stage.told.line("eve").waiting.startswith("1 to launch: 3 of 3 launches of all accounts were begun")
    stage.clock.advance(30)
    for launcher, known in ((bob, stage.known), (eve, hers)):
        launcher.offer(known, stages.rows(stage))
        await launcher.join()
    assert stage.called[2:] == ["launch 4", "launch 9"]
    assert stage.line.waiting == ""


async def test_what_two_accounts_look_at_in_the_same_moment_is_cut_to_what_is_left_for_both(
    stage: stages.Stage,
) -> None:
    stage.intents.limits = limits.Limits(settings.Launching(a_beat=1), stages.BEAT_SECONDS, tuple)
    scenes.schedule(stage, 1)
    stage.service.schedule(9, ownerUserName="eve@lab.net")
    scenes.launch_well(stage, 1, 9)
    hers = stages.renamed(stage, "eve", web_user="eve@lab.net", unix_user="niassa-eve")
    launchers = {stage.launcher(): stage.known, stage.launcher("eve"): hers}
    for launcher, known in launchers.items():
        launcher.offer(known, stages.rows(stage))
    for launcher in launchers:
        await launcher.join()
    # Who is first nobody can say: each looks at its own crontab before.
    assert stage.called in (["launch 1"], ["launch 9"])
    waits = stage.told.line("eve" if stage.called == ["launch 1"] else "bob").waiting
    assert waits.startswith("1 to launch: 1 of 1 launches of all accounts were begun")


async def test_an_account_that_waits_for_the_end_of_a_beat_beats_again_then_and_not_before(stage: stages.Stage) -> None:
    scene = served.Scene(stage)
    scene.enrolling.limits = {"a_beat": 1}
    scenes.schedule(stage, 1, 2)
    scenes.launch_well(stage, 1, 2)
    assert await scene.worker.beat() == served.INTERVAL_SECONDS
    await stage.told_of("launch.verified")
    await stage.until(lambda: bool(stage.line.waiting))
    stage.clock.advance(25)
    assert await scene.worker.beat() == 5
    stage.clock.advance(5)
    await scene.worker.beat()
    await stage.until(lambda: stage.called == ["launch 1", "launch 2"] and not stage.line.in_flight)
    scene.worker.stop()
    await scene.worker.run()
