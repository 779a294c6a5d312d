"""Metrics of accounts: each once summed over all of them, and once by account, where there are not too many.

The same table makes both, so that they agree. A thousand accounts make some fourteen thousand samples: what is 0 by
account is left out, and what a neighbour tells as well is told there alone. Called by ``metrics``.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import core

from niassa_orch.core import account_line, board
from niassa_orch.domain import runs
from niassa_orch.faces import plain

_PREFIX: Final = "niassa_orch"


@dataclasses.dataclass(frozen=True, slots=True)
class _Count:
    """Something to be counted on a line of the board, ``name`` with its unit; a counter only ever rises."""

    name: str
    text: str
    of: Callable[[account_line.AccountLine, float], float]
    is_counter: bool = False


_COUNTS: Final = (
    _Count("in_flight_launches", "Launches whose engine call lives.", lambda line, _: len(line.in_flight)),
    _Count(
        "in_doubt_launches",
        "Launches of which nobody knows yet whether they happened: asked again by itself. See: niassa-orch doubts.",
        lambda line, _: len(line.in_doubt),
    ),
    _Count(
        "held_launches",
        "Launches that wait for a person's word, and are never tried again without it. See: niassa-orch doubts.",
        lambda line, _: len(line.held),
    ),
    _Count(
        "overdue_engine_calls",
        "Engine calls that outlived their deadline: something does not end. See: niassa-orch doubts.",
        lambda line, _: sum(call.overdue for call in line.calls),
    ),
    _Count(
        "runs_left_alone",
        "Active runs of which nothing true can be written, so that a person must see to them; up to 50 an account.",
        lambda line, _: len(line.left_alone),
    ),
    _Count(
        "launches_in_30_minutes",
        "Launches begun in the last 30 minutes, whatever became of them.",
        lambda line, now: sum(line.launched.at(now)),
    ),
    _Count(
        "jobs_restored",
        "Jobs that another write had wiped from records, put back.",
        lambda line, _: line.jobs_restored,
        is_counter=True,
    ),
    _Count(
        "user_requests_restored",
        "Cancels and retries of users that another write had wiped, put back.",
        lambda line, _: line.requests_restored,
        is_counter=True,
    ),
    _Count(
        "user_requests_lost",
        "Cancels and retries of users that may be lost: request.lost in the log names each; ask the user.",
        lambda line, _: line.requests_lost,
        is_counter=True,
    ),
)
_RUNS: Final = ("runs", "Active runs, by status, as last polled.")
_RUNS_ENDED: Final = ("runs_ended", "Runs that ended since the service started, by status.")


def totals(snapshot: board.Snapshot) -> Iterator[core.Metric]:
    """Of all accounts together."""
    for one in _COUNTS:
        value = sum(one.of(line, snapshot.now) for line in (*snapshot.accounts, snapshot.gone))
        family = core.CounterMetricFamily if one.is_counter else core.GaugeMetricFamily
        yield family(f"{_PREFIX}_{one.name}", one.text, value=value)
    active = core.GaugeMetricFamily(f"{_PREFIX}_{_RUNS[0]}", _RUNS[1], labels=("status",))
    for status in runs.ACTIVE:
        active.add_metric((status.value,), sum(line.counts.get(status, 0) for line in snapshot.accounts))
    ended = core.CounterMetricFamily(f"{_PREFIX}_{_RUNS_ENDED[0]}", _RUNS_ENDED[1], labels=("status",))
    for status in sorted(runs.ENDED):
        ended.add_metric(
            (status.value,), sum(line.ended.get(status, 0) for line in (*snapshot.accounts, snapshot.gone))
        )
    yield from (active, ended)


def each(snapshot: board.Snapshot) -> Iterator[core.Metric]:
    """Of each account by itself, ``niassa_orch_account_...``; what is 0 is left out."""
    # Two names that differ in what cannot be shown would be one sample twice, which Prometheus refuses.
    lines = {plain.line(line.name): line for line in snapshot.accounts}
    yield from _states(lines)
    yield from _times(lines, snapshot.now)
    for one in _COUNTS:
        kind = core.CounterMetricFamily if one.is_counter else core.GaugeMetricFamily
        family = kind(f"{_PREFIX}_account_{one.name}", one.text, labels=("account",))
        for name, line in lines.items():
            if value := one.of(line, snapshot.now):
                family.add_metric((name,), value)
        yield family
    yield from _by_status(lines)


def _states(lines: Mapping[str, account_line.AccountLine]) -> Iterator[core.Metric]:
    text = "1: how the account fares now. See: niassa-orch status."
    state = core.GaugeMetricFamily(f"{_PREFIX}_account_state", text, labels=("account", "state"))
    text = "1: launches of the account wait. Why, says: niassa-orch status."
    waits = core.GaugeMetricFamily(f"{_PREFIX}_account_waiting", text, labels=("account",))
    text = "1: the newest version of its profile is refused. Why, says: niassa-orch accounts."
    refused = core.GaugeMetricFamily(f"{_PREFIX}_account_profile_refused", text, labels=("account",))
    for name, line in lines.items():
        state.add_metric((name, line.state.value), 1)
        if line.waiting:
            waits.add_metric((name,), 1)
        if line.refusal:
            refused.add_metric((name,), 1)
    yield from (state, waits, refused)


def _times(lines: Mapping[str, account_line.AccountLine], now: float) -> Iterator[core.Metric]:
    text = "How long ago a list was last polled for the account; nothing: never."
    age = core.GaugeMetricFamily(f"{_PREFIX}_account_last_good_poll_age_seconds", text, labels=("account",))
    text = "How long its launches wait for the engine's lock that another process holds."
    locked = core.GaugeMetricFamily(f"{_PREFIX}_account_lock_wait_seconds", text, labels=("account",))
    text = "Sum and number of the lags of niassa_orch_freshness_seconds of this account."
    fresh = core.SummaryMetricFamily(f"{_PREFIX}_account_freshness_seconds", text, labels=("account",))
    for name, line in lines.items():
        if line.last_good_poll is not None:
            age.add_metric((name,), now - line.last_good_poll)
        if line.locked_since is not None:
            locked.add_metric((name,), now - line.locked_since)
        if line.lags.count:
            fresh.add_metric((name,), line.lags.count, line.lags.sum_seconds)
    yield from (age, locked, fresh)


def _by_status(lines: Mapping[str, account_line.AccountLine]) -> Iterator[core.Metric]:
    labels = ("account", "status")
    active = core.GaugeMetricFamily(f"{_PREFIX}_account_{_RUNS[0]}", _RUNS[1], labels=labels)
    ended = core.CounterMetricFamily(f"{_PREFIX}_account_{_RUNS_ENDED[0]}", _RUNS_ENDED[1], labels=labels)
    for name, line in lines.items():
        for status, count in line.counts.items():
            if count:
                active.add_metric((name, status.value), count)
        for status, count in line.ended.items():
            if count:
                ended.add_metric((name, status.value), count)
    yield from (active, ended)
