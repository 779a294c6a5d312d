"""One account's engine calls: the Unix user's turn, the last look, a place, the intent, the call to its end.

Gives no verdicts and decides about no backoff. Called by ``core.launching``.
"""

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Final

from niassa_orch.config import settings
from niassa_orch.core import (
    account_line,
    attempts,
    attended,
    board,
    calling,
    crontab_guard,
    enrolling,
    intents,
    looking,
    pool,
    rests,
    shares,
)
from niassa_orch.domain import runs
from niassa_orch.seqware import identity

_WHITESTAR: Final = "launch-whitestar"
#: A look at a run is repeated when the wait for an engine place lasted longer.
_LOOK_HOLDS_SECONDS = 10.0


class Caller:
    """Makes engine calls, one at a time a Unix user.

    Attributes:
        crontab: Of the Unix user, which may launch too.
        is_waiting: ``call`` has written nothing down yet: it may be cancelled, and nothing is lost.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        turns: Of engine calls.
        rest: Of the account's launches.
        share: Of the account in the limits.
        intended: What is launched, in doubt or held, of all accounts.
        attending: To the account's calls.
        engine: How long a call may last.
    """

    def __init__(
        self,
        line: account_line.AccountLine,
        told: board.Board,
        turns: pool.EngineTurns,
        rest: rests.Rests,
        share: shares.Share,
        intended: intents.Intents,
        attending: attended.Attended,
        engine: settings.Engine,
    ) -> None:
        self._line = line
        self._board = told
        self._turns = turns
        self._rests, self._share = rest, share
        self.crontab = crontab_guard.CrontabGuard(intended.crontabs)
        self._look = looking.Look(told, intended.journal, self._rests)
        self._intents = intended
        self._attended = attending
        self._engine = engine
        self.is_waiting = False

    async def call(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun], may_go_on: Callable[[], bool]
    ) -> attempts.Attempt | None:
        """Launch what is still to be launched of a batch; returns when nothing of the call lives.

        The user's turn first, then a look at the runs, then a place among the engine calls, then the call.

        Args:
            enrolled: The account.
            batch: Runs for one call.
            may_go_on: Asked last thing before the intent.

        Returns:
            The attempt, or ``None`` when nothing was left to launch.

        Raises:
            NiassaOrchError: Nothing was begun.
        """
        self.is_waiting = True
        user = enrolled.account.unix_user
        long = batch[0].engine_family is runs.EngineFamily.WHITESTAR
        accessions = " ".join(str(run.accession) for run in batch)
        holder = self._turns.holder(user)
        self._line.waiting = f"{accessions} wait for the turn of {user}: {holder}" if holder else self._rests.waiting
        async with self._turns.turn(user, what=f"{self._line.name} launches {accessions}"):
            self._line.waiting = self._rests.waiting
            calling.check_turn(self._intents, user)
            await enrolled.trail.check(self._line.name)
            await self.crontab.check(enrolled)
            fresh, begun_before, looked = await self._look_at(enrolled, batch)
            async with contextlib.AsyncExitStack() as place:
                if not long:
                    await place.enter_async_context(self._turns.calls.slot(self._line.name))
                while (
                    time.monotonic() - looked > _LOOK_HOLDS_SECONDS
                    or self._intents.begun(enrolled.account) != begun_before
                ):
                    fresh, begun_before, looked = await self._look_at(enrolled, fresh)
                if not may_go_on() or not (begun := self._take(enrolled, fresh)):
                    return None
                return await self._call(enrolled, begun, place)

    async def _look_at(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]
    ) -> tuple[Sequence[runs.WorkflowRun], int, float]:
        """What is still to be launched, how many launches had begun before that look, and when it was over."""
        # What another account begins from here on, by another name of the web service, may even be settled before our
        # turn to call: then nothing but a further look tells.
        begun_before = self._intents.begun(enrolled.account)
        journal = self._intents.journal
        free = [run for run in batch if not journal.is_fenced(enrolled.account, run.accession)]
        return await self._look.at(enrolled, free), begun_before, time.monotonic()

    def _take(self, enrolled: enrolling.Enrolled, fresh: Sequence[runs.WorkflowRun]) -> Sequence[runs.WorkflowRun]:
        """What may be called for, right before the intent; from here on the wait is over."""
        journal = self._intents.journal
        # By another name of the web service another account may have begun one of them since they were offered.
        free = [run for run in fresh if not journal.is_fenced(enrolled.account, run.accession)]
        self.is_waiting = False
        if not free:
            self._share.leave(enrolled)
            return ()
        return self._share.take(enrolled, free)

    async def see_through(self, attempt: attempts.Attempt) -> None:
        """Wait for a call that was begun before; it has its user's turn meanwhile, as if it had been begun here."""
        what = f"{self._line.name} launches {' '.join(map(str, attempt.launches))}, begun before"
        async with self._turns.turn(attempt.header.unix_user, what=what), contextlib.AsyncExitStack() as place:
            if not attempt.is_whitestar:
                await place.enter_async_context(self._turns.calls.slot(self._line.name))
            await calling.see_through(attempt, place, self._engine, self._attended.tell_overdue)

    async def _call(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun], place: contextlib.AsyncExitStack
    ) -> attempts.Attempt:
        verb: identity.Verb = _WHITESTAR if batch[0].engine_family is runs.EngineFamily.WHITESTAR else "launch"
        attempt = await self._intents.intend(enrolled, verb, batch)
        self._attended.add(attempt)
        accessions = " ".join(map(str, attempt.launches))
        self._line.launched = self._line.launched.noted(time.monotonic(), len(attempt.launches))
        self._board.event("launch.called", account=self._line.name, accessions=accessions)
        await calling.make(attempt, verb, self._intents.journal)
        await calling.see_through(attempt, place, self._engine, self._attended.tell_overdue)
        return attempt
