"""A crontab that was forgotten launches runs of everybody: told once, and whom it can touch waits."""

import asyncio
import dataclasses
import typing
from collections.abc import AsyncIterator

import pytest

from niassa_orch.core import crontab_guard, crontab_rounds, enrolling
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import accounts_d
from tests.unit.core import beats_within_limits as scenes

LAUNCHES = "* * * * * seqware workflow-run launch-scheduled\n"
TOLD = "crontab.launches_for_others"


class Rounds:
    """Alice is served beside Bob, by a mediator, and so a crontab, of her own."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.bob = scenes.Scene(stage)
        self.hers = calls.mediator(stage.directory / "hers", ())
        self.served: dict[str, enrolling.Enrolled | None] = {"bob": stage.known, "alice": self.alice()}
        self.machine = "server9"
        crontabs = stage.intents.crontabs
        self.rounds = crontab_rounds.CrontabRounds(lambda: self.served, crontabs, stage.told, self.machine)

    def alice(self, **changes: typing.Any) -> enrolling.Enrolled:
        known = stages.renamed(self.stage, "alice", unix_user="niassa-alice", web_user="alice@lab.net", **changes)
        return dataclasses.replace(known, mediator=self.hers)

    async def round(self) -> str:
        """Why Bob waits after a round and a beat, or ``""``."""
        self.stage.clock.advance(120)
        await self.rounds.round()
        await self.bob.beat(self.stage.known)
        return self.bob.launcher.trouble


@pytest.fixture
async def rounds(stage: stages.Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rounds]:
    for module in (crontab_guard, crontab_rounds):
        monkeypatch.setattr(module, "time", stage.clock)
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    yield Rounds(stage)


async def test_a_forgotten_line_of_another_user_keeps_bob_waiting_and_is_told_once(
    stage: stages.Stage, rounds: Rounds
) -> None:
    calls.crontab(rounds.hers, LAUNCHES)
    for _ in range(3):
        why = await rounds.round()
        assert stage.called == []
        assert "the crontab of niassa-alice (line 1) launches what is scheduled for" in why
        assert "crontab -e -u niassa-alice" in why
        assert "alice.toml" in why
    assert stage.events.count(TOLD) == 1
    assert "the crontab of niassa-alice (line 1)" in stage.told.snapshot().alarms[0]
    calls.crontab(rounds.hers, "")
    assert await rounds.round() == ""
    assert stage.called == ["launch 1"]
    assert stage.told.snapshot().alarms == ()


@pytest.mark.parametrize(
    "harmless",
    [{"host": "elsewhere"}, {"web_service_url": "http://other/x"}, {"unix_user": "niassa-bob"}, {"beside_cron": True}],
)
async def test_what_cannot_touch_bob_keeps_him_from_nothing(
    stage: stages.Stage, rounds: Rounds, harmless: dict[str, typing.Any]
) -> None:
    calls.crontab(rounds.hers, LAUNCHES)
    alice = rounds.alice()
    rounds.served["alice"] = dataclasses.replace(alice, account=dataclasses.replace(alice.account, **harmless))
    assert await rounds.round() == ""
    assert stage.called == ["launch 1"]
    assert TOLD not in stage.events


async def test_what_is_scheduled_for_the_machine_itself_a_line_for_another_host_launches_too(
    stage: stages.Stage, rounds: Rounds
) -> None:
    calls.crontab(rounds.hers, LAUNCHES)
    rounds.served["alice"] = rounds.alice(host="elsewhere")
    on_machine = dataclasses.replace(stage.known.account, host=rounds.machine)
    rounds.served["bob"] = dataclasses.replace(stage.known, account=on_machine)
    await rounds.round()
    assert TOLD in stage.events


async def test_bob_waits_for_no_look_at_a_crontab_of_others_nor_for_one_that_cannot_be_read(
    stage: stages.Stage, rounds: Rounds
) -> None:
    calls.crontab(rounds.hers, None)
    assert await rounds.round() == ""
    assert stage.called == ["launch 1"]


async def test_what_was_seen_holds_while_it_cannot_be_looked_at_again_and_ends_with_the_account(
    stage: stages.Stage, rounds: Rounds
) -> None:
    calls.crontab(rounds.hers, LAUNCHES)
    assert await rounds.round()
    calls.crontab(rounds.hers, None)
    assert await rounds.round()
    rounds.served["alice"] = None
    assert await rounds.round(), "her login may be refused: her crontab goes on"
    del rounds.served["alice"]
    assert await rounds.round() == ""
    assert stage.called == ["launch 1"]


async def test_a_service_that_runs_goes_its_rounds(stage: stages.Stage) -> None:
    calls.crontab(stage.mediator, LAUNCHES)
    scene = accounts_d.Scene(stage)
    scene.write("bob")
    scene.write("alice", accounts_d.GOOD.replace(accounts_d.USER, "daemon"))
    running = asyncio.create_task(scene.supervisor.run())
    await scene.until(lambda: TOLD in stage.events)
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)
