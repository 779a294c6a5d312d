"""Small curves and marks: how numbers went, in one character each, and what says a state without a colour. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from niassa_orch.core import account_line
from niassa_orch.domain import orders
from niassa_orch.faces.dashboard.cells import Style

_BARS: Final = "▁▂▃▄▅▆▇█"
_NONE: Final = "\N{MIDDLE DOT}"
PAUSED: Final = "="
STOPPED: Final = "\N{BLACK SQUARE}"
#: For a state: the mark before it, and what it means.
STATES: Final[Mapping[account_line.State, tuple[str, Style]]] = {
    account_line.State.WRONG_PASSWORD: ("\N{BALLOT X}", Style.BAD),
    account_line.State.MISCONFIGURED: ("\N{BALLOT X}", Style.BAD),
    account_line.State.LOGIN_REFUSED: ("!", Style.WAITS),
    account_line.State.BACKING_OFF: ("!", Style.WAITS),
    account_line.State.STARTING: ("+", Style.BUSY),
    account_line.State.STOPPING: ("-", Style.FAINT),
    account_line.State.OK: ("\N{CHECK MARK}", Style.GOOD),
    account_line.State.DISABLED: ("-", Style.FAINT),
}
#: For what operators ordered of an account: the mark, the word in place of its state, and what it means.
ORDERS: Final[Mapping[orders.Kind, tuple[str, str, Style]]] = {
    orders.Kind.STOP: (STOPPED, "STOPPED", Style.STOP),
    orders.Kind.PAUSE: (PAUSED, "paused", Style.WAITS),
    orders.Kind.PAUSE_LAUNCHING: (PAUSED, "no launching", Style.WAITS),
}


def curve(counts: Sequence[int]) -> str:
    """A bar for each number, the highest for the largest; a dot for none."""
    most = max(counts, default=0)
    return "".join(_BARS[(count * (len(_BARS) - 1)) // most] if count else _NONE for count in counts)
