"""Runs for hosts that we serve, of owners for whom no account works: counted, shown, and told once an owner.

They cost nothing: the lists that accounts are polled with hold the runs of all owners. An owner whose account is known,
but starting, backing off or refused, is no orphan; one whose account is disabled is. Called by ``core.supervisor``.
"""

import collections
from collections.abc import Iterable, Mapping
from typing import Final

from niassa_orch.core import account_line, board, pollers

#: So many owners are told of at one look, those with most runs first, so that they do not hide what else happened.
_OWNERS_A_LOOK: Final = 20


class Orphans:
    """Owners that nobody serves.

    Args:
        told: The board.
    """

    def __init__(self, told: board.Board) -> None:
        self._board = told
        self._told: set[pollers.Owner] = set()

    def look(self, unserved: Mapping[pollers.Owner, int]) -> None:
        """Show what there is now, and tell of owners who came and of owners who went.

        Args:
            unserved: Active runs of owners whom no account serves at the moment.
        """
        lines = self._board.snapshot().accounts
        if any(line.state is account_line.State.STARTING for line in lines):
            # Whose runs it will serve may be known to its Unix user's settings only.
            return
        left = collections.Counter(unserved)
        for owner in _owned(lines):
            del left[owner]
        by_name: collections.Counter[str] = collections.Counter()
        for owner, count in left.items():
            by_name[owner.web_user] += count
        self._board.orphans = tuple(by_name.most_common())
        came = [owner for owner, _ in left.most_common() if owner not in self._told]
        for owner in came[:_OWNERS_A_LOOK]:
            self._tell(owner, left[owner])
        for owner in self._told - left.keys():
            self._told.discard(owner)
            self._board.event("runs.orphaned_no_more", owner=owner.web_user, host=owner.host)

    def _tell(self, owner: pollers.Owner, count: int) -> None:
        self._told.add(owner)
        reason = (
            f"no account serves {owner.web_user} on {owner.host}: add, enable or mend a profile for that owner, "
            f"or take the runs back"
        )
        named = {"owner": owner.web_user, "host": owner.host}
        self._board.event("runs.orphaned", level=board.Level.WARNING, **named, count=count, reason=reason)


def _owned(lines: Iterable[account_line.AccountLine]) -> Iterable[pollers.Owner]:
    """Whom the accounts are for, as far as that was ever known."""
    for line in lines:
        if line.account is not None and line.state is not account_line.State.DISABLED:
            yield pollers.Owner(*line.account.claim)
