"""What operators may do: what they are told, what they are refused, and that the audit trail knows first."""

import contextlib
import datetime
import json
import pathlib
from collections.abc import AsyncIterator

import pytest

from niassa_orch import errors
from niassa_orch.core import audit, crew, operating, supervisor
from niassa_orch.domain import orders, runs
from tests.fakes import stage as stages
from tests.unit.core import served

ALICE = orders.Operator(1001, "alice")
EVE = orders.Operator(1002, "eve")


class Room:
    """Bob's worker, which beats when told to, and who operates."""

    def __init__(self, stage: stages.Stage, trail: audit.Trail) -> None:
        self.stage = stage
        self.scene = served.Scene(stage)
        self.watched = supervisor.Supervisor(self.scene.desk)
        self.watched._workers["bob"] = self.scene.worker
        stage.told.line("ann").name  # noqa: B018 - a profile that nobody works for
        running = crew.Crew(self.watched, self.scene.desk)
        self.operating = operating.Operating(stage.orders, trail, running.names, running)
        self.offline = operating.Operating(stage.orders, trail, running.names)


@pytest.fixture
async def room(stage: stages.Stage, tmp_path: pathlib.Path) -> AsyncIterator[Room]:
    with contextlib.closing(audit.Trail(tmp_path / "audit")) as trail:
        yield Room(stage, trail)


def trailed(directory: pathlib.Path, name: str) -> list[tuple[str, str, bool]]:
    lines = (directory / "audit" / f"{name}.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [(one["what"], one["operator"], bool(one["result"])) for one in found]


async def test_a_pause_and_its_end_are_in_the_trail_with_who_wanted_them(room: Room, tmp_path: pathlib.Path) -> None:
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
    paused = await room.operating.pause("bob", ALICE, until=until, reason="disk")
    assert paused.text == str(paused.about[0]) == str(room.stage.orders.pause("bob"))
    await room.operating.resume("bob", EVE)
    assert room.stage.orders.in_force() == ()
    room.operating._trail.close()
    assert trailed(tmp_path, "bob") == [
        ("pause", "alice (uid 1001)", False),
        ("pause", "alice (uid 1001)", True),
        ("resume-orders", "eve (uid 1002)", False),
        ("resume-orders", "eve (uid 1002)", True),
    ]


async def test_an_account_that_does_not_exist_is_refused_with_one_that_looks_alike(room: Room) -> None:
    with pytest.raises(errors.OrderError, match=r"no account is called 'bbo'; did you mean bob\?"):
        await room.operating.pause("bbo", ALICE)
    with pytest.raises(errors.OrderError, match="no account is called 'zzz'; there are: ann, bob"):
        room.operating.active_runs("zzz")


async def test_what_was_ordered_for_all_is_not_lifted_for_one_and_the_other_way_round(room: Room) -> None:
    with pytest.raises(errors.OrderError, match="no order keeps bob from being launched"):
        await room.operating.resume("bob", ALICE)
    await room.operating.stop_launching(None, ALICE, reason="flood")
    with pytest.raises(errors.OrderError, match="this still holds: launching is STOPPED for all accounts"):
        await room.operating.resume("bob", ALICE)
    await room.operating.pause("bob", ALICE, launching_only=True)
    lifted = await room.operating.resume(None, ALICE)
    assert "STOPPED for all accounts" in lifted.text
    assert "this still holds: launching is paused for bob" in lifted.text


async def test_no_order_is_taken_that_is_not_in_the_trail(room: Room, tmp_path: pathlib.Path) -> None:
    (tmp_path / "audit" / "_service.jsonl").mkdir(parents=True)
    with pytest.raises(errors.AuditError):
        await room.operating.stop_launching(None, ALICE)
    with pytest.raises(errors.AuditError):
        await room.operating.drain(ALICE)
    assert (room.stage.orders.in_force(), room.stage.told.draining) == ((), False)


async def test_an_order_that_the_journal_does_not_take_does_not_hold_and_says_so(room: Room) -> None:
    room.stage.alter("CREATE TRIGGER no BEFORE INSERT ON orders BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(errors.OrderError, match="it could not be written down, and does not hold"):
        await room.operating.stop_launching("bob", ALICE)
    assert room.stage.orders.in_force() == ()


async def test_an_urgent_run_that_nobody_has_seen_wait_is_told_so(room: Room) -> None:
    answer = await room.operating.urgent(runs.Accession(99), ALICE)
    assert "has seen it wait: niassa-orch explain 99" in answer.text


async def test_an_urgent_run_is_found_and_one_that_waits_for_nothing_is_refused(room: Room) -> None:
    room.stage.service.schedule(7)
    room.stage.service.schedule(8, runs.RunStatus.RUNNING, statusCmd="8-W")
    await room.operating.stop_launching(None, ALICE)
    await room.scene.worker.beat()
    assert [(one.account, one.run.accession, one.launch) for one in room.operating.active_runs("bob")] == [
        ("bob", 7, ""),
        ("bob", 8, ""),
    ]
    answer = await room.operating.urgent(runs.Accession(7), ALICE)
    assert answer.about[0].account == "bob"
    assert [one.is_urgent for one in room.operating.active_runs()] == [True, False]
    with pytest.raises(errors.OrderError, match="run 8 of bob is running: it waits for no launch"):
        await room.operating.urgent(runs.Accession(8), ALICE)
    said = [one async for one in room.operating.explain(runs.Accession(7))]
    assert [one.text.partition(" by ")[0] for one in said if one.who in ("order", "waits")][:2] == [
        "run 7 goes first",
        "launching is STOPPED for all accounts",
    ]


async def test_a_drain_a_reload_and_a_look_reach_the_service(room: Room) -> None:
    room.scene.worker._wake.clear()
    assert (await room.operating.poll_now("bob", ALICE)).text == "bob: looked at now"
    assert room.scene.worker._wake.is_set()
    with pytest.raises(errors.OrderError, match="nobody works for ann"):
        await room.operating.poll_now("ann", ALICE)
    await room.operating.reload(ALICE)
    assert room.watched._drop_ins._asked
    await room.operating.drain(ALICE)
    assert room.stage.told.draining
    for refused in (room.operating.poll_now("bob", ALICE), room.operating.reload(ALICE)):
        with pytest.raises(errors.OrderError, match="the service drains"):
            await refused
    assert (await room.operating.stop_launching("bob", ALICE, reason="disk")).about, "it holds at the next start too"


async def test_without_a_service_orders_are_kept_and_nothing_else_can_be_done(room: Room) -> None:
    answer = await room.offline.stop_launching(None, ALICE)
    assert answer.text.endswith("no service runs: it holds from the next start on")
    room.stage.restart()
    assert room.stage.orders.keeper("bob") == answer.about[0]
    for refused in (room.offline.drain(ALICE), room.offline.reload(ALICE), room.offline.poll_now(None, ALICE)):
        with pytest.raises(errors.OrderError, match="no service runs here"):
            await refused
