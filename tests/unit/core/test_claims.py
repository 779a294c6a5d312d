"""Who may serve what, while profiles change. Claims are those of the real enrolling."""

import asyncio
import dataclasses

import pytest

from niassa_orch import errors
from niassa_orch.core import enrolling
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import served


def _as(stage: stages.Stage, name: str, host: str) -> enrolling.Enrolled:
    account = dataclasses.replace(fakes.BOB, name=name, host=host)
    return fakes.enrolled(stage.service, stage.oozie, stage.mediator, account)


@pytest.fixture
async def claims(stage: stages.Stage) -> enrolling.Enrolling:
    """Of three accounts that serve a host each."""
    made = served.Enrolling(stage)
    for name, host in (("alice", "one"), ("bob", "two"), ("carol", "three")):
        await made.claim(_as(stage, name, host))
    return made


async def test_accounts_whose_profiles_are_swapped_in_a_ring_are_refused_nothing(
    claims: enrolling.Enrolling, stage: stages.Stage
) -> None:
    for name in ("alice", "bob", "carol"):
        claims.move(name)
    ring = (("alice", "two"), ("bob", "three"), ("carol", "one"))
    waiting = [asyncio.create_task(claims.claim(_as(stage, name, host))) for name, host in ring]
    await asyncio.wait_for(asyncio.gather(*waiting), 30)
    with pytest.raises(errors.ProfileError, match="account carol already serves"):
        await claims.claim(_as(stage, "dave", "one"))


async def test_what_an_account_still_works_at_nobody_gets_before_it_let_go(
    claims: enrolling.Enrolling, stage: stages.Stage
) -> None:
    claims.move("bob")
    waiting = asyncio.create_task(claims.claim(_as(stage, "alice", "two")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    assert claims.is_moving("bob")
    claims.release("bob")
    await asyncio.wait_for(waiting, 30)
    assert not claims.is_moving("bob")


async def test_who_stays_where_it_was_keeps_it_and_who_waited_is_refused(
    claims: enrolling.Enrolling, stage: stages.Stage
) -> None:
    claims.move("bob")
    waiting = asyncio.create_task(claims.claim(_as(stage, "alice", "two")))
    await asyncio.sleep(0)
    await claims.claim(_as(stage, "bob", "two"))
    with pytest.raises(errors.ProfileError, match="account bob already serves"):
        await asyncio.wait_for(waiting, 30)


async def test_who_takes_over_from_a_worker_that_is_retired_waits_until_its_beat_has_ended(stage: stages.Stage) -> None:
    scene = served.Scene(stage)
    running = asyncio.create_task(scene.worker.run())
    await stage.until(lambda: bool(scene.enrolling.claimed))
    robert = await scene.enrolling.enrol(served.profile("robert"))
    async with asyncio.timeout(30):
        scene.worker.retire()
        await scene.enrolling.claim(robert)  # at once: the worker did nothing yet
    await running
    with pytest.raises(errors.ProfileError, match="account robert already serves"):
        await scene.enrolling.claim(await scene.enrolling.enrol(served.profile("bob")))
