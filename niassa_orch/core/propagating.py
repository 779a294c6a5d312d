"""One run's status, from Oozie to the web service.

Ask Oozie, let ``domain.transitions`` decide, act on the job if need be, and write what the job says. Oozie out of reach
changes nothing. What we do to jobs is in the journal first; which jobs were unknown, and since when, an account's
``Propagator`` remembers. Called by ``core.cycle``.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import (
    account_line,
    acting,
    board,
    complaints,
    enrolling,
    jobs_seen,
    lost_jobs,
    lost_requests,
    run_texts,
    writing,
)
from niassa_orch.domain import jobs, runs, transitions
from niassa_orch.journal import store

_LOOKS_BEFORE_GONE = 3
_GONE_ASKED_SECONDS = 300.0

Looked = Callable[[jobs.Job], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Propagated:
    """What came of a look at a run.

    Args:
        run: As its record was read last; ``None`` when it was not read.
        again_in_seconds: When it wants another look whatever its job does; ``None`` for never.
        has_moved: A new status was written and is in the record.
        followed: The job whose move is why we wrote that status.
    """

    run: runs.WorkflowRun | None = None
    again_in_seconds: float | None = None
    has_moved: bool = False
    followed: jobs.Job | None = None


@dataclasses.dataclass(slots=True)
class _Missing:
    """A job that Oozie does not know: which, since when (``time.monotonic()``), and how often it was asked for."""

    job_id: str | None
    since: float
    looks: int = 0


class Propagator:
    """Propagates the runs of one account; ``lost`` mends what users asked for and somebody's write wiped.

    ``complaints`` tells of runs that stay as they are.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        journal: Where acts on jobs are written, and which jobs runs are known to have.
        gone_after_seconds: How long a healthy Oozie must not know a job before its run is failed.
        limits: What of the steps' texts is read, and how often.
    """

    def __init__(
        self,
        line: account_line.AccountLine,
        told: board.Board,
        journal: store.Journal,
        gone_after_seconds: float,
        limits: settings.Texts,
    ) -> None:
        self._line = line
        self._board = told
        self._acting = acting.Acting(told, journal)
        self._gone_after_seconds = gone_after_seconds
        self._texts = run_texts.RunTexts(told, limits)
        self._lost_jobs = lost_jobs.LostJobs(told, journal)
        self.lost = lost_requests.LostRequests(told, journal)
        self._missing: dict[runs.Accession, _Missing] = {}
        self.complaints = complaints.Complaints(line, told)
        self._restored: set[runs.Accession] = set()

    async def propagate(
        self,
        enrolled: enrolling.Enrolled,
        run: runs.WorkflowRun,
        *,
        settled: bool,
        seen: jobs_seen.JobsSeen,
        looked: Looked = lambda _: None,
    ) -> Propagated:
        """Bring one run's record up to what its job says.

        Args:
            enrolled: The account and its neighbours.
            run: As last told: active, and not submitted unless it misses a job.
            settled: No launch of it is in flight or in doubt.
            seen: Which runs miss jobs that their records named.
            looked: Told of the run's job, before anything is done to it.

        Raises:
            OozieError: Nothing was changed; asked again at the next beat.
            WebServiceError: Likewise, or the fate of a write is not known; decided again at the next beat.
        """
        with self.complaints.look(run.accession):
            if run.engine_family is not runs.EngineFamily.OOZIE:
                if run.engine_family is runs.EngineFamily.UNKNOWN:
                    self.complaints.add(run.accession, f"its engine is {run.engine!r}, which nobody here knows")
                return Propagated()
            if not run.status_cmd:
                return await self._propagate_without_job(enrolled, run, seen, settled=settled)
            job = await self._job(enrolled, run)
            if job is None:
                return await self._propagate_missing(enrolled, run)
            looked(job)
            return await self._follow(enrolled, run, job)

    async def _follow(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, job: jobs.Job) -> Propagated:
        if job.user != enrolled.account.unix_user:
            user = enrolled.account.unix_user
            # A crontab launches whatever is for its host, also what is another account's.
            reason = (
                f"its job {job.id} belongs to {job.user}, not to {user}; if a crontab of {job.user} launched it, this "
                f"as {user} writes its status: seqware workflow-run propagate-statuses --accession {run.accession}"
            )
            self.complaints.add(run.accession, reason)
            return Propagated()
        if run.status not in runs.REQUESTED:
            # The record has moved past what was done for a request of a user: the next request is a new one.
            await self._acting.forget(enrolled, job.id)
        decision = transitions.decide(run, job, done=self._acting.done(enrolled, job.id))
        if decision.act is not None:
            job, decision = await self._acting.act(enrolled, run, job, decision)
            if decision.status is None:
                return Propagated(again_in_seconds=0)
        return await self._write(enrolled, run, decision, job)

    def overdue(self) -> list[runs.Accession]:
        """Runs whose texts are to be looked at again although their jobs did not change."""
        return self._texts.overdue()

    def forget(self, accession: runs.Accession) -> None:
        """The run is not active any more."""
        self._texts.forget(accession)
        self._restored.discard(accession)
        self._missing.pop(accession, None)
        self.complaints.forget(accession)

    async def _propagate_without_job(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, seen: jobs_seen.JobsSeen, *, settled: bool
    ) -> Propagated:
        write = await self._lost_jobs.look_into(enrolled, seen, run) if settled else None
        if write is not None:
            if write.written is writing.Written.TAKEN:
                self._restored.add(run.accession)
            return Propagated(write.run, again_in_seconds=0)
        decision = transitions.decide_without_job(run, settled=settled)
        if decision.status is None and settled and run.status is not runs.RunStatus.SUBMITTED:
            self.complaints.add(run.accession, decision.reason)
        return await self._write(enrolled, run, decision, None)

    async def _propagate_missing(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun) -> Propagated:
        decision = self._gone(enrolled, run)
        if decision.status is None:
            return Propagated(again_in_seconds=min(_GONE_ASKED_SECONDS, self._gone_after_seconds / _LOOKS_BEFORE_GONE))
        return await self._write(enrolled, run, decision, None)

    async def _job(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun) -> jobs.Job | None:
        oozie = enrolled.oozie()
        try:
            job = await oozie.job(run.status_cmd or "")
        except errors.JobUnknownError:
            # "Unknown" counts only from a server that is an Oozie and well.
            await oozie.versions()
            return None
        self._missing.pop(run.accession, None)
        return job

    def _gone(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun) -> transitions.Decision:
        now = time.monotonic()
        seen = self._missing.get(run.accession)
        if seen is None or seen.job_id != run.status_cmd:
            seen = self._missing[run.accession] = _Missing(run.status_cmd, now)
        seen.looks += 1
        if seen.looks >= _LOOKS_BEFORE_GONE and now - seen.since >= self._gone_after_seconds:
            done = self._acting.done(enrolled, run.status_cmd or "")
            return transitions.decide_gone(run, done=done)
        return transitions.Decision(reason="Oozie does not know the job; it is asked again")

    async def _write(
        self,
        enrolled: enrolling.Enrolled,
        run: runs.WorkflowRun,
        decision: transitions.Decision,
        job: jobs.Job | None,
    ) -> Propagated:
        if decision.status is None:
            return await self._write_texts(enrolled, run, job)
        found = {} if job is None else await self._texts.beside(enrolled, run, job, decision.status)
        write = await writing.write(enrolled, run, {"status": decision.status, **found})
        if write.written.is_in_record:
            self._event("run.moved", run, to=str(decision.status), reason=decision.reason)
            await self._acting.forget(enrolled, run.status_cmd or "")
            if job is not None:
                self._texts.written(run, job, found)
            if decision.status in runs.ENDED:
                self._line.note_ended(decision.status)
            return Propagated(write.run, has_moved=True, followed=self._followed(run, write, job))
        if write.written is writing.Written.MOVED:
            self._event("run.moved_meanwhile", run, wanted=str(decision.status))
        else:
            self._not_taken(run, write, str(decision.status))
        return Propagated(write.run, again_in_seconds=0)

    def _followed(self, run: runs.WorkflowRun, write: writing.Write, job: jobs.Job | None) -> jobs.Job | None:
        """The job, unless somebody else wrote, a user asked for it, or the job may have moved while it was unknown."""
        was_restored = run.accession in self._restored
        self._restored.discard(run.accession)
        is_news = write.written is writing.Written.TAKEN and run.status not in runs.REQUESTED
        return job if is_news and not was_restored else None

    async def _write_texts(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, job: jobs.Job | None
    ) -> Propagated:
        write = None if job is None else await self._texts.refresh(enrolled, run, job)
        if write is None:
            return Propagated()
        if write.written is writing.Written.NOT_TAKEN:
            self._not_taken(run, write, "texts")
        return Propagated(write.run, again_in_seconds=0 if write.written is writing.Written.MOVED else None)

    def _not_taken(self, run: runs.WorkflowRun, write: writing.Write, wanted: str) -> None:
        """A write that did not take is tried again at each beat."""
        cause = "it stored no status that it knows" if write.run.status is None else "its record is as it was before"
        reason = f"the web service answered that it wrote {wanted}, and {cause}; look at its log"
        self.complaints.add(run.accession, reason, "write.not_taken", status=str(run.status), wanted=wanted)

    def _event(self, name: str, run: runs.WorkflowRun, **fields: Any) -> None:
        self._board.event(name, account=self._line.name, accession=run.accession, status=str(run.status), **fields)
