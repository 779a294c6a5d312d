"""What the ``seqware`` command of a user does over HTTP: schedule, cancel, retry, list. For the sandbox and tests.

Independent of the product's own client on purpose, which must not be tested against itself. Each act has a session
of its own, as each command has a process of its own. A cancel or retry is a GET and a PUT of the whole record, so it
can wipe what was written in between, and be wiped (protocol, section 4).
"""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from xml.etree import ElementTree

import aiohttp

from niassa_orch import errors
from niassa_orch.domain import runs as domain_runs
from niassa_orch.sandbox import basic_login

_TIMEOUT_SECONDS = 60.0


class RefusedError(errors.NiassaOrchError):
    """An act that the web service, or the command itself, does not do; the message says why and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class ListedRun:
    """One row of the list of runs; absent texts are ``None``."""

    accession: int
    owner: str
    name: str | None
    status: str | None
    host: str | None
    engine: str | None
    status_cmd: str | None


async def schedule(
    url: str,
    user: str,
    password: str,
    *,
    host: str,
    engine: str,
    ini: str,
    name: str,
    workflow_accession: int = 1,
) -> int:
    """Schedule a run, as ``seqware workflow schedule`` does: a POST, then a PUT with status, host and engine.

    Returns:
        The accession of the new run.

    Raises:
        RefusedError: Out of reach, a login that is refused, or any other answer than success.
    """
    asked = ElementTree.Element("WorkflowRun")
    _set(asked, "name", name)
    _set(asked, "iniFile", ini)
    _set(ElementTree.SubElement(asked, "workflow"), "swAccession", str(workflow_accession))
    async with _connected(url, user, password) as service:
        record = await service.send("POST", "", asked)
        for field, text in (("status", "submitted"), ("host", host), ("workflowEngine", engine)):
            _set(record, field, text)
        accession = int(_text(record, "swAccession") or 0)
        await service.send("PUT", f"/{accession}", record)
    return accession


async def cancel(url: str, user: str, password: str, accession: int) -> None:
    """Ask for a run to be cancelled, as ``seqware workflow-run cancel`` does.

    Raises:
        RefusedError: As ``schedule``; or not an Oozie engine; or not submitted, pending or running.
    """
    may = (domain_runs.RunStatus.SUBMITTED, domain_runs.RunStatus.PENDING, domain_runs.RunStatus.RUNNING)
    await _move(url, user, password, accession, may, domain_runs.RunStatus.SUBMITTED_CANCEL)


async def retry(url: str, user: str, password: str, accession: int) -> None:
    """Ask for a run to be tried again, as ``seqware workflow-run retry`` does.

    Raises:
        RefusedError: As ``schedule``; or not an Oozie engine; or neither failed nor cancelled.
    """
    may = (domain_runs.RunStatus.FAILED, domain_runs.RunStatus.CANCELLED)
    await _move(url, user, password, accession, may, domain_runs.RunStatus.SUBMITTED_RETRY)


async def runs(url: str, user: str, password: str, *, host: str | None = None) -> list[ListedRun]:
    """List everybody's runs, of one host or of all, in the order of their accessions.

    Raises:
        RefusedError: As ``schedule``.
    """
    async with _connected(url, user, password) as service:
        answer = await service.send("GET", "", query={} if host is None else {"host": host})
    return sorted((_listed(row) for row in answer), key=lambda run: run.accession)


async def _move(
    url: str,
    user: str,
    password: str,
    accession: int,
    may: tuple[domain_runs.RunStatus, ...],
    status: domain_runs.RunStatus,
) -> None:
    async with _connected(url, user, password) as service:
        record = await service.send("GET", f"/{accession}")
        engine = _text(record, "workflowEngine") or "none"
        if not engine.startswith("oozie"):
            msg = f"run {accession}: its engine ({engine}) knows neither cancel nor retry; only oozie engines do"
            raise RefusedError(msg)
        now = _text(record, "status")
        if now not in may:
            msg = f"run {accession} is {now}: {status} can be asked for only while it is {' or '.join(may)}"
            raise RefusedError(msg)
        _set(record, "status", status)
        await service.send("PUT", f"/{accession}", record)


@dataclasses.dataclass(frozen=True, slots=True)
class _Service:
    """A web service that a user is about to talk to; the password stays in the session."""

    url: str
    user: str
    session: aiohttp.ClientSession = dataclasses.field(repr=False)

    async def send(
        self,
        method: str,
        address: str,
        body: ElementTree.Element | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> ElementTree.Element:
        """Send one request and return the document of its answer."""
        target = f"{self.url}/workflowruns{address}"
        headers = {} if body is None else {"Content-Type": "application/xml; charset=UTF-8"}
        text = None if body is None else ElementTree.tostring(body, encoding="UTF-8", xml_declaration=True)
        try:
            async with self.session.request(method, target, params=query, data=text, headers=headers) as answer:
                status, received = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            msg = f"{target}: the web service can't be reached or gave no answer; is the sandbox up?"
            raise RefusedError(msg) from None  # some of aiohttp's errors carry the Authorization header
        if status not in (200, 201):
            raise RefusedError(self._refusal(method, target, status))
        return ElementTree.fromstring(received)  # noqa: S314 - the sandbox's own server wrote it

    def _refusal(self, method: str, target: str, status: int) -> str:
        if status == 401:
            return f"{target}: the web service does not know {self.user}, or the password is wrong; check both"
        if status == 404:
            return f"{target}: there is no such run; look at the list of runs"
        return f"{method} {target}: the web service answered {status}; look whether it took, before trying again"


@contextlib.asynccontextmanager
async def _connected(url: str, user: str, password: str) -> AsyncIterator[_Service]:
    headers = {"Authorization": basic_login.header(user, password)}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield _Service(url.rstrip("/"), user, session)


def _listed(row: ElementTree.Element) -> ListedRun:
    return ListedRun(
        accession=int(_text(row, "swAccession") or 0),
        owner=_text(row, "ownerUserName") or "",
        name=_text(row, "name"),
        status=_text(row, "status"),
        host=_text(row, "host"),
        engine=_text(row, "workflowEngine"),
        status_cmd=_text(row, "statusCmd"),
    )


def _text(record: ElementTree.Element, field: str) -> str | None:
    return record.findtext(field)


def _set(record: ElementTree.Element, field: str, text: str) -> None:
    child = record.find(field)
    if child is None:
        child = ElementTree.SubElement(record, field)
    child.text = text
