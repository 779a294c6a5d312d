"""Oozie's answers, read with a check of every type.

JSON in, ``domain.jobs`` out. Whatever is not what Oozie's web services API documents is garbage, and garbage says
nothing about any job: it must never read as "gone". What an answer may cost is bounded before it is read, since one
server's answer must not hold up the work for all others. Pure; called by ``oozie.client``.
"""

import contextlib
import dataclasses
import datetime
import email.utils
import json
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn
from xml.sax import saxutils

from niassa_orch import errors
from niassa_orch.domain import jobs

_STATUSES: Final = {status.value: status for status in jobs.JobStatus}
_NO_EXTERNAL_ID: Final = frozenset({"", "-"})
_MESSAGE_CHARS: Final = 300

#: A row has less than 1 kB and some 28 separators, ``toString`` and ``consoleUrl`` of a real server included, so that a
#: large page takes half of the bytes and a third of the values that are accepted.
PAGE_ROWS: Final = 200
LARGE_PAGE_ROWS: Final = 2000
#: Values of one answer, counted by what stands between them, in texts too; a job's action has some thirty.
_SEPARATORS: Final = 200_000
_ROW_TEXT_CHARS: Final = 256
_NUMBER_DIGITS: Final = 20
_TIME_CHARS: Final = 64
#: As servers write it, in GMT: ``Sun, 06 Nov 1994 08:49:37 GMT``.
_PLAIN_TIME: Final = re.compile(r"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) GMT", re.ASCII)
_MONTH_NAMES: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS: Final = {name: f"{number:02d}" for number, name in enumerate(_MONTH_NAMES, 1)}


@dataclasses.dataclass(frozen=True, slots=True)
class JobPage:
    """One page of a job list, newest created first.

    Args:
        total: How many jobs the filter matches.
        rows: Each with the time of its creation, ``None`` where Oozie told none.
    """

    total: int
    rows: tuple[tuple[jobs.JobRow, datetime.datetime | None], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Complaint:
    """An error as Oozie tells it in its headers. ``code`` is ``""`` when Oozie did not speak.

    Args:
        code: Such as ``E0604``.
        message: Oozie's words, cut to one short line.
    """

    code: str
    message: str


def parse_versions(body: bytes) -> tuple[int, ...]:
    """The versions of the API, as ``GET /versions`` answers (``[0,1,2]``).

    Raises:
        errors.OozieUnavailableError: Garbage.
    """
    versions = _loaded(body)
    if not isinstance(versions, list) or not all(type(version) is int for version in versions):
        _garbage("the versions are no list of numbers")
    return tuple(versions)


def parse_build_version(body: bytes) -> str:
    """The version of the server, as ``GET /v1/admin/build-version`` answers (``{"buildVersion": "5.2.1"}``).

    Raises:
        errors.OozieUnavailableError: Garbage.
    """
    told = _loaded(body)
    version = told.get("buildVersion") if isinstance(told, dict) else None
    if not isinstance(version, str) or not version.isprintable():
        _garbage("the build version is no text")
    return str(version)[:100]


def parse_job(body: bytes) -> jobs.Job:
    """One job with its actions, as ``GET /v1/job/ID?show=info`` answers.

    Raises:
        errors.OozieUnavailableError: Garbage.
    """
    job = _mapping(_loaded(body))
    return jobs.Job(
        id=_text(job, "id"),
        status=_STATUSES.get(_text(job, "status")),
        user=_optional_text(job, "user") or "",
        app_path=_optional_text(job, "appPath") or "",
        run=_number(job, "run"),
        actions=tuple(_action(_mapping(action)) for action in _list(job, "actions")),
        modified=_time(job, "lastModTime"),
    )


def parse_rows(body: bytes, most_rows: int = PAGE_ROWS) -> JobPage:
    """One page of jobs, as ``GET /v1/jobs?jobtype=wf`` answers.

    Args:
        body: JSON.
        most_rows: As many as were asked for.

    Raises:
        errors.OozieUnavailableError: Garbage.
    """
    page = _mapping(_loaded(body))
    if "workflows" not in page:
        _garbage("workflows are missing")
    rows = _list(page, "workflows")
    if len(rows) > most_rows:
        _garbage(f"a page has more than the {most_rows} rows that were asked for")
    return JobPage(_number(page, "total"), tuple(_row(_mapping(row)) for row in rows))


def parse_error(headers: Mapping[str, str]) -> Complaint:
    """Oozie's complaint from the headers of an answer; names are found in any case."""
    message = "".join(letter if letter.isprintable() else " " for letter in headers.get("oozie-error-message", ""))
    return Complaint(headers.get("oozie-error-code", "").strip()[:16], message[:_MESSAGE_CHARS])


def configuration(properties: Mapping[str, str]) -> bytes:
    """A Hadoop configuration, the body of a rerun."""
    written = "".join(
        f"<property><name>{saxutils.escape(name)}</name><value>{saxutils.escape(value)}</value></property>"
        for name, value in properties.items()
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><configuration>{written}</configuration>'.encode()


def _loaded(body: bytes) -> Any:
    """The JSON. Decoded here, since ``json`` would guess at UTF-16; too deep is garbage as well.

    ``json`` makes all values in one go without letting go of the interpreter, in a thread as anywhere else: 10 MB of
    ``[],`` are nearly two seconds and 200 MB. So they are counted before, roughly and fast.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > _SEPARATORS:
        _garbage(f"it has more than {_SEPARATORS} values")
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(body.decode("utf-8"), parse_int=_parsed_int)
    # Raised out here: the exception in there holds the whole body, and a job's conf may hold a secret.
    _garbage("no acceptable JSON")


def _parsed_int(digits: str) -> int:
    """A number; thousands of long ones cost much more than their bytes."""
    if len(digits) > _NUMBER_DIGITS:
        reason = "a number is too long"
        raise ValueError(reason)
    return int(digits)


def _row(row: dict[str, Any]) -> tuple[jobs.JobRow, datetime.datetime | None]:
    return (
        jobs.JobRow(
            id=_short(_text(row, "id")),
            status=_STATUSES.get(_text(row, "status")),
            user=_short(_optional_text(row, "user") or ""),
            run=_number(row, "run"),
            modified=_time(row, "lastModTime"),
        ),
        _time(row, "createdTime"),
    )


def _action(action: dict[str, Any]) -> jobs.Action:
    external_id = _optional_text(action, "externalId")
    return jobs.Action(
        name=_text(action, "name"),
        status=_optional_text(action, "status") or "",
        external_id=None if external_id in _NO_EXTERNAL_ID else external_id,
        error_message=_optional_text(action, "errorMessage"),
    )


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        _garbage("an object was expected")
    return value


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        _garbage(f"{name} is no list")
    return found


def _text(value: dict[str, Any], name: str) -> str:
    found = _optional_text(value, name)
    if not found:
        _garbage(f"{name} is missing")
    return found


def _optional_text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is not None and not isinstance(found, str):
        _garbage(f"{name} is no text")
    return found


def _short(text: str) -> str:
    """A text of a row, of which thousands are kept until the last page is read."""
    if len(text) > _ROW_TEXT_CHARS:
        _garbage(f"a row has an id or a user of more than {_ROW_TEXT_CHARS} characters")
    return text


def _number(value: dict[str, Any], name: str) -> int:
    found = value.get(name)
    if found is None:
        return 0
    if type(found) is not int:  # a bool is an int to isinstance
        _garbage(f"{name} is no number")
    return found


def _time(value: dict[str, Any], name: str) -> datetime.datetime | None:
    """An RFC 822 time in whole seconds, or ``None``; it never says anything about a job."""
    text = _optional_text(value, name) or ""
    plain = _PLAIN_TIME.fullmatch(text)
    try:
        if plain and plain[2] in _MONTHS:
            # Thousands of them are read in a burst; the general way takes ten times as long.
            return datetime.datetime.fromisoformat(f"{plain[3]}-{_MONTHS[plain[2]]}-{plain[1]}T{plain[4]}+00:00")
        found = email.utils.parsedate_to_datetime(text[:_TIME_CHARS])
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def _garbage(reason: str) -> NoReturn:
    message = f"the answer is not Oozie's: {reason}"
    raise errors.OozieUnavailableError(message)
