"""Which accounts are shown, and in which order: the worst first, or as the reader likes; those that a filter leaves.

Pure. Looked at four times a second for a thousand accounts: nothing here makes a text that is not compared. Called by
``screen`` and ``pressing``.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from niassa_orch.core import board
from niassa_orch.domain import orders


class Sort(enum.StrEnum):
    """In which order accounts are; the next is that after it."""

    WORST = "worst first"
    NAME = "by name"
    ACTIVE = "most active runs first"
    STALE = "oldest poll first"

    def next(self) -> "Sort":
        """What ``s`` makes of it."""
        every = list(Sort)
        return every[(every.index(self) + 1) % len(every)]


_SEVERITY: Final = {
    board.State.WRONG_PASSWORD: 0,
    board.State.MISCONFIGURED: 0,
    board.State.LOGIN_REFUSED: 2,
    board.State.BACKING_OFF: 3,
    board.State.STARTING: 6,
    board.State.STOPPING: 7,
    board.State.OK: 8,
    board.State.DISABLED: 9,
}
_HELD: Final = 1
_REFUSED: Final = 4
_DOUBT: Final = 5
_WAITS: Final = 7
_Keepers = Mapping[str, orders.Order]


def keepers(snapshot: board.Snapshot) -> dict[str, orders.Order]:
    """What operators ordered that keeps an account from launching, by account; ``""``: what is ordered for all."""
    names = {order.account for order in snapshot.orders if order.keeps}
    found = {name: orders.keeper(orders.over(snapshot.orders, name)) for name in names}
    return {name: order for name, order in found.items() if order is not None}


def shown(snapshot: board.Snapshot, sort: Sort, wanted: str) -> Sequence[board.AccountLine]:
    """The accounts in their order, less those that the filter does not want."""
    accounts: Iterable[board.AccountLine] = snapshot.accounts
    if wanted:
        folded = wanted.casefold()
        accounts = [line for line in accounts if _has(line, folded)]
    if sort is Sort.NAME:
        return list(accounts)
    return sorted(accounts, key=_key(sort, snapshot))


def _key(sort: Sort, snapshot: board.Snapshot) -> Callable[[board.AccountLine], tuple[float, str]]:
    ordered = keepers(snapshot)
    if sort is Sort.ACTIVE:
        return lambda line: (-sum(line.counts.values()), line.name)
    if sort is Sort.STALE:
        return lambda line: (line.last_good_poll or 0.0, line.name)
    return lambda line: (_severity(line, ordered), line.name)


def _severity(line: board.AccountLine, ordered: _Keepers) -> float:
    """The lower the worse."""
    found = _SEVERITY[line.state]
    if line.held:
        found = min(found, _HELD)
    if line.refusal:
        found = min(found, _REFUSED)
    if line.in_doubt:
        found = min(found, _DOUBT)
    if found == _SEVERITY[board.State.OK] and (line.waiting or line.warning or line.unfinished or line.name in ordered):
        found = _WAITS
    return found


def _has(line: board.AccountLine, folded: str) -> bool:
    texts = (line.name, line.unix_user, line.state, line.reason, line.waiting, line.refusal, line.warning)
    return any(folded in text.casefold() for text in texts if text)
