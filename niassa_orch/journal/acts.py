"""What we did to Oozie's jobs: kills, resumes and reruns, each on disk before it is done.

An act counts until the run's record has moved past the request that it was done for. Used by ``core.propagating``.
"""

import sqlite3

from niassa_orch.domain import transitions
from niassa_orch.journal import moments, records, writing

Job = tuple[str, str]
Counting = dict[Job, tuple[transitions.Act, int]]


class Acts:
    """The acts that count, in memory; every act, on disk.

    Args:
        writer: Of the journal.
    """

    def __init__(self, writer: writing.Writer) -> None:
        self._writer = writer
        self.counting: Counting = {}

    def done(self, oozie: str, job_id: str) -> tuple[transitions.Act, int] | None:
        """The last act that we did to a job, and the job's run number before it."""
        return self.counting.get((oozie, job_id))

    async def intend(self, act: records.Act) -> None:
        """Write down what is about to be done to a job; it takes the place of an earlier act that still counted.

        Raises:
            JournalError: It is not written; do not do it.
        """
        insert = (
            "INSERT INTO acts (oozie, job_id, act, run, accession, account, unix_user, created) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        now = moments.now()
        values = (act.oozie, act.job_id, act.act, act.run, act.accession, act.account, act.unix_user, now)

        def write(database: sqlite3.Connection) -> None:
            _pass(database, act.oozie, act.job_id, now)
            database.execute(insert, values)

        remembered = {(act.oozie, act.job_id): (act.act, act.run)}
        await self._writer.write(write, lambda: self.counting.update(remembered))

    async def came_to(self, oozie: str, job_id: str, outcome: str) -> None:
        """What the job said after the act that counts, or what went wrong."""
        statement = "UPDATE acts SET outcome = ? WHERE oozie = ? AND job_id = ? AND over IS NULL"
        await self._writer.write(lambda database: database.execute(statement, (outcome, oozie, job_id)))

    async def forget(self, oozie: str, job_id: str) -> None:
        """The record moved past what was done to the job: it counts no more."""
        key = (oozie, job_id)
        if key in self.counting:
            now = moments.now()
            await self._writer.write(lambda database: _pass(database, *key, now), lambda: self.counting.pop(key, None))


def load(database: sqlite3.Connection) -> Counting:
    """The acts that count."""
    rows = database.execute("SELECT oozie, job_id, act, run FROM acts WHERE over IS NULL")
    return {(oozie, job): (transitions.Act(act), run) for oozie, job, act, run in rows}


def prune(database: sqlite3.Connection, oldest: str) -> None:
    """Delete acts from before a moment."""
    database.execute("DELETE FROM acts WHERE created < ?", (oldest,))


def _pass(database: sqlite3.Connection, oozie: str, job_id: str, now: str) -> None:
    statement = "UPDATE acts SET over = ? WHERE oozie = ? AND job_id = ? AND over IS NULL"
    database.execute(statement, (now, oozie, job_id))
