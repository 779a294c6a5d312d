"""The last look at runs that are about to be launched. Called by ``core.launching``."""

from collections.abc import Sequence

from niassa_orch import errors
from niassa_orch.core import board, enrolling, lost_jobs, probing, rests, writing
from niassa_orch.domain import runs
from niassa_orch.journal import store


class Look:
    """Reads runs once more before a call, and puts off those that cannot be read.

    Args:
        told: The board, for events.
        journal: Which jobs runs are known to have.
        rest: Of the account's runs.
    """

    def __init__(self, told: board.Board, journal: store.Journal, rest: rests.Rests) -> None:
        self._board = told
        self._journal = journal
        self._lost_jobs = lost_jobs.LostJobs(told, journal)
        self._rests = rest

    async def at(self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]) -> list[runs.WorkflowRun]:
        """The runs of the batch that are still to be launched; one that cannot be read rests, the others go on.

        Raises:
            NiassaOrchError: The engine's lock is still held, the login is refused, the journal or the account's Oozie
                does not answer, or the web service did not for any of the runs.
        """
        await self._rests.check_lock(enrolled)
        fresh = []
        failure: errors.WebServiceError | None = None
        for run in batch:
            try:
                if await self._is_fresh(enrolled, run):
                    fresh.append(run)
            except errors.LoginRefusedError:
                raise
            except errors.WebServiceError as exc:
                failure = exc if isinstance(exc, errors.Transient) else failure
                self._rests.run(run.accession)
                fields = {"accession": run.accession, "reason": str(exc)}
                self._board.event("launch.put_off", account=enrolled.account.name, level=board.Level.WARNING, **fields)
        if failure is not None and not fresh:
            raise failure
        if any(run.engine_family is not runs.EngineFamily.WHITESTAR for run in fresh):
            # An engine whose Oozie is out of reach fails the runs that it is asked to launch.
            await probing.check(enrolled)
        return fresh

    async def _is_fresh(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun) -> bool:
        document = await writing.read_unmoved(enrolled.web_service, enrolled.account, run)
        if document is None or document.run.engine != run.engine:
            return False
        other = await self._journal.past.known_elsewhere(enrolled.account, run.accession)
        if other is not None:
            again = f"niassa-orch resolve {run.accession} --relaunch --web-service {other}"
            message = f"it was launched before, at {other}; if that is another web service: {again}"
            raise errors.WebServiceError(message)
        job_id = await self._journal.past.known_job(enrolled.account.web_service_url, run.accession)
        if run.status_cmd not in (None, "", job_id):
            message = (
                f"its record names job {run.status_cmd}, which nobody here launched: if it is over, clear statusCmd"
            )
            raise errors.WebServiceError(message)
        if job_id is None:
            return True
        if job_id == str(run.accession):
            message = (
                f"whitestar has executed it before; to do that again: niassa-orch resolve {run.accession} --relaunch"
            )
            raise errors.WebServiceError(message)
        await self._lost_jobs.put_back(enrolled, run, job_id)
        return False
