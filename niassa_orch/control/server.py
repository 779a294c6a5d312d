"""Answers on the control socket. Who connects sees; who gives orders is looked up, and every order is audited.

Runs in the service's event loop; what it costs when nobody asks is nothing. How many may connect stands in
``connections``. Built by the composition root.
"""

import asyncio
import collections
import contextlib
import json
import pathlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, Final

import pydantic
from aiohttp import web

from niassa_orch import __version__, errors
from niassa_orch.control import connections, documents, peers, place
from niassa_orch.core import board, guard, operating
from niassa_orch.domain import orders, runs

_BODY_BYTES = 64 * 1024
#: A body is small: who takes longer for it is ill or ill-meaning.
_BODY_SECONDS = 10.0
#: One user's looks at once, those that follow events included: some connections are left to give orders.
_LOOKS_AT_ONCE: Final = connections.MOST_OF_ONE - 16
_MOST_DIGITS: Final = 18
_LINES: Final = "application/x-ndjson"

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Carry = Callable[[orders.Operator], Coroutine[None, None, operating.Answer]]
_Begun = asyncio.Task[operating.Answer]
_Order = Callable[[documents.OrderBody, orders.Operator], Coroutine[None, None, operating.Answer]]


class Server:
    """The service's end of the control socket.

    Args:
        told: The board.
        operating: What operators may do.
        group: Whose members may give orders, besides root and the service's own user; ``""``: nobody.
    """

    def __init__(self, told: board.Board, operating: operating.Operating, group: str) -> None:
        self._told = told
        self._operating = operating
        self._group = group
        self._service = secrets.token_hex(4)
        self._looking: collections.Counter[int] = collections.Counter()
        self._begun: set[_Begun] = set()
        self._orders: dict[str, _Order] = {
            "pause": lambda body, by: operating.pause(
                body.whose(), by, launching_only=body.launching_only, until=body.until, reason=body.reason
            ),
            "resume": lambda body, by: operating.resume(body.whose(), by),
            "stop-launching": lambda body, by: operating.stop_launching(body.whose(), by, reason=body.reason),
            "poll-now": lambda body, by: operating.poll_now(body.whose(), by),
            "drain": lambda _body, by: operating.drain(by),
            "reload": lambda _body, by: operating.reload(by),
            "urgent": lambda body, by: operating.urgent(body.which(), by, reason=body.reason),
        }

    def application(self) -> web.Application:
        """The routes."""
        made = web.Application(middlewares=[self._answer_errors], client_max_size=_BODY_BYTES)
        made.add_routes(
            [
                web.get(f"/{documents.VERSION}/picture", self._picture),
                web.get(f"/{documents.VERSION}/runs", self._runs),
                web.get(f"/{documents.VERSION}/explain/{{accession:[0-9]{{1,{_MOST_DIGITS}}}}}", self._explain),
                web.get(f"/{documents.VERSION}/events", self._events),
                web.get(f"/{documents.VERSION}/doubts", self._doubts),
                web.post(f"/{documents.VERSION}/orders/resolve", self._take_word),
                web.post(f"/{documents.VERSION}/orders/{{order}}", self._take_order),
            ]
        )
        return made

    async def close(self) -> None:
        """Wait for the orders that were begun; who gave them may be gone."""
        if self._begun:
            await asyncio.wait(self._begun)

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await (self._looked(request, handler) if request.method == "GET" else handler(request))
        except (errors.OrderError, errors.OvertakenError) as exc:
            return _refused(409, str(exc))
        except (errors.AuditError, errors.JournalError) as exc:
            return _refused(503, str(exc))
        except web.HTTPException as exc:
            return _refused(exc.status, f"{exc.reason}: niassa-orch {__version__} answers no such request")
        except ConnectionError:
            # Who asked has gone.
            return web.Response(status=500)
        except Exception as exc:  # noqa: BLE001 - a defect in an answer must not be anybody else's
            return self._misunderstood(request, exc)

    def _misunderstood(self, request: web.Request, exc: Exception) -> web.Response:
        if isinstance(exc, pydantic.ValidationError):
            return _refused(400, f"the request cannot be understood: {documents.misread(exc)}")
        if isinstance(exc, ValueError | OverflowError | web.RequestPayloadError):
            return _refused(400, f"the request cannot be understood: {exc}")
        guard.tell(f"control:{request.path}", exc, self._told)
        return _refused(500, "this is a defect of the service; see task.crashed in its log")

    async def _looked(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Look for somebody who does not look too often at once: who looks keeps nobody else from it."""
        uid = _uid_of(request)
        if self._looking[uid] >= _LOOKS_AT_ONCE:
            return _refused(503, f"{_LOOKS_AT_ONCE} requests of yours are being answered already: try again")
        self._looking[uid] += 1
        try:
            return await handler(request)
        finally:
            self._looking[uid] -= 1

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        seen = documents.mark(request.query.get("seen", ""))
        body = documents.picture(__version__, self._service, self._told.snapshot(), seen)
        return web.Response(body=body, content_type="application/json")

    async def _runs(self, request: web.Request) -> web.StreamResponse:
        status = request.query.get("status")
        chosen = runs.RunStatus(status) if status else None
        found = self._operating.active_runs(request.query.get("account") or None, chosen)
        return web.json_response([documents.run(one) for one in found])

    async def _explain(self, request: web.Request) -> web.StreamResponse:
        write = _Writer(request)
        async for said in self._operating.explain(runs.Accession(int(request.match_info["accession"]))):
            await write({"who": said.who, "text": said.text})
        return await write.end()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        after, follows = _number(request, "after"), "follow" in request.query
        write = _Writer(request)
        # One that is yet to come is of an earlier process, and would be waited for without a word.
        after = after if after <= self._told.events.last else 0
        while True:
            for event in self._told.events.after(after):
                after = event.number
                await write(documents.event(event))
            if not follows:
                return await write.end()
            await self._told.events.hear(after)

    async def _doubts(self, request: web.Request) -> web.StreamResponse:
        accession = _number(request, "accession")
        found = await self._operating.doubts(runs.Accession(accession) if accession else None)
        return web.json_response(documents.known(found))

    async def _take_word(self, request: web.Request) -> web.StreamResponse:
        async def read() -> _Carry:
            word = documents.WordBody.model_validate_json(await request.read() or "{}").word()
            return lambda by: self._operating.resolve(word, by)

        return await self._carried_out(request, read)

    async def _take_order(self, request: web.Request) -> web.StreamResponse:
        order = self._orders.get(request.match_info["order"])
        if order is None:
            return _refused(404, f"there is no order {request.match_info['order']}")

        async def read() -> _Carry:
            body = documents.OrderBody.model_validate_json(await request.read() or "{}")
            return lambda by: order(body, by)

        return await self._carried_out(request, read)

    async def _carried_out(self, request: web.Request, read: Callable[[], Awaitable[_Carry]]) -> web.StreamResponse:
        """Do what a request asks for whose sender may; it is not read before that is known."""
        by = await asyncio.to_thread(peers.operator, _uid_of(request))
        if not await asyncio.to_thread(peers.may_order, by, self._group):
            whose = f"members of the group {self._group}" if self._group else "nobody else ([control] group is unset)"
            return _refused(403, f"{by} may look, and give no orders; root, the service's user and {whose} may")
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                carry = await read()
        except TimeoutError:
            return _refused(408, f"the rest of the request did not come within {_BODY_SECONDS:.0f} s")
        # An order that was begun is carried out, whether or not whoever gave it waits for the answer.
        begun = asyncio.create_task(carry(by))
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        answer = await asyncio.shield(begun)
        return web.json_response({"said": answer.text, "orders": [str(one) for one in answer.about]})


@contextlib.asynccontextmanager
async def served(server: Server, folder: pathlib.Path, mode: int, group: str) -> AsyncIterator[None]:
    """Answer on the socket in a folder for as long as the context lasts.

    Raises:
        ControlError: The socket cannot be made; with what to do.
    """
    with place.bound(folder, mode, group) as listening:
        try:
            async with connections.opened(server.application(), listening):
                yield
        finally:
            await server.close()


class _Writer:
    """Writes documents, a line each, as they come."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response = web.StreamResponse(headers={"Content-Type": _LINES})

    async def __call__(self, document: dict[str, Any]) -> None:
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write(json.dumps(document).encode() + b"\n")

    async def end(self) -> web.StreamResponse:
        """All is written."""
        if not self.response.prepared:
            await self.response.prepare(self._request)
        await self.response.write_eof()
        return self.response


def _uid_of(request: web.Request) -> int:
    if request.transport is None:
        raise ConnectionError
    return peers.uid_of(request.transport.get_extra_info("socket"))


def _number(request: web.Request, key: str) -> int:
    text = request.query.get(key, "0")
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        message = f"{key} is a number of at most {_MOST_DIGITS} digits"
        raise ValueError(message)
    return int(text)


def _refused(status: int, reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=status)
