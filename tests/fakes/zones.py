"""The zone of this host, for as long as a test lasts."""

import time
from collections.abc import Iterator

import pytest

#: Clocks go forward at 02:00 on 2026-03-08, back at 02:00 on 2026-11-01.
TORONTO = "EST5EDT,M3.2.0,M11.1.0"


def be_in(zone: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in a zone, as POSIX names it; for fixtures."""
    with monkeypatch.context() as within:
        within.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()
