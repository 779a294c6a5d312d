"""One backoff, for one subject: an account that fails, a run whose launch came to nothing.

Pure arithmetic on a clock that the caller reads; it never sleeps.
"""

import random


class Throttle:
    """Doubles the wait with each failure in a row, from ``first_seconds`` to ``most_seconds``, with jitter."""

    def __init__(self, first_seconds: float, most_seconds: float, *, jitter: float = 0.1) -> None:
        self._first = first_seconds
        self._most = most_seconds
        self._jitter = jitter
        self.failures = 0
        self.until = 0.0

    def fail(self, now: float) -> float:
        """Count a failure at ``now`` (seconds of any clock); returns the seconds to wait."""
        wait = min(self._most, self._first * 2.0 ** min(self.failures, 30))
        wait *= 1 + random.uniform(-self._jitter, self._jitter)  # noqa: S311 - spreads load, guards no secret
        self.failures += 1
        self.until = now + wait
        return wait

    def succeed(self) -> bool:
        """Forget the failures; returns whether there were any."""
        failing = self.failures > 0
        self.failures = 0
        self.until = 0.0
        return failing

    def is_over(self, now: float) -> bool:
        """Whether the wait has passed."""
        return now >= self.until
