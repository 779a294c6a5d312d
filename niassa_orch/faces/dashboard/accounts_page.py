"""The first page: the accounts, then the engine calls under way, then the last events, in the lines that there are.

Pure; of a thousand accounts only those are drawn that are seen. Called by ``screen``.
"""

import collections
import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

from niassa_orch.core import account_line, board
from niassa_orch.faces import numbers, plain, remarks
from niassa_orch.faces.dashboard import cells, columns, happenings, ranking
from niassa_orch.faces.dashboard import view as views
from niassa_orch.faces.dashboard.cells import Style

_MOST_EVENTS_KEPT: Final = 12
_WHY: Final = "    \N{BOX DRAWINGS LIGHT UP AND RIGHT} "


def lines(
    snapshot: board.Snapshot, shown: Sequence[account_line.AccountLine], view: views.View, width: int, height: int
) -> list[cells.Line]:
    """The page in at most so many lines.

    Args:
        snapshot: All that is known.
        shown: The accounts that the filter leaves, in their order.
        view: What the reader looks at.
        width: Cells of the terminal.
        height: Lines that there are.
    """
    list_of = _List(shown, columns.layout(width, columns.longest(snapshot.accounts)), _ground(snapshot), width)
    calls = happenings.calls(snapshot.accounts)
    for_calls = min(len(calls), max(1, height // 6)) + 1 if calls else 0
    for_events = min(_MOST_EVENTS_KEPT, max(2, height // 5)) + 1
    at = view.position(shown)
    rows = list_of.around(at, max(1, height - for_calls - for_events - 2))
    title = rule(
        f"accounts {_share(len(shown), len(snapshot.accounts))}, {view.sort}{_wanted(view)}", _states(snapshot)
    )
    made = [title, list_of.layout.titles(), *(rows or [(("   no profile yet" * (not view.wanted), Style.FAINT),)])]
    if calls:
        room = min(len(calls), max(for_calls - 1, height - len(made) - for_events - 1))
        made.append(rule(f"engine calls under way {_share(room, len(calls))}"))
        made += [happenings.call(one, snapshot.now) for one in calls[:room]]
    made.append(rule("events"))
    return made + happenings.events(snapshot.events, max(0, height - len(made)))


def rule(title: str, more: str = "") -> cells.Line:
    """A line that begins a part; ``screen`` draws it to the edge."""
    return (
        (f"\N{BOX DRAWINGS LIGHT HORIZONTAL}\N{BOX DRAWINGS LIGHT HORIZONTAL} {title} ", Style.TITLE),
        (more, Style.PLAIN),
    )


def _ground(snapshot: board.Snapshot) -> columns.Ground:
    return columns.Ground(snapshot.now, ranking.keepers(snapshot))


def _share(part: int, whole: int) -> str:
    return f"{whole}" if part == whole else f"{part} of {whole}"


def _wanted(view: views.View) -> str:
    return f", with {plain.line(view.wanted)!r}" if view.wanted else ""


def _states(snapshot: board.Snapshot) -> str:
    counted = collections.Counter([line.state for line in snapshot.accounts])
    return ", ".join(f"{counted[state]} {state}" for state in account_line.State if counted[state])


@dataclasses.dataclass(frozen=True, slots=True)
class _List:
    """The accounts that may be seen; one whose words have no room beside it takes a second line for them."""

    accounts: Sequence[account_line.AccountLine]
    layout: columns.Layout
    ground: columns.Ground
    width: int

    def around(self, at: int, room: int) -> list[cells.Line]:
        """As many as there is room for, with the chosen one about in the middle."""
        first, used = at, 0
        while first > 0 and used + (above := self._height(first - 1)) <= room // 2:
            first, used = first - 1, used + above
        below = sum(map(self._height, range(first, min(len(self.accounts), first + room))))
        while first > 0 and below + (above := self._height(first - 1)) <= room:
            first, below = first - 1, below + above
        made: list[cells.Line] = []
        for place in range(first, len(self.accounts)):
            if len(made) >= room:
                break
            made += self._drawn(self.accounts[place], is_chosen=place == at)
        return made[:room]

    def _height(self, place: int) -> int:
        return 1 if self.layout.words or not self._said(self.accounts[place]) else 2

    def _said(self, line: account_line.AccountLine) -> str:
        """What is said of an account; what is ordered for all of them stands above them once."""
        said = remarks.of(line) if remarks.is_any(line) else ""
        if said == self.ground.above:
            said = ""
        own = self.ground.keepers.get(line.name)
        return said or (plain.line(str(own)) if own else "")

    def _drawn(self, line: account_line.AccountLine, *, is_chosen: bool) -> Iterable[cells.Line]:
        row = self.layout.row(line, self.ground, is_chosen=is_chosen)
        words = _when(line, self.ground.now) + said if (said := self._said(line)) else ""
        style = columns.state(line, self.ground)[2]
        style = Style.WAITS if style in (Style.GOOD, Style.STOP) else style
        if self.layout.words:
            row = (*row, (cells.cut(words, self.layout.words), style))
        yield cells.filled(row, self.width, Style.CHOSEN) if is_chosen else row
        if words and not self.layout.words:
            yield ((cells.cut(_WHY + words, self.width), style),)


def _when(line: account_line.AccountLine, now: float) -> str:
    if line.next_beat is None or line.state is account_line.State.OK:
        return ""
    return f"again in {numbers.duration(max(0.0, line.next_beat - now))}: "
