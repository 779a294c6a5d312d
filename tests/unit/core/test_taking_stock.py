"""What the supervisor's look shows of all accounts together."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from niassa_orch.core import account_line
from niassa_orch.domain import runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import accounts_d

R, State = runs.RunStatus, account_line.State


@pytest.fixture
async def serving(stage: stages.Stage) -> AsyncIterator[accounts_d.Scene]:
    """The service runs with one account, bob, who has one active run; eve has one and no account."""
    scene = accounts_d.Scene(stage)
    scene.write("bob")
    stage.oozie.start("1-oozie-W")
    stage.service.schedule(1, R.RUNNING, statusCmd="1-oozie-W", workflowEngine="oozie")
    stage.service.schedule(2, ownerUserName="eve@lab.net")
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.OK)
    yield scene
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)


async def look(scene: accounts_d.Scene) -> None:
    """A look, and the beat that comes with it, are over when this returns."""
    before, asked = scene.told.requests, len(scene.stage.service.asked)
    scene.supervisor.reload()
    await scene.until(lambda: scene.told.requests is not before and len(scene.stage.service.asked) > asked)


async def test_requests_of_crontabs_are_counted_while_accounts_are_well(serving: accounts_d.Scene) -> None:
    stage = serving.stage
    await look(serving)
    assert stage.told.requests.of_cron == 0
    stage.clock.advance(600)
    await look(serving)
    assert stage.told.requests.of_cron == 10 * (5 + 2)
    assert 0 < stage.told.requests.made <= len(stage.service.asked) + len(stage.oozie.asked)
    stage.service.before_get = [fakes.unreachable] * 100
    await look(serving)
    await serving.becomes(bob=State.BACKING_OFF)
    await look(serving)
    stage.clock.advance(600)
    await look(serving)
    assert stage.told.requests.of_cron == 10 * (5 + 2)


async def test_runs_that_no_account_serves_are_shown_and_told_once(serving: accounts_d.Scene) -> None:
    for _ in range(3):
        await look(serving)
    assert serving.told.snapshot().orphans == (("eve@lab.net", 1),)
    assert serving.stage.events.count("runs.orphaned") == 1
    del serving.stage.service.rows[runs.Accession(2)]
    for _ in range(3):
        await look(serving)
    assert serving.told.snapshot().orphans == ()
    assert serving.stage.events.count("runs.orphaned_no_more") == 1


async def test_once_tells_of_runs_that_no_account_serves(stage: stages.Stage) -> None:
    scene = accounts_d.Scene(stage)
    scene.write("bob")
    stage.service.schedule(2, R.RUNNING, ownerUserName="eve@lab.net")
    assert await scene.supervisor.once()
    assert stage.events == ["runs.orphaned"]
