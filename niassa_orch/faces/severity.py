"""Which accounts come first where a person looks: those that need one, then those that wait, then the others. Pure.

Called by faces.
"""

from collections.abc import Iterable
from typing import Final

from niassa_orch.core import board
from niassa_orch.faces import remarks

#: The worst first.
STATES: Final = (
    board.State.WRONG_PASSWORD,
    board.State.MISCONFIGURED,
    board.State.LOGIN_REFUSED,
    board.State.BACKING_OFF,
    board.State.STARTING,
    board.State.STOPPING,
    board.State.OK,
    board.State.DISABLED,
)
_NEEDS_PERSON: Final = (board.State.WRONG_PASSWORD, board.State.MISCONFIGURED)


def needs_person(line: board.AccountLine) -> bool:
    """Whether nothing about it gets better by itself."""
    return line.state in _NEEDS_PERSON or bool(line.held or line.refusal)


def worst_first(lines: Iterable[board.AccountLine]) -> list[board.AccountLine]:
    """In the order in which a person should look at them; equals by name."""
    return sorted(lines, key=_place)


def _place(line: board.AccountLine) -> tuple[bool, int, bool, bool, str]:
    return (
        not needs_person(line),
        STATES.index(line.state),
        not line.in_doubt,
        not remarks.of(line),
        line.name,
    )
