"""The dashboard's header: the service, how fresh and how cheap its work is, and whose runs nobody serves. Pure.

Each line is cut at the terminal's width; what concerns a person comes first in it. Called by ``dashboard``.
"""

import rich.text

from niassa_orch.core import board, freshness
from niassa_orch.faces import numbers, plain

_Parts = list[tuple[str, str]]


def lines(snapshot: board.Snapshot) -> list[rich.text.Text]:
    """Two lines, and a third one when there are runs that nobody serves."""
    parts = [_service(snapshot), _work(snapshot), _orphans(snapshot)]
    return [rich.text.Text.assemble(*line, overflow="ellipsis", no_wrap=True) for line in parts if line]


def _service(snapshot: board.Snapshot) -> _Parts:
    return [
        ("niassa-orch ", "bold"),
        (f"on {plain.line(snapshot.host)}", ""),
        ("   draining: no new work" if snapshot.draining else "", "bold yellow"),
        ("   nothing is launched" if snapshot.journal else "", "bold red"),
        (f"   up {numbers.duration(snapshot.uptime_seconds)}", ""),
        (f"   pool {numbers.use(snapshot.pool)}", ""),
        (f"   engine calls {numbers.use(snapshot.engine_calls)}", ""),
    ]


def _work(snapshot: board.Snapshot) -> _Parts:
    lags = freshness.merged(line.lags for line in snapshot.accounts)
    half, most = (numbers.lag(lags.quantile_seconds(share), freshness.BOUNDS_SECONDS[-1]) for share in (0.5, 0.95))
    return [(f"freshness p50 {half}, p95 {most}   ", ""), (_requests(snapshot), "")]


def _requests(snapshot: board.Snapshot) -> str:
    made, saved = snapshot.requests.made, snapshot.requests.saved
    if not made:
        return "requests not counted yet"
    kept = f"{numbers.amount(saved)} saved" if saved >= 0 else f"{numbers.amount(-saved)} more than cron"
    return f"requests {numbers.amount(made)} made, {kept}"


def _orphans(snapshot: board.Snapshot) -> _Parts:
    """Owners with most runs first."""
    if not snapshot.orphans:
        return []
    runs = sum(count for _, count in snapshot.orphans)
    owners = ", ".join(f"{plain.line(owner) or '?'} {count}" for owner, count in snapshot.orphans)
    return [(f"{runs} active runs that no account serves: ", "yellow"), (owners, "")]
