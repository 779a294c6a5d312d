"""Signs of life of the service, for whoever watches over it (systemd's watchdog).

A sign is given by work that was done: a beat of an account, or the supervisor's look, after the journal's own thread
answered, if only that it cannot be written. There is no timer behind it: when the event loop hangs, when the journal's
thread hangs, or when neither accounts nor supervisor come to anything any more, the signs end. A journal that cannot be
used keeps giving them, since propagation goes on without it. Built by the composition root.
"""

import time
from collections.abc import Callable

#: A thousand accounts beat at any moment: so often is enough.
_LEAST_SECONDS = 1.0


class Heart:
    """Tells that the service is ready, lives, and ends.

    Args:
        notify: Takes what systemd's ``sd_notify`` takes, such as ``READY=1``.
    """

    def __init__(self, notify: Callable[[str], None] = lambda _state: None) -> None:
        self._notify = notify
        self._last: float | None = None

    def ready(self) -> None:
        """Profiles were read, and accounts are being looked after."""
        self._notify("READY=1")

    def beat(self) -> None:
        """Something was done, and the journal's thread answered."""
        now = time.monotonic()
        if self._last is None or now - self._last >= _LEAST_SECONDS:
            self._last = now
            self._notify("WATCHDOG=1")

    def says(self, status: str) -> None:
        """What ``systemctl status`` shows, one line."""
        self._notify(f"STATUS={' '.join(status.split())}")

    def stopping(self) -> None:
        """No new work is begun; the end is near."""
        self._notify("STOPPING=1")
