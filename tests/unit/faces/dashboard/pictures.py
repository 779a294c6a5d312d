"""Snapshots to draw, and pictures as texts, for the tests of this folder."""

import collections
import datetime

from niassa_orch.core import account_line, board, gauges
from niassa_orch.domain import orders, runs
from niassa_orch.faces.dashboard import cells, screen, view

R, State = runs.RunStatus, account_line.State
SIZES = [(80, 24), (120, 40), (250, 80)]
NOW = 1000.0
NOON = datetime.datetime(2026, 1, 2, 12, 0, tzinfo=datetime.UTC)
ROOT = orders.Operator(0, "root")

ALICE = account_line.AccountLine(
    "alice",
    "niassa-alice",
    state=State.OK,
    last_good_poll=NOW - 5,
    counts={R.SUBMITTED: 11, R.RUNNING: 222},
    ended=collections.Counter({R.COMPLETED: 3333, R.FAILED: 44}),
    in_flight=(runs.Accession(1), runs.Accession(2)),
    calls=(gauges.EngineCall((runs.Accession(1), runs.Accession(2)), NOW - 75, True, False),),
    in_doubt=(runs.Accession(5),),
    held={runs.Accession(7): "Oozie has two jobs of this launch"},
)
BOB = account_line.AccountLine(
    "bob", "niassa-bob", state=State.BACKING_OFF, reason=f"GET http://ws{'/x' * 100}: no connection", next_beat=NOW + 90
)
CAROL = account_line.AccountLine("carol", state=State.MISCONFIGURED, reason="carol.toml: unix_user: no such user")
DAVE = account_line.AccountLine("dave", "niassa-dave", state=State.WRONG_PASSWORD, reason="401")


def event(number: int, account: str = "alice", **fields: object) -> board.Event:
    return board.Event(number, NOON, board.Level.ERROR, f"run.moved{number}", account, fields)


def order(kind: orders.Kind, account: str = "", reason: str = "the disk is full") -> orders.Order:
    return orders.Order(kind, account, ROOT, NOON, reason)


def snapshot(*lines: account_line.AccountLine, events: int = 0, **more: object) -> board.Snapshot:
    told = tuple(event(number, accession=number) for number in range(events))
    known: dict[str, object] = {
        "host": "server2.lab.net",
        "now": NOW,
        "uptime_seconds": 3700,
        "pool": gauges.Use(3, 10, 2),
        "engine_calls": gauges.Use(1, 2, 0),
        "draining": False,
        "journal": "",
        "accounts": lines,
        "events": told,
    }
    return board.Snapshot(**{**known, **more})  # type: ignore[arg-type]


def drawn(
    seen: board.Snapshot | None, width: int, height: int, looked_at: view.View | None = None, farewell: str = ""
) -> list[str]:
    """The lines of the picture; fails when one is wider than the terminal, or they are not as many as it has."""
    made = screen.picture(seen, looked_at or view.View(), width, height, farewell)
    assert [line for line in made.lines if cells.line_width(line) > width] == []
    assert len(made.lines) == height
    return [cells.text_of(line).rstrip() for line in made.lines]
