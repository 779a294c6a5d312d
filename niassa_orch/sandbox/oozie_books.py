"""What the Oozie stand-in remembers: jobs, their actions and its counters, in one SQLite file.

Nothing here runs a process or answers a request. Times are seconds since the epoch with fractions; that Oozie shows
whole seconds only is the business of ``oozie_answers``. Written by ``oozie`` and ``oozie_jobs`` from one event loop.
"""

import dataclasses
import json
import pathlib
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from niassa_orch.domain import jobs

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, accession INTEGER, user TEXT NOT NULL,
    uid INTEGER, engine TEXT NOT NULL, app_name TEXT NOT NULL, app_path TEXT NOT NULL, working_dir TEXT NOT NULL,
    conf TEXT NOT NULL, steps TEXT NOT NULL, status TEXT NOT NULL, run INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL, started REAL, ended REAL, modified REAL NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_by_change ON jobs (modified);
CREATE INDEX IF NOT EXISTS jobs_by_creation ON jobs (created);
CREATE INDEX IF NOT EXISTS jobs_by_user ON jobs (user, status);
CREATE TABLE IF NOT EXISTS actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job_id TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
    status TEXT NOT NULL, external_id TEXT, external_status TEXT, error_code TEXT, error_message TEXT,
    started REAL, ended REAL, UNIQUE (job_id, name));
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

#: Statuses that a job never leaves by itself.
ENDED = frozenset({jobs.JobStatus.SUCCEEDED, jobs.JobStatus.FAILED, jobs.JobStatus.KILLED})


@dataclasses.dataclass(frozen=True, slots=True)
class NewJob:
    """A submission that Oozie took. ``conf`` is the XML as it came, ``steps`` are names in their order."""

    accession: int | None
    user: str
    engine: str
    app_name: str
    app_path: str
    working_dir: str
    conf: str
    steps: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """A workflow job. ``uid`` is the one that its steps ran as, ``None`` before the first step."""

    number: int
    id: str
    accession: int | None
    user: str
    uid: int | None
    engine: str
    app_name: str
    app_path: str
    working_dir: str
    conf: str
    steps: tuple[str, ...]
    status: jobs.JobStatus
    run: int
    created: float
    started: float | None
    ended: float | None
    modified: float


class Row(NamedTuple):
    """A job as far as a list tells it; thousands are made for a page, so that they must cost little."""

    id: str
    app_name: str
    status: str
    run: int
    user: str
    created: float
    started: float | None
    ended: float | None
    modified: float


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """One node of a job: a step, or one of Oozie's control nodes, whose external id is ``-``."""

    job_id: str
    name: str
    type: str
    status: str
    external_id: str | None
    external_status: str | None
    error_code: str | None
    error_message: str | None
    started: float | None
    ended: float | None


class Books:
    """The state of one Oozie stand-in. Survives the server; used from one thread."""

    def __init__(self, state_file: pathlib.Path) -> None:
        self._connection = sqlite3.connect(state_file)
        self._connection.row_factory = sqlite3.Row
        # A sandbox need not survive a power cut, only its own end.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        self._born = self._counter("born", int(time.time()), step=0)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, new: NewJob) -> str:
        """Take a job, in status PREP; answers its id."""
        return self.add_many([new], jobs.JobStatus.PREP)[0]

    def add_many(self, new_jobs: Iterable[NewJob], status: jobs.JobStatus, *, age_seconds: float = 0.0) -> list[str]:
        """Take jobs as if they had got as far as this status that long ago, all or none; answers their ids in order.

        Nobody carries them out, unless a server starts on these books later: fill them beside one that is up.
        """
        now = time.time() - age_seconds
        stamp = time.strftime("%y%m%d%H%M%S", time.gmtime(self._born))
        started = None if status is jobs.JobStatus.PREP else now
        times = {"created": now, "modified": now, "started": started, "ended": now if status in ENDED else None}
        with self._connection:
            # The next numbers are read and then taken; a second connection must not come between.
            self._connection.execute("BEGIN IMMEDIATE")
            last = self._connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'").fetchone()
            rows = [
                {name: getattr(new, name) for name in NewJob.__slots__}
                | {"steps": json.dumps(new.steps), "number": number, "status": status}
                | {"id": f"{number:07d}-{stamp}000-oozie-oozi-W"}
                | times
                for number, new in enumerate(new_jobs, 1 + (last[0] if last else 0))
            ]
            if rows:
                names, marks = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
                self._connection.executemany(f"INSERT INTO jobs ({names}) VALUES ({marks})", rows)  # noqa: S608 - our own column names
        return [str(row["id"]) for row in rows]

    def job(self, job_id: str) -> Job | None:
        """One job, or ``None`` when Oozie does not know it."""
        found = self._connection.execute("SELECT * FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return None if found is None else _job(found)

    def find(
        self, where: str, parameters: Sequence[object], order: str, offset: int, length: int
    ) -> tuple[int, list[Row]]:
        """How many jobs match, and a page of them. ``where`` and ``order`` are made by ``oozie_filters`` only."""
        total = self._connection.execute(f"SELECT COUNT(*) FROM jobs WHERE {where}", parameters).fetchone()[0]  # noqa: S608
        page = self._connection.execute(
            f"SELECT {', '.join(Row._fields)} FROM jobs WHERE {where} ORDER BY {order}, number DESC LIMIT ? OFFSET ?",  # noqa: S608
            (*parameters, length, offset),
        )
        return total, [Row(*one) for one in page]

    def every(self) -> list[Job]:
        """All jobs in the order in which they were taken."""
        return [_job(one) for one in self._connection.execute("SELECT * FROM jobs ORDER BY number")]

    def forget(self, job_id: str) -> None:
        """Purge a job, as Oozie does with old ones."""
        with self._connection:
            self._connection.execute("DELETE FROM actions WHERE job_id = ?", (job_id,))
            self._connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def set_status(self, job_id: str, status: jobs.JobStatus) -> None:
        """Move a job, with the times that go with it; what still ran in a killed job is killed with it."""
        self.set_statuses([job_id], status)

    def set_statuses(self, job_ids: Collection[str], status: jobs.JobStatus) -> None:
        """Move many jobs at once, in one transaction; else as ``set_status``."""
        moved = {
            "status": status,
            "now": time.time(),
            "ended": status in ENDED,
            "running": status is jobs.JobStatus.RUNNING,
        }
        with self._connection:
            self._connection.executemany(
                "UPDATE jobs SET status = :status, modified = :now, ended = CASE WHEN :ended THEN :now END,"
                " started = CASE WHEN :running THEN COALESCE(started, :now) ELSE started END WHERE id = :id",
                [moved | {"id": job_id} for job_id in job_ids],
            )
            if status is jobs.JobStatus.KILLED:
                self._connection.executemany(
                    "UPDATE actions SET status = 'KILLED', external_status = 'KILLED', ended = ?"
                    " WHERE job_id = ? AND status IN ('PREP', 'RUNNING')",
                    [(moved["now"], job_id) for job_id in job_ids],
                )

    def set_uid(self, job_id: str, uid: int) -> None:
        """Note whom a job's steps run as."""
        with self._connection:
            self._connection.execute("UPDATE jobs SET uid = ? WHERE id = ?", (uid, job_id))

    def rerun(self, job_id: str, conf: str, kept: Collection[str]) -> None:
        """Back to PREP with ``run`` + 1; only the actions named in ``kept`` stay in the list."""
        marks = ", ".join("?" for _ in kept)
        with self._connection:
            self._connection.execute(
                f"DELETE FROM actions WHERE job_id = ? AND name NOT IN ({marks})",  # noqa: S608 - question marks
                (job_id, *kept),
            )
            self._connection.execute("UPDATE jobs SET run = run + 1, conf = ? WHERE id = ?", (conf, job_id))
        self.set_status(job_id, jobs.JobStatus.PREP)

    def actions(self, job_id: str) -> list[Action]:
        """A job's actions in the order in which they began."""
        found = self._connection.execute("SELECT * FROM actions WHERE job_id = ? ORDER BY number", (job_id,))
        return [Action(**{name: one[name] for name in one.keys() if name != "number"}) for one in found]  # noqa: SIM118

    def put_action(self, action: Action) -> None:
        """Write an action over one of the same name; the job counts as changed."""
        columns = dataclasses.asdict(action)
        names = ", ".join(columns)
        marks = ", ".join(f":{name}" for name in columns)
        changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
        with self._connection:
            self._connection.execute(
                f"INSERT INTO actions ({names}) VALUES ({marks})"  # noqa: S608 - our own column names
                f" ON CONFLICT (job_id, name) DO UPDATE SET {changes}",
                columns,
            )
            self._connection.execute("UPDATE jobs SET modified = ? WHERE id = ?", (time.time(), action.job_id))

    def next_external_number(self) -> int:
        """A number for the grid engine's next job; never given twice."""
        return self._counter("external", 1001, step=1)

    def _counter(self, name: str, first: int, *, step: int) -> int:
        with self._connection:
            self._connection.execute("INSERT OR IGNORE INTO counters VALUES (?, ?)", (name, first))
            found = self._connection.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
            self._connection.execute("UPDATE counters SET value = value + ? WHERE name = ?", (step, name))
        return int(found[0])


def _job(found: sqlite3.Row) -> Job:
    columns = dict(found)
    return Job(**columns | {"steps": tuple(json.loads(columns["steps"])), "status": jobs.JobStatus(columns["status"])})
