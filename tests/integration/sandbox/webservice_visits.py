"""A web service stand-in on loopback, and a visitor who talks to it as any program could. For the tests beside it."""

import asyncio
import contextlib
import dataclasses
import pathlib
from collections.abc import AsyncIterator, Mapping
from typing import Any
from xml.etree import ElementTree

import aiohttp
from aiohttp import test_utils

from niassa_orch.sandbox import basic_login, webservice, webservice_books

BOB = ("bob@lab.net", "secret of bob")
ALICE = ("alice@lab.net", "secret of alice")
XML = "application/xml; charset=UTF-8"


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)  # noqa: S314 - our own server wrote it


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """A running stand-in, its books, and a session without a cookie jar."""

    server: test_utils.TestServer
    session: aiohttp.ClientSession
    books: webservice_books.Books

    @property
    def url(self) -> str:
        return str(self.server.make_url("/SeqWareWebService"))

    async def ask(
        self,
        method: str,
        address: str,
        *,
        login: tuple[str, str] | None = BOB,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if login is not None:
            sent["Authorization"] = basic_login.header(*login)
        if body is not None:
            sent.setdefault("Content-Type", XML)
        async with self.session.request(
            method, self.url + address, data=body, params=query, headers=sent, allow_redirects=False
        ) as answer:
            return Answer(answer.status, answer.headers.copy(), await answer.read())

    async def put(self, accession: int, *elements: str, login: tuple[str, str] = BOB) -> Answer:
        inner = "".join(elements)
        body = f"<WorkflowRun><swAccession>{accession}</swAccession>{inner}</WorkflowRun>".encode()
        return await self.ask("PUT", f"/workflowruns/{accession}", body=body, login=login)

    async def sandbox(self, method: str, address: str, order: object = None) -> Any:
        url = self.server.make_url(f"/sandbox/{address}")
        async with self.session.request(method, url, json=order) as answer:
            return await answer.json() if answer.status != 204 else None

    async def raw(self, request: bytes) -> bytes:
        """Send bytes, and read until the server closes; no client repeats anything here."""
        reader, writer = await asyncio.open_connection(self.server.host, self.server.port)
        writer.write(request)
        try:
            return await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def visit(state_file: pathlib.Path, **options: Any) -> AsyncIterator[Visit]:
    """Run a stand-in that knows Bob and Alice."""
    app = webservice.build(state_file, **options)
    books = app[webservice.BOOKS]
    for account in (BOB, ALICE):
        books.add_account(*account)
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    server = test_utils.TestServer(app)
    async with server, session:
        yield Visit(server, session, books)
