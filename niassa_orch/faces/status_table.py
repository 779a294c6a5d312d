"""``niassa-orch status``: a snapshot as one page for people. Pure; ``status_json`` has the same for machines."""

import rich.box
import rich.console
import rich.table
import rich.text

from niassa_orch.core import account_line, board, freshness
from niassa_orch.domain import runs
from niassa_orch.faces import needs, numbers, plain, remarks, severity

_S = runs.RunStatus
_COUNTED = (
    ("subm", _S.SUBMITTED),
    ("pend", _S.PENDING),
    ("run", _S.RUNNING),
    ("canc", _S.SUBMITTED_CANCEL),
    ("retry", _S.SUBMITTED_RETRY),
)
_COLUMNS = ("account", "Unix user", "state", *(title for title, _ in _COUNTED), "flight", "doubt", "last poll", "next")
_LEFT = ("account", "Unix user", "state")
_NOTHING_NEEDED = "nothing needs a person"


def render(snapshot: board.Snapshot) -> rich.console.RenderableType:
    """What needs a person, the service, its accounts, worst first, and why anything waits."""
    needed = needs.of(snapshot)
    above = [_text(f"! {one}", "bold red") for one in needed] or [_text(_NOTHING_NEEDED, "green")]
    if lately := needs.told_lately(snapshot):
        above.append(_text(lately, "yellow"))
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for title in _COLUMNS:
        table.add_column(title, justify="left" if title in _LEFT else "right", overflow="fold")
    lines = severity.worst_first(snapshot.accounts)
    for line in lines:
        table.add_row(*map(_text, _cells(line, snapshot.now)))
    waits = [_text(f"{line.name}: {remark}") for line in lines if (remark := remarks.of(line))]
    ordered = [_text(str(order)) for order in snapshot.orders]
    shown = [table] if lines else [_text("no profile yet")]
    return rich.console.Group(*above, _text(_service(snapshot)), *_neighbours(snapshot), *shown, *waits, *ordered)


def _service(snapshot: board.Snapshot) -> str:
    lags = freshness.merged(line.lags for line in snapshot.accounts)
    half, most = (numbers.lag(lags.quantile_seconds(share), freshness.BOUNDS_SECONDS[-1]) for share in (0.5, 0.95))
    parts = (
        f"{snapshot.host}, up {numbers.duration(snapshot.uptime_seconds)}",
        "draining: no new work" if snapshot.draining else "",
        f"pool {numbers.use(snapshot.pool)}",
        f"engine calls {numbers.use(snapshot.engine_calls)}",
        f"freshness p50 {half}, p95 {most}",
        f"requests {numbers.amount(snapshot.requests.made)} made, {numbers.amount(snapshot.requests.saved)} saved",
    )
    return "; ".join(filter(None, parts))


def _neighbours(snapshot: board.Snapshot) -> list[rich.text.Text]:
    def shown(age: float | None, poll_seconds: float | None) -> str:
        took = "" if poll_seconds is None else f", in {poll_seconds:.2f} s"
        return "never answered" if age is None else f"answered {numbers.duration(age)} ago{took}"

    found = []
    for one in snapshot.neighbours:
        age = None if one.answered_at is None else snapshot.now - one.answered_at
        trouble = f": {one.trouble}" if one.trouble else ""
        found.append(_text(f"{one.kind} {one.url} {shown(age, one.poll_seconds)}{trouble}", "yellow" * bool(trouble)))
    return found


def _cells(line: account_line.AccountLine, now: float) -> tuple[str, ...]:
    polled = "never" if line.last_good_poll is None else f"{numbers.duration(now - line.last_good_poll)} ago"
    beat = "now" if line.next_beat is None else f"in {numbers.duration(max(0.0, line.next_beat - now))}"
    counts = [line.counts.get(status, 0) for _, status in _COUNTED]
    counts += [len(line.in_flight), len(line.in_doubt) + len(line.held)]
    return (line.name, line.unix_user or "?", line.state, *(str(count or "·") for count in counts), polled, beat)


def _text(text: str, style: str = "") -> rich.text.Text:
    # As Text: in a plain string rich would take brackets for markup.
    return rich.text.Text(plain.line(text), style=style, overflow="fold")
