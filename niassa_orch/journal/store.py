"""The journal: SQLite, WAL, synchronous FULL, one connection in one thread of its own.

A call of this class returns when its commit is on disk; a commit that was asked for is carried out, and remembered,
also when who waits for it is cancelled. What is unsettled is mirrored in memory, so that asking for the fence costs
nothing; another process (``niassa-orch resolve``) may settle too, which ``refresh`` notices. With ``journal.opening``
the door of sqlite3. Opened by the composition root; used by ``core``.
"""

import dataclasses
import datetime
import pathlib
from collections.abc import Sequence
from typing import TypeVar

from niassa_orch import errors
from niassa_orch.domain import accounts, runs, settling, transitions
from niassa_orch.journal import opening, records, writing

_KEPT_DAYS = 90
_COLUMNS = ", ".join(records.COLUMNS)
_Run = tuple[str, runs.Accession]
_Acts = dict[tuple[str, str], tuple[transitions.Act, int]]
_Result = TypeVar("_Result")


class Journal(writing.Writer):
    """Launches and acts. Invariant: what ``is_fenced`` is on disk, or its commit is under way.

    What is in memory changes on the event loop only, in the order of the commits.

    Args:
        path: The database file.
        create: Make it when it is absent; else that is an error.

    Raises:
        JournalError: It cannot be opened, is damaged, or was written by a newer version.
    """

    def __init__(self, path: pathlib.Path, *, create: bool = True) -> None:
        super().__init__(path, create=create)
        try:
            self._open, self._acts, self._seen = self._thread.submit(self._load).result()
        except BaseException:
            self.close()
            raise

    def is_fenced(self, web_service: str, accession: runs.Accession) -> bool:
        """Whether a launch of the run is in flight, in doubt or held."""
        return (web_service, accession) in self._open

    def fenced(self, web_service: str) -> set[runs.Accession]:
        """All fenced runs of a web service."""
        return {accession for url, accession in self._open if url == web_service}

    def fenced_for(self, account: accounts.Account) -> set[runs.Accession]:
        """All runs that must not be launched for an account, nor cancelled or retried.

        Those of its web service; and those of its login and host under another URL, which may be another name of the
        same web service. A false hit waits, and a person is told; a miss would launch twice.
        """
        mine = (account.web_user, account.host)
        return {
            launch.accession
            for launch in self._open.values()
            if launch.web_service == account.web_service_url or (launch.owner, launch.host) == mine
        }

    def unsettled(self) -> tuple[records.Launch, ...]:
        """Every launch that nobody settled, oldest first."""
        return tuple(sorted(self._open.values(), key=lambda launch: launch.created))

    def done(self, oozie: str, job_id: str) -> tuple[transitions.Act, int] | None:
        """The last act that we did to a job, and the job's run number before it."""
        return self._acts.get((oozie, job_id))

    async def intend(self, launches: Sequence[records.Launch]) -> None:
        """Write down launches that are about to begin; nothing may begin before this returned.

        Raises:
            JournalError: They are not written, or one of the runs has an unsettled attempt; launch none of them.
        """
        rows = [records.to_row(launch) for launch in launches]
        marks = ", ".join("?" * len(records.COLUMNS))
        statement = f"INSERT INTO launches ({_COLUMNS}) VALUES ({marks})"  # noqa: S608 - our own names
        for launch in launches:
            if launch.key in self._open:
                message = f"run {launch.accession} has a launch that is not settled; it is not launched again"
                raise errors.JournalError(message)
        self._open |= {launch.key: launch for launch in launches}

        def undo() -> None:
            for launch in launches:
                self._open.pop(launch.key, None)

        await self._commit(lambda: self._database.executemany(statement, rows), otherwise=undo)

    async def started(self, call_id: str) -> None:
        """The call was started."""

        def remember() -> None:
            for key, launch in self._open.items():
                if launch.call_id == call_id:
                    self._open[key] = dataclasses.replace(launch, started=True)

        statement = "UPDATE launches SET started = 1 WHERE call_id = ?"
        await self._commit(lambda: self._database.execute(statement, (call_id,)), remember)

    async def note(
        self, launch: records.Launch, outcome: settling.Outcome, reason: str, none_since: float | None = None
    ) -> None:
        """What is known of a launch that is not settled: in doubt, or held."""

        def remember() -> None:
            known = self._open.get(launch.key)
            if known is not None and known.call_id == launch.call_id:
                noted = dataclasses.replace(known, outcome=outcome, reason=reason, none_since=none_since)
                self._open[launch.key] = noted

        statement = (
            "UPDATE launches SET outcome = ?, reason = ?, none_since = ? "
            "WHERE call_id = ? AND accession = ? AND settled IS NULL"
        )
        values = (outcome, reason, none_since, launch.call_id, launch.accession)
        await self._commit(lambda: self._database.execute(statement, values), remember)

    async def settle(
        self, launch: records.Launch, outcome: settling.Outcome, reason: str, job_id: str | None = None
    ) -> None:
        """The verdict; the fence is taken away. Of two verdicts, such as a person's and ours, the first counts."""

        def remember() -> None:
            if self._open.get(launch.key, launch).call_id == launch.call_id:
                self._open.pop(launch.key, None)

        statement = (
            "UPDATE launches SET outcome = ?, reason = ?, job_id = ?, settled = ? "
            "WHERE call_id = ? AND accession = ? AND settled IS NULL"
        )
        values = (outcome, reason, job_id, _now(), launch.call_id, launch.accession)
        await self._commit(lambda: self._database.execute(statement, values), remember)

    async def tell(self, launch: records.Launch, job_id: str) -> None:
        """A person says which job a launch made; the service looks at it and settles."""
        statement = (
            "UPDATE launches SET job_id = ?, outcome = ?, reason = ? "
            "WHERE call_id = ? AND accession = ? AND settled IS NULL"
        )
        reason = f"a person says that its job is {job_id}"
        values = (job_id, settling.Outcome.IN_DOUBT, reason, launch.call_id, launch.accession)
        await self._commit(lambda: self._database.execute(statement, values))

    async def known_job(self, web_service: str, accession: runs.Accession) -> str | None:
        """The job that the run's last settled launch made, if it made one."""
        statement = (
            "SELECT job_id FROM launches WHERE web_service = ? AND accession = ? AND settled IS NOT NULL "
            "ORDER BY id DESC LIMIT 1"
        )
        row = await self._in_thread(lambda: self._database.execute(statement, (web_service, accession)).fetchone())
        return str(row[0]) if row and row[0] else None

    async def forget_job(self, web_service: str, accession: runs.Accession) -> None:
        """A person wants the run to be launched again although its settled launches made a job."""
        statement = "UPDATE launches SET job_id = NULL WHERE web_service = ? AND accession = ? AND settled IS NOT NULL"
        await self._commit(lambda: self._database.execute(statement, (web_service, accession)))

    async def web_services_of(self, accession: runs.Accession) -> tuple[str, ...]:
        """The web services for which the journal knows a job of this accession."""
        known = "settled IS NOT NULL AND job_id IS NOT NULL"
        statement = f"SELECT DISTINCT web_service FROM launches WHERE accession = ? AND {known}"  # noqa: S608 - ours
        rows = await self._in_thread(lambda: self._database.execute(statement, (accession,)).fetchall())
        return tuple(str(row[0]) for row in rows)

    async def known_elsewhere(self, account: accounts.Account, accession: runs.Accession) -> str | None:
        """Another URL under which a run of this accession, login and host was launched, if there is one."""
        statement = (
            "SELECT web_service FROM launches WHERE accession = ? AND owner = ? AND host = ? AND web_service <> ? "
            "AND settled IS NOT NULL AND job_id IS NOT NULL LIMIT 1"
        )
        values = (accession, account.web_user, account.host, account.web_service_url)
        row = await self._in_thread(lambda: self._database.execute(statement, values).fetchone())
        return str(row[0]) if row else None

    async def act(self, oozie: str, job_id: str, act: transitions.Act, run: int) -> None:
        """Write down an act that is about to be done to a job.

        Raises:
            JournalError: It is not written; do not do it.
        """
        statement = "INSERT OR REPLACE INTO acts (oozie, job_id, act, run, created) VALUES (?, ?, ?, ?, ?)"
        values = (oozie, job_id, act, run, _now())
        remember = {(oozie, job_id): (act, run)}
        await self._commit(lambda: self._database.execute(statement, values), lambda: self._acts.update(remember))

    async def forget_act(self, oozie: str, job_id: str) -> None:
        """The record moved past what was done to the job."""
        if (oozie, job_id) in self._acts:
            write = "DELETE FROM acts WHERE oozie = ? AND job_id = ?"
            key = (oozie, job_id)
            await self._commit(lambda: self._database.execute(write, key), lambda: self._acts.pop(key, None))

    async def refresh(self) -> None:
        """Take in what another process settled, if one wrote since the last look."""
        seen = await self._in_thread(lambda: opening.version(self._database))
        if seen == self._seen:
            return
        # Whatever is intended from here on is not on disk when that is read: only these can be missing there.
        before = dict(self._open)
        found, _, self._seen = await self._in_thread(self._load)
        for key, launch in before.items():
            now = self._open.get(key, launch)
            if now.call_id != launch.call_id:
                continue
            if key not in found:
                self._open.pop(key, None)
            elif found[key].job_id != now.job_id:
                self._open[key] = found[key]

    def _load(self) -> tuple[dict[_Run, records.Launch], _Acts, int]:
        with opening.translated(self._path):
            # Before the rows: what is written between the two is read again next time.
            seen = opening.version(self._database)
            oldest = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=_KEPT_DAYS)).isoformat()
            with self._database:
                self._database.execute("DELETE FROM launches WHERE settled < ?", (oldest,))
                self._database.execute("DELETE FROM acts WHERE created < ?", (oldest,))
            rows = self._database.execute(f"SELECT {_COLUMNS} FROM launches WHERE settled IS NULL")  # noqa: S608
            opened = {launch.key: launch for launch in map(records.of_row, rows)}
            rows = self._database.execute("SELECT oozie, job_id, act, run FROM acts")
            return opened, {(oozie, job): (transitions.Act(act), run) for oozie, job, act, run in rows}, seen


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
