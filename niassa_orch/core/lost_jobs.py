"""Jobs that a stale record of another writer wiped from a run's record: found out, put back, counted and told.

The journal knows the jobs of our own launches. Of those that others made, a crontab for one, only what our looks showed
is known: such a job is put back if Oozie still knows it and it is the account's Unix user's. Called by
``core.propagating`` and, before a launch, by ``core.looking``.
"""

from niassa_orch import errors
from niassa_orch.core import board, enrolling, jobs_seen, writing
from niassa_orch.domain import accounts, runs
from niassa_orch.journal import store


class LostJobs:
    """Mends the records of one account's runs that lost their jobs.

    Args:
        told: The board, for events and counts.
        journal: Which jobs runs are known to have.
    """

    def __init__(self, told: board.Board, journal: store.Journal) -> None:
        self._board = told
        self._journal = journal

    async def look_into(
        self, enrolled: enrolling.Enrolled, seen: jobs_seen.JobsSeen, run: runs.WorkflowRun
    ) -> writing.Write | None:
        """Put back the job that a run has and its record does not name, if there is one.

        Args:
            enrolled: The account.
            seen: What was seen of jobs; forgets one that cannot be put back.
            run: Without a job, and no launch of it in flight or in doubt.

        Returns:
            What became of the write; ``None`` when as far as anybody knows the run has no job.

        Raises:
            OozieError: Nothing is known of the job; to be asked again.
            WebServiceError: Whether it was put back is not known, or nobody can say whether the job exists.
        """
        known = await self._journal.past.known_job(enrolled.account.web_service_url, run.accession)
        before = seen.of(run.accession)
        if before is not None and before.status_cmd and before.status_cmd != known:
            # It is newer than what we launched.
            if await _is_theirs(enrolled, run, before.status_cmd):
                reason = "another writer wiped it; the record named it before, and Oozie knows it"
                return await self.put_back(enrolled, run, before.status_cmd, reason, before.working_dir)
            seen.forget(run.accession)
            before = None
        if known is None:
            return None
        reason = "another writer wiped it; the journal knows it of a launch"
        return await self.put_back(enrolled, run, known, reason, before.working_dir if before else None)

    async def put_back(
        self,
        enrolled: enrolling.Enrolled,
        run: runs.WorkflowRun,
        job_id: str,
        reason: str = "another writer wiped it; the journal knows it of a launch",
        working_dir: str | None = None,
    ) -> writing.Write:
        """Write a job that a run has into its record; raises as ``writing.write``.

        Args:
            enrolled: The account.
            run: As the decision was made; one that is submitted again becomes pending.
            job_id: Its job.
            reason: For the event.
            working_dir: Of the job, if that is known: for a record that lost it, too.
        """
        status = runs.RunStatus.PENDING if run.status is runs.RunStatus.SUBMITTED else run.status
        changes: dict[str, str | None] = {"statusCmd": job_id, "status": status}
        if working_dir and not run.working_dir:
            changes["currentWorkingDir"] = working_dir
        write = await writing.write(enrolled, run, changes)
        if write.written is writing.Written.TAKEN:
            level, name = board.Level.WARNING, enrolled.account.name
            self._board.line(name).jobs_restored += 1
            fields = {"accession": run.accession, "status": str(run.status), "job": job_id, "reason": reason}
            self._board.event("run.restored", account=name, level=level, **fields)
        return write


async def _is_theirs(enrolled: enrolling.Enrolled, run: runs.WorkflowRun, job_id: str) -> bool:
    """Whether a healthy Oozie knows the job, as one of the account's Unix user."""
    account = enrolled.account
    if account.propagation is accounts.Propagation.ENGINE:
        message = (
            f"its record named job {job_id} and does not any more: another writer wiped it, and nobody here can ask "
            f"Oozie for it; put statusCmd back, or, if the job is over, set the run to failed (it is {run.status})"
        )
        raise errors.WebServiceError(message)
    oozie = enrolled.oozie()
    try:
        job = await oozie.job(job_id)
    except errors.JobUnknownError:
        # "Unknown" counts only from a server that is an Oozie and well.
        await oozie.versions()
        return False
    return job.user == account.unix_user
