"""What is done to a job in Oozie before its run's status may change: killed, resumed, rerun.

In the audit trail and the journal before it is done; what it came to is the job's to say, since Oozie's 200 proves
nothing. Called by ``core.propagating``.
"""

import contextlib
import dataclasses
from typing import Any

from niassa_orch import errors
from niassa_orch.core import audit, board, enrolling, writing
from niassa_orch.domain import jobs, runs, transitions
from niassa_orch.journal import records, store


class Acting:
    """Acts on the jobs of one account.

    Args:
        told: The board, for events.
        journal: Where acts are written.
    """

    def __init__(self, told: board.Board, journal: store.Journal) -> None:
        self._board = told
        self._acts = journal.acts

    def done(self, enrolled: enrolling.Enrolled, job_id: str) -> tuple[transitions.Act, int] | None:
        """The last act that we did to a job, and the job's run number before it."""
        return self._acts.done(enrolled.account.oozie_url, job_id)

    async def act(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, before: jobs.Job, decision: transitions.Decision
    ) -> tuple[jobs.Job, transitions.Decision]:
        """Do what was decided, if the run did not move; returns the job as it is then, and what that means.

        Raises:
            JournalError: It could not be written down, there or in the audit trail, and so was not done.
            OozieError: It may have been done or not: the next look decides.
        """
        act, account = decision.act, enrolled.account
        unmoved = await writing.read_unmoved(enrolled.web_service, account, run)
        if act is None or unmoved is None:
            return before, transitions.Decision(reason="the run moved before the act")
        oozie, acts = enrolled.oozie(), transitions.Act
        ask = {acts.KILL: oozie.kill, acts.RESUME: oozie.resume, acts.RERUN: oozie.rerun}[act]
        done = records.Act(
            account.oozie_url, before.id, act, before.run, run.accession, account.name, account.unix_user
        )
        entry = audit.Entry(act, account.name, account.unix_user, accession=run.accession, details={"job": before.id})
        await enrolled.trail.begin(entry)
        await self._acts.intend(done)
        fields: dict[str, Any] = {"accession": run.accession, "status": str(run.status), "job": before.id}
        self._board.event(f"job.{act}", account=account.name, **fields)
        try:
            await ask(before.id, account.unix_user)
            now = await oozie.job(before.id)
        except errors.OozieError as exc:
            enrolled.trail.note(dataclasses.replace(entry, result=f"not known: {exc}"))
            await self._note(done, str(exc))
            raise
        enrolled.trail.note(dataclasses.replace(entry, result=f"{now.status}, run {now.run}"))
        await self._note(done, f"{now.status}, run {now.run}")
        return now, transitions.after(act, before, now)

    async def forget(self, enrolled: enrolling.Enrolled, job_id: str) -> None:
        """The record has moved past what was done to the job."""
        # A status is worth more: what could not be forgotten is forgotten at the next look.
        with contextlib.suppress(errors.JournalError):
            await self._acts.forget(enrolled.account.oozie_url, job_id)

    async def _note(self, done: records.Act, outcome: str) -> None:
        # For the history: a status is worth more, and what counts is on disk already.
        with contextlib.suppress(errors.JournalError):
            await self._acts.came_to(done.oozie, done.job_id, outcome)
