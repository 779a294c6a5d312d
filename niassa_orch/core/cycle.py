"""One beat of one account: look, launch, settle, propagate. It fits a screen; what does not belongs below it."""

import asyncio
import time

from niassa_orch.core import (
    account_line,
    active_runs,
    engine_rounds,
    enrolling,
    following,
    freshness,
    guard,
    launching,
    orders,
    pool,
    propagating,
    shadowing,
    watching,
    working_off,
)
from niassa_orch.domain import accounts, jobs, runs, selection


class Cycle:
    """The beat of one account.

    Args:
        line: The account's line on the board.
        slots: The task pool.
        launcher: Of this account.
        propagator: Of this account.
        rounds: Of this account, for the runs that the engine propagates.
        shadow: Of this account, when it is in shadow mode.
        watch: What this account sees of its neighbours.
        standing: The orders of operators.
        stopping: Set when no new work may begin.
    """

    def __init__(
        self,
        line: account_line.AccountLine,
        slots: pool.Pool,
        launcher: launching.Launcher,
        propagator: propagating.Propagator,
        rounds: engine_rounds.EngineRounds,
        shadow: shadowing.Shadowing,
        watch: watching.Watch,
        standing: orders.StandingOrders,
        stopping: asyncio.Event,
    ) -> None:
        self._line = line
        self._launcher = launcher
        self._rounds = rounds
        self._shadow = shadow
        self._watch = watch
        self._orders = standing
        self._stopping = stopping
        follower = following.Following(launcher, propagator, self._note_lag)
        self._work = working_off.WorkingOff(line.name, slots, follower, propagator, stopping)

    @property
    def has_more(self) -> bool:
        """Whether the last beat left something to do that need not wait."""
        return self._work.last.is_cut

    @property
    def wants_journal(self) -> bool:
        """Whether the last beat left something undone because the journal could not be written."""
        return self._work.last.journal is not None

    async def cycle(self, enrolled: enrolling.Enrolled) -> None:
        """Work off what is due now.

        Raises:
            WebServiceError: It did not answer as it should; what was begun is finished.
            ProfileError: Another account serves the same web service, user and host.
        """
        self._work.last = working_off.Round()  # of a beat that ends early nothing is known
        active = self._watch.known(enrolled)
        if active is None:
            active = await guard.unless(self._stopping, self._watch.look(enrolled))
        if active is None:
            return
        self._line.last_good_poll, self._line.poll_seconds = self._watch.listed_at, self._watch.poll_seconds
        self._line.counts = active.counts()
        self._launcher.take_up(enrolled)
        if not enrolled.account.shadow:
            await self._shadow.end(enrolled.account)
            self._launcher.offer(enrolled, active.scheduled)
        await self._launcher.let_go(enrolled, active.submitted)
        await self._launcher.settle_doubts()
        await self._end_urgency(active)
        if pause := self._orders.pause(self._line.name):
            self._line.warning = str(pause)
            return
        await (self._shade if enrolled.account.shadow else self._propagate)(enrolled, active)

    async def _propagate(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        if enrolled.account.propagation is accounts.Propagation.ENGINE:
            self._let_engine_propagate(enrolled, active)
        # Only now: launches of others do not wait for an Oozie that hangs.
        if not self._watch.knows_jobs(enrolled):
            await guard.unless(self._stopping, self._watch.look_at_jobs(enrolled))
        went = await self._work.work_off(enrolled, active, self._watch.oozie_trouble)
        self._line.counts = active.counts()
        self._line.warning = str(went.trouble or self._watch.sweep_trouble or self._rounds.trouble or "")
        if went.login is not None:
            raise went.login
        if went.is_cut:
            self._watch.wake()

    async def _end_urgency(self, active: active_runs.ActiveRuns) -> None:
        """A run that is launched, by whomever, is urgent no more."""
        if self._orders.urgent(self._line.name):
            await self._orders.fulfil(self._line.name, {run.accession: run for run in active})

    async def _shade(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        """Decide and write nothing; what we launched before is settled all the same."""
        await self._shadow.beat(enrolled, active)
        if enrolled.account.propagation is accounts.Propagation.NATIVE:
            if not self._watch.knows_jobs(enrolled):
                await guard.unless(self._stopping, self._watch.look_at_jobs(enrolled))
            if self._watch.oozie_trouble is None:
                await self._shadow.follow(enrolled, active)
        self._line.counts = active.counts()
        self._line.warning = str(self._watch.oozie_trouble or self._watch.sweep_trouble or "")

    def _let_engine_propagate(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        for accession, run in self._rounds.take().items():
            active.tell(accession, run if selection.is_of(run, enrolled.account) else None)
        self._rounds.offer(enrolled, [run for run in active if run.status is not runs.RunStatus.SUBMITTED])

    def _note_lag(self, enrolled: enrolling.Enrolled, job: jobs.Job) -> None:
        if job.modified is not None:
            ahead_seconds = self._watch.ahead_seconds(enrolled)
            self._line.lags = self._line.lags.noted(freshness.lag_seconds(job.modified, time.time(), ahead_seconds))
