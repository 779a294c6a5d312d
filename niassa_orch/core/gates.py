"""Why an account launches nothing now whatever is scheduled: an order, a pause in its profile, its hours.

What its profile says counts at the moment of the question; what was begun goes on. Owned by ``core.launching``.
"""

import math
import time
from collections.abc import Callable

from niassa_orch.core import account_line, board
from niassa_orch.domain import accounts, orders, windows

_HOUR_SECONDS = 3600


class Gate:
    """The gate of one account's launches; ``why`` is the reason that was found last, or ``""``.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        keeper: Says which order keeps an account from launching, if one does.
        now: The time, in seconds since the epoch.
    """

    def __init__(
        self,
        line: account_line.AccountLine,
        told: board.Board,
        keeper: Callable[[str], orders.Order | None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._line = line
        self._board = told
        self._keeper = keeper
        self._now = now
        self._told = ""
        self.why = ""

    def is_shut(self, account: accounts.Account) -> bool:
        """Whether nothing of the account may be launched now; told when that begins and when it ends."""
        before, order = self.why, self._keeper(account.name)
        cause, self.why = (str(order), str(order)) if order else _cause(account, self._now())
        if not cause and self._line.waiting == before:
            self._line.waiting = ""
        if cause != self._told:
            self._told = cause
            if cause:
                self._board.event("launch.held_back", account=self._line.name, reason=self.why)
            else:
                self._board.event("launch.let_go", account=self._line.name)
        return bool(cause)


def why_shut(account: accounts.Account, moment: float) -> str:
    """Why nothing of the account may be launched at a moment, in seconds since the epoch, or ``""``."""
    return _cause(account, moment)[1]


def _cause(account: accounts.Account, moment: float) -> tuple[str, str]:
    """What shuts the gate, and the same with what is left to wait; ``""`` twice when it is open."""
    if account.paused:
        why = f"paused by its profile: {account.paused}"
        return why, why
    seconds = windows.opens_in_seconds(account.hours, moment)
    if seconds:
        cause = f"launches only at {', '.join(map(str, account.hours))}"
        return cause, f"{cause}, and it is {windows.wall(moment):%H:%M %Z}; that is in {_shown(seconds)}"
    return "", ""


def _shown(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if seconds >= _HOUR_SECONDS else f"{minutes} min"
