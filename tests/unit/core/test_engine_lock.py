"""Launches that wait for the engine's lock, which somebody else holds."""

import socket

import pytest

from niassa_orch.core import board, engine_lock
from niassa_orch.domain import runs
from niassa_orch.seqware import answers
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

LOCKED = calls.whole("it.sauronsoftware.junique.AlreadyLockedException: lock")
CRON = "java ... workflow-run launch-scheduled"
MINE = (f"seqware-{socket.gethostname()}.lock", 1234, CRON)
UNNAMED = ("0123abcd.lock", 77, "java ...")
SAID = f"the engine lock of niassa-bob is held by pid 1234 ({CRON})"
GENERIC = "the engine lock of niassa-bob is held by another process; look for a crontab of niassa-bob that launches"


@pytest.fixture
async def scene(stage: stages.Stage) -> launches.Scene:
    """Bob's run 7, whose first call gave up on the lock, which 1234 holds."""
    scene = launches.Scene(stage)
    stage.service.schedule(7)
    stage.says(*LOCKED)
    calls.locks(stage.mediator, MINE)
    await scene.beat()
    return scene


def waits(stage: stages.Stage) -> list[tuple[board.Level, object]]:
    """The events that say that launches wait for the lock."""
    found = (event for event in stage.told.snapshot().events if event.name == "launch.waiting_for_lock")
    return [(event.level, event.fields["reason"]) for event in found]


async def test_who_holds_it_is_said_once_and_no_engine_is_started_while_it_is_held(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    since = stage.line.locked_since
    assert since is not None
    for _ in range(3):
        stage.clock.advance(600)
        await scene.beat()
        assert (stage.line.waiting, stage.line.locked_since) == (SAID, since)
    assert stage.called == ["launch 7", "lock", "lock", "lock", "lock"]
    assert waits(stage) == [(board.Level.WARNING, SAID)]
    assert "launch.backing_off" not in stage.events
    assert scene.is_settled(7)
    assert stage.service.run(7).status is runs.RunStatus.SUBMITTED
    assert scene.is_available(7), "it is not the run's fault"


async def test_it_goes_on_in_the_beat_that_finds_the_lock_free(stage: stages.Stage, scene: launches.Scene) -> None:
    calls.locks(stage.mediator)
    stage.says(*launches.WELL)
    await scene.beat()
    assert stage.called == ["launch 7", "lock", "lock", "launch 7"]
    assert stage.service.run(7).status_cmd == launches.JOB
    assert (stage.line.waiting, stage.line.locked_since, scene.launcher.trouble) == ("", None, "")
    assert "launch.recovered" in stage.events


async def test_the_board_says_who_holds_it_by_now_and_the_log_does_not_repeat_it(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    calls.locks(stage.mediator, (MINE[0], 4321, CRON))
    await scene.beat()
    assert stage.line.waiting == SAID.replace("1234", "4321")
    assert len(waits(stage)) == 1


async def test_what_lasts_is_told_to_a_person_once_and_then_a_call_is_the_probe(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.clock.advance(3599)
    await scene.beat()
    assert stage.called.count("launch 7") == 1
    assert scene.launcher.rests.alarm == ""
    for _ in range(2):
        stage.clock.advance(1)
        await scene.beat()
    assert stage.called.count("launch 7") == 2
    assert scene.launcher.rests.alarm == SAID
    assert waits(stage) == [(board.Level.WARNING, SAID), (board.Level.ERROR, SAID)]


@pytest.mark.parametrize("held", [(UNNAMED,), (UNNAMED, ("seqware-elsewhere.lock", 78, CRON))])
async def test_a_lock_that_may_be_another_one_is_waited_for_no_longer_than_before(
    stage: stages.Stage, held: tuple[tuple[str, int, str], ...]
) -> None:
    stage.service.schedule(7)
    stage.says(*LOCKED)
    calls.locks(stage.mediator, *held)
    scene = launches.Scene(stage)
    await scene.beat()
    assert all(f"pid {pid} (" in stage.line.waiting for _, pid, _ in held), "all that may be it are named"
    stage.clock.advance(26)
    await scene.beat()
    assert stage.called.count("launch 7") == 1
    stage.clock.advance(8)
    await scene.beat()
    assert stage.called.count("launch 7") == 2
    calls.locks(stage.mediator)
    await scene.beat()
    assert stage.called.count("launch 7") == 3, "free is free"


async def test_a_lock_that_nobody_holds_any_more_makes_no_call_in_each_beat(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    stage.says(*LOCKED)
    calls.locks(stage.mediator)
    scene = launches.Scene(stage)
    for _ in range(3):
        await scene.beat()
    assert stage.called == ["launch 7", "lock"]
    assert "nobody holds it now" in stage.line.waiting
    stage.clock.advance(34)
    await scene.beat()
    assert stage.called == ["launch 7", "lock", "launch 7", "lock"]


async def test_a_mediator_that_cannot_say_leaves_the_old_words_and_the_old_waits(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    stage.says(*LOCKED)
    scene = launches.Scene(stage)
    for _ in range(3):
        await scene.beat()
        assert stage.line.waiting == GENERIC
    assert stage.called == ["launch 7", "lock"]
    for seconds, launched in ((34, 2), (34, 2), (34, 3)):
        stage.clock.advance(seconds)
        await scene.beat()
        assert stage.called.count("launch 7") == launched, "a call is the probe, after a growing wait"
    assert waits(stage) == [(board.Level.WARNING, GENERIC)]


async def test_a_mediator_that_cannot_say_any_more_leaves_the_call_to_find_out(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.directory.joinpath("mediator.lock").unlink()
    await scene.beat()
    assert (stage.called.count("launch 7"), stage.line.waiting) == (1, GENERIC)
    stage.clock.advance(34)
    await scene.beat()
    assert stage.called.count("launch 7") == 2


async def test_a_person_who_says_that_it_is_mended_is_believed_at_once(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.says(*launches.WELL)
    scene.launcher.forgive()
    assert stage.line.waiting == ""
    await scene.beat()
    assert stage.called == ["launch 7", "lock", "launch 7"]


async def test_nobody_waits_when_there_is_nothing_left_to_launch(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.sets(7, status=runs.RunStatus.CANCELLED)()
    await scene.beat()
    assert (stage.line.waiting, scene.launcher.trouble) == ("", "")


async def test_words_about_a_lock_in_a_call_that_launched_are_not_taken_for_the_engines(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole(*calls.launching(7, launches.DIRECTORY, launches.JOB), "AlreadyLockedException"))
    scene = launches.Scene(stage)
    await scene.beat()
    assert (stage.called, stage.line.waiting, scene.launcher.trouble) == (["launch 7"], "", "")


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (None, GENERIC),
        ([MINE], SAID),
        ([(MINE[0], 7, "")], "the engine lock of niassa-bob is held by pid 7"),
        ([UNNAMED, MINE], SAID),
        ([("other-server2.lock", 1, "a"), ("seqware-server2.lock", 2, "b")], "held by pid 2 (b), pid 1 (a)"),
        ([UNNAMED, ("x.lock", 1, "a")], "held by pid 77 (java ...), pid 1 (a)"),
        ([("x.lock", number, "") for number in range(1, 6)], "held by pid 1, pid 2, pid 3 and 2 more"),
        ([("x.lock", None, "")], "held by a process that the system does not name (lock x.lock)"),
        ([("seqware-server2.lab.net.lock", 1, "a"), ("seqware-server22.lock", 2, "b")], "held by pid 1 (a)"),
    ],
)
def test_the_words_name_the_holder_of_this_hosts_lock_and_all_if_that_is_unclear(
    held: list[tuple[str, int | None, str]] | None, expected: str
) -> None:
    locks = None if held is None else [answers.HeldLock(*one) for one in held]
    assert engine_lock.in_words("niassa-bob", locks, "server2").endswith(expected)
