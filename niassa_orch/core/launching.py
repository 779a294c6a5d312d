"""Launches of one account: intent, engine call, verdict.

A batch of runs is looked at once more, then an intent (the transcript's first line) is on disk before the engine is
called; when the call is over, each accession is read again and held against the transcript. Until a launch is settled
its run is nobody else's to touch. Called by ``core.worker`` and ``core.cycle``.
"""

import asyncio
import time
from collections.abc import Coroutine, Sequence
from typing import Final

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import attempts, board, enrolling, intents, pool, rests, settlement, state_directory, writing
from niassa_orch.domain import runs, selection, settling
from niassa_orch.seqware import call, identity

_WHITESTAR: Final = "launch-whitestar"
_LOOK_SECONDS = 0.5


class Launcher:
    """Launches the runs of one account, one engine call after another.

    Invariant: an accession of an unsettled attempt is in ``unavailable()``, so that nothing launches it again, and
    ``is_settled()`` says no for it, so that no cancel or retry of it is carried out.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        turns: Of engine calls.
        settle: Gives verdicts.
        directory: Where transcripts lie.
        engine: How many accessions go into one call.
    """

    def __init__(
        self,
        line: board.AccountLine,
        told: board.Board,
        turns: pool.EngineTurns,
        settle: settlement.Settlement,
        directory: state_directory.StateDirectory,
        engine: settings.Engine,
    ) -> None:
        self._line = line
        self._board = told
        self._turns = turns
        self._settle = settle
        self._directory = directory
        self._engine = engine
        self._attempts: list[attempts.Attempt] = []
        self._rests = rests.Rests()
        self._tasks: set[asyncio.Task[None]] = set()
        self._launching: asyncio.Task[None] | None = None

    @property
    def trouble(self) -> str:
        """Why no run of the account is launched, or ``""``."""
        return str(self._rests.trouble or "")

    def is_settled(self, accession: runs.Accession) -> bool:
        """Whether no launch of the run is in flight, in doubt or held."""
        return not any(accession in attempt.unsettled or accession in attempt.held for attempt in self._attempts)

    def unavailable(self) -> set[runs.Accession]:
        """Accessions that must not be launched now."""
        unsettled = (attempt.unsettled.keys() | attempt.held.keys() for attempt in self._attempts)
        return self._rests.resting().union(*unsettled)

    def offer(self, enrolled: enrolling.Enrolled, listed: Sequence[runs.WorkflowRun]) -> None:
        """Begin to launch what can be launched of ``listed``, unless launches of this account are under way."""
        if self._launching is not None and not self._launching.done():
            return
        if not self._rests.are_over:
            return
        launchable = selection.select_launchable(listed, enrolled.account, self.unavailable())
        if launchable:
            self._launching = self._spawn(self._launch(enrolled, launchable), f"launch:{enrolled.account.name}")

    def adopt(self, enrolled: enrolling.Enrolled) -> None:
        """Take over what an earlier process left unsettled: living calls are waited for, finished ones settled."""
        for attempt in intents.unsettled(self._directory, enrolled, self._board):
            self._attempts.append(attempt)
            if attempt.calling:
                self._spawn(self._wait_for(attempt), f"adopted:{attempt.header.call_id}")
        self._show()

    def forgive(self) -> None:
        """Forget why launches waited: a person says that it is mended."""
        self._rests.forgive()

    async def settle_doubts(self) -> None:
        """Ask again about what is in doubt and was left alone long enough."""
        now = time.monotonic()
        for attempt in list(self._attempts):
            if attempt.unsettled and not attempt.calling and attempt.patience.is_over(now):
                try:
                    await self._conclude(attempt)
                except errors.NiassaOrchError as exc:
                    self._back_off(exc)

    async def finish(self) -> None:
        """Wait until the calls under way are over and looked at, but for whitestar's."""
        while self._tasks and not self._waits_for_whitestar():
            await asyncio.wait(self._tasks, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    async def stop(self) -> None:
        """Stop waiting for calls; the calls live on, and the next start adopts them."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _waits_for_whitestar(self) -> bool:
        calling = [attempt.header.verb for attempt in self._attempts if attempt.calling]
        return bool(calling) and all(verb == _WHITESTAR for verb in calling)

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._guarded(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except errors.NiassaOrchError as exc:
            self._back_off(exc)
        except Exception as exc:  # noqa: BLE001 - a defect must not reach other accounts; attempts stay unsettled
            self._back_off(RuntimeError(f"a defect, please report it: {type(exc).__name__}: {exc}"))
        finally:
            self._line.waiting = ""
            self._show()

    async def _launch(self, enrolled: enrolling.Enrolled, launchable: Sequence[runs.WorkflowRun]) -> None:
        rest = list(launchable)
        while rest and self._rests.are_over:
            batch = selection.next_batch(rest, self._engine.batch)
            rest = [run for run in rest if run not in batch]
            attempt = await self._take_turn(enrolled, batch)
            if attempt is not None:
                await self._conclude(attempt)

    async def _take_turn(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]
    ) -> attempts.Attempt | None:
        user = enrolled.account.unix_user
        long = batch[0].engine_family is runs.EngineFamily.WHITESTAR
        accessions = " ".join(str(run.accession) for run in batch)
        holder = self._turns.holder(user)
        self._line.waiting = f"{accessions} wait for the turn of {user}: {holder}" if holder else ""
        what = f"{self._line.name} launches {accessions}"
        async with self._turns.turn(user, self._line.name, what=what, long=long):
            self._line.waiting = ""
            return await self._call(enrolled, batch, long=long)

    async def _call(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun], *, long: bool
    ) -> attempts.Attempt | None:
        fresh = await self._look_again(enrolled, batch)
        if not fresh:
            return None
        if not long and enrolled.oozie_server is not None:
            # An engine whose Oozie is out of reach fails the runs that it is asked to launch.
            await enrolled.oozie_server.versions()
        verb: identity.Verb = _WHITESTAR if long else "launch"
        attempt = intents.intend(self._directory, enrolled, verb, fresh)
        accessions = attempt.header.accessions
        self._attempts.append(attempt)
        self._show()
        self._board.event("launch.called", account=self._line.name, accessions=" ".join(map(str, accessions)))
        argv = identity.argv(enrolled.identity, enrolled.mediator, verb, accessions)
        try:
            engine_call = await call.start(argv, attempt.transcript, attempt.header)
            await engine_call.wait()
        except errors.EngineCallError:
            # Unknown, not failed: it may run all the same. Without a transcript, the intent never reached the disk.
            if not attempt.transcript.exists():
                self._attempts.remove(attempt)
                raise
            await call.wait_until_free(attempt.transcript)
        return attempt

    async def _look_again(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]
    ) -> list[runs.WorkflowRun]:
        """The runs of the batch that are still to be launched, read last thing before the call."""
        service, account = enrolled.web_service, enrolled.account
        return [run for run in batch if await writing.read_unmoved(service, account, run) is not None]

    async def _wait_for(self, attempt: attempts.Attempt) -> None:
        user = attempt.enrolled.account.unix_user
        what = f"{self._line.name} launches {' '.join(map(str, attempt.header.accessions))}, begun before our start"
        async with self._turns.turn(user, self._line.name, what=what, long=True):
            await call.wait_until_free(attempt.transcript)
        await self._conclude(attempt)

    async def _conclude(self, attempt: attempts.Attempt) -> None:
        try:
            seen, outcomes = await self._settle.settle(attempt)
        finally:
            # Only now: while a call is alive or being settled, nobody else settles it.
            attempt.calling = False
        if attempt.is_over:
            self._directory.settle(attempt.transcript)
            self._attempts.remove(attempt)
        self._show()
        # What kept a call of an earlier process from working may be mended by now, or was the end of that process.
        trouble = None if attempt.recovered else settlement.trouble(attempt.enrolled, seen)
        if trouble is not None:
            raise trouble
        if self._rests.forgive():
            self._board.event("launch.recovered", account=self._line.name)
        for accession, outcome in outcomes.items():
            if outcome is settling.Outcome.CLEAN and seen.begun:
                self._rests.run(accession)
            else:
                self._rests.forget_run(accession)

    def _back_off(self, exc: Exception) -> None:
        changed = str(self._rests.trouble) != str(exc)
        wait = self._rests.account(exc)
        if changed:
            passes = isinstance(exc, errors.NiassaOrchError) and not isinstance(exc, errors.EngineCallError)
            level = board.Level.WARNING if passes else board.Level.ERROR
            fields = {"reason": str(exc), "again_in_seconds": round(wait)}
            self._board.event("launch.backing_off", account=self._line.name, level=level, **fields)

    def _show(self) -> None:
        calling = [attempt for attempt in self._attempts if attempt.calling]
        doubtful = [attempt for attempt in self._attempts if not attempt.calling]
        self._line.in_flight = tuple(accession for attempt in calling for accession in attempt.unsettled)
        self._line.in_doubt = tuple(accession for attempt in doubtful for accession in attempt.unsettled)
        self._line.held = {key: reason for attempt in self._attempts for key, reason in attempt.held.items()}
