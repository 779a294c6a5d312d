"""One due run: read if it has to be, what was lost put back, propagated; and told what came of it.

Which runs are due, and what one that fails does to the others, is ``core.working_off``'s, which calls this.
"""

import functools
import time
from collections.abc import Callable

from niassa_orch import errors
from niassa_orch.core import active_runs, enrolling, launching, propagating
from niassa_orch.domain import accounts, jobs, runs, selection

Followed = Callable[[enrolling.Enrolled, jobs.Job], None]

#: Runs that are submitted are launched instead, unless they miss a job.
_FOLLOWED = frozenset(runs.ACTIVE) - {runs.RunStatus.SUBMITTED}


class Following:
    """Follows the runs of one account.

    Args:
        launcher: Says whether a launch of a run is settled.
        propagator: Of this account.
        followed: Told of the job when a run's record was made to say what it says.
    """

    def __init__(self, launcher: launching.Launcher, propagator: propagating.Propagator, followed: Followed) -> None:
        self._launcher = launcher
        self._propagator = propagator
        self._followed = followed

    async def follow(
        self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns, due: active_runs.Due, *, blind: bool
    ) -> bool:
        """Bring a run up to what its job says; whether nothing is left to do before something moves.

        Args:
            enrolled: The account.
            active: Its runs.
            due: The run.
            blind: Its Oozie does not answer.

        Raises:
            NiassaOrchError: It is to be tried again.
        """
        accession, run = due
        if run is None:
            is_clear, run = await self._look_at(enrolled, active, accession, blind=blind)
            if not is_clear:
                return False
        misses_job = active.jobs.of(accession) is not None
        if run is None or run.status not in (runs.ACTIVE if misses_job else _FOLLOWED):
            return True
        if has_job(run) and (blind or enrolled.account.propagation is accounts.Propagation.ENGINE):
            # What the engine propagates is done; what has no job is done without asking Oozie anything.
            return not blind
        settled = self._launcher.is_settled(enrolled, accession)
        if not settled and (misses_job or run.status in runs.REQUESTED):
            return False
        return await self._propagate(enrolled, active, run, settled=settled)

    async def _look_at(
        self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns, accession: runs.Accession, *, blind: bool
    ) -> tuple[bool, runs.WorkflowRun | None]:
        """The run as it is, what was lost put back; first whether that is clear, else it is to be read again."""
        began = time.monotonic()
        run = await _read(enrolled, accession)
        if run is not None and active.requests.misses(run):
            run = await self._propagator.lost.look_into(enrolled, active.requests, run, began, blind=blind)
            if run is None:
                return False, None
        _hear(active, accession, run, began)
        return True, run

    async def _propagate(
        self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns, run: runs.WorkflowRun, *, settled: bool
    ) -> bool:
        accession, began = run.accession, time.monotonic()
        looked = functools.partial(active.requests.looked_at, run)
        came = await self._propagator.propagate(enrolled, run, settled=settled, looked=looked, seen=active.jobs)
        if came.followed is not None:
            self._followed(enrolled, came.followed)
        if came.again_in_seconds:
            active.put_off(accession, time.monotonic() + came.again_in_seconds)
        if came.has_moved:
            active.requests.close(accession, run.status)
        if came.run is not None:
            _hear(active, accession, came.run if selection.is_of(came.run, enrolled.account) else None, began)
        return came.again_in_seconds != 0 or accession not in active


def has_job(run: runs.WorkflowRun) -> bool:
    """Whether only Oozie says how the run goes on."""
    return run.engine_family is runs.EngineFamily.OOZIE and bool(run.status_cmd)


def _hear(
    active: active_runs.ActiveRuns, accession: runs.Accession, now: runs.WorkflowRun | None, began: float
) -> None:
    """Tell what a look showed that began then, unless it misses a request: then only a newer look says more."""
    if now is not None and active.requests.misses(now):
        active.doubt(accession)
        return
    if now is not None:
        active.requests.saw(now, began)
    active.tell(accession, now)


async def _read(enrolled: enrolling.Enrolled, accession: runs.Accession) -> runs.WorkflowRun | None:
    """The run as it is, or ``None`` when it is not the account's any more."""
    try:
        run = (await enrolled.web_service.get_run(accession)).run
    except errors.RunNotFoundError:
        return None
    return run if selection.is_of(run, enrolled.account) else None
