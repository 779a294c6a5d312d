"""The due runs of one account, worked off side by side within the pool, and what one that fails does to the others.

Called by ``core.cycle`` once a beat; what is done to a single run is ``core.following``'s.
"""

import asyncio
import dataclasses
import time
from collections.abc import Iterator

from niassa_orch import errors
from niassa_orch.core import active_runs, enrolling, following, pool, propagating
from niassa_orch.domain import accounts, runs

#: So many requests to the web service may fail in one beat before the rest is left to the next.
_WEB_FAILURES = 3
#: So many runs are worked on in one beat, and for so long, so that a flood of changes keeps no launch and no cancel
#: waiting.
_RUNS_A_BEAT = 500
_BEAT_SECONDS = 2.0


@dataclasses.dataclass(slots=True)
class Round:
    """How one beat's work went: what went wrong beyond a single run, and whether there is more to do at once.

    ``is_blind``: the account's Oozie does not answer, so that nothing can be learned of any job.
    """

    login: errors.LoginRefusedError | None = None
    oozie: errors.OozieError | None = None
    web: errors.WebServiceUnavailableError | None = None
    web_count: int = 0
    journal: errors.JournalError | None = None
    is_blind: bool = False
    tried: int = 0
    done: int = 0
    is_cut: bool = False

    @property
    def trouble(self) -> errors.NiassaOrchError | None:
        """What a person should know of it."""
        return self.oozie or self.web or self.journal

    @property
    def say_stop(self) -> bool:
        """Whether asking on makes no sense in this beat."""
        return self.login is not None or self.web_count >= _WEB_FAILURES


@dataclasses.dataclass(frozen=True, slots=True)
class _Beat:
    """What one beat has to work off, and with whom."""

    enrolled: enrolling.Enrolled
    active: active_runs.ActiveRuns
    queue: Iterator[active_runs.Due]
    round: Round
    until: float


class WorkingOff:
    """Works off what is due.

    Args:
        name: Of the account, whose slots are taken.
        slots: The task pool.
        follower: Works on a single run.
        propagator: Of this account.
        stopping: Set when no new work may begin.
    """

    def __init__(
        self,
        name: str,
        slots: pool.Pool,
        follower: following.Following,
        propagator: propagating.Propagator,
        stopping: asyncio.Event,
    ) -> None:
        self._name = name
        self._slots = slots
        self._follower = follower
        self._propagator = propagator
        self._stopping = stopping
        self._careful = False
        self.last = Round()

    async def work_off(
        self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns, oozie: errors.OozieError | None
    ) -> Round:
        """Work on runs that are due, for a while; what could not be done is due again.

        Args:
            enrolled: The account.
            active: Its runs.
            oozie: What the last look at its Oozie ended in.
        """
        self.last = this = Round(oozie=oozie, is_blind=oozie is not None)
        self._remember(enrolled, active)
        began = time.monotonic()
        due = active.take(began, _RUNS_A_BEAT)
        if not due:
            self._careful = oozie is not None
            return this
        beat = _Beat(enrolled, active, iter(due), this, began + _BEAT_SECONDS)
        # After a failure one task probes; a hanging neighbour of ours must not fill the pool.
        width = 1 if self._careful else min(self._slots.size, len(due))
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(width):
                    group.create_task(self._take_on(beat), name=f"propagate:{number}")
        finally:
            for accession, _ in beat.queue:
                active.put_off(accession)
        self._careful = this.oozie is not None or this.web is not None
        # Where most of what was tried could be done, what is left need not wait for the next beat.
        is_cut = len(due) == _RUNS_A_BEAT or time.monotonic() >= beat.until
        this.is_cut = is_cut and 2 * this.done > this.tried
        return this

    def _remember(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        """Forget what ended, and look again at what was looked at long ago."""
        for accession in active.take_ended():
            self._propagator.forget(accession)
            if accession not in active:
                active.requests.forget(accession)
        by_engine = enrolled.account.propagation is accounts.Propagation.ENGINE
        for accession in self._propagator.overdue():
            if accession in active and not by_engine:
                active.put_off(accession)
            else:
                # It left while nobody worked for the account, or is not ours to propagate any more.
                self._propagator.forget(accession)

    async def _take_on(self, beat: _Beat) -> None:
        for accession, run in beat.queue:
            if run is not None and beat.round.is_blind and following.has_job(run):
                # No slot is held for an Oozie that does not answer.
                beat.active.put_off(accession)
                continue
            is_done = False
            beat.round.tried += 1
            urgent = run is not None and run.status in runs.REQUESTED
            try:
                async with self._slots.slot(self._name, urgent=urgent):
                    if self._stopping.is_set() or beat.round.say_stop:
                        return
                    is_done = await self._guarded(beat, accession, run)
            finally:
                if is_done:
                    beat.round.done += 1
                else:
                    beat.active.put_off(accession)
            if time.monotonic() >= beat.until:
                return

    async def _guarded(self, beat: _Beat, accession: runs.Accession, run: runs.WorkflowRun | None) -> bool:
        """Whether nothing is left to do for the run before something moves."""
        this = beat.round
        try:
            return await self._follower.follow(beat.enrolled, beat.active, (accession, run), blind=this.is_blind)
        except errors.LoginRefusedError as exc:
            this.login = exc
        except errors.WebServiceUnavailableError as exc:
            this.web = exc
            this.web_count += 1
        except errors.OozieUnavailableError as exc:
            this.oozie = exc
            this.is_blind = this.is_blind or not await _answers(beat.enrolled)
        except errors.JournalError as exc:
            this.journal = exc
            # What a user asked for waits for something that only a person can mend.
            self._propagator.complaints.add(accession, str(exc))
        except errors.NiassaOrchError as exc:
            # Of this run alone: the others of the account do not wait for it.
            self._propagator.complaints.add(accession, str(exc))
        except Exception as exc:  # noqa: BLE001 - a defect over one run must not cancel the writes of the others
            reason = f"a defect, please report it: {type(exc).__name__}: {exc}"
            self._propagator.complaints.add(accession, reason)
        return False


async def _answers(enrolled: enrolling.Enrolled) -> bool:
    """Whether the account's Oozie is one and well."""
    try:
        await enrolled.oozie().versions()
    except errors.OozieError:
        return False
    return True
