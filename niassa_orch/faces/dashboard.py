"""The live table on a terminal: a pure function of a snapshot, and a task that redraws it.

The header (``headline``), a row an account, the last events below. It reads the board and changes nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

import rich.box
import rich.cells
import rich.console
import rich.live
import rich.padding
import rich.rule
import rich.table
import rich.text

from niassa_orch.core import board
from niassa_orch.domain import runs
from niassa_orch.faces import headline, numbers, plain, remarks

_REDRAWS_A_SECOND = 4
_EVENTS_AT_LEAST = 3
#: Lines below the header, of the table's head, between the parts, and one for a remark in any case.
_FRAME_LINES = 7
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
_POLL = "last poll"
_LEFT = ("account", "Unix user", "state")
_DIM = tuple(title for title, _ in _ENDED)
#: Below this width, in characters, Unix users and ended runs are left out.
_WIDE = 110
_LEAST_NAME_CHARACTERS = 4


def render(snapshot: board.Snapshot, width: int, height: int) -> rich.console.RenderableType:
    """The whole picture.

    Args:
        snapshot: What to show.
        width: Characters of the terminal.
        height: Lines of the terminal; events fill what the accounts leave.
    """
    header = headline.lines(snapshot)
    frame_lines = _FRAME_LINES + len(header)
    lines = _worst(snapshot.accounts, max(1, height - frame_lines - _EVENTS_AT_LEAST))
    more = len(snapshot.accounts) - len(lines)
    below = remarks.Below(
        remarks=[*_alarms(snapshot), *(_remark(line, snapshot.now) for line in lines if remarks.of(line))],
        between=rich.text.Text(f"and {more} accounts more" if more else "", style="dim"),
        events=[_event(event) for event in snapshot.events] or [rich.text.Text("nothing happened yet", style="dim")],
        lines=height - frame_lines - len(lines),
        least_events=_EVENTS_AT_LEAST,
    )
    return rich.console.Group(_header(header), _accounts(lines, snapshot.now, width), below)


def _worst(accounts: Sequence[board.AccountLine], most: int) -> Sequence[board.AccountLine]:
    """All accounts by name; when there is no room for all, those that need a person, then those that wait."""
    if len(accounts) <= most:
        return accounts
    return sorted(accounts, key=lambda line: (_SEVERITY.index(line.state), not remarks.of(line), line.name))[:most]


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


def _header(lines: Sequence[rich.text.Text]) -> rich.console.RenderableType:
    return rich.console.Group(*(rich.padding.Padding(line, (0, 1)) for line in lines), rich.rule.Rule(style=""))


def _accounts(accounts: Sequence[board.AccountLine], now: float, width: int) -> rich.table.Table:
    wide = width >= _WIDE
    titles = _titles(wide=wide)
    rows = [_cells(line, now, wide=wide) for line in accounts] or [[rich.text.Text("no profile yet")]]
    # One blank between columns and one at either edge are the table's; one more between them where there is room.
    natural = [_width(title, [row[index] for row in rows if index < len(row)]) for index, title in enumerate(titles)]
    room = width - len(titles) - 1
    gap = int(sum(natural) + len(titles) - 1 <= room)
    widths = _narrowed(natural, room - gap * (len(titles) - 1), names=2 if wide else 1)
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, padding=(0, gap, 0, 0))
    for title, column in zip(titles, widths, strict=True):
        justify: rich.console.JustifyMethod = "left" if title in _LEFT else "right"
        style = "dim" if title in _DIM else ""
        table.add_column(title, width=column, justify=justify, overflow="ellipsis", no_wrap=True, style=style)
    for row in rows:
        table.add_row(*row)
    return table


def _titles(*, wide: bool) -> list[str]:
    active = [title for title, _ in _ACTIVE]
    ended = [title for title, _ in _ENDED] if wide else []
    return [*(("account", "Unix user") if wide else ("account",)), "state", *active, "flight", "doubt", *ended, _POLL]


def _width(title: str, cells: Sequence[rich.text.Text]) -> int:
    return max([rich.cells.cell_len(title), *(cell.cell_len for cell in cells)])


def _narrowed(widths: Sequence[int], room: int, names: int) -> list[int]:
    """The widths made to fit: only the names in front give way, the longest first, so that no number is ever cut."""
    narrowed = list(widths)
    while sum(narrowed) > room and max(narrowed[:names]) > _LEAST_NAME_CHARACTERS:
        narrowed[narrowed.index(max(narrowed[:names]))] -= 1
    return narrowed


def _cells(line: board.AccountLine, now: float, *, wide: bool) -> list[rich.text.Text]:
    state = rich.text.Text(line.state, style=_STATE_STYLES[line.state])
    doubt = _count(len(line.in_doubt) + len(line.held), "bold red" if line.held else "yellow")
    age = "never" if line.last_good_poll is None else f"{numbers.duration(now - line.last_good_poll)} ago"
    active = [_count(line.counts.get(status, 0)) for _, status in _ACTIVE]
    ended = [_count(line.ended.get(status, 0)) for _, status in _ENDED] if wide else []
    names = [rich.text.Text(name or "?") for name in ((line.name, line.unix_user) if wide else (line.name,))]
    return [*names, state, *active, _count(len(line.in_flight)), doubt, *ended, rich.text.Text(age)]


def _alarms(snapshot: board.Snapshot) -> list[rich.text.Text]:
    """What concerns all accounts."""
    return [rich.text.Text(plain.line(snapshot.journal), style="bold red")] if snapshot.journal else []


def _remark(line: board.AccountLine, now: float) -> rich.text.Text:
    style = "yellow" if line.state is board.State.OK else _STATE_STYLES[line.state]
    again = ""
    if line.next_beat is not None and line.state is not board.State.OK:
        again = f" (again in {numbers.duration(max(0.0, line.next_beat - now))})"
    return rich.text.Text(f"{plain.line(line.name)}{again}: ", style=style).append(remarks.of(line))


def _event(event: board.Event) -> rich.text.Text:
    text = rich.text.Text(overflow="ellipsis", no_wrap=True)
    text.append(f"{event.time.astimezone():%H:%M:%S} ", style="dim")
    text.append(f"{event.account or '-'} ", style="cyan")
    text.append(event.name, style=_LEVEL_STYLES[event.level] or "bold")
    text.append(f" {_fields(event.fields)}", style=_LEVEL_STYLES[event.level])
    return text


def _fields(fields: Mapping[str, object]) -> str:
    return plain.line(" ".join(f"{name}={value}" for name, value in fields.items()))


def _count(number: int, style: str = "") -> rich.text.Text:
    return rich.text.Text(str(number) if number else "·", style=style)
