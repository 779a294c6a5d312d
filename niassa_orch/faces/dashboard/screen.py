"""The whole picture: a pure function from a snapshot, a view and the terminal's size to lines that fit.

The header is on every page, since a stop must be seen on each; the last line says what keys do, what became of the last
one, or asks. Called by ``showing`` and by what makes the screenshots.
"""

import dataclasses
from typing import Final

from niassa_orch.core import board
from niassa_orch.faces import plain
from niassa_orch.faces.dashboard import account_page, accounts_page, cells, header, help_page, ranking
from niassa_orch.faces.dashboard.cells import Style
from niassa_orch.faces.dashboard.view import Asked, Page, Seen, View

_BAR: Final = "\N{BOX DRAWINGS LIGHT HORIZONTAL}"
_KEYS: Final = " q quit  ? help  Enter account  / filter  s sort  p pause  r poll  e explain"
_KEYS_OF_TEXT: Final = " Esc back  arrows scroll  p pause  r poll now  e explain  ? help  q quit"
_MOST_TROUBLE: Final = 3
_CARET: Final = "_"


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn, and what keys need to know of it."""

    lines: tuple[cells.Line, ...]
    seen: Seen


def picture(
    snapshot: board.Snapshot | None, view: View, width: int, height: int, farewell: str = "", *, has_keys: bool = True
) -> Picture:
    """The picture.

    Args:
        snapshot: What is known; ``None`` before anything is.
        view: What the reader looks at.
        width: Cells of a line.
        height: Lines.
        farewell: What is asked before leaving.
        has_keys: Whether anybody can press one.
    """
    top = _trouble(view, width)
    top += header.lines(snapshot, width) if snapshot is not None else []
    foot = [_foot(view, width)] if has_keys or view.message else []
    room = max(1, height - len(top) - len(foot))
    body, seen = _body(snapshot, view, width, room)
    body = [*body[:room], *[cells.EMPTY] * (room - len(body))]
    drawn = [*top, *body][: max(0, height - len(foot))] + foot
    lines = tuple(_to_the_edge(line, width) for line in drawn[:height])
    return Picture(lines, dataclasses.replace(seen, farewell=farewell))


def _trouble(view: View, width: int) -> list[cells.Line]:
    said = f"\N{BALLOT X} {plain.line(view.trouble)}"
    return cells.folded(said, width, Style.BAD, indent=" ")[:_MOST_TROUBLE] if view.trouble else []


def _body(snapshot: board.Snapshot | None, view: View, width: int, room: int) -> tuple[list[cells.Line], Seen]:
    if snapshot is None:
        return help_page.lines(width) if view.page is Page.HELP else [], Seen()
    shown = ranking.shown(snapshot, view.sort, view.wanted)
    kept = frozenset(order.account for order in snapshot.orders if order.keeps)
    seen = Seen(shown, max(1, room // 2), 0, kept)
    if view.page is Page.ACCOUNTS:
        return accounts_page.lines(snapshot, shown, view, width, room), seen
    text = _text(snapshot, view, width)
    most = max(0, len(text) - room)
    first = min(view.scroll, most)
    return text[first : first + room], dataclasses.replace(seen, most_scroll=most, page_lines=max(1, room - 1))


def _text(snapshot: board.Snapshot, view: View, width: int) -> list[cells.Line]:
    if view.page is Page.HELP:
        return help_page.lines(width)
    if view.page is Page.RUN:
        return account_page.run(view.run or 0, view.said, width)
    return account_page.lines(snapshot, view.account, width)


def _foot(view: View, width: int) -> cells.Line:
    prompt = view.prompt
    if prompt is None:
        keys = _KEYS if view.page is Page.ACCOUNTS else _KEYS_OF_TEXT
        said = plain.line(view.message)
        return ((f" {said}", Style.BAD if view.is_refused else Style.STRONG),) if said else ((keys, Style.FAINT),)
    if prompt.asked is Asked.QUIT:
        return ((" (y/n) ", Style.STRONG), (plain.line(prompt.reason), Style.WAITS))
    if prompt.asked.is_yes_or_no:
        what = ": nothing is launched or propagated, what is under way goes on" if prompt.asked is Asked.PAUSE else ""
        why = f", because {prompt.reason}" if prompt.reason else ""
        return ((" (y/n) ", Style.STRONG), (plain.line(f"{prompt.asked} {prompt.account}{why}{what}?"), Style.WAITS))
    about = f" {plain.line(prompt.account)} is paused" if prompt.account else ""
    asked = f" {prompt.asked}{about}: "
    return (
        (asked, Style.TITLE),
        (_tail(prompt.typed, width - cells.width(asked) - 1), Style.PLAIN),
        (_CARET, Style.CHOSEN),
    )


def _tail(typed: str, room: int) -> str:
    """The end of what was typed, as far as there is room: where the next letter comes."""
    while cells.width(typed) > max(0, room):
        typed = typed[1:]
    return typed


def _to_the_edge(line: cells.Line, width: int) -> cells.Line:
    """Cut at the width; a line that begins a part is drawn as far."""
    line = cells.cut_line(line, width)
    if line and line[0][0].startswith(_BAR):
        rest = width - cells.line_width(line)
        return (*line, (f" {_BAR * (rest - 1)}" if rest > 1 else "", Style.FAINT))
    return line
