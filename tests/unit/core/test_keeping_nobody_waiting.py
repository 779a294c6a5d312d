"""An account that cannot launch, or is not served any more, keeps neither a place nor a turn from others."""

import asyncio
import collections
import dataclasses

import pytest

from niassa_orch.config import settings
from niassa_orch.core import limits
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import launches

GONE = ("http://ws", "gone@lab.net", "server2")
COPIED = calls.whole(*calls.launching(6, "/scratch/oozie-6"))


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    stage.service.schedule(7)
    stage.says(*launches.WELL)
    return launches.Scene(stage)


@pytest.mark.parametrize("fault", ["Oozie is down", "the engine's lock is held"])
async def test_who_was_refused_a_place_and_cannot_launch_since_starves_nobody(
    stage: stages.Stage, scene: launches.Scene, fault: str
) -> None:
    eve = dataclasses.replace(fakes.BOB, name="eve", unix_user="niassa-eve", web_user="eve@lab.net")
    served = [fakes.BOB.claim, eve.claim]
    stage.intents.limits = limits.Limits(settings.Launching(a_beat=1), stages.BEAT_SECONDS, lambda: served)
    scene.launcher, hers = stage.launcher(), stage.launcher("eve")
    service, oozie = fakes.WebServiceInMemory(), fakes.OozieInMemory()
    known = fakes.enrolled(service, oozie, stage.directory / "hers", eve)
    service.schedule(1, ownerUserName="eve@lab.net")
    await scene.beat()
    stage.clock.advance(1)
    scene.launcher.offer(stage.known, [])
    hers.offer(known, [service.run(1)])
    await hers.join()
    assert "begun in this beat" in stage.told.line("eve").waiting, "bob's launch was this beat's"
    if fault == "Oozie is down":
        oozie.down = True
    else:
        calls.mediator(stage.directory / "hers", calls.whole("it.sauronsoftware.junique.AlreadyLockedException: x"))
        calls.locks(stage.directory / "hers", ("seqware.lock", 1234, "cron"))
    stage.service.schedule(8)
    stage.says(*calls.whole(*calls.launching(8, "/scratch/oozie-8", "8-oozie-W")))
    for _ in range(6):
        stage.clock.advance(stages.BEAT_SECONDS)
        hers.offer(known, [service.run(1)])
        await hers.join()
        await scene.beat()
    assert "launch 8" in stage.called
    assert hers.trouble or stage.told.line("eve").waiting


def test_launches_of_accounts_that_are_not_served_take_no_place_of_those_that_are() -> None:
    ann, bob = (dataclasses.replace(fakes.BOB, name=name, web_user=f"{name}@lab.net") for name in ("ann", "bob"))
    served = [ann.claim, bob.claim]
    most = limits.Limits(settings.Launching(in_flight=4), stages.BEAT_SECONDS, lambda: served)
    flying = collections.Counter({GONE: 1, ("http://ws", "left@lab.net", "server2"): 1})
    flying[ann.claim] = most.take(ann, 10, flying, 0.0).launches
    assert flying[ann.claim] == 1
    assert most.ask(bob, flying, 40.0).launches == 1


async def test_a_doubt_that_nobody_attends_to_is_not_in_flight(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.intents.limits = limits.Limits(settings.Launching(in_flight=1), stages.BEAT_SECONDS, tuple)
    scene.launcher = stage.launcher()
    left = await stage.intend(6, lines=COPIED)
    stage.alter("UPDATE launches SET owner = 'gone@lab.net'")
    stage.restart()
    assert [launch.call_id for launch in stage.journal.unsettled()] == [left.header.call_id]
    stage.intents.limits = limits.Limits(settings.Launching(in_flight=1), stages.BEAT_SECONDS, tuple)
    scene.launcher = stage.launcher()
    await scene.beat()
    assert stage.called == ["launch 7"]


async def test_who_retires_waits_for_no_turn_and_leaves_its_doubts_to_who_comes_next(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(6)
    stage.intents.leave(await stage.intend(6, lines=COPIED))
    scene.launcher.take_up(stage.known)
    await scene.launcher.settle_doubts()
    async with stage.turns.turn("niassa-bob", what="alice launches 99"):
        scene.offer()
        await stage.until(lambda: "alice launches 99" in stage.line.waiting)
        await scene.launcher.finish()
        await scene.launcher.stop()
        heir = stage.launcher("robert")
        heir.take_up(stages.renamed(stage, "robert"))
        assert stage.told.line("robert").in_doubt == (6,)
    assert stage.called == []


async def test_who_waits_for_the_turn_of_a_unix_user_that_is_not_its_any_more_launches_as_the_new_one(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    async with stage.turns.turn("niassa-bob", what="alice launches 99"):
        scene.offer()
        await stage.until(lambda: "alice launches 99" in stage.line.waiting)
        scene.launcher.revoke()
        await scene.launcher.join()
        known = stages.renamed(stage, "bob", unix_user="niassa-bob2")
        scene.offer(known=known)
        await scene.launcher.join()
        assert stage.called == ["launch 7"]
    assert stage.service.run(7).status is runs.RunStatus.PENDING


async def test_a_call_that_was_begun_is_not_given_up_when_the_profile_changes(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.says(*launches.WELL, gate=True)
    scene.offer()
    async with stage.at_gate(7):
        scene.launcher.revoke()
        await asyncio.sleep(0)
        assert stage.line.in_flight == (7,)
    await scene.launcher.join()
    assert stage.service.run(7).status_cmd == stages.JOB


async def test_an_old_doubt_that_is_asked_again_forgives_nothing(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(6)
    stage.intents.leave(await stage.intend(6, lines=COPIED))
    stage.says("sudo: a password is required")
    for _ in range(12):
        await scene.beat()
        stage.clock.advance(5)
    assert stage.oozie.asked.count("jobs of niassa-bob") > 2, "the doubt was asked again"
    assert stage.called == ["launch 7", "launch 7"], "30 s apart, then 60 s"
    assert scene.launcher.trouble
    assert "launch.recovered" not in stage.events
