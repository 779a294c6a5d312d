"""Which accounts come first where a person looks: those that need one, then those that wait, then the others. Pure.

Looked at four times a second for a thousand accounts: nothing here makes a text. Called by faces.
"""

from collections.abc import Collection, Iterable
from typing import Final

from niassa_orch.core import account_line

_RANKS: Final = {
    account_line.State.WRONG_PASSWORD: 0,
    account_line.State.MISCONFIGURED: 0,
    account_line.State.LOGIN_REFUSED: 3,
    account_line.State.BACKING_OFF: 4,
    account_line.State.STARTING: 6,
    account_line.State.STOPPING: 8,
    account_line.State.OK: 9,
    account_line.State.DISABLED: 10,
}
_HELD: Final = 1
_REFUSED: Final = 2
_ALONE: Final = 2
_DOUBT: Final = 5
_WAITS: Final = 7


def needs_person(line: account_line.AccountLine) -> bool:
    """Whether nothing about it gets better by itself."""
    return rank(line) <= _REFUSED


def rank(line: account_line.AccountLine, *, is_kept: bool = False) -> int:
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
    if line.alarm or line.left_alone or any(call.overdue for call in line.calls):
        found = min(found, _ALONE)
    if line.in_doubt:
        found = min(found, _DOUBT)
    is_waiting = line.waiting or line.warning or line.advice or line.unfinished or is_kept
    return min(found, _WAITS) if is_waiting and line.state is not account_line.State.DISABLED else found


def worst_first(
    lines: Iterable[account_line.AccountLine], kept: Collection[str] = ()
) -> list[account_line.AccountLine]:
    """In the order in which a person should look at them; equals by name.

    Args:
        lines: Of the accounts.
        kept: Names of those whom an operator's order keeps from launching.
    """
    return sorted(lines, key=lambda line: (rank(line, is_kept=line.name in kept), line.name))
