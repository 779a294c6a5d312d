"""Propagation by the engine itself, for accounts whose Oozie we cannot reach: ``propagation = "engine"``.

The engine's ``propagate-statuses`` asks Oozie once about each run of a call and writes every one of them, cancels and
retries of users among them; when Oozie does not answer it writes ``failed`` over healthy runs. So the account's user
asks Oozie for its versions right before each call, and there is none while that fails; and right after it: if Oozie has
gone by then, what the call failed is put back and told, since nobody can say what it heard. A call that dies loses
nothing. Runs without a job are not given to it: those are ``core.propagating``'s, which asks no Oozie about them.
Begun by ``core.engine_rounds``.
"""

import dataclasses
import time
from collections.abc import Sequence

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import audit, board, calling, engine_lock, enrolling, intents, pool, probing, writing
from niassa_orch.domain import runs, selection
from niassa_orch.seqware import answers, identity, propagation

#: What the engine's list of runs has; it passes over others without a word.
_LISTED = frozenset({runs.RunStatus.PENDING, runs.RunStatus.RUNNING}) | runs.REQUESTED

Records = dict[runs.Accession, runs.WorkflowRun]


class EnginePropagator:
    """Lets the engine propagate the runs of one account, in rounds of calls.

    Invariant: no call is made for a run with a launch that is not settled, nor while the account's Oozie does not
    answer the account's Unix user.

    Attributes:
        waiting: For whose turn a call waits, in words, or ``""``.

    Args:
        told: The board, for events.
        slots: The task pool, for reading records.
        turns: Of engine calls.
        intended: What is launched, in doubt or held, of all accounts.
        engine: How many runs go into one call, how often, and how long it may last.
    """

    def __init__(
        self,
        told: board.Board,
        slots: pool.Pool,
        turns: pool.EngineTurns,
        intended: intents.Intents,
        engine: settings.Engine,
    ) -> None:
        self._board = told
        self._slots = slots
        self._turns = turns
        self._intents = intended
        self._engine = engine
        self._lock = engine_lock.EngineLock()
        self._next_round = 0.0
        self._asked: set[runs.Accession] = set()
        self._records: Records = {}
        self.waiting = ""

    @property
    def lock_lasts(self) -> bool:
        """Whether the engine's lock has been held by somebody else for so long that a person should look."""
        return self._lock.lasts

    def due(self, enrolled: enrolling.Enrolled, active: Sequence[runs.WorkflowRun]) -> list[runs.WorkflowRun]:
        """Those to call the engine for now, what users ask for first: all when a round is due, else new requests.

        Args:
            enrolled: The account.
            active: All its active runs.
        """
        mine = [run for run in active if self._is_mine(enrolled, run)]
        self._asked &= {run.accession for run in mine if run.status in runs.REQUESTED}
        if time.monotonic() < self._next_round:
            mine = [run for run in mine if run.status in runs.REQUESTED and run.accession not in self._asked]
        return sorted(mine, key=lambda run: run.status not in runs.REQUESTED)

    async def propagate(self, enrolled: enrolling.Enrolled, active: Sequence[runs.WorkflowRun]) -> None:
        """Call the engine for what is due, if anything is; waits for the Unix user's turn, launches first.

        May be cancelled: a call under way goes on to its end, and nothing is lost. What came of it, ``take`` says.

        Args:
            enrolled: The account.
            active: All its active runs.

        Raises:
            EngineCallError: The engine could not be called, or its call ended badly; the message says what to do.
            OozieError: Oozie does not answer the account's user; no call was made.
            WebServiceError: The engine was called, and what came of it could not be read.
        """
        due = self.due(enrolled, active)
        # Whatever comes of them: what fails is tried again in the next round, not in each beat.
        self._asked |= {run.accession for run in due if run.status in runs.REQUESTED}
        if due and time.monotonic() >= self._next_round:
            self._next_round = time.monotonic() + self._engine.propagate_every_seconds
        size = self._engine.propagate_batch
        for start in range(0, len(due), size):
            await self._propagate_batch(enrolled, due[start : start + size])

    def take(self) -> Records:
        """The records as they were after calls, since this was last asked; also of rounds that failed later on."""
        records, self._records = self._records, {}
        return records

    def _is_mine(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun) -> bool:
        fits = run.engine_family is runs.EngineFamily.OOZIE and run.status in _LISTED and bool(run.status_cmd)
        return fits and self._intents.journal.is_settled(enrolled.account, run.accession)

    async def _propagate_batch(self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]) -> None:
        account = enrolled.account
        holder = self._turns.holder(account.unix_user)
        self.waiting = f"{len(batch)} to propagate wait for the turn of {account.unix_user}: {holder}" if holder else ""
        try:
            what = f"{account.name} propagates {len(batch)} runs"
            async with self._turns.turn(account.unix_user, what=what, patient=True):
                self.waiting = ""
                calling.check_turn(self._intents, account.unix_user)
                await self._lock.check(enrolled)
                async with self._turns.calls.slot(account.name):
                    # While it waited one of them may have been launched anew.
                    is_paused = self._intents.orders.pause(account.name) is not None
                    batch = [run for run in batch if not is_paused and self._is_mine(enrolled, run)]
                    trouble = await self._call(enrolled, batch) if batch else None
        finally:
            self.waiting = ""
        await self._take_stock(enrolled, batch)
        if trouble is not None:
            raise trouble

    async def _call(
        self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]
    ) -> errors.EngineCallError | None:
        """Call the engine; returns what went wrong once it may have begun to write."""
        await probing.check(enrolled)
        entry = audit.of_propagation(enrolled.account, [run.accession for run in batch])
        # It may kill, resume and rerun what users asked for.
        await enrolled.trail.begin(entry)
        argv = identity.argv(enrolled.identity, enrolled.mediator, "propagate", [run.accession for run in batch])
        most_seconds = self._engine.propagate_deadline_seconds + self._engine.kill_grace_seconds + 60
        try:
            ended = await propagation.propagate(argv, deadline_seconds=most_seconds)
        except (errors.SudoRefusedError, errors.MediatorRefusedError):
            raise
        except errors.EngineCallError as exc:
            enrolled.trail.note(dataclasses.replace(entry, result=f"not known: {exc}"))
            return exc
        enrolled.trail.note(dataclasses.replace(entry, result=_result(ended)))
        if ended.locked:
            raise await self._lock.refused(enrolled)
        self._lock.forget()
        return _complaint(enrolled, ended)

    async def _take_stock(self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]) -> None:
        """What the records say after a call, and whether that can be believed."""
        doubt = await _doubt(enrolled) if batch else ""
        if doubt:
            fields = {"accessions": " ".join(str(run.accession) for run in batch), "reason": doubt}
            self._event(enrolled, "propagation.doubtful", board.Level.WARNING, **fields)
        for run in batch:
            async with self._slots.slot(enrolled.account.name, urgent=run.status in runs.REQUESTED):
                try:
                    now = (await enrolled.web_service.get_run(run.accession)).run
                    if doubt and now.status is runs.RunStatus.FAILED:
                        now = await self._put_back(enrolled, run, now, doubt)
                except errors.RunNotFoundError:
                    continue
            self._hear(enrolled, run, now)

    def _hear(self, enrolled: enrolling.Enrolled, before: runs.WorkflowRun, now: runs.WorkflowRun) -> None:
        self._records[now.accession] = now
        if now.status == before.status:
            return
        info, reason = board.Level.INFO, "the engine says so"
        fields = {"accession": now.accession, "status": str(before.status), "to": str(now.status)}
        self._event(enrolled, "run.moved", info, **fields, reason=reason)
        if now.status in runs.ENDED and selection.is_of(now, enrolled.account):
            self._board.line(enrolled.account.name).note_ended(now.status)

    async def _put_back(
        self, enrolled: enrolling.Enrolled, before: runs.WorkflowRun, now: runs.WorkflowRun, doubt: str
    ) -> runs.WorkflowRun:
        """Undo a failure that the engine may have made up; if it is true, the next round says so again.

        Returns the record as it is then.
        """
        write = await writing.write(enrolled, now, {"status": before.status})
        if not write.written.is_in_record:
            return write.run
        fields = {"accession": before.accession, "status": str(now.status), "to": str(before.status)}
        self._event(enrolled, "run.put_back", board.Level.WARNING, **fields, reason=doubt)
        return before

    def _event(self, enrolled: enrolling.Enrolled, name: str, level: board.Level, **fields: object) -> None:
        self._board.event(name, account=enrolled.account.name, level=level, **fields)


async def _doubt(enrolled: enrolling.Enrolled) -> str:
    """Why what a call wrote that is just over cannot be believed, or ``""``."""
    try:
        await probing.check(enrolled)
    except (errors.OozieError, errors.EngineCallError) as exc:
        return f"after the engine's call nobody could say that its Oozie is well: {exc}"
    return ""


def _result(ended: answers.Propagated) -> str:
    return "the engine's lock was held" if ended.locked else f"exit code {ended.exit_code}"


def _complaint(enrolled: enrolling.Enrolled, ended: answers.Propagated) -> errors.EngineCallError | None:
    if not ended.timed_out and ended.exit_code == 0:
        return None
    how = "was ended at its deadline" if ended.timed_out else f"ended with exit code {ended.exit_code}"
    user = enrolled.account.unix_user
    message = f"propagate-statuses of {user} {how}; run it by hand as {user} for one run, to see what it says"
    return errors.EngineCallError(message)
