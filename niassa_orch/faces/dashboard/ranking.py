"""Which accounts are shown, and in which order: the worst first, or as the reader likes; those that a filter leaves.

Pure. Looked at four times a second for a thousand accounts: nothing here makes a text that is not compared. Called by
``screen`` and ``pressing``.
"""

import enum
from collections.abc import Callable, Iterable, Sequence

from niassa_orch.core import account_line, board
from niassa_orch.domain import orders
from niassa_orch.faces import severity


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


def keepers(snapshot: board.Snapshot) -> dict[str, orders.Order]:
    """What operators ordered that keeps an account from launching, by account; ``""``: what is ordered for all."""
    names = {order.account for order in snapshot.orders if order.keeps}
    found = {name: orders.keeper(orders.over(snapshot.orders, name)) for name in names}
    return {name: order for name, order in found.items() if order is not None}


def shown(snapshot: board.Snapshot, sort: Sort, wanted: str) -> Sequence[account_line.AccountLine]:
    """The accounts in their order, less those that the filter does not want."""
    accounts: Iterable[account_line.AccountLine] = snapshot.accounts
    if wanted:
        folded = wanted.casefold()
        accounts = [line for line in accounts if _has(line, folded)]
    if sort is Sort.WORST:
        return severity.worst_first(accounts, _kept(snapshot))
    return list(accounts) if sort is Sort.NAME else sorted(accounts, key=_key(sort))


def _kept(snapshot: board.Snapshot) -> frozenset[str]:
    """Accounts that an order of their own keeps; one for all tells none of them apart."""
    return frozenset(order.account for order in snapshot.orders if order.keeps)


def _key(sort: Sort) -> Callable[[account_line.AccountLine], tuple[float, str]]:
    if sort is Sort.ACTIVE:
        return lambda line: (-sum(line.counts.values()), line.name)
    return lambda line: (line.last_good_poll or 0.0, line.name)


def _has(line: account_line.AccountLine, folded: str) -> bool:
    texts = (line.name, line.unix_user, line.state, line.reason, line.waiting, line.refusal, line.warning, line.advice)
    return any(folded in text.casefold() for text in texts if text)
