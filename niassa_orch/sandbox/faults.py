"""Faults that tests order, and the record of every request that a stand-in saw.

``Faults`` belongs into a stand-in as its outermost middleware; product code never knows. It sends the answers itself,
so that a request counts as in flight until the last byte of its answer is out. ``/sandbox/...`` is neither faulted
nor recorded. Orders are read in ``fault_orders`` and carried out in ``fault_actions``.
"""

import asyncio
import collections
import dataclasses
import time
from collections.abc import Callable

from aiohttp import typedefs, web

from niassa_orch.sandbox import basic_login, fault_actions, fault_orders

#: So many requests are remembered.
KEPT_REQUESTS = 200_000


@dataclasses.dataclass(slots=True)
class _Seen:
    """One request that came in; ``fault`` is the number of the order that struck it, if one did, ``status`` and
    ``identity`` are filled in when it was answered.
    """

    method: str
    path: str
    query: dict[str, str]
    user: str | None
    agent: str
    cookie: str | None
    seconds: float
    in_flight: int
    fault: int | None = None
    status: int | None = None
    identity: str | None = None


@dataclasses.dataclass(slots=True)
class _Standing:
    """An order in force: how often it was met, how often it struck, and whether it is in force no longer."""

    order: fault_orders.Order
    taken_back: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    met: int = 0
    hits: int = 0

    def strikes(self) -> bool:
        """Count a matching request; tell whether the order strikes it."""
        self.met += 1
        left = self.order.times is None or self.hits < self.order.times
        if self.met <= self.order.skip or not left:
            return False
        self.hits += 1
        return True


class Faults:
    """The orders of one stand-in, in the order in which they came; the first that means a request wins.

    Args:
        identity: Whom the server took the sender of the request for, asked in the request's own task; the record shows
            it beside the user of the Authorization header, so that a leaked cookie can be seen.
    """

    def __init__(self, identity: Callable[[], str | None] = lambda: None) -> None:
        self._identity = identity
        self._orders: dict[int, _Standing] = {}
        self._last_id = 0
        self._requests: collections.deque[_Seen] = collections.deque(maxlen=KEPT_REQUESTS)
        self._in_flight = 0
        self._started = time.monotonic()
        self._stopping = asyncio.Event()

    def add(self, fields: object) -> int:
        """Put an order in force and return its number.

        Raises:
            ValueError: As ``fault_orders.read``.
        """
        self._last_id += 1
        self._orders[self._last_id] = _Standing(fault_orders.read(fields))
        return self._last_id

    def clear(self) -> None:
        """Take back every order; what is held goes on its way, what hangs already goes on hanging."""
        for standing in self._orders.values():
            standing.taken_back.set()
        self._orders.clear()

    def orders(self) -> list[dict[str, object]]:
        """Every order in force with its number and how often it struck."""
        return [
            {"id": number, **dataclasses.asdict(standing.order), "hits": standing.hits}
            for number, standing in self._orders.items()
        ]

    def requests(self) -> list[dict[str, object]]:
        """Every request seen, oldest first.

        ``in_flight`` is how many were in the server at once when it came, itself among them; ``status`` is ``None``
        while it is not answered and when it never was.
        """
        return [dataclasses.asdict(seen) for seen in self._requests]

    def forget_requests(self) -> None:
        """Empty the record of requests."""
        self._requests.clear()

    def middleware(self) -> typedefs.Middleware:
        """The middleware, to be the first in the list of the application."""

        @web.middleware
        async def pass_through(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
            if request.path.startswith("/sandbox/"):
                return await handler(request)
            seen = self._note(request)
            self._in_flight += 1
            try:
                return await self._answer(request, handler, seen)
            finally:
                self._in_flight -= 1
                seen.identity = self._identity()

        return pass_through

    def add_routes(self, app: web.Application) -> None:
        """Serve ``/sandbox/faults`` and ``/sandbox/requests``; a stopping server lets go of what hangs."""
        app.router.add_post("/sandbox/faults", self._post)
        app.router.add_get("/sandbox/faults", self._get)
        app.router.add_delete("/sandbox/faults", self._delete)
        app.router.add_get("/sandbox/requests", self._get_requests)
        app.router.add_delete("/sandbox/requests", self._delete_requests)
        app.on_shutdown.append(self._stop)

    def _note(self, request: web.Request) -> _Seen:
        login = basic_login.read(request.headers.get("Authorization"))
        seen = _Seen(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            user=login[0] if login else None,
            agent=request.headers.get("User-Agent", ""),
            cookie=request.headers.get("Cookie"),
            seconds=round(time.monotonic() - self._started, 6),
            in_flight=self._in_flight + 1,
        )
        self._requests.append(seen)
        return seen

    async def _answer(self, request: web.Request, handler: typedefs.Handler, seen: _Seen) -> web.StreamResponse:
        async def handle() -> web.StreamResponse:
            return await _handled(request, handler)

        struck = await self._match(request, seen)
        try:
            if struck is None:
                answer: web.StreamResponse | None = await handle()
            else:
                case = fault_actions.Case(struck.order, request, handle, struck.taken_back, self._stopping)
                answer = await fault_actions.carry_out(case)
        except Exception:
            # Whatever a handler raises is raised on: only the status that aiohttp makes of it is noted.
            seen.status = 500
            raise
        if answer is None:
            return web.Response()  # the connection is closed; aiohttp finds that out by itself
        seen.status = answer.status
        await _send(answer, request)
        return answer

    async def _match(self, request: web.Request, seen: _Seen) -> _Standing | None:
        if not self._orders:
            return None
        body = await request.read()
        asked = fault_orders.Request(seen.method, seen.path, seen.query, seen.user, body, seen.agent)
        for number, standing in self._orders.items():
            if standing.order.means(asked) and standing.strikes():
                seen.fault = number
                return standing
        return None

    async def _post(self, request: web.Request) -> web.Response:
        given = await request.json()
        wanted = given if isinstance(given, list) else [given]
        try:
            for fields in wanted:
                fault_orders.read(fields)  # all of a list come into force, or none
        except ValueError as exc:
            return web.json_response({"error": str(exc)}, status=400)
        numbers = [self.add(fields) for fields in wanted]
        return web.json_response({"id": numbers[-1] if numbers else None, "ids": numbers})

    async def _get(self, _: web.Request) -> web.Response:
        return web.json_response(self.orders())

    async def _delete(self, _: web.Request) -> web.Response:
        self.clear()
        return web.Response(status=204)

    async def _get_requests(self, _: web.Request) -> web.Response:
        return web.json_response(self.requests())

    async def _delete_requests(self, _: web.Request) -> web.Response:
        self.forget_requests()
        return web.Response(status=204)

    async def _stop(self, _: web.Application) -> None:
        self._stopping.set()


async def _handled(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
    """Turn an answer that was raised into one that is returned; aiohttp wants the two kept apart."""
    try:
        return await handler(request)
    except web.HTTPException as exc:
        return web.Response(status=exc.status, reason=exc.reason, body=exc.body, headers=exc.headers)


async def _send(answer: web.StreamResponse, request: web.Request) -> None:
    try:
        await answer.prepare(request)
        await answer.write_eof()
    except ConnectionError:
        return  # the client left; aiohttp notices the same when it wants to finish this answer
