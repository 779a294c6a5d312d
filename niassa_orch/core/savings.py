"""Requests that we made, and those that crontabs would have made for the same accounts in the same time.

In every minute of an account ``launch-scheduled`` reads one list and ``propagate-statuses`` four; for each active run,
changed or not, Oozie is asked once and the record is put once. Requests of engine calls are on neither side, so that an
account whose runs the engine propagates counts with the one list. Counted in the time between two looks, from what the
first of them saw: rather too little than too much. Pure; driven by ``core.supervisor``'s look, shown by faces.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

from niassa_orch.domain import accounts, runs

_LAUNCH_LISTS: Final = 1
_PROPAGATE_LISTS: Final = 4
_PER_RUN: Final = 2
_MINUTE_SECONDS: Final = 60.0
#: Statuses in which ``propagate-statuses`` asks for a run, and writes it.
_PROPAGATED: Final = (
    runs.RunStatus.PENDING,
    runs.RunStatus.RUNNING,
    runs.RunStatus.SUBMITTED_CANCEL,
    runs.RunStatus.SUBMITTED_RETRY,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Requests:
    """Since the service started, to all web services and Oozie servers.

    Args:
        made: By us, every try of a read included.
        of_cron: What crontabs would have made.
    """

    made: int = 0
    of_cron: int = 0

    @property
    def saved(self) -> int:
        """Below nothing, when crontabs would have made fewer."""
        return self.of_cron - self.made


NO_REQUESTS: Final = Requests()


def of_cron_a_minute(propagation: accounts.Propagation, active: Mapping[runs.RunStatus, int]) -> int:
    """The requests of one account's crontab in a minute.

    Args:
        propagation: Who propagates its runs now.
        active: Its runs by status.
    """
    if propagation is accounts.Propagation.ENGINE:
        return _LAUNCH_LISTS
    return _LAUNCH_LISTS + _PROPAGATE_LISTS + _PER_RUN * sum(active.get(status, 0) for status in _PROPAGATED)


class Savings:
    """Counts what crontabs would have asked, look by look.

    Args:
        made: How many requests we have made so far.
    """

    def __init__(self, made: Callable[[], int]) -> None:
        self._made = made
        self._of_cron = 0.0
        self._rate_a_minute = 0
        self._looked_at = 0.0

    def look(self, now: float, of_cron_a_minute: int) -> Requests:
        """Count up to now.

        Args:
            now: In seconds of ``time.monotonic()``.
            of_cron_a_minute: The requests of all served accounts' crontabs, from now on.
        """
        self._of_cron += self._rate_a_minute * (now - self._looked_at) / _MINUTE_SECONDS
        self._rate_a_minute, self._looked_at = of_cron_a_minute, now
        return Requests(self._made(), int(self._of_cron))
