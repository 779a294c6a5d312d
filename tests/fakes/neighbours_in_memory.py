"""A web service and an Oozie that live in memory and have state, for tests of what is decided above the wire.

They keep to what the real ones do: a PUT replaces the whole record and wipes what it leaves out, an unknown status is
stored as none, Oozie's 200 may mean nothing. Faults are callables that happen before or after one request, or what
every request about one run or one job ends in.
"""

import asyncio
import dataclasses
import datetime
import pathlib
import typing
from collections.abc import Callable, Collection, Iterable

from niassa_orch import errors
from niassa_orch.core import audit, board, enrolling, pool
from niassa_orch.domain import accounts, jobs, runs
from niassa_orch.oozie import documents as documents_of_oozie
from niassa_orch.oozie import lists
from niassa_orch.seqware import identity
from niassa_orch.webservice import documents, elements

BOB = accounts.Account("bob", "niassa-bob", "server2", "http://ws", "bob@lab.net", "http://oozie/oozie")
R, J = runs.RunStatus, jobs.JobStatus

_BEGINNING = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
#: What a PUT copies from its body over the row, null included.
_COPIED = (
    *("command", "currentWorkingDir", "host", "iniFile", "name", "status", "statusCmd", "template", "seqwareRevision"),
    *("userName", "stdErr", "stdOut", "workflowEngine", "sgeNameIdMap"),
)
_ROW = ("swAccession", "ownerUserName")


class WebServiceInMemory:
    """Speaks as one login's ``webservice.client.WebService``.

    ``before_get``, ``before_put`` and ``after_put`` hold what happens around the next requests, one each: ``None`` for
    nothing, or something that changes a row or raises. ``broken`` holds what every GET of a run ends in.
    """

    def __init__(self) -> None:
        self.rows: dict[runs.Accession, dict[str, str]] = {}
        self.asked: list[str] = []
        self.broken: dict[int, Exception] = {}
        self.before_get: list[Callable[[], None] | None] = []
        self.before_put: list[Callable[[], None] | None] = []
        self.after_put: list[Callable[[], None] | None] = []

    def schedule(self, accession: int, status: runs.RunStatus = R.SUBMITTED, **fields: str) -> runs.WorkflowRun:
        """A run of Bob's for server2, unless ``fields`` (element names) say otherwise."""
        row = {"swAccession": str(accession), "ownerUserName": "bob@lab.net", "host": "server2", "status": status}
        self.rows[runs.Accession(accession)] = row | {"workflowEngine": "oozie-sge", "iniFile": "a=b"} | fields
        return self.run(accession)

    def run(self, accession: int) -> runs.WorkflowRun:
        """The row as it is, without asking."""
        return self._document(runs.Accession(accession)).run

    def sets(self, accession: int, **fields: str) -> Callable[[], None]:
        """A fault: somebody else changes the row."""
        return lambda: self.rows[runs.Accession(accession)].update(fields)

    async def list_runs(self, status: runs.RunStatus, host: str) -> list[runs.WorkflowRun]:
        self.asked.append(f"LIST {status}")
        _happen(self.before_get)
        listed = (self.run(accession) for accession in self.rows)
        return [run for run in listed if run.status is status and run.host == host]

    async def get_run(self, accession: runs.Accession) -> documents.RunDocument:
        self.asked.append(f"GET {accession}")
        _happen(self.before_get)
        if accession in self.broken:
            raise self.broken[accession]
        if accession not in self.rows:
            raise errors.RunNotFoundError(str(accession))
        return self._document(accession)

    async def put_run(self, document: documents.RunDocument) -> None:
        self.asked.append(f"PUT {document.accession}")
        _happen(self.before_put)
        body = documents.RunDocument.parse(document.to_xml())
        row = self.rows[document.accession]
        for name in _COPIED:
            text = body.text(name)
            row.pop(name, None)
            if text is not None and (name != "status" or text in list(R)):
                row[name] = text
        _happen(self.after_put)

    def _document(self, accession: runs.Accession) -> documents.RunDocument:
        row = self.rows[accession]
        return documents.RunDocument.of(elements.Element(name, row[name]) for name in (*_ROW, *_COPIED) if name in row)


def _happen(faults: list[Callable[[], None] | None]) -> None:
    fault = faults.pop(0) if faults else None
    if fault is not None:
        fault()


def unknown_fate() -> None:
    """A fault: a 500 of two PUTs that overlap, or an answer that is lost."""
    msg = "whether the run was written is unknown"
    raise errors.WriteUnknownError(msg)


def unreachable() -> None:
    """A fault: nobody answers."""
    msg = "no connection"
    raise errors.WebServiceUnavailableError(msg)


class OozieInMemory:
    """Speaks as ``oozie.client.Oozie``.

    ``down``: nothing that begins with ``down_for`` is answered, after ``hangs_seconds``; ``deaf``: acts are answered
    and not done. ``broken`` holds what every question about a job ends in, ``created`` when a job was, if the list is
    to heed it. ``ahead`` is how far its clock is ahead of ours, ``None`` when it does not tell the time;
    ``skew_seconds`` is what the list of changes says of that.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, jobs.Job] = {}
        self.created: dict[str, datetime.datetime] = {}
        self.broken: dict[str, Exception] = {}
        self.asked: list[str] = []
        self.down = False
        self.down_for: tuple[str, ...] = ("",)
        self.hangs_seconds = 0.0
        self.ahead: datetime.timedelta | None = datetime.timedelta()
        self.skew_seconds: float | None = None
        self.deaf = False
        self._modified: dict[str, datetime.datetime] = {}

    def start(self, job_id: str, status: jobs.JobStatus = J.RUNNING, **fields: typing.Any) -> jobs.Job:
        """A job of Bob's Unix user, unless ``fields`` say otherwise."""
        chosen = {"user": "niassa-bob", "app_path": "/apps/x"} | fields
        self.jobs[job_id] = job = jobs.Job(job_id, status, **chosen)
        self.touch(job_id)
        return job

    def becomes(self, job_id: str, status: jobs.JobStatus, *, reruns: int = 0) -> None:
        old = self.jobs[job_id]
        self.jobs[job_id] = dataclasses.replace(old, status=status, run=old.run + reruns)
        self.touch(job_id)

    async def versions(self) -> tuple[int, ...]:
        await self._ask("versions")
        return (0, 1, 2)

    async def job(self, job_id: str) -> jobs.Job:
        await self._ask(f"job {job_id}")
        if job_id in self.broken:
            raise self.broken[job_id]
        if job_id not in self.jobs:
            msg = f"E0604 {job_id}"
            raise errors.JobUnknownError(msg)
        return dataclasses.replace(self.jobs[job_id], modified=self._modified.get(job_id))

    async def clock(self) -> datetime.datetime | None:
        await self._ask("versions")
        return None if self.ahead is None else datetime.datetime.now(datetime.UTC) + self.ahead

    async def jobs_of(self, user: str, since: datetime.datetime | None) -> list[jobs.JobRow]:
        await self._ask(f"jobs of {user}" if since is not None else f"all jobs of {user}")
        floor = since or datetime.datetime.min.replace(tzinfo=datetime.UTC)
        recent = [job for job in self.jobs.values() if job.user == user and self.created.get(job.id, floor) >= floor]
        return [self._row(job) for job in recent]

    async def changed_since(
        self, _since: datetime.datetime | None, tell: lists.Tell, _banks: object = None
    ) -> lists.Changes:
        await self._ask("changes")
        rows = sorted(map(self._row, self.jobs.values()), key=lambda row: row.modified or _BEGINNING, reverse=True)
        newest = rows[0].modified if rows else lists.BEGINNING
        tell(rows, None)
        return lists.Changes(tuple(rows), newest, None, self.skew_seconds)

    def alive_jobs(self, users: Collection[str]) -> list["_Listing"]:
        return [_Listing(self, users)]

    async def jobs_by_id(self, job_ids: Iterable[str]) -> list[jobs.JobRow]:
        await self._ask("jobs by id")
        return [self._row(self.jobs[job_id]) for job_id in job_ids if job_id in self.jobs]

    def _row(self, job: jobs.Job) -> jobs.JobRow:
        return jobs.JobRow(job.id, job.status, job.user, job.run, self._modified.get(job.id))

    def touch(self, job_id: str, moment: datetime.datetime | None = None) -> None:
        """The job moved, at this moment or a second after whatever moved last."""
        newest = max(self._modified.values(), default=_BEGINNING)
        self._modified[job_id] = moment or newest + datetime.timedelta(seconds=1)

    async def kill(self, job_id: str, user: str) -> None:
        if await self._acts("kill", job_id, user) and self.jobs[job_id].status in (J.PREP, J.RUNNING, J.SUSPENDED):
            self.becomes(job_id, J.KILLED)

    async def resume(self, job_id: str, user: str) -> None:
        if await self._acts("resume", job_id, user) and self.jobs[job_id].status is J.SUSPENDED:
            self.becomes(job_id, J.RUNNING)

    async def rerun(self, job_id: str, user: str) -> None:
        acts = await self._acts("rerun", job_id, user)
        if self.jobs[job_id].status not in (J.SUCCEEDED, J.FAILED, J.KILLED):
            raise errors.OozieRefusedError(code="E0805", message="the job is not finished")
        if acts:
            self.becomes(job_id, J.PREP, reruns=1)

    async def _acts(self, action: str, job_id: str, user: str) -> bool:
        await self._ask(f"{action} {job_id} as {user}")
        return not self.deaf

    async def _ask(self, what: str) -> None:
        self.asked.append(what)
        await asyncio.sleep(0)  # as on a wire, others get their turn meanwhile
        if self.down and what.startswith(self.down_for):
            await asyncio.sleep(self.hangs_seconds)
            msg = "no connection to Oozie"
            raise errors.OozieUnavailableError(msg)


class _Listing:
    """All alive jobs of some users, in one page."""

    def __init__(self, oozie: OozieInMemory, users: Collection[str]) -> None:
        self._oozie = oozie
        self._users = users
        self.ended = False

    async def page(self) -> documents_of_oozie.JobPage:
        await self._oozie._ask("alive jobs")
        self.ended = True
        alive = (J.PREP, J.RUNNING, J.SUSPENDED)
        found = [job for job in self._oozie.jobs.values() if job.user in self._users and job.status in alive]
        return documents_of_oozie.JobPage(len(found), tuple((self._oozie._row(job), None) for job in found))


def enrolled(
    web_service: object,
    oozie: object | None = None,
    mediator: pathlib.Path = pathlib.Path("/none"),
    account: accounts.Account = BOB,
    trail: audit.Trail | None = None,
) -> enrolling.Enrolled:
    """An account with these neighbours, whose mediator is called as our own user; without a trail none is written."""
    return enrolling.Enrolled(
        account,
        typing.cast(typing.Any, web_service),
        typing.cast(typing.Any, oozie),
        identity.Identity(account.unix_user, own=True),
        mediator,
        trail or audit.Trail(None),
    )


def board_of(redact: Callable[[str], str] = str) -> board.Board:
    """A board of server2."""
    return board.Board("server2", pool.Pool(10), pool.Pool(2), redact)


def names(told: board.Board) -> list[str]:
    """The names of all events so far."""
    return [event.name for event in told.snapshot().events]
