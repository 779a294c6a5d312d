"""What each fault does to a request and its answer, on the wire.

Called by ``faults`` for a request that an order means. An answer must not be on its way yet when it gets here: the
stand-ins return answers and leave the sending to the middleware of ``faults``.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import abc, payload, web

from niassa_orch.sandbox import fault_orders

#: How often a hanging request looks whether its client has left; aiohttp tells a server nothing of it by itself.
_LOOK_SECONDS = 0.02


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One request that an order means. ``handle`` makes the real answer; ``taken_back`` is set when the order is no
    longer in force, ``stopping`` when the server stops.
    """

    order: fault_orders.Order
    request: web.Request
    handle: Callable[[], Awaitable[web.StreamResponse]]
    taken_back: asyncio.Event
    stopping: asyncio.Event


async def carry_out(case: Case) -> web.StreamResponse | None:
    """Do what the order says; return the answer that is to be sent, or ``None`` when the connection was closed."""
    return await _ACTIONS[case.order.action](case)


async def _status(case: Case) -> web.StreamResponse:
    answer = web.Response(status=case.order.status, body=(case.order.body or "").encode())
    answer.headers["Content-Type"] = case.order.content_type
    answer.headers.extend(case.order.header_pairs())
    return answer


async def _hang(case: Case) -> None:
    with_deadline = asyncio.timeout(case.order.seconds)
    try:
        async with with_deadline:
            while not (case.stopping.is_set() or _gone(case.request)):
                await _pause(case, _LOOK_SECONDS)
    except TimeoutError:
        if not with_deadline.expired():
            raise
    _close(case.request)


async def _hold(case: Case) -> web.StreamResponse:
    while not (case.taken_back.is_set() or case.stopping.is_set()):
        await _pause(case, _LOOK_SECONDS)
    return await case.handle()


async def _delay(case: Case) -> web.StreamResponse:
    await _pause(case, case.order.seconds or 0.0)
    return await case.handle()


async def _drop_before(case: Case) -> None:
    await case.request.read()  # bytes left unread would turn the close into a reset, which is another fault
    _close(case.request)


async def _drop_after(case: Case) -> None:
    await case.handle()
    _close(case.request)


async def _cut(case: Case) -> None:
    answer = await case.handle()
    body = await _body(answer)
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [
        f"{name}: {value}"
        for name, value in answer.headers.items()
        if name.lower() not in ("content-length", "transfer-encoding", "connection")
    ]
    lines += [f"Set-Cookie: {cookie.OutputString()}" for cookie in answer.cookies.values()]
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
    transport = case.request.transport
    if transport is not None:
        transport.write(head + body[: len(body) // 2])
    _close(case.request)


async def _headers(case: Case) -> web.StreamResponse:
    answer = await case.handle()
    answer.headers.extend(case.order.header_pairs())
    return answer


async def _trickle(case: Case) -> web.StreamResponse:
    answer = await case.handle()
    if isinstance(answer, web.Response):
        answer.body = _Trickle(case, await _body(answer), answer.headers.get("Content-Type"))
    return answer


class _Trickle(payload.Payload):
    """A body that goes out byte by byte; a stopping server gives up in the middle of it."""

    def __init__(self, case: Case, body: bytes, content_type: str | None) -> None:
        super().__init__(body, content_type=content_type)
        self._case = case
        self._body = body
        self._size = len(body)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._body.decode(encoding, errors)

    async def write(self, writer: abc.AbstractStreamWriter) -> None:
        for position in range(len(self._body)):
            await writer.write(self._body[position : position + 1])
            await _pause(self._case, self._case.order.seconds or 0.0)
            if self._case.stopping.is_set():
                msg = "the server stops"
                raise aiohttp.ClientConnectionResetError(msg)


_ACTIONS: dict[fault_orders.Action, Callable[[Case], Awaitable[web.StreamResponse | None]]] = {
    fault_orders.Action.STATUS: _status,
    fault_orders.Action.HANG: _hang,
    fault_orders.Action.HOLD: _hold,
    fault_orders.Action.DELAY: _delay,
    fault_orders.Action.DROP_BEFORE: _drop_before,
    fault_orders.Action.DROP_AFTER: _drop_after,
    fault_orders.Action.CUT: _cut,
    fault_orders.Action.HEADERS: _headers,
    fault_orders.Action.TRICKLE: _trickle,
}


async def _body(answer: web.StreamResponse) -> bytes:
    body = answer.body if isinstance(answer, web.Response) else None
    if isinstance(body, payload.Payload):
        return await body.as_bytes()
    return bytes(body or b"")


async def _pause(case: Case, seconds: float) -> None:
    """Wait, but not longer than the server lives."""
    try:
        async with asyncio.timeout(seconds):
            await case.stopping.wait()
    except TimeoutError:
        return


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
