"""The web page: one document that holds everything it needs, no script and nothing from elsewhere. Pure.

The same story as the dashboard, for people without a shell: what is stopped first, then what is wrong, then the rest.
It loads itself anew unless asked to stay. Called by ``web``, which sends the policy that lets a browser load nothing
else.
"""

import base64
import datetime
import hashlib
import pathlib
from collections.abc import Iterator
from typing import Final

from niassa_orch import __version__
from niassa_orch.core import board, freshness
from niassa_orch.domain import orders
from niassa_orch.faces import markup, numbers, page_tables, severity

_RELOAD_SECONDS: Final = 5
_STYLE: Final = (pathlib.Path(__file__).parent / "page.css").read_text(encoding="utf-8")
#: One style, by its hash; no script, frame, form, picture or address of anybody's.
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)


def document(snapshot: board.Snapshot, now: datetime.datetime, *, stays: bool) -> bytes:
    """The whole page.

    Args:
        snapshot: What it shows.
        now: When it was taken, in the time zone in which people are told so.
        stays: It does not load itself anew.
    """
    reload = "" if stays else f'<meta http-equiv="refresh" content="{_RELOAD_SECONDS}">'
    other = '<a href="./">refresh by itself</a>' if stays else '<a href="./?stay">stop refreshing</a>'
    every = "" if stays else f"; loads itself anew every {_RELOAD_SECONDS} s"
    host = markup.text(snapshot.host)
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{reload}
<meta name="robots" content="noindex"><title>{markup.text(_title(snapshot))}</title>
<style>{_STYLE}</style></head>
<body>
<header><h1>niassa-orch on {host}</h1>
<p class="faint">{__version__}, up {numbers.duration(snapshot.uptime_seconds)}; as of {now:%Y-%m-%d %H:%M:%S %Z}{every}
</p><nav>{other}</nav></header>
<main>
{"".join(_alarms(snapshot))}{_figures(snapshot)}
{page_tables.neighbours(snapshot)}{page_tables.accounts(snapshot) or "<p>No account is known yet.</p>"}
{page_tables.held(snapshot)}{page_tables.in_flight(snapshot)}{page_tables.events(snapshot)}</main>
</body></html>
""".encode()


def _title(snapshot: board.Snapshot) -> str:
    """What a tab of a browser should say first."""
    stopped = any(order.kind is orders.Kind.STOP for order in snapshot.orders)
    ill = sum(map(severity.needs_person, snapshot.accounts))
    said = (
        "STOPPED" if stopped else "",
        "nothing is launched" if snapshot.journal or snapshot.audit else "",
        f"{ill} to look at" if ill else "",
        f"niassa-orch on {snapshot.host}",
    )
    return " - ".join(filter(None, said))


def _alarms(snapshot: board.Snapshot) -> Iterator[str]:
    """What concerns everybody, a stop before anything else."""
    for order in snapshot.orders:
        if order.kind is orders.Kind.STOP:
            yield _said("stop", str(order))
    troubles = [f"Nothing is launched: {trouble}" for trouble in (snapshot.journal, snapshot.audit) if trouble]
    for alarm in (*troubles, *snapshot.alarms):
        yield _said("alarm", alarm)
    for order in snapshot.orders:
        if order.kind is not orders.Kind.STOP:
            yield _said("pause" if order.keeps else "note", str(order))
    if snapshot.draining:
        yield _said("pause", "Draining: no new work; what was begun is seen through.")
    if snapshot.orphans:
        count = sum(active for _, active in snapshot.orphans)
        owners = ", ".join(f"{owner or '?'} {active}" for owner, active in snapshot.orphans)
        yield _said("pause", f"{count} active runs that no account serves: {owners}")


def _said(look: str, words: str) -> str:
    return f'<p class="{look}">{markup.text(words)}</p>\n'


def _figures(snapshot: board.Snapshot) -> str:
    lines = snapshot.accounts
    lags = freshness.merged(line.lags for line in lines)
    most = freshness.BOUNDS_SECONDS[-1]
    half, late = (numbers.lag(lags.quantile_seconds(share), most) for share in (0.5, 0.95))
    shown = {
        "accounts": len(lines),
        "need a person": sum(map(severity.needs_person, lines)),
        "launches in flight": sum(len(line.in_flight) for line in lines),
        "in doubt": sum(len(line.in_doubt) for line in lines),
        "held": sum(len(line.held) for line in lines),
        "pool": numbers.use(snapshot.pool),
        "engine calls": numbers.use(snapshot.engine_calls),
        "freshness p50, p95": f"{half}, {late}",
        "requests made": numbers.amount(snapshot.requests.made),
        "requests saved": numbers.amount(snapshot.requests.saved),
    }
    parts = (f"<div><dt>{markup.text(name)}</dt><dd>{markup.text(value)}</dd></div>" for name, value in shown.items())
    return f"<dl>{''.join(parts)}</dl>"
