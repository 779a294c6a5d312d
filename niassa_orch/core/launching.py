"""Launches of one account: intent, engine call, verdict.

A batch of runs is looked at once more, then an intent is in the journal before the engine is called; when the call is
over, each accession is read again and held against the transcript. Until a launch is settled its run is nobody else's
to touch. Called by ``core.worker`` and ``core.cycle``.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Sequence

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import (
    account_line,
    attempts,
    attended,
    board,
    caller,
    enrolling,
    errands,
    gates,
    intents,
    pool,
    rests,
    settlement,
    shares,
    whitestar_texts,
)
from niassa_orch.domain import evidence, runs, selection, settling


class Launcher:
    """Launches the runs of one account, one engine call after another.

    Invariant: for a run whose launch is not settled ``is_available()`` says no, so that nothing launches it again, and
    so does ``is_settled()``, so that no cancel or retry of it is carried out. Both ask the journal, which knows the
    launches of all accounts. ``rests`` knows why launches wait.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        turns: Of engine calls.
        settle: Gives verdicts.
        intended: What is launched, in doubt or held, of all accounts.
        engine: How many accessions go into one call, and how long it may last.
        texts: Writes the texts of whitestar runs that ended.
        tell: Told of each run whose launch got a verdict.
    """

    def __init__(
        self,
        line: account_line.AccountLine,
        told: board.Board,
        turns: pool.EngineTurns,
        settle: settlement.Settlement,
        intended: intents.Intents,
        engine: settings.Engine,
        texts: whitestar_texts.WhitestarTexts,
        tell: Callable[[runs.Accession], None],
    ) -> None:
        self._line, self._board, self._tell = line, told, tell
        self._settle = settle
        self._journal, self._orders = intended.journal, intended.orders
        self._batch, self._texts = engine.batch, texts
        self._attended = attended.Attended(line, told, intended)
        self.rests = rests.Rests(line, told)
        self._share = shares.Share(line, told, intended)
        self._gate = gates.Gate(line, told, intended.orders.keeper)
        self._caller = caller.Caller(line, told, turns, self.rests, self._share, intended, self._attended, engine)
        self._errands = errands.Errands()
        self._launching: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._term = 0

    @property
    def trouble(self) -> str:
        """Why no run of the account is launched, or ``""``."""
        return str(self.rests.trouble or "")

    def is_settled(self, enrolled: enrolling.Enrolled, accession: runs.Accession) -> bool:
        """Whether no launch of the run is in flight, in doubt or held."""
        return self._journal.is_settled(enrolled.account, accession)

    def is_available(self, enrolled: enrolling.Enrolled, accession: runs.Accession) -> bool:
        """Whether the run may be launched now."""
        return not self._journal.is_fenced(enrolled.account, accession) and not self.rests.is_resting(accession)

    def offer(self, enrolled: enrolling.Enrolled, listed: Sequence[runs.WorkflowRun]) -> None:
        """Begin to launch what can be launched of ``listed``, unless launches of this account are under way."""
        if self._stopping.is_set():
            return
        # Said at once, although launches are under way that were begun before.
        if self._gate.is_shut(enrolled.account):
            self.revoke()
            self._share.leave(enrolled)
            self._line.waiting = self._gate.why
            return
        if (self._launching is not None and not self._launching.done()) or not self.rests.are_over:
            return
        available = functools.partial(self.is_available, enrolled)
        launchable = selection.select_launchable(listed, enrolled.account, available)
        if launchable:
            work = functools.partial(self._launch, enrolled, launchable, self._term)
            self._launching = self._spawn(work, f"launch:{enrolled.account.name}")
        else:
            self.rests.forgive()
            self._share.leave(enrolled)

    def take_up(self, enrolled: enrolling.Enrolled) -> None:
        """Attend to unsettled launches of runs of this account that nobody attends to."""
        for attempt in self._attended.take_up(enrolled):
            self._spawn(functools.partial(self._wait_for, attempt), f"adopted:{attempt.header.call_id}")

    def revoke(self, wanted: runs.Accession | None = None) -> None:
        """What launches go by has changed: the call under way goes on, no further one is made or waited for.

        A person wants the run that is ``wanted`` now: it need not rest.
        """
        self._term += 1
        if wanted is not None:
            self.rests.forget_run(wanted)
        if self._launching is not None and self._caller.is_waiting:
            self._launching.cancel()

    def forgive(self) -> None:
        """Forget why launches waited, of single runs too: a person says that it is mended."""
        self.rests.forgive()
        self.rests.forget_runs()
        self._caller.crontab.forget()

    async def let_go(self, enrolled: enrolling.Enrolled, listed: Sequence[runs.WorkflowRun]) -> None:
        """Settle what was set aside and is not submitted any more; ``listed`` are all runs to be acted on."""
        await self._attended.let_go(enrolled, listed)

    async def settle_doubts(self) -> None:
        """Ask again about what is in doubt and was left alone long enough."""
        for attempt in self._attended:
            if self._stopping.is_set():
                return
            if attempt.unsettled and not attempt.calling and attempt.patience.is_over(time.monotonic()):
                await self._guarded(functools.partial(self._conclude, attempt))

    async def finish(self) -> None:
        """Wait until the calls under way are over and looked at, but for whitestar's; make no further ones."""
        self.revoke()
        await self.join()

    async def join(self) -> None:
        """Wait until everything that was offered is launched and looked at, but for whitestar's calls."""
        await self._errands.join(self._attended.only_whitestar_lives)

    def drain(self) -> None:
        """Begin no further call and no further verdict; the one that is being written is written."""
        self.revoke()
        self._stopping.set()

    async def stop(self, *, at_once: bool = False) -> None:
        """Stop waiting for calls; the calls live on, and whoever serves the account next takes them up.

        Args:
            at_once: Also give up the verdicts that are being written; else those are waited for.
        """
        self.drain()
        try:
            await self._errands.stop(at_once=at_once)
        finally:
            self._attended.leave()

    def _spawn(self, work: errands.Work, name: str) -> asyncio.Task[None]:
        return self._errands.begin(functools.partial(self._shown, work), name)

    async def _shown(self, work: errands.Work) -> None:
        try:
            await self._guarded(work)
        finally:
            self._line.waiting = self._gate.why or self.rests.waiting or self._share.why
            self._attended.show()

    async def _guarded(self, work: errands.Work) -> None:
        try:
            await work()
        except errors.NiassaOrchError as exc:
            self.rests.back_off(exc)
        except Exception as exc:  # noqa: BLE001 - a defect must not reach other accounts; attempts stay unsettled
            self.rests.back_off(RuntimeError(f"a defect, please report it: {type(exc).__name__}: {exc}"))

    async def _launch(self, enrolled: enrolling.Enrolled, launchable: Sequence[runs.WorkflowRun], term: int) -> None:
        rest = list(launchable)
        while rest and self._may_launch(enrolled, term) and (room := self._share.room(enrolled, rest)):
            batch = selection.next_batch(rest, min(room, self._batch), self._orders.urgent(enrolled.account.name))
            rest = [run for run in rest if run not in batch]
            attempt = await self._call(enrolled, batch, term)
            if attempt is not None:
                await self._take_stock(attempt, await self._conclude(attempt))

    async def _call(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun], term: int
    ) -> attempts.Attempt | None:
        """Launch a batch; who cannot launch keeps nobody else from it."""
        try:
            return await self._caller.call(enrolled, batch, functools.partial(self._may_call, enrolled, term))
        except BaseException:
            self._share.leave(enrolled)
            raise
        finally:
            self._caller.is_waiting = False

    def _may_launch(self, enrolled: enrolling.Enrolled, term: int) -> bool:
        return self.rests.are_over and self._may_call(enrolled, term)

    def _may_call(self, enrolled: enrolling.Enrolled, term: int) -> bool:
        """Asked after waits too: that for the Unix user's turn may last hours, and the gate may have shut."""
        may_go_on = term == self._term and not self._stopping.is_set()
        return may_go_on and not self._gate.is_shut(enrolled.account)

    async def _wait_for(self, attempt: attempts.Attempt) -> None:
        await self._caller.see_through(attempt)
        await self._conclude(attempt)

    async def _conclude(self, attempt: attempts.Attempt) -> evidence.CallEvidence | None:
        """Settle what can be settled of a call; returns what its transcript proves."""
        try:
            with self._errands.spared():
                seen, outcomes = await self._settle.settle(attempt, self._stopping)
        finally:
            # Only now: while a call is alive or being settled, nobody else settles it.
            attempt.calling = False
        self._attended.close(attempt)
        for accession, outcome in outcomes.items():
            self._tell(accession)
            if outcome in (settling.Outcome.CLEAN, settling.Outcome.ELSEWHERE) and seen is not None and seen.works:
                self.rests.run(accession)
            else:
                self.rests.forget_run(accession)
            if outcome is settling.Outcome.LAUNCHED and attempt.is_whitestar:
                await self._texts.write(attempt.enrolled, accession)
        return seen

    async def _take_stock(self, attempt: attempts.Attempt, seen: evidence.CallEvidence | None) -> None:
        """What a call of ours that just ended says of the account: something keeps it from launching, or nothing does.

        A call of an earlier process says nothing: what kept it from working may be mended by now, or was that process's
        end; neither does an old doubt that is asked again.
        """
        await self.rests.check_call(attempt, seen)
        if seen is not None and seen.begun and self.rests.forgive():
            self._board.event("launch.recovered", account=self._line.name)
