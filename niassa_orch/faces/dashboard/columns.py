"""The columns of the accounts: which there are at a width, and what stands in them for an account.

Pure. Numbers are never cut; names give way, and columns that matter less are left out where a terminal is narrow.
Called by ``accounts_page``.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from niassa_orch.core import account_line
from niassa_orch.domain import orders, runs
from niassa_orch.faces import numbers, plain
from niassa_orch.faces.dashboard import cells, curves
from niassa_orch.faces.dashboard.cells import Style

_NONE: Final = "\N{MIDDLE DOT}"
_NAME: Final = "account"
_LEAST_NAME: Final = 8
_COMMON_NAME: Final = 16
_MOST_NAME: Final = 40
#: Room that is left is for words from here on.
_LEAST_WORDS: Final = 44
_CHOSEN: Final = ">"


@dataclasses.dataclass(frozen=True, slots=True)
class Ground:
    """What cells of all accounts need to know: the time, of ``time.monotonic()``, and what operators ordered."""

    now: float
    keepers: Mapping[str, orders.Order]

    @property
    def above(self) -> str:
        """What is ordered for all accounts, as a line of the board says it, or ``""``."""
        return plain.line(str(self.keepers[""])) if "" in self.keepers else ""

    def keeper(self, name: str) -> orders.Order | None:
        """What keeps an account from launching, if an operator ordered that."""
        return self.keepers.get(name) or self.keepers.get("")


_Make = Callable[[account_line.AccountLine, Ground], cells.Part]


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column; ``width`` is in cells, and a blank comes after it."""

    title: str
    width: int
    make: _Make
    to_right: bool = True


def _count(number: int, style: Style = Style.PLAIN) -> cells.Part:
    return (numbers.amount(number), style) if number else (_NONE, Style.FAINT)


def _active(*some: runs.RunStatus) -> _Make:
    return lambda line, _ground: _count(sum([line.counts.get(status, 0) for status in some]))


def _ended(status: runs.RunStatus) -> _Make:
    return lambda line, _ground: _count(line.ended.get(status, 0), Style.FAINT)


def state(line: account_line.AccountLine, ground: Ground) -> tuple[str, str, Style]:
    """The mark, the word and the meaning of how an account fares, orders included."""
    mark, style = curves.STATES[line.state]
    keeper = ground.keeper(line.name)
    if keeper is not None and line.state in (account_line.State.OK, account_line.State.STARTING):
        return curves.ORDERS[keeper.kind]
    if line.held:
        return ("\N{BALLOT X}", f"{line.state}", Style.BAD)
    if line.state is account_line.State.OK and (line.refusal or line.waiting or line.in_doubt):
        return ("!", f"{line.state}", Style.WAITS)
    return (mark, f"{line.state}", style)


def _state(line: account_line.AccountLine, ground: Ground) -> cells.Part:
    mark, word, style = state(line, ground)
    return (f"{mark} {word}", style)


def _doubt(line: account_line.AccountLine, _ground: Ground) -> cells.Part:
    return _count(len(line.in_doubt) + len(line.held), Style.BAD if line.held else Style.WAITS)


def _polled(line: account_line.AccountLine, ground: Ground) -> cells.Part:
    if line.last_good_poll is None:
        return ("never", Style.WAITS)
    return (numbers.duration(max(0.0, ground.now - line.last_good_poll)), Style.PLAIN)


def next_beat(line: account_line.AccountLine, ground: Ground) -> cells.Part:
    """When it is looked at again."""
    if line.next_beat is None:
        return ("now" if line.state is not account_line.State.DISABLED else _NONE, Style.FAINT)
    return (numbers.duration(max(0.0, line.next_beat - ground.now)), Style.PLAIN)


def _took(line: account_line.AccountLine, _ground: Ground) -> cells.Part:
    return (_NONE if line.poll_seconds is None else numbers.latency(line.poll_seconds), Style.FAINT)


def _curve(minutes: int) -> _Make:
    def make(line: account_line.AccountLine, ground: Ground) -> cells.Part:
        return (curves.curve(line.launched.at(ground.now)[-minutes:]), Style.BUSY)

    return make


R = runs.RunStatus
_STATE: Final = Column("state", 16, _state, to_right=False)
_ALWAYS: Final = (
    Column("subm", 4, _active(R.SUBMITTED)),
    Column("pend", 4, _active(R.PENDING)),
    Column("run", 4, _active(R.RUNNING)),
    Column("c/r", 3, _active(R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY)),
    Column("fly", 3, lambda line, _ground: _count(len(line.in_flight), Style.BUSY)),
    Column("doubt", 5, _doubt),
    Column("polled", 6, _polled),
    Column("next", 6, next_beat),
    Column("begun", 6, _curve(6), to_right=False),
)
#: What a narrow terminal does without, the first first.
_LEFT_OUT: Final = ("begun", "next", "c/r", "pend", "fly", "doubt", "subm", "run", "polled")
#: What comes with more room, the first first.
_MORE: Final = (
    (
        Column("compl", 5, _ended(R.COMPLETED)),
        Column("failed", 6, _ended(R.FAILED)),
        Column("cancd", 5, _ended(R.CANCELLED)),
    ),
    (Column("Unix user", 14, lambda line, _ground: (plain.line(line.unix_user) or "?", Style.PLAIN), to_right=False),),
    (Column("took", 6, _took),),
)
_LONG_CURVE: Final = Column("begun in 30 minutes", 30, _curve(30), to_right=False)


def _name(line: account_line.AccountLine, _ground: Ground) -> cells.Part:
    return (plain.line(line.name), Style.STRONG)


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """The columns at a width, and how many cells are left for words beside them (0: too few for any)."""

    columns: tuple[Column, ...]
    words: int

    def titles(self) -> cells.Line:
        """The line above the accounts."""
        texts = [cells.fitted(one.title, one.width, to_right=one.to_right) for one in self.columns]
        return ((f"  {' '.join(texts)}", Style.FAINT), (" why" if self.words else "", Style.FAINT))

    def row(self, line: account_line.AccountLine, ground: Ground, *, is_chosen: bool) -> cells.Line:
        """An account, without words."""
        parts: list[cells.Part] = [(f"{_CHOSEN if is_chosen else ' '} ", Style.STRONG)]
        for one in self.columns:
            text, style = one.make(line, ground)
            parts.append((cells.fitted(text, one.width, to_right=one.to_right) + " ", style))
        return tuple(parts)


def longest(accounts: Sequence[account_line.AccountLine]) -> int:
    """How many cells the longest name takes."""
    return max((cells.width(line.name) for line in accounts), default=0)


@functools.lru_cache(maxsize=16)
def layout(width: int, longest_name: int) -> Layout:
    """The columns that a terminal has room for."""
    wanted = max(_LEAST_NAME, min(longest_name, _COMMON_NAME))
    always = list(_ALWAYS)
    for title in _LEFT_OUT:
        if _taken(always) + _LEAST_NAME + 1 > width:
            always = [one for one in always if one.title != title]
    more: list[Column] = []
    for group in _MORE:
        if _taken([*always, *more, *group]) + wanted + 1 <= width:
            more += group
    spare = width - _taken([*always, *more]) - wanted - 1
    if always and spare >= _LONG_CURVE.width - always[-1].width + _LEAST_WORDS:
        always[-1] = _LONG_CURVE
    spare = width - _taken([*always, *more]) - 1
    name = max(_LEAST_NAME, min(longest_name, _MOST_NAME, spare))
    words = spare - name - 1
    columns = (Column(_NAME, name, _name, to_right=False), _STATE, *always, *more)
    return Layout(columns, words if words >= _LEAST_WORDS else 0)


def _taken(some: Sequence[Column]) -> int:
    """Cells of these, of the marks in front and of the state, without the name."""
    return 2 + _STATE.width + 1 + sum(one.width + 1 for one in some)
