"""One page of status: what needs a person first, the worst account on top, and the same for machines without clocks."""

import dataclasses
import datetime
import io
import json

import pytest
import rich.console

from niassa_orch.core import account_line, board, gauges
from niassa_orch.domain import orders, runs
from niassa_orch.faces import needs, severity, status_json, status_table
from tests.fakes import neighbours_in_memory as fakes

NOW = datetime.datetime(2026, 11, 24, 4, 30, tzinfo=datetime.UTC)
ALICE = orders.Operator(1001, "alice")
URL = "http://ws"


def stop(account: str = "") -> orders.Order:
    return orders.Order(orders.Kind.STOP, account, ALICE, NOW, "flood")


@pytest.fixture
def told() -> board.Board:
    """Three accounts, all well."""
    made = fakes.board_of()
    for name in ("ann", "bob", "cid"):
        made.line(name).state = account_line.State.OK
    return made


def page(snapshot: board.Snapshot, width: int = 120) -> str:
    out = io.StringIO()
    rich.console.Console(file=out, width=width).print(status_table.render(snapshot))
    return out.getvalue()


def test_all_is_well_is_said_in_so_many_words(told: board.Board) -> None:
    assert needs.of(told.snapshot()) == []
    assert page(told.snapshot()).startswith("nothing needs a person")


def test_what_passes_by_itself_needs_nobody(told: board.Board) -> None:
    told.line("ann").state, told.line("ann").reason = (
        account_line.State.BACKING_OFF,
        "GET http://ws/list: no connection",
    )
    told.line("bob").waiting = "for the lock"
    told.line("cid").in_doubt = (runs.Accession(7),)
    assert needs.of(told.snapshot()) == []
    shown = page(told.snapshot())
    assert "ann: no connection [GET http://ws/list]" in shown
    assert "bob: for the lock" in shown


def test_what_no_launch_and_no_password_tells_needs_a_person_too(told: board.Board) -> None:
    told.line("ann").left_alone = {runs.Accession(number): "no job" for number in range(1, 6)}
    told.line("bob").calls = (
        gauges.EngineCall((runs.Accession(7),), 1.0, adopted=False, whitestar=False, overdue=True),
    )
    told.line("cid").advice = "SW_REST_URL says something else"
    told.line("dot").state, told.line("dot").alarm = account_line.State.BACKING_OFF, "sudo refuses"
    told.alarm("accounts", "accounts_dir cannot be read")
    snapshot = told.snapshot()
    assert needs.of(snapshot) == [
        "accounts_dir cannot be read",
        *(f"ann: run {number} is left alone: no job" for number in (1, 2, 3)),
        "ann: 2 runs more, or even more, are left alone",
        "bob: the engine call of 7 outlived its deadline: see whether it hangs",
        "dot: sudo refuses",
        "cid: SW_REST_URL says something else",
    ]
    assert [severity.needs_person(line) for line in snapshot.accounts] == [True, True, False, True]
    told.alarm("accounts", "")
    assert not told.snapshot().alarms


@pytest.mark.parametrize(("seconds", "needed"), [(899, []), (901, ["ann: its beat has lasted for 15m01s"])])
def test_a_beat_that_does_not_end_needs_a_person(told: board.Board, seconds: float, needed: list[str]) -> None:
    snapshot = told.snapshot()
    told.line("ann").beat_since = snapshot.now - seconds
    found = needs.of(dataclasses.replace(told.snapshot(), now=snapshot.now))
    assert [why.partition(": something")[0] for why in found] == needed


def test_an_oozie_that_is_out_of_reach_for_a_beat_needs_nobody(told: board.Board) -> None:
    told.line("ann").warning = "GET http://oozie/oozie: no connection"
    assert needs.of(told.snapshot()) == []
    assert "ann: no connection" in page(told.snapshot())


def test_errors_that_were_told_are_counted_where_nothing_else_is_said(told: board.Board) -> None:
    told.event("task.crashed", level=board.Level.ERROR)
    told.event("task.crashed", level=board.Level.ERROR)
    told.event("launch.verified")
    shown = page(told.snapshot())
    assert shown.startswith("nothing needs a person\nerrors among the last 3 events: task.crashed 2; the last at")
    assert status_json.of(told.snapshot())["errors_told"].startswith("errors among the last 3 events: task.crashed 2")


@pytest.mark.parametrize("width", [80, 120, 10_000])
def test_what_needs_a_person_comes_first_with_what_to_do_and_its_account_on_top(told: board.Board, width: int) -> None:
    told.journal = "the journal cannot be used: disk full"
    told.line("cid").held = {runs.Accession(7): "its transcript is cut\x1b[2J"}
    told.line("bob").state, told.line("bob").reason = account_line.State.WRONG_PASSWORD, "look at the password"
    told.line("ann").unix_user = "x\x1b[2J"
    told.ask_orders = lambda: (stop(),)
    snapshot = told.snapshot()
    first, journal, wrong, held = needs.of(snapshot)
    assert first.startswith("launching is STOPPED for all accounts")
    assert first.endswith("lift it: niassa-orch resume --all")
    assert (journal, wrong) == (told.journal, "bob: wrong password: look at the password")
    assert held.startswith("cid: run 7 waits for your word (niassa-orch resolve 7): its transcript is cut")
    assert [line.name for line in severity.worst_first(snapshot.accounts)] == ["bob", "cid", "ann"]
    shown = page(snapshot, width)
    assert shown.startswith("! launching is STOPPED")
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= width


@pytest.mark.parametrize(
    ("trouble", "answered", "silent"), [("no connection", 290, False), ("no connection", 310, True), ("", 310, False)]
)
def test_a_server_needs_somebody_once_it_is_silent_for_long(
    told: board.Board, trouble: str, answered: float, silent: bool
) -> None:
    snapshot = told.snapshot()
    one = gauges.Neighbour(gauges.Kind.OOZIE, URL, snapshot.now - answered, 0.1, trouble)
    found = needs.of(dataclasses.replace(snapshot, neighbours=(one,)))
    assert found == ([f"Oozie {URL} last answered 310 s ago: no connection"] if silent else [])


def test_the_page_for_machines_has_ages_and_waits_and_no_clock_of_the_process(told: board.Board) -> None:
    snapshot = told.snapshot()
    line = told.line("bob")
    line.last_good_poll, line.next_beat, line.poll_seconds = snapshot.now - 2, snapshot.now + 3, 0.25
    line.calls = (gauges.EngineCall((runs.Accession(7),), snapshot.now - 5, adopted=True, whitestar=False),)
    line.counts = {runs.RunStatus.RUNNING: 4}
    told.ask_neighbours = lambda: [gauges.Neighbour(gauges.Kind.WEB_SERVICE, URL, snapshot.now - 1, 0.2, "")]
    told.ask_orders = lambda: (stop("bob"),)
    shown = json.loads(json.dumps(status_json.of(dataclasses.replace(told.snapshot(), now=snapshot.now))))
    [bob] = [account for account in shown["accounts"] if account["name"] == "bob"]
    assert (bob["name"], bob["last_good_poll_seconds_ago"], bob["next_beat_in_seconds"]) == ("bob", 2, 3)
    assert (bob["active"], bob["calls"][0]["since_seconds"], bob["poll_seconds"]) == ({"running": 4}, 5, 0.25)
    assert shown["neighbours"][0]["answered_seconds_ago"] == 1
    [order] = shown["orders"]
    assert (order["by"], order["by_uid"], order["since"], order["until"]) == ("alice", 1001, NOW.isoformat(), None)
    assert shown["service"]["freshness"] == {"p50_seconds": None, "p95_seconds": None}


def test_a_lag_above_every_bound_is_a_number_all_the_same(told: board.Board) -> None:
    told.line("bob").lags = told.line("bob").lags.noted(1e6)
    shown = status_json.of(told.snapshot())["service"]["freshness"]
    assert json.loads(json.dumps(shown, allow_nan=False)) == {"p50_seconds": 3600, "p95_seconds": 3600}
