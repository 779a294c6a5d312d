"""One Oozie server: jobs read, and jobs acted upon in the name of their Unix user.

Only one answer means that a job is gone: 400 with Oozie's own code. Everything else that is not a clear answer says
nothing about any job. Reads are repeated while the connection or a gateway fails; an action is sent once, and since
200 proves nothing, the caller reads the job afterwards. Called by the core; made once a server.
"""

import asyncio
import datetime
import re
import ssl
from collections.abc import Callable
from typing import Final, NoReturn, TypeVar

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import documents
from niassa_orch.wire import failures, lines, pacing, sessions

JSON_TYPES: Final = ("application/json",)
#: A job's detail carries the conf of the job and of each action: some 600 bytes an action, so some 6000 actions.
JOB_LIMIT_BYTES: Final = 4 * 1024 * 1024
PAGE_LIMIT_BYTES: Final = 4 * 1024 * 1024
#: Answers above that are read in a thread: it can be told to wait between two actions, though not within the JSON.
LOOP_LIMIT_BYTES: Final = 256 * 1024
PAGES: Final = 250

_JOB_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,127}")
_GONE: Final = "E0604"
_GONE_ON_ACTION: Final = frozenset({"E0604", "E0605"})
#: An unknown filter name, or a value that cannot be read: what servers before 4.2 say to ``startcreatedtime``.
_FILTER_REFUSED: Final = frozenset({"E0420", "E0603"})
_RERUN_FAILED_NODES: Final = "oozie.wf.rerun.failnodes"
_VERSIONS: Final = lines.Request("GET", ("versions",), media_types=JSON_TYPES, limit_bytes=4096)

T = TypeVar("T")


class Oozie:
    """A way to one Oozie server. Keeps no cookie: a ``hadoop.auth`` one would win over ``user.name``.

    Args:
        session: From ``wire.sessions``.
        base_url: ``http://HOST:11000/oozie``.
        user_name: Whom reads are made as.
        budget: Requests in flight to this server.
        timeout_seconds: For one whole request.
        attempts: Tries of one read in all; none begins later than ``timeout_seconds`` after the first.
        tls: From ``wire.sessions.trust``, for a private CA.

    Raises:
        ValueError: The base URL cannot be used.
    """

    def __init__(
        self,
        session: sessions.Session,
        base_url: str,
        *,
        budget: pacing.Budget,
        user_name: str = "niassa-orch",
        timeout_seconds: float = 30.0,
        attempts: int = 4,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._line = lines.Line(session, base_url, budget=budget, timeout_seconds=timeout_seconds, tls=tls)
        self._retrying = pacing.Retrying(attempts=attempts, total_seconds=timeout_seconds)
        self._user_name = user_name

    async def versions(self) -> tuple[int, ...]:
        """The versions of the API: an Oozie that answers this is one.

        Raises:
            errors.OozieUnavailableError: It does not.
        """
        return await self._parsed(documents.parse_versions, _VERSIONS, await self._read(_VERSIONS))

    async def clock(self) -> datetime.datetime | None:
        """What the server's clock says (the ``Date`` of its answer), or ``None`` when it does not tell.

        Raises:
            errors.OozieUnavailableError: It does not answer as an Oozie.
        """
        answer = await self._read(_VERSIONS)
        await self._parsed(documents.parse_versions, _VERSIONS, answer)
        return documents.parse_date(answer.headers)

    async def job(self, job_id: str) -> jobs.Job:
        """One job with its actions.

        Raises:
            errors.JobUnknownError: Oozie itself says that it does not know it (400, E0604).
            errors.OozieRefusedError: This cannot be a job id, or Oozie refused it with another code.
            errors.OozieUnavailableError: No clear answer.
        """
        request = lines.Request(
            "GET",
            ("v1", "job", _checked(job_id)),
            query={"show": "info", "timezone": "GMT", "user.name": self._user_name},
            media_types=JSON_TYPES,
            limit_bytes=JOB_LIMIT_BYTES,
        )
        answer = await self._read(request)
        complaint = documents.parse_error(answer.headers)
        if answer.status == 400 and complaint.code == _GONE:
            raise errors.JobUnknownError(self._sentence(request, 400, complaint))
        job = await self._parsed(documents.parse_job, request, answer)
        if job.id != job_id:
            message = f"{self._line.address(request)}: answered with another job"
            raise errors.OozieUnavailableError(message)
        return job

    async def jobs_of(self, user: str, since: datetime.datetime | None) -> list[jobs.JobRow]:
        """A user's workflow jobs created since then, newest first.

        Args:
            user: The Unix user.
            since: With its zone; the server's clock and whole minutes decide, so leave some room. ``None``: all.

        Raises:
            ValueError: ``since`` has no zone, or the user could not be in a filter.
            errors.OozieRefusedError: Oozie refused the filter.
            errors.OozieUnavailableError: No clear answer, or no end of pages.
        """
        if not user or any(letter in user for letter in ";=") or (since is not None and since.tzinfo is None):
            message = "a time with its zone and a plain Unix user are needed"
            raise ValueError(message)
        if since is None:
            return await self._pages(f"user={user}", None)
        floor = since.astimezone(datetime.UTC).replace(second=0, microsecond=0)
        try:
            return await self._pages(f"user={user};startcreatedtime={floor:%Y-%m-%dT%H:%MZ}", floor)
        except errors.OozieRefusedError as exc:
            if exc.code not in _FILTER_REFUSED:
                raise
        return await self._pages(f"user={user}", floor)

    async def kill(self, job_id: str, user: str) -> None:
        """Ask for a job's end, once. Read the job afterwards: 200 is also the answer to a kill that did nothing.

        Raises:
            errors.JobUnknownError: 400, E0605.
            errors.OozieRefusedError: Oozie refused the action, with its code.
            errors.OozieUnavailableError: No clear answer; it may have been done.
        """
        await self._act("kill", job_id, user)

    async def resume(self, job_id: str, user: str) -> None:
        """Resume a suspended job, once; else as ``kill``."""
        await self._act("resume", job_id, user)

    async def rerun(self, job_id: str, user: str) -> None:
        """Run a finished job's failed nodes again, once; else as ``kill`` (E0805: it is not finished)."""
        body = documents.configuration({_RERUN_FAILED_NODES: "true", "user.name": user})
        await self._act("rerun", job_id, user, body)

    async def _pages(self, job_filter: str, floor: datetime.datetime | None) -> list[jobs.JobRow]:
        """Read pages up to the end, or to what is too old; a row that slides to the next page counts once.

        A page that is shorter than asked is the end only if the server's own total agrees: a job that is overlooked
        here would be taken for one that was never started.
        """
        found: dict[str, jobs.JobRow] = {}
        seen = 0
        for _ in range(PAGES):
            page = await self._page(job_filter, offset=1 + seen)
            seen += len(page.rows)
            recent = [row for row, created in page.rows if created is None or floor is None or created >= floor]
            found |= {row.id: row for row in recent if row.id not in found}
            if len(recent) < len(page.rows) or (len(page.rows) < documents.PAGE_ROWS and seen >= page.total):
                return list(found.values())
            if not page.rows:
                break
        message = f"{self._line.base_url}: the list of jobs has no end after {seen} rows"
        raise errors.OozieUnavailableError(message)

    async def _page(self, job_filter: str, *, offset: int) -> documents.JobPage:
        rows = str(documents.PAGE_ROWS)
        query = {"filter": job_filter, "offset": str(offset), "len": rows, "jobtype": "wf", "timezone": "GMT"}
        request = lines.Request(
            "GET",
            ("v1", "jobs"),
            query=query | {"user.name": self._user_name},
            media_types=JSON_TYPES,
            limit_bytes=PAGE_LIMIT_BYTES,
        )
        return await self._parsed(documents.parse_rows, request, await self._read(request))

    async def _act(self, action: str, job_id: str, user: str, body: bytes | None = None) -> None:
        request = lines.Request(
            "PUT",
            ("v1", "job", _checked(job_id)),
            query={"action": action, "user.name": user},
            body=body,
            content_type="application/xml;charset=UTF-8" if body is not None else "",
        )
        try:
            answer = await self._line.send(request)
        except failures.WireError as exc:
            raise errors.OozieUnavailableError(str(exc)) from exc
        complaint = documents.parse_error(answer.headers)
        if answer.status == 400 and complaint.code in _GONE_ON_ACTION:
            raise errors.JobUnknownError(self._sentence(request, 400, complaint))
        if answer.status != request.success:
            self._refuse(request, answer.status, complaint)

    async def _read(self, request: lines.Request) -> lines.Answer:
        """Ask, again if the connection or a gateway fails; nothing else is asked again."""
        try:
            return await self._retrying.call(lambda: self._line.send(request))
        except failures.WireError as exc:
            raise errors.OozieUnavailableError(str(exc)) from exc

    async def _parsed(self, parse: Callable[[bytes], T], request: lines.Request, answer: lines.Answer) -> T:
        if answer.status != request.success:
            self._refuse(request, answer.status, documents.parse_error(answer.headers))
        try:
            if len(answer.body) > LOOP_LIMIT_BYTES:
                return await asyncio.to_thread(parse, answer.body)
            return parse(answer.body)
        except errors.OozieUnavailableError as exc:
            message = f"{self._line.address(request)}: {exc}"
            raise errors.OozieUnavailableError(message) from exc

    def _refuse(self, request: lines.Request, status: int, complaint: documents.Complaint) -> NoReturn:
        """400 with a code is Oozie's own no; anything else may come from anybody."""
        sentence = self._sentence(request, status, complaint)
        if status == 400 and complaint.code:
            raise errors.OozieRefusedError(complaint.code, sentence)
        raise errors.OozieUnavailableError(sentence)

    def _sentence(self, request: lines.Request, status: int, complaint: documents.Complaint) -> str:
        action = f" ({request.query['action']})" if "action" in request.query else ""
        said = ": ".join(part for part in (complaint.code, complaint.message) if part)
        return f"{self._line.address(request)}{action}: answered {status}" + (f" ({said})" if said else "")


def _checked(job_id: str) -> str:
    """A job id that cannot change the address it is put into.

    Raises:
        errors.OozieRefusedError: It can.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise errors.OozieRefusedError(code="", message=f"{job_id[:64]!r} cannot be the id of an Oozie job")
    return job_id
