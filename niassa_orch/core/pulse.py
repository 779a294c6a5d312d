"""How many launches an account began in each of the last minutes: what a face draws as a small curve.

Pure, like ``freshness``: a new ``Pulse`` for each launch, kept on the account's line of the board.
"""

import dataclasses
from typing import Final

#: So many minutes are kept; the last is the one that goes on.
MINUTES: Final = 30
_SECONDS: Final = 60.0
_NONE: Final = (0,) * MINUTES


@dataclasses.dataclass(frozen=True, slots=True)
class Pulse:
    """Launches begun, minute by minute.

    Args:
        minute: The number of the last minute that is counted, of ``time.monotonic()``.
        counts: The oldest first.
    """

    minute: int = 0
    counts: tuple[int, ...] = _NONE

    def noted(self, now: float, launches: int) -> "Pulse":
        """This and launches begun at ``now``, in seconds of ``time.monotonic()``."""
        *before, last = self.at(now)
        return Pulse(int(now / _SECONDS), (*before, last + launches))

    def at(self, now: float) -> tuple[int, ...]:
        """The counts of the minutes up to ``now``, the oldest first."""
        past = int(now / _SECONDS) - self.minute
        return (*self.counts[max(0, past) :], *_NONE[: min(MINUTES, max(0, past))])


NO_PULSE: Final = Pulse()
