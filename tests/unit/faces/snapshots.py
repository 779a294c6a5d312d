"""Snapshots for tests of faces: one with something of everything, and one of a service that has just begun."""

import dataclasses
import datetime

from niassa_orch.core import account_line, board, freshness, gauges, pulse, savings
from niassa_orch.domain import orders, runs

NOW = 1_000.0
NOON = datetime.datetime(2026, 1, 2, 12, 0, tzinfo=datetime.UTC)
R = runs.RunStatus

ALICE = account_line.AccountLine(
    "alice",
    "niassa-alice",
    state=account_line.State.OK,
    last_good_poll=NOW - 5,
    poll_seconds=0.25,
    counts={R.SUBMITTED: 11, R.RUNNING: 222},
    ended={R.COMPLETED: 3333, R.FAILED: 44},
    in_flight=(runs.Accession(1), runs.Accession(2)),
    calls=(gauges.EngineCall((runs.Accession(1), runs.Accession(2)), NOW - 65, adopted=True, whitestar=False),),
    launched=pulse.NO_PULSE.noted(NOW - 120, 3),
    held={runs.Accession(7): "Oozie has two jobs of this launch"},
    in_doubt=(runs.Accession(8),),
    waiting="the engine lock of niassa-alice is held by pid 12",
    locked_since=NOW - 600,
    lags=freshness.NO_LAGS.noted(0.5).noted(40).noted(4000),
    requests_lost=1,
    requests_restored=2,
    jobs_restored=3,
)
BOB = account_line.AccountLine(
    "bob",
    "niassa-bob",
    state=account_line.State.WRONG_PASSWORD,
    reason="GET http://ws/x: 401",
    alarm="401",
    next_beat=NOW + 90,
)
CAROL = account_line.AccountLine(
    "carol", state=account_line.State.MISCONFIGURED, refusal="carol.toml: unix_user: no such user"
)

STARTED = board.Snapshot(
    "server2.lab.net", NOW, 1.0, gauges.Use(0, 10, 0), gauges.Use(0, 2, 0), False, "", (), (), is_read=False
)
BUSY = dataclasses.replace(
    STARTED,
    uptime_seconds=3700.0,
    pool=gauges.Use(3, 10, 2),
    engine_calls=gauges.Use(1, 2, 4),
    accounts=(ALICE, BOB, CAROL),
    events=(board.Event(1, NOON, board.Level.ERROR, "run.moved", "alice", {"accession": 7, "to": "running"}),),
    requests=savings.Requests(1200, 5000),
    orphans=(("eve@lab.net", 4), ("mallory@lab.net", 1)),
    neighbours=(
        gauges.Neighbour(gauges.Kind.WEB_SERVICE, "http://ws:8080", NOW - 4, 0.5, ""),
        gauges.Neighbour(gauges.Kind.OOZIE, "http://oozie/oozie", NOW - 400, 2.0, "GET http://oozie/oozie: time-out"),
        gauges.Neighbour(gauges.Kind.OOZIE, "http://new/oozie", None, None, ""),
    ),
    is_read=True,
)
OPERATOR = orders.Operator(1000, "olga")


def ordered(kind: orders.Kind, account: str = "", reason: str = "the disk is full") -> orders.Order:
    """An order of Olga's, since noon."""
    return orders.Order(
        kind, account, OPERATOR, NOON, reason, runs.Accession(9) if kind is orders.Kind.URGENT else None
    )
