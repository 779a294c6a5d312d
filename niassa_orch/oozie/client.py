"""One Oozie server: jobs read, and jobs acted upon in the name of their Unix user.

Only one answer means that a job is gone: 400 with Oozie's own code. Everything else that is not a clear answer says
nothing about any job. Reads are repeated while the connection or a gateway fails; an action is sent once, and since
200 proves nothing, the caller reads the job afterwards. Its lists of jobs are in ``lists``. Called by the core; made
once a server.
"""

import datetime
import ssl
from typing import Final

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import asking, documents, lists
from niassa_orch.wire import lines, pacing, sessions

#: A job's detail carries the conf of the job and of each action: some 600 bytes an action, so some 6000 actions.
JOB_LIMIT_BYTES: Final = 4 * 1024 * 1024

_GONE: Final = "E0604"
_GONE_ON_ACTION: Final = frozenset({"E0604", "E0605"})
_RERUN_FAILED_NODES: Final = "oozie.wf.rerun.failnodes"
_VERSIONS: Final = lines.Request("GET", ("versions",), media_types=asking.JSON_TYPES, limit_bytes=4096)
_BUILD_VERSION: Final = lines.Request(
    "GET", ("v1", "admin", "build-version"), media_types=asking.JSON_TYPES, limit_bytes=4096
)


class Oozie(lists.JobLists):
    """A way to one Oozie server. Keeps no cookie: a ``hadoop.auth`` one would win over ``user.name``.

    Args:
        session: From ``wire.sessions``.
        base_url: ``http://HOST:11000/oozie``.
        user_name: Whom reads are made as.
        budget: Requests in flight to this server.
        timeout_seconds: For one whole request.
        list_timeout_seconds: For a large page of a list.
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
        list_timeout_seconds: float = 120.0,
        attempts: int = 4,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        line = lines.Line(session, base_url, budget=budget, timeout_seconds=timeout_seconds, tls=tls)
        retrying = pacing.Retrying(attempts=attempts, total_seconds=timeout_seconds)
        super().__init__(asking.Asker(line, retrying, user_name, list_timeout_seconds))

    async def versions(self) -> tuple[int, ...]:
        """The versions of the API: an Oozie that answers this is one.

        Raises:
            errors.OozieUnavailableError: It does not.
        """
        return await self._asker.parsed(documents.parse_versions, _VERSIONS, await self._asker.read(_VERSIONS))

    async def clock(self) -> datetime.datetime | None:
        """What the server's clock says (the ``Date`` of its answer), or ``None`` when it does not tell.

        Raises:
            errors.OozieUnavailableError: It does not answer as an Oozie.
        """
        answer = await self._asker.read(_VERSIONS)
        await self._asker.parsed(documents.parse_versions, _VERSIONS, answer)
        return answer.date

    async def build_version(self) -> str:
        """The version of the server, such as ``5.2.1``.

        Raises:
            errors.OozieUnavailableError: It does not tell.
        """
        return await self._asker.parsed(
            documents.parse_build_version, _BUILD_VERSION, await self._asker.read(_BUILD_VERSION)
        )

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
            query={"show": "info", "timezone": "GMT", "user.name": self._asker.user_name},
            media_types=asking.JSON_TYPES,
            limit_bytes=JOB_LIMIT_BYTES,
        )
        answer = await self._asker.read(request)
        complaint = documents.parse_error(answer.headers)
        if answer.status == 400 and complaint.code == _GONE:
            raise errors.JobUnknownError(self._asker.sentence(request, 400, complaint))
        job = await self._asker.parsed(documents.parse_job, request, answer)
        if job.id != job_id:
            message = f"{self._asker.line.address(request)}: answered with another job"
            raise errors.OozieUnavailableError(message)
        return job

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

    async def _act(self, action: str, job_id: str, user: str, body: bytes | None = None) -> None:
        request = lines.Request(
            "PUT",
            ("v1", "job", _checked(job_id)),
            query={"action": action, "user.name": user},
            body=body,
            content_type="application/xml;charset=UTF-8" if body is not None else "",
        )
        answer = await self._asker.send(request)
        complaint = documents.parse_error(answer.headers)
        if answer.status == 400 and complaint.code in _GONE_ON_ACTION:
            raise errors.JobUnknownError(self._asker.sentence(request, 400, complaint))
        if answer.status != request.success:
            self._asker.refuse(request, answer.status, complaint)


def _checked(job_id: str) -> str:
    """A job id that cannot change the address it is put into.

    Raises:
        errors.OozieRefusedError: It can.
    """
    if not lists.JOB_ID.fullmatch(job_id):
        raise errors.OozieRefusedError(code="", message=f"{job_id[:64]!r} cannot be the id of an Oozie job")
    return job_id
