"""The live table on a terminal: a pure function of a snapshot, and a task that redraws it.

Header (host, uptime, use of the pool), a row an account, the last events below. It reads the board and changes nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import rich.box
import rich.console
import rich.live
import rich.panel
import rich.table
import rich.text

from niassa_orch.core import board
from niassa_orch.domain import runs
from niassa_orch.faces import plain

_REDRAWS_A_SECOND = 4
_EVENTS_AT_LEAST = 3
#: Lines of the header, of the table's head and between the parts.
_FRAME_LINES = 9
_SEVERITY = (
    board.State.WRONG_PASSWORD,
    board.State.MISCONFIGURED,
    board.State.LOGIN_REFUSED,
    board.State.BACKING_OFF,
    board.State.STARTING,
    board.State.STOPPING,
    board.State.OK,
    board.State.DISABLED,
)
_STATE_STYLES = {
    board.State.OK: "green",
    board.State.STARTING: "cyan",
    board.State.BACKING_OFF: "yellow",
    board.State.LOGIN_REFUSED: "yellow",
    board.State.WRONG_PASSWORD: "bold red",
    board.State.MISCONFIGURED: "bold red",
    board.State.DISABLED: "dim",
    board.State.STOPPING: "dim",
}
_LEVEL_STYLES = {board.Level.INFO: "", board.Level.WARNING: "yellow", board.Level.ERROR: "bold red"}
_ACTIVE = (
    ("subm", runs.RunStatus.SUBMITTED),
    ("pend", runs.RunStatus.PENDING),
    ("run", runs.RunStatus.RUNNING),
    ("canc", runs.RunStatus.SUBMITTED_CANCEL),
    ("retry", runs.RunStatus.SUBMITTED_RETRY),
)
_ENDED = (
    ("compl", runs.RunStatus.COMPLETED),
    ("failed", runs.RunStatus.FAILED),
    ("cancd", runs.RunStatus.CANCELLED),
)
#: Below this width, in characters, Unix users and ended runs are left out.
_WIDE = 110


def render(snapshot: board.Snapshot, width: int, height: int) -> rich.console.RenderableType:
    """The whole picture.

    Args:
        snapshot: What to show.
        width: Characters of the terminal.
        height: Lines of the terminal; events fill what the accounts leave.
    """
    room = max(1, height - _FRAME_LINES - _EVENTS_AT_LEAST)
    lines = _worst(snapshot.accounts, room)
    remarks = [_remark_line(line, snapshot.now) for line in lines if _remark(line)][: max(1, room - len(lines))]
    events = _events(snapshot, max(_EVENTS_AT_LEAST, height - _FRAME_LINES - len(lines) - len(remarks)))
    table = _accounts(lines, snapshot.now, wide=width >= _WIDE)
    more = len(snapshot.accounts) - len(lines)
    rest = rich.text.Text(f"and {more} accounts more" if more else "", style="dim")
    return rich.console.Group(_header(snapshot), table, *remarks, rest, events)


def _worst(accounts: Sequence[board.AccountLine], most: int) -> Sequence[board.AccountLine]:
    """All accounts by name; when there is no room for all, those that need a person, then those that wait."""
    if len(accounts) <= most:
        return accounts
    return sorted(accounts, key=lambda line: (_SEVERITY.index(line.state), not _remark(line), line.name))[:most]


@contextlib.asynccontextmanager
async def shown(told: board.Board, console: rich.console.Console) -> AsyncIterator[None]:
    """Show the board on the terminal for as long as the context lasts."""
    live = rich.live.Live(console=console, auto_refresh=False, screen=True)
    with live:
        drawing = asyncio.create_task(_draw(live, told, console), name="dashboard")
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.gather(drawing, return_exceptions=True)


async def _draw(live: rich.live.Live, told: board.Board, console: rich.console.Console) -> None:
    while True:
        live.update(render(told.snapshot(), console.width, console.height), refresh=True)
        await asyncio.sleep(1 / _REDRAWS_A_SECOND)


def _header(snapshot: board.Snapshot) -> rich.console.RenderableType:
    parts = [
        ("niassa-orch ", "bold"),
        (f"on {plain.line(snapshot.host)}", ""),
        ("   draining: no new work" if snapshot.draining else "", "bold yellow"),
        (f"   up {_duration(snapshot.uptime_seconds)}", ""),
        (f"   pool {_use(snapshot.pool)}", ""),
        (f"   engine calls {_use(snapshot.engine_calls)}", ""),
    ]
    return rich.panel.Panel(
        rich.text.Text.assemble(*parts, overflow="ellipsis", no_wrap=True), box=rich.box.HORIZONTALS
    )


def _accounts(accounts: Sequence[board.AccountLine], now: float, *, wide: bool) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    names = ("account", "Unix user", "state") if wide else ("account", "state")
    for name in names:
        table.add_column(name, overflow="ellipsis", no_wrap=True)
    for name, _ in (*_ACTIVE, ("flight", None), ("doubt", None)):
        table.add_column(name, justify="right", no_wrap=True)
    for name, _ in _ENDED if wide else ():
        table.add_column(name, justify="right", no_wrap=True, style="dim")
    table.add_column("last poll", justify="right", no_wrap=True)
    for line in accounts:
        table.add_row(*_cells(line, now, wide=wide))
    if not accounts:
        table.add_row("no profile yet")
    return table


def _cells(line: board.AccountLine, now: float, *, wide: bool) -> list[rich.console.RenderableType]:
    state = rich.text.Text(line.state, style=_STATE_STYLES[line.state])
    doubt = rich.text.Text(_count(len(line.in_doubt) + len(line.held)), style="bold red" if line.held else "yellow")
    age = "never" if line.last_good_poll is None else f"{_duration(now - line.last_good_poll)} ago"
    active = [_count(line.counts.get(status, 0)) for _, status in _ACTIVE]
    ended = [_count(line.ended[status]) for _, status in _ENDED] if wide else []
    names = [rich.text.Text(name or "?") for name in ((line.name, line.unix_user) if wide else (line.name,))]
    return [*names, state, *active, _count(len(line.in_flight)), doubt, *ended, age]


def _remark_line(line: board.AccountLine, now: float) -> rich.text.Text:
    style = "yellow" if line.state is board.State.OK else _STATE_STYLES[line.state]
    again = ""
    if line.next_beat is not None and line.state is not board.State.OK:
        again = f" (again in {_duration(max(0.0, line.next_beat - now))})"
    text = rich.text.Text(f"{line.name}{again}: ", style=style, overflow="ellipsis", no_wrap=True)
    return text.append(plain.line(_remark(line)))


def _remark(line: board.AccountLine) -> str:
    """Why an account, or a launch of it, waits; the first of what there is to say."""
    held = "; ".join(f"{accession} is held: {reason}" for accession, reason in line.held.items())
    return line.reason or line.refusal or held or line.warning or line.waiting


def _events(snapshot: board.Snapshot, most: int) -> rich.console.RenderableType:
    lines = [_event(event) for event in snapshot.events[-most:]]
    return rich.console.Group(*lines) if lines else rich.text.Text("nothing happened yet", style="dim")


def _event(event: board.Event) -> rich.text.Text:
    text = rich.text.Text(overflow="ellipsis", no_wrap=True)
    text.append(f"{event.time.astimezone():%H:%M:%S} ", style="dim")
    text.append(f"{event.account or '-'} ", style="cyan")
    text.append(event.name, style=_LEVEL_STYLES[event.level] or "bold")
    text.append(f" {_fields(event.fields)}", style=_LEVEL_STYLES[event.level])
    return text


def _fields(fields: Mapping[str, object]) -> str:
    return plain.line(" ".join(f"{name}={value}" for name, value in fields.items()))


def _count(number: int) -> str:
    return str(number) if number else "·"


def _use(use: board.Use) -> str:
    waiting = f" (+{use.waiting} waiting)" if use.waiting else ""
    return f"{use.busy}/{use.size}{waiting}"


def _duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
