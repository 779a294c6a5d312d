"""How long after a job moved the web service said so: lags, in seconds, counted by size.

A lag is from Oozie's ``lastModTime`` to our write of the status, seen in the record, by one clock. An outage of the web
service counts; what users asked for and what was put back do not. A status that somebody else set back counts with the
age of its job's move, since nothing tells it from one that was never written. Pure; told by ``core.cycle``, kept on the
account's line of the board, read by faces.
"""

import bisect
import dataclasses
import datetime
import math
from collections.abc import Iterable
from typing import Final

#: A lag of just so much belongs to the bound; the last count is of all that is above.
BOUNDS_SECONDS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600)
_NONE: Final = (0,) * (len(BOUNDS_SECONDS) + 1)


@dataclasses.dataclass(frozen=True, slots=True)
class Lags:
    """A histogram.

    Args:
        counts: How many lags were up to each bound and above the one before; the last: above all bounds.
        sum_seconds: Of all of them.
    """

    counts: tuple[int, ...] = _NONE
    sum_seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(self.counts)

    def noted(self, seconds: float) -> "Lags":
        """These and one more; clocks are compared to a second, so that one may seem to be negative: it is none."""
        lag = max(0.0, seconds)
        place = bisect.bisect_left(BOUNDS_SECONDS, lag)
        counts = (*self.counts[:place], self.counts[place] + 1, *self.counts[place + 1 :])
        return Lags(counts, self.sum_seconds + lag)

    def quantile_seconds(self, share: float) -> float | None:
        """What so large a share of the lags is not above, as if those between two bounds lay evenly.

        Args:
            share: Above 0, up to 1: 0.95 is the 95th percentile.

        Returns:
            Infinity when it is above all bounds, ``None`` when there are no lags.
        """
        wanted = share * self.count
        if not wanted:
            return None
        lower, before = 0.0, 0
        for upper, count in zip((*BOUNDS_SECONDS, math.inf), self.counts, strict=True):
            if count and before + count >= wanted:
                return upper if math.isinf(upper) else lower + (upper - lower) * (wanted - before) / count
            lower, before = upper, before + count
        return math.inf


NO_LAGS: Final = Lags()


def merged(parts: Iterable[Lags]) -> Lags:
    """All of these together."""
    # Bound by bound: a thousand accounts are looked at several times a second.
    known = [part for part in parts if part is not NO_LAGS]
    counts = tuple(map(sum, zip(*(part.counts for part in known), strict=True)))
    return Lags(counts or _NONE, math.fsum(part.sum_seconds for part in known))


def lag_seconds(moved: datetime.datetime, now: float, ahead_seconds: float | None) -> float:
    """From a job's move until now.

    Args:
        moved: When, in whole seconds of Oozie's clock.
        now: By our clock, in seconds of ``time.time()``.
        ahead_seconds: How far Oozie's clock is ahead of ours, to a second; ``None``: it does not tell, and is believed.
    """
    return now + (ahead_seconds or 0.0) - moved.timestamp()
