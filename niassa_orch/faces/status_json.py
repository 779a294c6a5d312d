"""``niassa-orch status --json``: a snapshot for machines, as docs/control.md describes it. Pure.

Times are ages and waits in seconds at the moment of the answer, or ISO 8601 in UTC; no clock of the process is in it.
What is not known is null.
"""

import dataclasses
import math
from typing import Any

from niassa_orch.core import account_line, board, freshness, gauges
from niassa_orch.domain import orders
from niassa_orch.faces import needs, severity

_DIGITS = 3


def of(snapshot: board.Snapshot) -> dict[str, Any]:
    """The whole document."""
    return {
        "service": _service(snapshot),
        "needs": needs.of(snapshot),
        "errors_told": needs.told_lately(snapshot) or None,
        "orders": [_order(order) for order in snapshot.orders],
        "neighbours": [_neighbour(one, snapshot.now) for one in snapshot.neighbours],
        "orphans": [{"owner": owner, "active_runs": count} for owner, count in snapshot.orphans],
        "accounts": [_account(line, snapshot.now) for line in severity.worst_first(snapshot.accounts)],
    }


def _service(snapshot: board.Snapshot) -> dict[str, Any]:
    lags = freshness.merged(line.lags for line in snapshot.accounts)
    return {
        "host": snapshot.host,
        "uptime_seconds": _seconds(snapshot.uptime_seconds),
        "draining": snapshot.draining,
        "pool": dataclasses.asdict(snapshot.pool),
        "engine_calls": dataclasses.asdict(snapshot.engine_calls),
        "requests": {"made": snapshot.requests.made, "saved": snapshot.requests.saved},
        "freshness": {"p50_seconds": _lag(lags, 0.5), "p95_seconds": _lag(lags, 0.95)},
        "journal": snapshot.journal or None,
        "audit": snapshot.audit or None,
    }


def _lag(lags: freshness.Lags, share: float) -> float | None:
    found = lags.quantile_seconds(share)
    # JSON has no infinity: the last bound stands for all that is above.
    return freshness.BOUNDS_SECONDS[-1] if found is not None and math.isinf(found) else _seconds(found)


def _order(order: orders.Order) -> dict[str, Any]:
    return {
        "kind": order.kind,
        "account": order.account or None,
        "accession": order.accession,
        "reason": order.reason or None,
        "by": str(order.by),
        "by_uid": order.by.uid,
        "since": order.since.isoformat(),
        "until": order.until and order.until.isoformat(),
    }


def _neighbour(one: gauges.Neighbour, now: float) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "url": one.url,
        "answered_seconds_ago": _ago(one.answered_at, now),
        "poll_seconds": _seconds(one.poll_seconds),
        "trouble": one.trouble or None,
    }


def _account(line: account_line.AccountLine, now: float) -> dict[str, Any]:
    known = line.account
    return {
        "name": line.name,
        "unix_user": line.unix_user or None,
        "web_service_account": known and known.web_user,
        "host": known and known.host,
        "state": line.state,
        "reason": line.reason or None,
        "alarm": line.alarm or None,
        "warning": line.warning or None,
        "advice": line.advice or None,
        "refusal": line.refusal or None,
        "unfinished": line.unfinished or None,
        "waiting": line.waiting or None,
        "last_good_poll_seconds_ago": _ago(line.last_good_poll, now),
        "poll_seconds": _seconds(line.poll_seconds),
        "next_beat_in_seconds": None if line.next_beat is None else _seconds(max(0.0, line.next_beat - now)),
        "active": dict(line.counts),
        "ended": dict(line.ended),
        "in_flight": list(line.in_flight),
        "calls": [_call(one, now) for one in line.calls],
        "in_doubt": list(line.in_doubt),
        "held": {str(accession): reason for accession, reason in line.held.items()},
        "left_alone": {str(accession): reason for accession, reason in line.left_alone.items()},
        "launches_a_minute": list(line.launched.at(now)),
        "jobs_restored": line.jobs_restored,
        "requests_restored": line.requests_restored,
        "requests_lost": line.requests_lost,
    }


def _call(one: gauges.EngineCall, now: float) -> dict[str, Any]:
    since = _ago(one.since, now)
    return {
        "accessions": list(one.accessions),
        "since_seconds": since,
        "adopted": one.adopted,
        "whitestar": one.whitestar,
        "overdue": one.overdue,
    }


def _ago(moment: float | None, now: float) -> float | None:
    return None if moment is None else _seconds(max(0.0, now - moment))


def _seconds(number: float | None) -> float | None:
    return None if number is None else round(number, _DIGITS)
