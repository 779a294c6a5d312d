"""How the Oozie stand-in says things: its JSON, its dates and its refusals.

Pure shapes, no state and no routes. Dates are RFC 822 in GMT and whole seconds, a row of the job list lacks the
application path, the configuration and the actions, and a refusal is an HTML page whose meaning sits in two headers.
Called by ``oozie`` and, for the refusal, by ``oozie_filters``.
"""

import email.utils
import enum
import functools
import html
from collections.abc import Sequence

from aiohttp import web

from niassa_orch.sandbox import oozie_books


class Code(enum.StrEnum):
    """The error codes that the stand-in uses (Oozie's ErrorCode)."""

    BAD_CONTENT_TYPE = "E0300"
    BAD_CONFIGURATION = "E0302"
    BAD_PARAMETER = "E0303"
    MISSING_PROPERTY = "E0401"
    BAD_FILTER = "E0420"
    USER_REFUSED = "E0501"
    NO_APPLICATION = "E0504"
    NOT_AUTHORIZED = "E0508"
    QUERY_FAILED = "E0603"
    JOB_UNKNOWN = "E0604"
    ACTION_UNKNOWN = "E0605"
    BAD_WORKFLOW = "E0701"
    NOT_COMPLETED = "E0805"


class RefusedError(Exception):
    """Oozie says no.

    Args:
        code: Oozie's error code.
        message: Oozie's words.
        status: The HTTP status, 400 for nearly everything.
    """

    def __init__(self, code: Code, message: str, status: int = 400) -> None:
        self.code = code
        self.message = message
        self.status = status
        super().__init__(f"{code}: {message}")


def refusal(error: RefusedError) -> web.Response:
    """The answer that a refusal becomes: two headers and an HTML page, as a servlet container writes it."""
    # A header holds one line of ASCII; what a caller sent may be anything.
    line = " ".join(f"{error.code}: {error.message}".encode("ascii", "replace").decode().split())
    heading = html.escape(f"HTTP Status {error.status} - {error.code}: {error.message}")
    return web.Response(
        status=error.status,
        headers={"oozie-error-code": error.code, "oozie-error-message": line},
        text=f"<html><head><title>Error report</title></head><body><h1>{heading}</h1></body></html>",
        content_type="text/html",
        charset="utf-8",
    )


def moment(seconds: float | None) -> str | None:
    """A time as Oozie writes it: RFC 822, GMT, whole seconds; ``None`` stays ``None``."""
    return None if seconds is None else _moment(int(seconds))


@functools.lru_cache(maxsize=4096)
def _moment(seconds: int) -> str:
    # Half of what a page of thousands of rows costs, otherwise.
    return email.utils.formatdate(seconds, usegmt=True)


def row(job: oozie_books.Row | oozie_books.Job) -> dict[str, object]:
    """A job as the list tells it."""
    return {
        "id": job.id,
        "appName": job.app_name,
        "status": job.status,
        "run": job.run,
        "user": job.user,
        "group": None,
        "createdTime": moment(job.created),
        "startTime": moment(job.started),
        "endTime": moment(job.ended),
        "lastModTime": moment(job.modified),
        "externalId": None,
        "parentId": None,
    }


def detail(job: oozie_books.Job, actions: Sequence[oozie_books.Action]) -> dict[str, object]:
    """A job as ``show=info`` tells it."""
    more: dict[str, object] = {"appPath": job.app_path, "conf": job.conf, "actions": [_action(one) for one in actions]}
    return row(job) | more


def _action(action: oozie_books.Action) -> dict[str, object]:
    return {
        "id": f"{action.job_id}@{action.name}",
        "name": action.name,
        "type": action.type,
        "status": action.status,
        "externalId": action.external_id,
        "externalStatus": action.external_status,
        "errorCode": action.error_code,
        "errorMessage": action.error_message,
        "retries": 0,
        "startTime": moment(action.started),
        "endTime": moment(action.ended),
    }
