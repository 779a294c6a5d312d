"""Serves what may be read: the page, the metrics, whether the service is alive, and whether it is ready.

Nothing is changed here, whatever is asked. Anybody on this machine may connect, so that everything is bounded: the
connections, how long each may stay, and how often a page is made, in a thread beside the event loop. A port that cannot
be had is told, and the service goes on. Built by the composition root.
"""

import asyncio
import contextlib
import datetime
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import web

from niassa_orch.config import listening
from niassa_orch.core import account_line, board, guard
from niassa_orch.faces import door, metrics, page, plain
from niassa_orch.wire import serving

#: What was made so short a time ago is given again, however many ask.
_FRESH_SECONDS: Final = 1.0
_NAMED_MOST: Final = 5
_PORT: Final = re.compile(r":\d*$", re.ASCII)
_HEADERS: Final = {
    "Content-Security-Policy": page.POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "niassa-orch",
}

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Make = Callable[[board.Snapshot], bytes]


class Web:
    """What is answered on the port.

    Args:
        told: The board.
        where: The table ``[web]`` of the settings.
    """

    def __init__(self, told: board.Board, where: listening.Web) -> None:
        self._told = told
        self._where = where
        self._made: dict[str, tuple[float, bytes]] = {}
        self._making = asyncio.Lock()
        self._was_ready = False

    def application(self) -> web.Application:
        """The routes; GET and HEAD alone."""
        made = web.Application(middlewares=[self._guarded], client_max_size=0)
        made.add_routes(
            [
                web.get("/", self._page),
                web.get("/metrics", self._metrics),
                web.get("/healthz", self._health),
                web.get("/readyz", self._readiness),
            ]
        )
        return made

    @web.middleware
    async def _guarded(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            answer = await handler(request) if self._is_meant(request) else _other_host()
        except web.HTTPException as exc:
            answer = _text(exc.status, exc.reason)
            answer.headers.update({name: exc.headers[name] for name in ("Allow",) if name in exc.headers})
        except Exception as exc:  # noqa: BLE001 - a defect of a page must not be anybody else's
            guard.tell(f"web:{request.path}", exc, self._told)
            answer = _text(500, "this is a defect; see task.crashed in the log")
        answer.headers.update(_HEADERS)
        return answer

    def _is_meant(self, request: web.Request) -> bool:
        """On an address of this machine alone, no page of another site may ask under that site's name."""
        if self._where.open or not self._where.is_local:
            return True
        name = _PORT.sub("", request.headers.get("Host", ""))
        return name.lower() in ("localhost", "127.0.0.1", "[::1]", self._where.place[0])

    async def _page(self, request: web.Request) -> web.StreamResponse:
        stays = "stay" in request.query
        now = datetime.datetime.now().astimezone()
        body = await self._fresh(f"page {stays}", lambda snapshot: page.document(snapshot, now, stays=stays))
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        content, most = metrics.content_type(request.headers.get("Accept", "")), self._where.accounts_metrics_limit
        body = await self._fresh(content, lambda snapshot: metrics.text(snapshot, most, content))
        return web.Response(body=body, headers={"Content-Type": content})

    async def _fresh(self, kind: str, make: _Make) -> bytes:
        """The body of one kind, made in a thread, one at a time."""
        async with self._making:
            made_at, body = self._made.get(kind, (-_FRESH_SECONDS, b""))
            if time.monotonic() - made_at >= _FRESH_SECONDS:
                body = await asyncio.to_thread(make, self._told.snapshot())
                self._made[kind] = time.monotonic(), body
        return body

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        """That there is an answer says that the event loop lives."""
        ill = [f"nothing is launched: {trouble}" for trouble in (self._told.journal, self._told.audit) if trouble]
        return _text(503 if ill else 200, "\n".join(map(plain.line, ill)) or "alive")

    async def _readiness(self, _request: web.Request) -> web.StreamResponse:
        snapshot = self._told.snapshot()
        new = [line.name for line in snapshot.accounts if line.state is account_line.State.STARTING]
        self._was_ready = self._was_ready or (snapshot.is_read and not new)
        if snapshot.draining:
            return _text(503, "draining: no new work")
        if self._was_ready:
            return _text(200, "ready")
        if not snapshot.is_read:
            return _text(503, "profiles were not read yet")
        more = f" and {len(new) - _NAMED_MOST} more" if len(new) > _NAMED_MOST else ""
        return _text(503, f"not polled yet: {', '.join(map(plain.line, new[:_NAMED_MOST]))}{more}")


@contextlib.asynccontextmanager
async def served(told: board.Board, where: listening.Web) -> AsyncIterator[None]:
    """Serve for as long as the context lasts, if the settings say where."""
    if not where.listen:
        yield
        return
    async with contextlib.AsyncExitStack() as opened:
        runner = await opened.enter_async_context(serving.ready(Web(told, where).application(), ends_with_reader=False))
        try:
            await opened.enter_async_context(door.opened(runner, where.place))
            told.event("web.serving", address=where.listen)
        except OSError as exc:
            told.event("web.unusable", level=board.Level.ERROR, reason=_unusable(where, exc))
            told.alarm("web", _unusable(where, exc))
        yield


def _unusable(where: listening.Web, exc: OSError) -> str:
    port = where.place[1]
    return (
        f"no web page and no metrics: {where.listen} cannot be listened at: {exc.strerror or exc}; see who has the "
        f"port (ss -ltnp 'sport = :{port}'), or give [web] listen another one, and restart; everything else goes on"
    )


def _other_host() -> web.Response:
    return _text(
        421, "ask by the name localhost or by the address (a proxy must not pass the name on that it was asked by)"
    )


def _text(status: int, words: str) -> web.Response:
    return web.Response(status=status, text=f"{words}\n")
