"""Accounts that launch nothing for now: paused, or outside of their hours."""

import dataclasses
import datetime
from collections.abc import Iterator

import pytest

from niassa_orch.config import settings
from niassa_orch.core import gates
from niassa_orch.domain import accounts, windows
from tests.fakes import calls, zones
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import beats_within_limits as scenes

NIGHT = (windows.parse("22:00-06:00"), windows.parse("12:00-13:00"))


@pytest.fixture(autouse=True)
def toronto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from zones.be_in(zones.TORONTO, monkeypatch)


def moment(time: str, day: str = "2026-11-24") -> float:
    """A time of a day on the clock of this host, in seconds since the epoch."""
    return datetime.datetime.fromisoformat(f"{day}T{time}:00").timestamp()


class Gate:
    """A gate with a clock on the wall."""

    def __init__(self) -> None:
        self.told = fakes.board_of()
        self.time = "07:30"
        self.gate = gates.Gate(self.told.line("bob"), self.told, lambda _name: None, self._now)

    def _now(self) -> float:
        return moment(self.time)

    def says(self, time: str, **account: object) -> str:
        """Why nothing is launched at this time."""
        self.time = time
        is_shut = self.gate.is_shut(dataclasses.replace(fakes.BOB, **account))  # type: ignore[arg-type]
        assert is_shut == bool(self.gate.why)
        return self.gate.why

    def events(self) -> list[str]:
        return [event.name for event in self.told.snapshot().events]


def test_hours_shut_and_open_and_each_is_told_once() -> None:
    gate = Gate()
    assert gate.says("07:30", hours=NIGHT) == (
        "launches only at 22:00-06:00, 12:00-13:00, and it is 07:30 EST; that is in 4 h 30 min"
    )
    assert gate.says("11:59", hours=NIGHT).endswith("that is in 1 min")
    assert gate.says("12:00", hours=NIGHT) == ""
    assert gate.says("13:00", hours=NIGHT).endswith("that is in 9 h 0 min")
    assert gate.says("23:00", hours=NIGHT) == ""
    assert gate.events() == ["launch.held_back", "launch.let_go"] * 2


def test_a_pause_says_why_whatever_the_hour_is() -> None:
    gate = Gate()
    assert (
        gate.says("12:30", hours=NIGHT, paused="the disk is replaced") == "paused by its profile: the disk is replaced"
    )
    assert gate.says("12:30", hours=NIGHT) == ""


def test_an_account_without_either_is_open() -> None:
    gate = Gate()
    assert gate.says("07:30") == ""
    assert gate.events() == []


async def test_a_paused_account_launches_nothing_and_its_line_says_why(stage: stages.Stage) -> None:
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    scene = scenes.Scene(stage)
    paused = stages.renamed(stage, "bob", paused="the disk is replaced")
    await scene.beat(paused)
    assert (stage.called, stage.line.waiting) == ([], "paused by its profile: the disk is replaced")
    await scene.beat(stages.renamed(stage, "bob"))
    assert (stage.called, stage.line.waiting) == (["launch 1"], "")


async def test_a_gate_that_shuts_between_two_calls_lets_no_further_one_begin(
    stage: stages.Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.schedule(stage, 1, 2, 3, 4)
    scenes.launch_well(stage, 1, 2, 3, 4)

    def is_shut(_: gates.Gate, __: accounts.Account) -> bool:
        return bool(stage.called)

    monkeypatch.setattr(gates.Gate, "is_shut", is_shut)
    await scenes.Scene(stage).beat(stages.renamed(stage, "bob"))
    assert stage.called == ["launch 1 2"]


async def test_a_gate_that_shuts_while_a_call_waits_for_the_users_turn_lets_it_not_begin(stage: stages.Stage) -> None:
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    scene = scenes.Scene(stage)
    time = ["05:59"]
    gate = gates.Gate(stage.line, stage.told, stage.orders.keeper, lambda: moment(time[0]))
    scene.launcher._gate = gate  # its clock on the wall is ours
    async with stage.turns.turn("niassa-bob", what="a whitestar call"):
        scene.launcher.offer(stages.renamed(stage, "bob", hours=NIGHT), stages.rows(stage))
        await stage.until(lambda: "a whitestar call" in stage.line.waiting)
        time[0] = "07:30"
    await scene.launcher.join()
    assert stage.called == []
    assert stage.line.waiting.startswith("launches only at 22:00-06:00")


async def test_a_pause_is_told_at_once_although_a_launch_is_under_way_which_goes_on(stage: stages.Stage) -> None:
    scenes.schedule(stage, 1, 2)
    lines = (line for a in (1, 2) for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-oozie-W"))
    stage.says(*calls.whole(*lines), gate=True)
    stage.bar(1)
    launcher = stage.launcher(engine=settings.Engine(batch=1))
    launcher.offer(stage.known, stages.rows(stage))
    async with stage.at_gate(1):
        launcher.revoke()  # as at each change of a profile
        paused = stages.renamed(stage, "bob", paused="the disk is replaced")
        launcher.offer(paused, stages.rows(stage))
        assert (stage.line.waiting, stage.line.in_flight) == ("paused by its profile: the disk is replaced", (1,))
        assert gates.why_shut(paused.account, moment("12:00")) == stage.line.waiting
        launcher.offer(stages.renamed(stage, "bob"), stages.rows(stage))
        assert stage.line.waiting == "", "it is paused no more"
        launcher.offer(paused, stages.rows(stage))
    await launcher.join()
    assert stage.called == ["launch 1"]
    assert "launch.verified" in stage.events
    assert stage.line.waiting == "paused by its profile: the disk is replaced"
