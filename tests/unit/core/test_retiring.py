"""Calls of accounts that are removed, renamed or stopped: seen through, left alive, taken up, or told as nobody's."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from niassa_orch.core import account_line, board
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import accounts_d

State, R = account_line.State, runs.RunStatus
WELL = calls.whole(*calls.launching(7, stages.DIRECTORY, stages.JOB))


@pytest.fixture
async def serving(stage: stages.Stage) -> AsyncIterator[accounts_d.Scene]:
    """The service launches run 7 of bob as soon as it begins; the call waits at its gate."""
    scene = accounts_d.Scene(stage)
    scene.write("bob")
    stage.bar(7)
    stage.service.schedule(7)
    stage.says(*WELL, gate=True)
    running = asyncio.create_task(scene.supervisor.run())
    yield scene
    scene.supervisor.stop()
    await running


async def test_the_call_of_a_removed_account_is_seen_through_and_settled_then_its_worker_ends(
    serving: accounts_d.Scene,
) -> None:
    stage = serving.stage
    async with stage.at_gate(7):
        serving.remove("bob")
        serving.supervisor.reload()
        await serving.becomes(bob=State.STOPPING)
        assert stage.line.in_flight == (7,)
    await serving.becomes()
    assert stage.service.run(7).status_cmd == stages.JOB
    assert stage.events[-1] == "account.stopped"
    assert not stage.unsettled()


async def test_a_stop_of_the_service_leaves_the_call_of_a_removed_account_alive_for_the_next_start(
    serving: accounts_d.Scene,
) -> None:
    stage = serving.stage
    async with stage.at_gate(7):
        serving.remove("bob")
        serving.supervisor.reload()
        await serving.becomes(bob=State.STOPPING)
        serving.supervisor.stop()
        await serving.until(lambda: "account.stopped" in stage.events)
        assert stage.is_alive(7)
    await stage.until(lambda: not stage.is_alive(7))
    stage.restart()
    serving.write("bob")
    assert await serving.new_supervisor().once()
    assert stage.called == ["launch 7"]
    assert stage.service.run(7).status_cmd == stages.JOB


async def test_an_account_that_comes_back_takes_up_the_call_that_was_seen_through(serving: accounts_d.Scene) -> None:
    stage = serving.stage
    async with stage.at_gate(7):
        serving.remove("bob")
        serving.supervisor.reload()
        await serving.becomes(bob=State.STOPPING)
        serving.write("bob")
        serving.supervisor.reload()
        await serving.until(lambda: "recovery.adopted" in stage.events)
        await serving.becomes(bob=State.OK)
        assert stage.line.in_flight == (7,)
    await stage.told_of("launch.repaired")
    assert stage.called == ["launch 7"]


async def test_a_profile_that_is_renamed_while_its_call_lives_settles_it_under_its_new_name(
    serving: accounts_d.Scene,
) -> None:
    stage = serving.stage
    async with stage.at_gate(7):
        serving.remove("bob")
        serving.write("robert")
        serving.supervisor.reload()
        await serving.until(lambda: serving.states.keys() == {"bob", "robert"})
    await stage.told_of("launch.repaired")
    await serving.until(lambda: "bob" not in serving.states)
    assert stage.called == ["launch 7"]


async def test_launches_that_no_served_account_owns_are_told_once(stage: stages.Stage) -> None:
    scene = accounts_d.Scene(stage)
    await stage.intend(7, 8)
    stage.restart()
    scene.write("eve", accounts_d.GOOD.replace("server2", "server3"))
    scene.supervisor = scene.new_supervisor()
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(eve=State.OK)
    scene.supervisor.reload()
    await scene.until(lambda: stage.events.count("launch.unattended") == 2)
    for _ in range(3):
        beats = stage.service.asked.count("LIST submitted")
        scene.supervisor.reload()
        await scene.until(lambda beats=beats: stage.service.asked.count("LIST submitted") > beats)  # type: ignore[misc]
    scene.supervisor.stop()
    await running
    told = [event for event in stage.told.snapshot().events if event.name == "launch.unattended"]
    assert [event.fields["accession"] for event in sorted(told, key=lambda event: str(event.fields))] == [7, 8]
    assert {event.level for event in told} == {board.Level.ERROR}
    assert "bob@lab.net" in str(told[0].fields["reason"])
    [alarm] = stage.told.snapshot().alarms
    assert "7 (bob), 8 (bob); see: niassa-orch doubts" in alarm


async def test_launches_of_an_account_that_is_just_starting_are_not_nobodys(stage: stages.Stage) -> None:
    scene = accounts_d.Scene(stage)
    stage.service.schedule(7, R.PENDING, statusCmd=stages.JOB)
    await stage.intend(7, lines=WELL)
    stage.restart()
    scene.write("bob")
    scene.supervisor = scene.new_supervisor()
    scene.enrolling.leave.clear()
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.STARTING)
    scene.write("eve", "this is no TOML")
    scene.supervisor.reload()
    await scene.becomes(bob=State.STARTING, eve=State.MISCONFIGURED)
    scene.enrolling.leave.set()
    await scene.until(lambda: not stage.unsettled())
    scene.supervisor.stop()
    await running
    assert "launch.unattended" not in stage.events


async def test_once_tells_launches_that_no_account_owns(stage: stages.Stage) -> None:
    scene = accounts_d.Scene(stage)
    await stage.intend(7)
    stage.restart()
    assert await scene.new_supervisor().once()
    assert stage.events == ["launch.unattended"]
