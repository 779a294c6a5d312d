"""What of a snapshot needs a person, in sentences that say what to do. Pure.

What passes by itself (a launch that waits, a doubt that is asked again, a server that misses a poll) is not among it.
Called by ``status_table``, ``status_json`` and the command ``status``.
"""

import collections
from collections.abc import Iterator
from typing import Final

from niassa_orch.core import account_line, board, gauges
from niassa_orch.domain import orders
from niassa_orch.faces import numbers, plain, remarks, severity

#: A server that does not answer for so long does not come back by itself, or somebody wants to know.
SILENT_SECONDS: Final = 300.0
#: No beat lasts as long: whatever is asked for in one has an end.
HANGING_SECONDS: Final = 900.0
_PERSON: Final = (account_line.State.WRONG_PASSWORD, account_line.State.MISCONFIGURED)


def of(snapshot: board.Snapshot) -> list[str]:
    """Everything that needs a person, the gravest first."""
    found = [f"{order}; lift it: niassa-orch resume {order.account or '--all'}" for order in _stops(snapshot)]
    found += [trouble for trouble in (snapshot.journal, snapshot.audit, *snapshot.alarms) if trouble]
    for line in severity.worst_first(snapshot.accounts):
        found += [f"{line.name}: {why}" for why in (*_of_account(line), *_hangs(line, snapshot.now))]
    found += [_silent(one, snapshot.now) for one in snapshot.neighbours if _is_silent(one, snapshot)]
    if snapshot.orphans:
        owners = ", ".join(f"{owner or '?'} ({count})" for owner, count in snapshot.orphans)
        found.append(f"active runs that no profile serves, by owner: {owners}; add a profile, or cancel them")
    return [plain.line(one) for one in found]


def told_lately(snapshot: board.Snapshot) -> str:
    """Which errors are among the last events, mended since or not; ``""``: none."""
    errors = [event for event in snapshot.events if event.level is board.Level.ERROR]
    if not errors:
        return ""
    counted = collections.Counter(event.name for event in errors)
    named = ", ".join(f"{name} {count}" for name, count in counted.items())
    last = f"{errors[-1].time.astimezone():%H:%M:%S %Z}"
    return f"errors among the last {len(snapshot.events)} events: {named}; the last at {last}; see: niassa-orch events"


def _of_account(line: account_line.AccountLine) -> Iterator[str]:
    if line.state in _PERSON:
        yield f"{line.state}: {remarks.cause_first(line.reason)}"
    elif line.alarm:
        yield remarks.cause_first(line.alarm)
    for accession, reason in line.held.items():
        yield f"run {accession} waits for your word (niassa-orch resolve {accession}): {reason}"
    if line.refusal:
        yield f"the last good version of its profile goes on, the newest is refused: {line.refusal}"
    if late := remarks.overdue(line):
        yield late
    yield from remarks.left_alone(line)
    if line.advice:
        yield line.advice
    if line.requests_lost:
        yield f"requests of users that may be lost: {line.requests_lost} (request.lost in the log)"


def _hangs(line: account_line.AccountLine, now: float) -> Iterator[str]:
    if line.beat_since is not None and now - line.beat_since > HANGING_SECONDS:
        lasts = numbers.duration(now - line.beat_since)
        yield f"its beat has lasted for {lasts}: something hangs; see its last events, and restart the service"


def _stops(snapshot: board.Snapshot) -> list[orders.Order]:
    return [order for order in snapshot.orders if order.kind is orders.Kind.STOP]


def _is_silent(one: gauges.Neighbour, snapshot: board.Snapshot) -> bool:
    since = snapshot.uptime_seconds if one.answered_at is None else snapshot.now - one.answered_at
    return bool(one.trouble) and since > SILENT_SECONDS


def _silent(one: gauges.Neighbour, now: float) -> str:
    answered = "never answered" if one.answered_at is None else f"last answered {now - one.answered_at:.0f} s ago"
    return f"{one.kind} {one.url} {answered}: {one.trouble}"
