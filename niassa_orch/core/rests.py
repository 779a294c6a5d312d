"""Why launches of an account wait: something to be mended, a neighbour that does not answer, the engine's lock, a run
that rests.

Tells the board when a wait begins; launches nothing. Owned by ``core.launching``.
"""

import time

from niassa_orch import errors
from niassa_orch.core import account_line, attempts, board, calling, engine_lock, enrolling, throttle
from niassa_orch.domain import evidence, runs
from niassa_orch.seqware import identity

#: A run whose launch came to nothing.
_RUN_SECONDS = (30.0, 3600.0)
#: An account whose launches cannot work until somebody mends something.
_TROUBLE_SECONDS = (30.0, 600.0)
#: A neighbour that did not answer.
_NEIGHBOUR_SECONDS = (5.0, 60.0)


class Rests:
    """The waits of one account's launches; ``trouble`` is the last reason that concerned all of them.

    Args:
        line: The account's line on the board.
        told: The board, for events.
    """

    def __init__(self, line: account_line.AccountLine, told: board.Board) -> None:
        self._line = line
        self._board = told
        self._lock = engine_lock.EngineLock()
        self._lock_told: board.Level | None = None
        self._trouble = throttle.Throttle(*_TROUBLE_SECONDS)
        self._neighbour = throttle.Throttle(*_NEIGHBOUR_SECONDS)
        self._runs: dict[runs.Accession, throttle.Throttle] = {}
        self.trouble: Exception | None = None

    @property
    def are_over(self) -> bool:
        """Whether the account may launch."""
        now = time.monotonic()
        return self._trouble.is_over(now) and self._neighbour.is_over(now)

    def is_resting(self, accession: runs.Accession) -> bool:
        """Whether the run may not be launched yet."""
        rest = self._runs.get(accession)
        return rest is not None and not rest.is_over(time.monotonic())

    @property
    def waiting(self) -> str:
        """Who holds the engine's lock that launches wait for, or ``""``."""
        return self._lock.waiting

    @property
    def alarm(self) -> str:
        """What a person has to mend before the account launches anything, or ``""``."""
        if isinstance(self.trouble, errors.EngineLockedError):
            return self._lock.waiting if self._lock.lasts else ""
        return str(self.trouble) if self.trouble is not None and needs_person(self.trouble) else ""

    async def check_lock(self, enrolled: enrolling.Enrolled) -> None:
        """Look whether the engine's lock, on which the last call gave up, is still held.

        Raises:
            EngineLockedError: It is; a call makes no sense yet.
        """
        await self._lock.check(enrolled)
        self._line.waiting = ""

    async def check_call(self, attempt: attempts.Attempt, seen: evidence.CallEvidence | None) -> None:
        """Tell what keeps every launch of the account from working, rather than one run.

        Args:
            attempt: The call that is over.
            seen: What its transcript proves, if there is one.

        Raises:
            EngineCallError: There is such a thing; the message says what to do.
        """
        raise_trouble(attempt, seen)
        if seen is not None and seen.gave_up_on_lock:
            raise await self._lock.refused(attempt.enrolled)

    def back_off(self, exc: Exception) -> None:
        """Let the whole account rest; tell it when the reason is another than before."""
        changed, self.trouble = str(self.trouble) != str(exc), exc
        if isinstance(exc, errors.EngineLockedError):
            self._wait_for_lock(exc)
            return
        # Whether the journal can be written is cheap to ask: no long wait when it is mended.
        long = needs_person(exc) and not isinstance(exc, errors.JournalError)
        wait = (self._trouble if long else self._neighbour).fail(time.monotonic())
        if changed:
            level = board.Level.ERROR if needs_person(exc) else board.Level.WARNING
            fields = {"reason": str(exc), "again_in_seconds": round(wait)}
            self._board.event("launch.backing_off", account=self._line.name, level=level, **fields)

    def _wait_for_lock(self, exc: errors.EngineLockedError) -> None:
        """The line always says who holds the lock by now; the event comes once, and once more when it lasts."""
        self._line.waiting, self._line.locked_since = self._lock.waiting, self._lock.first_refused
        level = board.Level.ERROR if self._lock.lasts else board.Level.WARNING
        if level is not self._lock_told:
            self._lock_told = level
            self._board.event("launch.waiting_for_lock", account=self._line.name, level=level, reason=str(exc))

    def run(self, accession: runs.Accession) -> None:
        """Let one run rest, longer each time."""
        self._runs.setdefault(accession, throttle.Throttle(*_RUN_SECONDS)).fail(time.monotonic())

    def forget_run(self, accession: runs.Accession) -> None:
        """The run's launches came to something."""
        self._runs.pop(accession, None)

    def forget_runs(self) -> None:
        """Let all runs be tried again."""
        self._runs.clear()

    def forgive(self) -> bool:
        """Forget what concerned the whole account; returns whether there was anything."""
        self._trouble.succeed()
        self._neighbour.succeed()
        if self._line.waiting == self._lock.waiting:
            self._line.waiting = ""
        self._lock.forget()
        self._lock_told = self._line.locked_since = None
        troubled = self.trouble is not None
        self.trouble = None
        return troubled


def needs_person(exc: Exception) -> bool:
    """Whether somebody has to mend something; else a neighbour failed, or the machine is at its limits: it passes."""
    passes = isinstance(exc, errors.WebServiceError | errors.OozieError | errors.Transient)
    return not passes and not calling.may_pass(exc.__cause__)


def raise_trouble(attempt: attempts.Attempt, seen: evidence.CallEvidence | None) -> None:
    """Tell what keeps every launch of the account from working, rather than one run.

    Args:
        attempt: The call that is over.
        seen: What its transcript proves, if there is one.

    Raises:
        EngineCallError: There is such a thing; the message says what to do.
    """
    enrolled = attempt.enrolled
    if seen is None:
        if attempt.failure is not None:
            raise attempt.failure
    elif seen.refused is not None:
        message = f"the mediator {enrolled.mediator} refused: {seen.refused}"
        raise errors.MediatorRefusedError(message)
    elif not seen.begun and seen.intact:
        if attempt.failure is not None and calling.may_pass(attempt.failure.__cause__):
            raise attempt.failure  # it was not sudo that said no
        who = enrolled.identity
        reason = identity.explain_refusal(who, enrolled.mediator, seen.preamble, service_user=enrolling.own_user())
        raise errors.SudoRefusedError(reason)
    elif seen.ended and seen.exit_code != 0 and not seen.lock_held and not seen.began_any:
        how = "was ended at its deadline" if seen.timed_out else f"ended with exit code {seen.exit_code}"
        where = f"{attempt.transcript.name} in calls/settled of the state directory"
        message = f"the engine {how} before it came to any run; what it said is in {where}"
        raise errors.EngineCallError(message)
