"""A line to one server: one request, one capped answer, within one time-out.

A ``Line`` knows address, credentials, budget and TLS; it follows nothing, repeats nothing and reads a body only when
the status is the one that was hoped for, so that no error page is ever held or logged. What status means what is the
client's business. Called by ``webservice.client`` and ``oozie.client``.
"""

import asyncio
import dataclasses
import datetime
import email.utils
import ssl
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final

import aiohttp
import yarl

from niassa_orch.wire import failures, pacing

CHUNK_BYTES: Final = 64 * 1024
GATEWAY_STATUSES: Final = frozenset({502, 503, 504})
#: Values of Content-Type that a line remembers as acceptable, since a server says the same each time.
GOOD_TYPES: Final = 16

_CONTENT_ENCODING: Final = aiohttp.hdrs.CONTENT_ENCODING
_CONTENT_TYPE: Final = aiohttp.hdrs.CONTENT_TYPE

Sink = Callable[[bytes], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What is asked. Holds no secret: credentials join it when it is sent.

    Args:
        method: HTTP method.
        path: Segments below the base URL, unquoted.
        query: Names and values, unquoted.
        success: The status whose body is read.
        media_types: Those accepted for that body; empty when the body is not to be read at all.
        limit_bytes: The most that is read of it.
        body: What is sent, with ``content_type``.
        timeout_seconds: For this exchange, where the line's own is not right for it.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    success: int = 200
    media_types: tuple[str, ...] = ()
    limit_bytes: int = 0
    body: bytes | None = dataclasses.field(default=None, repr=False)
    content_type: str = ""
    timeout_seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back. ``body`` is empty unless the status was the hoped-for one and no sink took it.

    Headers are found by their names in any case.
    """

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(default=b"", repr=False)

    @property
    def date(self) -> datetime.datetime | None:
        """What the server's clock said, to a whole second; ``None`` when it does not tell."""
        try:
            told = email.utils.parsedate_to_datetime(self.headers["Date"])
            return told if told.tzinfo else told.replace(tzinfo=datetime.UTC)
        except (KeyError, ValueError, OverflowError):
            return None


class Line:
    """A way to one server as one caller.

    Args:
        session: From ``sessions.open_session``; shared, not closed here.
        base_url: As ``clean_base_url`` accepts it.
        budget: Requests in flight to that server.
        timeout_seconds: For a whole exchange, connecting and reading included, waiting for the budget not.
        authorization: Gives the value of the Authorization header when a request is sent; nothing keeps it.
        tls: From ``sessions.trust``; ``None`` verifies against the system's authorities.

    Raises:
        ValueError: The base URL cannot be used.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        *,
        budget: pacing.Budget,
        timeout_seconds: float,
        authorization: Callable[[], str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._session = session
        self._base_url = clean_base_url(base_url)
        self._base = yarl.URL(self._base_url, encoded=True)
        self._base_path = self._base.raw_path.rstrip("/")
        self._good_types: set[tuple[str | None, tuple[str, ...]]] = set()
        self._budget = budget
        self._timeout_seconds = timeout_seconds
        self._authorization = authorization
        self._tls: ssl.SSLContext | bool = True if tls is None else tls

    @property
    def base_url(self) -> str:
        """Where this line leads; holds no credentials."""
        return self._base_url

    def address(self, request: Request) -> str:
        """Method and address of a request without its query, for messages."""
        return f"{request.method} {self._base_url}{_quoted(request.path)}"

    async def send(self, request: Request, sink: Sink | None = None) -> Answer:
        """Send once, and read the answer.

        Args:
            request: What is asked.
            sink: Takes the body in pieces as it comes; without one it is in the answer. What it raises ends the
                exchange and comes out here.

        Raises:
            failures.WireError: There is no whole, acceptable answer.
        """
        async with self._budget.turn():
            try:
                async with asyncio.timeout(request.timeout_seconds or self._timeout_seconds):
                    return await self._exchange(request, sink)
            except failures.FOREIGN as exc:
                failures.raise_ours(exc, self.address(request))

    async def _exchange(self, request: Request, sink: Sink | None) -> Answer:
        exchange = self._session.request(
            request.method,
            self._url(request),
            data=request.body,
            headers=self._headers(request),
            allow_redirects=False,
            ssl=self._tls,
        )
        async with exchange as response:
            if response.status in GATEWAY_STATUSES:
                message = f"{self.address(request)}: answered {response.status}"
                raise failures.GatewayError(response.status, message)
            headers = response.headers
            if response.status != request.success or not request.media_types:
                return Answer(response.status, headers)
            if sink is not None:
                await self._read(request, response, sink)
                return Answer(response.status, headers)
            body = bytearray()
            await self._read(request, response, body.extend)
            return Answer(response.status, headers, bytes(body))

    async def _read(self, request: Request, response: aiohttp.ClientResponse, sink: Sink) -> None:
        self._check_body(request, response)
        content = response.content
        read_bytes = 0
        while chunk := await content.read(CHUNK_BYTES):
            read_bytes += len(chunk)
            if read_bytes > request.limit_bytes:
                self._refuse_size(request)
            sink(chunk)
            if content.at_eof():
                return
            # What is buffered already comes without a pause; other tasks get their turn between two pieces.
            await asyncio.sleep(0)

    def _check_body(self, request: Request, response: aiohttp.ClientResponse) -> None:
        headers = response.headers
        if headers.get(_CONTENT_ENCODING, "identity").strip().lower() not in ("", "identity"):
            self._garbled(request, "a compressed body, which was not asked for")
        told = headers.get(_CONTENT_TYPE)
        if (told, request.media_types) not in self._good_types:
            self._check_type(request, response)
            if len(self._good_types) < GOOD_TYPES:
                self._good_types.add((told, request.media_types))
        if (response.content_length or 0) > request.limit_bytes:
            self._refuse_size(request)

    def _check_type(self, request: Request, response: aiohttp.ClientResponse) -> None:
        if response.content_type not in request.media_types:
            self._garbled(request, f"not {' or '.join(request.media_types)}")
        if (response.charset or "utf-8").lower().replace("_", "-") not in ("utf-8", "utf8"):
            self._garbled(request, "a charset other than UTF-8")

    def _garbled(self, request: Request, reason: str) -> None:
        message = f"{self.address(request)}: the answer is {reason}"
        raise failures.GarbledError(message)

    def _refuse_size(self, request: Request) -> None:
        message = f"{self.address(request)}: the answer is larger than {request.limit_bytes} bytes"
        raise failures.TooLargeError(message)

    def _url(self, request: Request) -> yarl.URL:
        # Host and port are not read out of a text each time; what is quoted stays as it is.
        url = self._base.with_path(self._base_path + _quoted(request.path), encoded=True)
        return yarl.URL(str(url) + _query(request.query), encoded=True) if request.query else url

    def _headers(self, request: Request) -> dict[str, str]:
        headers = {"Accept": ", ".join(request.media_types) or "*/*"}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        if self._authorization is not None:
            headers["Authorization"] = self._authorization()
        return headers


def clean_base_url(text: str) -> str:
    """A base URL without its trailing slashes.

    Raises:
        ValueError: It is not ``http(s)://HOST...``, or has a user, password, query or fragment. The message does not
            quote it, since it may hold a password.
    """
    try:
        parts = urllib.parse.urlsplit(text)
        usable = bool(parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0))
    except ValueError:
        usable = False
    if not usable or not text.isascii() or any(character.isspace() or character in '"<>\\' for character in text):
        message = "not a usable URL: write http://HOST:PORT/PATH or https://HOST:PORT/PATH, in ASCII"
        raise ValueError(message) from None
    if any(character in "@?#" for character in text):
        message = "a base URL has no user, password, query or fragment"
        raise ValueError(message)
    return text.rstrip("/")


def _quoted(path: tuple[str, ...]) -> str:
    return "".join([f"/{_quoted_segment(segment)}" for segment in path])


def _quoted_segment(segment: str) -> str:
    is_as_it_is = segment.isascii() and segment.isalnum()
    return segment if is_as_it_is else urllib.parse.quote(segment, safe="")


def _query(query: Mapping[str, str]) -> str:
    return "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="") if query else ""
