"""Who is let in at the control socket: so many connections a user, and so many of all, as take nothing from launches.

Each costs a file descriptor, and aiohttp lets one that asks nothing stay for ever. Who uses up all of his own keeps
nobody else out; root and the service's user have theirs beside all others'. What is no HTTP is answered and not logged.
Called by ``server``.
"""

import asyncio
import collections
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from niassa_orch.control import peers
from niassa_orch.wire import serving

#: Of one user; those that follow events or wait for an answer included.
MOST_OF_ONE: Final = 64
#: Of all users together, but for root and the service's own.
_MOST_OF_OTHERS: Final = 128
_BACKLOG: Final = 2 * MOST_OF_ONE
_REFUSAL: Final = b'{"error": "too many connections are open already: end some that you have, or try again"}'
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(_REFUSAL), _REFUSAL)
)


@contextlib.asynccontextmanager
async def opened(application: web.Application, listening: socket.socket) -> AsyncIterator[None]:
    """Let users in at a bound socket for as long as the context lasts."""
    async with serving.ready(application, ends_with_reader=True) as runner:
        door = await asyncio.get_running_loop().create_server(_Door(runner), sock=listening, backlog=_BACKLOG)
        try:
            yield
        finally:
            door.close()


class _Door:
    """Makes what talks on each new connection: the server, if its user has a place.

    Args:
        runner: Of the server; set up.
    """

    def __init__(self, runner: web.AppRunner) -> None:
        self._runner = runner
        self._users: dict[web.RequestHandler, int] = {}

    def __call__(self) -> asyncio.Protocol:
        """Somebody connects; who, is known a moment later."""
        return _Newcomer(self._welcome)

    def _welcome(self, transport: asyncio.Transport, connection: socket.socket) -> None:
        answering, uid = self._runner.server, peers.uid_of(connection)
        if answering is None or not self._has_place(uid, set(answering.connections)):
            transport.write(_FULL)
            transport.close()
            return
        talking = answering()
        self._users[talking] = uid
        transport.set_protocol(talking)
        talking.connection_made(transport)

    def _has_place(self, uid: int, there: set[web.RequestHandler]) -> bool:
        self._users = {one: user for one, user in self._users.items() if one in there}
        taken = collections.Counter(self._users.values())
        own = {0, os.geteuid()}
        others = sum(count for user, count in taken.items() if user not in own)
        return taken[uid] < MOST_OF_ONE and (uid in own or others < _MOST_OF_OTHERS)


class _Newcomer(asyncio.Protocol):
    """Is there until the transport is."""

    def __init__(self, welcome: Callable[[asyncio.Transport, socket.socket], None]) -> None:
        self._welcome = welcome

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the connection to who talks on it."""
        if isinstance(transport, asyncio.Transport):
            self._welcome(transport, transport.get_extra_info("socket"))
