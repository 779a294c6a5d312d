"""The top of the picture: how the service and its neighbours fare, and above all what a person must know at once.

Pure. A few lines; what is too much for the width is counted. Alarms follow: a stop first, since it is the gravest, then
what keeps everything from being launched, then pauses. Called by ``screen``.
"""

import urllib.parse
from collections.abc import Iterable, Sequence
from typing import Final

from niassa_orch.core import board, freshness, gauges, pulse
from niassa_orch.domain import orders
from niassa_orch.faces import numbers, plain
from niassa_orch.faces.dashboard import cells, curves
from niassa_orch.faces.dashboard.cells import Style

_MOST_ALARMS: Final = 4
_KINDS: Final = {gauges.Kind.WEB_SERVICE: "web", gauges.Kind.OOZIE: "Oozie"}


def lines(snapshot: board.Snapshot, width: int) -> list[cells.Line]:
    """All of it, each line within the width."""
    made = [_service(snapshot), _work(snapshot, width), neighbours(snapshot, width), *alarms(snapshot, width)]
    return [cells.cut_line(line, width) for line in made if line]


def _service(snapshot: board.Snapshot) -> cells.Line:
    return (
        (" niassa-orch ", Style.TITLE),
        (plain.line(snapshot.host), Style.STRONG),
        ("  DRAINING: no new work" if snapshot.draining else "", Style.WAITS),
        _doubts(snapshot),
        (f"  up {numbers.duration(snapshot.uptime_seconds)}", Style.PLAIN),
        (f"  pool {_use(snapshot.pool)}", Style.PLAIN),
        (f"  calls {_use(snapshot.engine_calls)}", Style.PLAIN),
    )


def _doubts(snapshot: board.Snapshot) -> cells.Part:
    """How many launches are in doubt; whether some wait for a person."""
    held = sum(len(line.held) for line in snapshot.accounts if line.held)
    doubts = held + sum(len(line.in_doubt) for line in snapshot.accounts if line.in_doubt)
    if held:
        return (f"  \N{BALLOT X} doubts {doubts}", Style.BAD)
    return (f"  ! doubts {doubts}", Style.WAITS) if doubts else ("  doubts 0", Style.PLAIN)


def _use(how_full: gauges.Use) -> str:
    """Taken and all, and how many wait."""
    return f"{how_full.busy}/{how_full.size}" + (f"+{how_full.waiting}" if how_full.waiting else "")


def _work(snapshot: board.Snapshot, width: int) -> cells.Line:
    lags = freshness.merged(line.lags for line in snapshot.accounts if line.lags.sum_seconds)
    half, most = (numbers.lag(lags.quantile_seconds(share), freshness.BOUNDS_SECONDS[-1]) for share in (0.5, 0.95))
    line: cells.Line = (
        (f" freshness p50 {half}, p95 {most}", Style.PLAIN),
        (f"  {_requests(snapshot)}", Style.PLAIN),
    )
    launched = _launched(snapshot)
    shown: cells.Line = (
        ("  launches ", Style.PLAIN),
        (curves.curve(launched[-10:]), Style.BUSY),
        (f" {sum(launched)}/{pulse.MINUTES}m", Style.PLAIN),
    )
    return line + shown if cells.line_width(line + shown) <= width else line


def _requests(snapshot: board.Snapshot) -> str:
    made, saved = snapshot.requests.made, snapshot.requests.saved
    if not made:
        return "requests not counted yet"
    kept = f"{numbers.amount(saved)} saved" if saved >= 0 else f"{numbers.amount(-saved)} more than cron"
    return f"requests {numbers.amount(made)} made, {kept}"


def _launched(snapshot: board.Snapshot) -> Sequence[int]:
    """Launches of all accounts, minute by minute."""
    of_minute: dict[int, list[tuple[int, ...]]] = {}
    for line in snapshot.accounts:
        if line.launched.minute:
            of_minute.setdefault(line.launched.minute, []).append(line.launched.counts)
    # Summed up where the clock is the same, and only then brought to now's.
    each = [_sums(counts) for counts in of_minute.values()]
    now = [pulse.NO_PULSE.counts]
    now += [pulse.Pulse(minute, counts).at(snapshot.now) for minute, counts in zip(of_minute, each, strict=True)]
    return _sums(now)


def _sums(some: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(map(sum, zip(*some, strict=True)))


def neighbours(snapshot: board.Snapshot, width: int) -> cells.Line:
    """Web services and Oozies, the worst first, as many as there is room for."""
    shown: cells.Line = ()
    ordered = sorted(snapshot.neighbours, key=_badness, reverse=True)
    for count, one in enumerate(ordered):
        left = len(ordered) - count
        more = f"  and {left} more" if left > 1 else ""
        part = _neighbour(one, snapshot.now)
        if shown and cells.line_width(shown + part) + len(f"  and {left - 1} more") * (left > 1) > width:
            return (*shown, (more or "  and 1 more", Style.FAINT))
        shown += part
    return shown


def _badness(one: gauges.Neighbour) -> tuple[bool, bool, float]:
    return (bool(one.trouble), one.answered_at is None, one.poll_seconds or 0.0)


def _neighbour(one: gauges.Neighbour, now: float) -> cells.Line:
    parts = urllib.parse.urlsplit(one.url)
    name = f"{_KINDS[one.kind]} {plain.line(parts.netloc.rpartition('@')[2] or one.url)}"
    if one.trouble:
        since = "never answered" if one.answered_at is None else f"{numbers.duration(now - one.answered_at)} ago"
        return ((f" \N{BALLOT X} {name}", Style.BAD), (f" DOWN, {since} ", Style.BAD))
    if one.poll_seconds is None:
        return ((f" ? {name} not asked yet ", Style.BUSY),)
    return ((" \N{CHECK MARK} ", Style.GOOD), (f"{name} ok {numbers.latency(one.poll_seconds)} ", Style.PLAIN))


def alarms(snapshot: board.Snapshot, width: int) -> list[cells.Line]:
    """What concerns more than one account, the gravest first; the last line counts what there is no room for."""
    standing = [order for order in snapshot.orders if order.keeps]
    stops = [order for order in standing if order.kind is orders.Kind.STOP]
    pauses = [order for order in standing if order.kind is not orders.Kind.STOP]
    found: list[cells.Line] = []
    for order in stops:
        found += cells.folded(f"\N{BLACK SQUARE} STOP: {plain.line(str(order))}", width, Style.STOP, indent=" ")[:2]
    troubles = filter(None, (snapshot.journal, snapshot.audit))
    found += [((f" ! nothing is launched: {plain.line(trouble)}", Style.BAD),) for trouble in troubles]
    for alarm in snapshot.alarms:
        found += cells.folded(f"\N{BALLOT X} {plain.line(alarm)}", width, Style.BAD, indent=" ")[:2]
    found += [*_pauses(pauses, width), *_orphans(snapshot)]
    if len(found) > _MOST_ALARMS:
        more = len(found) - _MOST_ALARMS + 1
        found[_MOST_ALARMS - 1 :] = [((f" and {more} more: niassa-orch status", Style.WAITS),)]
    return found


def _pauses(pauses: Sequence[orders.Order], width: int) -> list[cells.Line]:
    """Those of all accounts, and in a line together those of single ones, which say more in their rows."""
    found: list[cells.Line] = []
    for order in pauses:
        if not order.account:
            found += cells.folded(f"{curves.PAUSED} {plain.line(str(order))}", width, Style.WAITS, indent=" ")[:2]
    if alone := [order for order in pauses if order.account]:
        named = ", ".join(plain.line(order.account) for order in alone)
        found.append(((f" {curves.PAUSED} paused by order, {len(alone)}: {named}", Style.WAITS),))
    return found


def _orphans(snapshot: board.Snapshot) -> list[cells.Line]:
    """Owners with most runs first."""
    if not snapshot.orphans:
        return []
    count = sum(number for _, number in snapshot.orphans)
    owners = ", ".join(f"{plain.line(owner) or '?'} {number}" for owner, number in snapshot.orphans)
    return [((f" ? {count} active runs that no account serves: ", Style.WAITS), (owners, Style.PLAIN))]
