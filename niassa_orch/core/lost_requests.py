"""Requests of users that somebody's write wiped, ours included: found out, put back, counted and told.

The web service has no conditional write, so that a loss cannot be ruled out; what a look of ours saw can be mended. At
most once a request: whoever wipes it again may be a person who means it, so that a person is told. Of one account;
called by ``core.working_off`` when a single read does not show a request that was seen.
"""

import time

from niassa_orch import errors
from niassa_orch.core import board, enrolling, requests_seen, writing
from niassa_orch.domain import accounts, jobs, requests, runs
from niassa_orch.journal import store


class LostRequests:
    """Mends lost requests of one account's runs.

    Args:
        told: The board, for events and counts.
        journal: What we did to jobs.
    """

    def __init__(self, told: board.Board, journal: store.Journal) -> None:
        self._board = told
        self._journal = journal

    async def look_into(
        self,
        enrolled: enrolling.Enrolled,
        seen: requests_seen.RequestsSeen,
        run: runs.WorkflowRun,
        began: float,
        *,
        blind: bool = False,
    ) -> runs.WorkflowRun | None:
        """Find out what became of a request that a read does not show, and put it back if it was lost.

        Args:
            enrolled: The account.
            seen: What was seen of its requests.
            run: As read.
            began: When that read began (``time.monotonic()``).
            blind: Its Oozie does not answer, so that it is not asked.

        Returns:
            The run as it is then; ``None`` while that is not known: it is to be read again.

        Raises:
            OozieError: Nothing is known of its job; to be asked again.
            WebServiceError: Whether it was put back is not known; the next read says it.
        """
        request = seen.of(run.accession)
        if request is None:
            return run
        if began < request.until_seconds:
            # A list brought the request while the run was read: nobody knows which of the two is newer.
            return None
        if blind and run.status_cmd and not requests.is_answer(request, run):
            return None
        verdict = await self._judge(enrolled, request, run, began - request.until_seconds)
        if verdict.fate is requests.Fate.LOST and not request.is_put_back:
            return await self._put_back(enrolled, seen, run, request, verdict.reason)
        seen.close(run.accession, request.status)
        if verdict.fate is not requests.Fate.ANSWERED:
            again = "it was put back before, and is not again; " if request.is_put_back else ""
            self._tell_person(enrolled, run, request, f"{again}{verdict.reason}; whoever still wants it, asks again")
        return run

    async def _judge(
        self, enrolled: enrolling.Enrolled, request: requests.Request, run: runs.WorkflowRun, unseen_seconds: float
    ) -> requests.Verdict:
        account = enrolled.account
        if requests.is_answer(request, run):
            return requests.Verdict(requests.Fate.ANSWERED, "")
        if account.propagation is accounts.Propagation.ENGINE and run.status_cmd:
            return requests.Verdict(requests.Fate.UNCLEAR, f"the run is {run.status} after a call of the engine")
        job = await _job(enrolled, run)
        done = self._journal.acts.done(account.oozie_url, run.status_cmd or "")
        return requests.judge(request, run, job, done=done, unseen_seconds=unseen_seconds)

    async def _put_back(
        self,
        enrolled: enrolling.Enrolled,
        seen: requests_seen.RequestsSeen,
        run: runs.WorkflowRun,
        request: requests.Request,
        reason: str,
    ) -> runs.WorkflowRun | None:
        try:
            write = await writing.write(enrolled, run, {"status": request.status})
        except errors.WebServiceError:
            # It may be on the record: a second time would be one too many.
            seen.put_back(run.accession)
            raise
        if write.is_sent:
            seen.put_back(run.accession)
        if not write.written.is_in_record:
            return None
        self._board.line(enrolled.account.name).requests_restored += 1
        ago = f"{time.monotonic() - request.since_seconds:.1f}"
        fields = {"accession": run.accession, "status": str(run.status), "to": str(request.status), "reason": reason}
        level, name = board.Level.WARNING, enrolled.account.name
        self._board.event("request.restored", account=name, level=level, **fields, seen_seconds_ago=ago)
        return write.run

    def _tell_person(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, request: requests.Request, reason: str
    ) -> None:
        self._board.line(enrolled.account.name).requests_lost += 1
        fields = {"accession": run.accession, "status": str(run.status), "asked": str(request.status)}
        level, name = board.Level.ERROR, enrolled.account.name
        self._board.event("request.lost", account=name, level=level, **fields, reason=reason)


async def _job(enrolled: enrolling.Enrolled, run: runs.WorkflowRun) -> jobs.Job | None:
    if not run.status_cmd:
        return None
    oozie = enrolled.oozie()
    try:
        return await oozie.job(run.status_cmd)
    except errors.JobUnknownError:
        # "Unknown" counts only from a server that is an Oozie and well.
        await oozie.versions()
        return None
