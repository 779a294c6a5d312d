"""Which accounts come first where a person looks: those that need one, then those that wait, then the others. Pure.

Looked at four times a second for a thousand accounts: nothing here makes a text. Called by faces.
"""

from collections.abc import Collection, Iterable
from typing import Final

from niassa_orch.core import board

_RANKS: Final = {
    board.State.WRONG_PASSWORD: 0,
    board.State.MISCONFIGURED: 0,
    board.State.LOGIN_REFUSED: 3,
    board.State.BACKING_OFF: 4,
    board.State.STARTING: 6,
    board.State.STOPPING: 8,
    board.State.OK: 9,
    board.State.DISABLED: 10,
}
_HELD: Final = 1
_REFUSED: Final = 2
_ALONE: Final = 2
_DOUBT: Final = 5
_WAITS: Final = 7


def needs_person(line: board.AccountLine) -> bool:
    """Whether nothing about it gets better by itself."""
    return rank(line) <= _REFUSED


def rank(line: board.AccountLine, *, is_kept: bool = False) -> int:
    """The lower the worse.

    Args:
        line: Of the account.
        is_kept: An operator's order keeps it from launching.
    """
    found = _RANKS[line.state]
    if line.held:
        found = min(found, _HELD)
    if line.refusal:
        found = min(found, _REFUSED)
    if line.left_alone or any(call.overdue for call in line.calls):
        found = min(found, _ALONE)
    if line.in_doubt:
        found = min(found, _DOUBT)
    is_waiting = line.waiting or line.warning or line.advice or line.unfinished or is_kept
    return min(found, _WAITS) if is_waiting and line.state is not board.State.DISABLED else found


def worst_first(lines: Iterable[board.AccountLine], kept: Collection[str] = ()) -> list[board.AccountLine]:
    """In the order in which a person should look at them; equals by name.

    Args:
        lines: Of the accounts.
        kept: Names of those whom an operator's order keeps from launching.
    """
    return sorted(lines, key=lambda line: (rank(line, is_kept=line.name in kept), line.name))
