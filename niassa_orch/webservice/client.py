"""The Niassa web service as one account sees it.

Four calls: list runs, look at the beginning of a list, read one, write one. Reads are repeated while the failure is
transient; a write is sent once, and when its fate is unknown the error says so. What a status means is decided in
``refusals``, documents are read in ``lists`` and ``documents``. Called by the core; the composition root makes one for
each account.
"""

import datetime
import functools
import ssl
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.webservice import documents, lists, refusals
from niassa_orch.wire import failures, lines, pacing, sessions

LIST_LIMIT_BYTES: Final = 1024 * 1024 * 1024
XML_TYPES: Final = ("application/xml", "text/xml")

_UNSENDABLE: Final = frozenset("'\"\\")
_CONTROLS: Final = frozenset({"Cc", "Cs"})

T = TypeVar("T")

_log = structlog.get_logger(__name__)


class _EnoughError(Exception):
    """Ends an answer of which enough was read."""


class WebService:
    """One account's way to its web service. Follows no redirect, keeps no cookie, never repeats a write.

    Args:
        session: From ``wire.sessions``; shared by all accounts.
        base_url: ``http://HOST:PORT/SeqWareWebService``.
        authorization: Gives the value of the Authorization header at send time; nothing here keeps it.
        budget: Requests in flight, shared by all accounts of this web service.
        timeout_seconds: For one whole request.
        list_timeout_seconds: For a whole list.
        attempts: Tries of one read in all; none begins later than ``timeout_seconds`` after the first.
        tls: From ``wire.sessions.trust``, for a private CA.

    Raises:
        ValueError: The base URL cannot be used.
    """

    def __init__(
        self,
        session: sessions.Session,
        base_url: str,
        authorization: Callable[[], str],
        *,
        budget: pacing.Budget,
        timeout_seconds: float = 30.0,
        list_timeout_seconds: float = 120.0,
        attempts: int = 4,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._line = lines.Line(
            session, base_url, budget=budget, timeout_seconds=timeout_seconds, authorization=authorization, tls=tls
        )
        self._list_timeout_seconds = list_timeout_seconds
        self._retrying = pacing.Retrying(attempts=attempts, total_seconds=timeout_seconds)

    async def list_runs(self, status: runs.RunStatus, host: str) -> list[runs.WorkflowRun]:
        """The runs of everybody in one status and for one host: the server does not filter by owner.

        Args:
            status: Asked for; a run may carry another by the time it is told.
            host: Exactly as scheduled.

        Raises:
            ValueError: A host that must not be sent (``check_host``).
            errors.WebServiceUnavailableError: No answer, after all attempts.
            errors.LoginRefusedError: 401.
            errors.MalformedAnswerError: Cut, too large, or no list at all; then nothing is known.
            errors.WebServiceError: Any other status.
        """
        request = self._list_of(status, host)
        return await self._reading(request, functools.partial(self._list_once, request))

    async def beginning(
        self, status: runs.RunStatus, host: str | None, *, most_bytes: int, timeout_seconds: float | None = None
    ) -> lists.Beginning:
        """The beginning of a list, which costs little however long the list is; raises as ``list_runs``.

        Args:
            status: Asked for.
            host: Exactly as scheduled; ``None`` for all hosts.
            most_bytes: About so much is read.
            timeout_seconds: For one try; otherwise as for any list.
        """
        request = self._list_of(status, host, timeout_seconds)
        return await self._reading(request, functools.partial(self._beginning_once, request, most_bytes))

    async def clock(self, host: str) -> datetime.datetime | None:
        """What the server's clock says with the shortest of its lists; raises as ``list_runs``."""
        shortest = await self.beginning(runs.RunStatus.SUBMITTED_RETRY, host, most_bytes=LIST_LIMIT_BYTES)
        return shortest.date

    async def get_run(self, accession: runs.Accession) -> documents.RunDocument:
        """One run with all its texts, as a PUT has to send it back.

        Raises:
            errors.RunNotFoundError: 404.
            errors.WebServiceError: As for ``list_runs``.
        """
        request = lines.Request(
            "GET",
            ("workflowruns", str(accession)),
            media_types=XML_TYPES,
            limit_bytes=documents.LIMIT_BYTES,
        )
        return await self._reading(request, functools.partial(self._get_once, request, accession))

    async def put_run(self, document: documents.RunDocument) -> None:
        """Write one run, once. The accession of the address is the document's own.

        Raises:
            errors.WriteUnknownError: It may have been written or not: read the run, then decide again.
            errors.WebServiceUnavailableError: No connection was made; nothing was written.
            errors.LoginRefusedError, errors.ForbiddenError, errors.RunNotFoundError: 401, 403, 404; nothing written.
            errors.MalformedAnswerError: 400 or 415: the server did not accept the document; nothing written.
            errors.WebServiceError: Any other status that says no.
        """
        request = lines.Request(
            "PUT",
            ("workflowruns", str(document.accession)),
            success=201,
            media_types=XML_TYPES,
            limit_bytes=documents.LIMIT_BYTES,
            body=document.to_xml(),
            content_type="application/xml; charset=UTF-8",
        )
        parser = documents.RunDocumentParser()
        try:
            answer = await self._line.send(request, parser.feed)
            stored = parser.close().accession if answer.status == request.success else None
        except (failures.UnreachableError, failures.UntrustedError) as exc:
            raise refusals.of_exchange(exc) from exc
        except (failures.WireError, errors.MalformedAnswerError) as exc:
            message = f"{self._line.address(request)}: whether the run was written is unknown: {exc}"
            raise errors.WriteUnknownError(message) from exc
        self._check_written(request, answer.status)
        if stored != document.accession:
            message = f"{self._line.address(request)}: answered with another run; what was written is unknown"
            raise errors.WriteUnknownError(message)

    def _list_of(self, status: runs.RunStatus, host: str | None, seconds: float | None = None) -> lines.Request:
        query = {"status": status.value}
        if host is not None:
            check_host(host)
            query["host"] = host
        return lines.Request(
            "GET",
            ("workflowruns",),
            query=query,
            media_types=XML_TYPES,
            limit_bytes=LIST_LIMIT_BYTES,
            timeout_seconds=seconds or self._list_timeout_seconds,
        )

    async def _list_once(self, request: lines.Request) -> list[runs.WorkflowRun]:
        parser = lists.RunListParser()
        answer = await self._line.send(request, parser.feed)
        self._check_read(request, answer.status)
        found = parser.close()
        if parser.skipped_rows:
            _log.warning("webservice.rows_skipped", rows=parser.skipped_rows, asked=self._line.address(request))
        return found

    async def _beginning_once(self, request: lines.Request, most_bytes: int) -> lists.Beginning:
        parser, read_bytes = lists.RunListParser(), 0

        def feed(chunk: bytes) -> None:
            nonlocal read_bytes
            parser.feed(chunk)
            read_bytes += len(chunk)
            if read_bytes >= most_bytes:
                raise _EnoughError

        try:
            answer = await self._line.send(request, feed)
        except _EnoughError:
            return lists.Beginning(parser.so_far(), is_whole=False, date=None)
        self._check_read(request, answer.status)
        return lists.Beginning(tuple(parser.close()), is_whole=True, date=answer.date)

    async def _get_once(self, request: lines.Request, accession: runs.Accession) -> documents.RunDocument:
        parser = documents.RunDocumentParser()
        answer = await self._line.send(request, parser.feed)
        self._check_read(request, answer.status)
        document = parser.close()
        if document.accession != accession:
            message = f"answered with another run, {document.accession}"
            raise errors.MalformedAnswerError(message)
        return document

    async def _reading(self, request: lines.Request, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            return await self._retrying.call(ask)
        except failures.WireError as exc:
            raise refusals.of_exchange(exc) from exc
        except errors.MalformedAnswerError as exc:
            message = f"{self._line.address(request)}: {exc}"
            raise errors.MalformedAnswerError(message) from exc

    def _check_read(self, request: lines.Request, status: int) -> None:
        if status != request.success:
            raise refusals.of_status(self._line.address(request), status, of_a_run=len(request.path) > 1)

    def _check_written(self, request: lines.Request, status: int) -> None:
        if status == request.success:
            return
        what = self._line.address(request)
        if 300 <= status < 500:
            raise refusals.of_status(what, status, of_a_run=True)
        message = f"{what}: answered {status}; whether the run was written is unknown"
        raise errors.WriteUnknownError(message)


def check_host(host: str) -> None:
    """Refuse a host that must not be in a query: the server pastes it between quotes as it is.

    Raises:
        ValueError: It is empty, or has a quote, a backslash or a control character.
    """
    if not host or any(letter in _UNSENDABLE or unicodedata.category(letter) in _CONTROLS for letter in host):
        message = f"the host {host!r} is empty, or has a quote, a backslash or a control character"
        raise ValueError(message)
