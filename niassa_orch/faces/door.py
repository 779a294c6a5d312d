"""The door of the web page: a port on which connections are few and none stays for ever.

aiohttp waits as long as it likes for the first request of a connection; here whoever holds a place that another one
needs loses it after a while, and who comes when all are taken is told so. Called by ``web``.
"""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

MOST_CONNECTIONS: Final = 64
#: After so long a connection gives way when there is no place left.
_STAY_SECONDS: Final = 10.0
_FULL: Final = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextlib.asynccontextmanager
async def opened(runner: web.AppRunner, place: tuple[str, int]) -> AsyncIterator[None]:
    """Listen at an address and port for as long as the context lasts.

    Raises:
        OSError: That cannot be.
    """
    listening = await asyncio.get_running_loop().create_server(_Places(runner), *place, backlog=MOST_CONNECTIONS)
    try:
        yield
    finally:
        listening.close()


@dataclasses.dataclass(slots=True)
class _Stay:
    """Since when a place is taken, and whether whoever takes it was seen there: that is a moment later."""

    since: float
    was_there: bool = False


class _Places:
    """Makes what talks on each new connection."""

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self._taken: dict[web.RequestHandler, _Stay] = {}

    def __call__(self) -> asyncio.Protocol:
        """Somebody connects."""
        serving, now = self._runner.server, time.monotonic()
        if serving is None:
            return _Full()
        self._look(set(serving.connections), now)
        if len(self._taken) >= MOST_CONNECTIONS and not self._make_room(now):
            return _Full()
        made = serving()
        self._taken[made] = _Stay(now)
        return made

    def _look(self, there: set[web.RequestHandler], now: float) -> None:
        """Who has gone gives the place back."""
        for one, stay in list(self._taken.items()):
            if one in there:
                stay.was_there = True
            elif stay.was_there or now - stay.since >= _STAY_SECONDS:
                del self._taken[one]

    def _make_room(self, now: float) -> bool:
        oldest, stay = min(self._taken.items(), key=lambda one: one[1].since)
        if now - stay.since < _STAY_SECONDS:
            return False
        if oldest.transport is not None:
            # Not closed: that would wait until somebody has read what is on its way.
            oldest.transport.abort()
        del self._taken[oldest]
        return True


class _Full(asyncio.Protocol):
    """All places are taken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so and hang up."""
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(_FULL)
        transport.close()
