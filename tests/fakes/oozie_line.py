"""An Oozie server in memory at the other end of a line: everything of ours above ``wire.lines`` is the real thing.

It keeps jobs with whole seconds and answers lists as Oozie does. What happens between two requests, which of them fail
and how its clock goes is up to the test. Nothing here knows who asks.
"""

import dataclasses
import datetime
import email.utils
import json
import typing
from collections.abc import Callable

from niassa_orch.domain import jobs
from niassa_orch.oozie import asking, lists
from niassa_orch.wire import failures, lines, pacing

J = jobs.JobStatus
BEGUN = 1_800_000_000


@dataclasses.dataclass(slots=True)
class ServedJob:
    """A job as the server has it. ``modified`` is in seconds, ``None`` when it is not to be told."""

    id: str
    user: str
    status: jobs.JobStatus
    modified: int | None
    run: int = 0

    @property
    def seen(self) -> tuple[int | None, str, int]:
        """What a row tells of it."""
        return (self.modified, self.status, self.run)


class OozieLine:
    """Speaks as ``wire.lines.Line``.

    ``meanwhile`` is called before each answer is made; ``failing`` is how many requests fail next; ``is_old``: it knows
    no ``sortby``; ``tells_time``: its answers have a date; ``page_rows``: it gives no more at once; ``ignores_ids``:
    as some proxy might, it drops that filter.
    """

    base_url = "http://oozie.lab.net:11000/oozie"

    def __init__(self) -> None:
        self.jobs: dict[str, ServedJob] = {}
        self.now = BEGUN
        self.filters: list[str] = []
        self.lengths: list[int] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.failing = 0
        self.is_old = False
        self.tells_time = True
        self.page_rows = 1_000_000
        self.ignores_ids = False
        self._given = 0

    def lists(self) -> lists.JobLists:
        """The client's lists, at this line."""
        line = typing.cast("lines.Line", self)
        return lists.JobLists(asking.Asker(line, pacing.Retrying(attempts=1, total_seconds=1), "niassa-orch"))

    def start(self, user: str = "niassa-bob", status: jobs.JobStatus = J.RUNNING) -> str:
        """A job that was changed just now."""
        self._given += 1
        job_id = f"{self._given:07d}-210203040506789-oozie-oozi-W"
        self.jobs[job_id] = ServedJob(job_id, user, status, self.now)
        return job_id

    def becomes(self, job_id: str, status: jobs.JobStatus, *, late_seconds: int = 0) -> None:
        """A change, which shows now and bears a time that lies back."""
        job = self.jobs[job_id]
        job.run += status is J.PREP
        job.status, job.modified = status, self.now - late_seconds

    def address(self, request: lines.Request) -> str:
        return f"{request.method} {self.base_url}/{'/'.join(request.path)}"

    async def send(self, request: lines.Request) -> lines.Answer:
        self.filters.append(request.query["filter"])
        self.lengths.append(int(request.query["len"]))
        self.meanwhile()
        if self.failing:
            self.failing -= 1
            message = f"{self.address(request)}: no connection"
            raise failures.UnreachableError(message)
        if self.is_old and "sortby" in request.query["filter"]:
            return lines.Answer(400, {"oozie-error-code": "E0420", "oozie-error-message": "E0420: Invalid jobs filter"})
        offset, length = int(request.query["offset"]) - 1, min(int(request.query["len"]), self.page_rows)
        found = self._select(request.query["filter"])
        page = {"total": len(found), "workflows": [_row(job) for job in found[offset : offset + length]]}
        headers = {"Date": _moment(self.now)} if self.tells_time else {}
        return lines.Answer(200, headers, json.dumps(page).encode())

    def _select(self, text: str) -> list[ServedJob]:
        wanted: dict[str, set[str]] = {}
        for pair in text.split(";"):
            name, _, value = pair.partition("=")
            wanted.setdefault(name, set()).add(value)
        by_change = wanted.pop("sortby", set()) == {"lastModifiedTime"}
        if self.ignores_ids:
            wanted.pop("id", None)
        assert wanted.keys() <= {"user", "status", "id"}
        found = [job for job in self.jobs.values() if all(getattr(job, name) in wanted[name] for name in wanted)]
        return sorted(found, key=lambda job: (job.modified or 0 if by_change else 0, job.id), reverse=True)


def _row(job: ServedJob) -> dict[str, object]:
    changed = None if job.modified is None else _moment(job.modified)
    return {"id": job.id, "status": job.status, "user": job.user, "run": job.run, "lastModTime": changed}


def _moment(seconds: int) -> str:
    return email.utils.formatdate(seconds, usegmt=True)


def at(seconds: int) -> datetime.datetime:
    """A time of the server's."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
