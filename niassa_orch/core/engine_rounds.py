"""When the engine propagates an account's runs: in rounds beside the beats, which no call of the engine delays.

Tells the board when a round fails for another reason than the one before, and when it is well again; what a round does
is ``core.engine_propagating``'s. Called by ``core.cycle`` in each beat, and by ``core.worker`` at the end.
"""

import functools
from collections.abc import Sequence

from niassa_orch import errors
from niassa_orch.core import account_line, board, engine_propagating, enrolling, errands, rests
from niassa_orch.domain import runs


class EngineRounds:
    """The rounds of one account; at most one is under way.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        propagator: Makes the calls of a round.
    """

    def __init__(
        self, line: account_line.AccountLine, told: board.Board, propagator: engine_propagating.EnginePropagator
    ) -> None:
        self._line = line
        self._board = told
        self._propagator = propagator
        self._errands = errands.Errands()
        self._under_way = False
        self._trouble: Exception | None = None
        self._told: tuple[str, board.Level] | None = None

    @property
    def trouble(self) -> str:
        """Why runs are not propagated, or for whom a call waits, or ``""``."""
        return str(self._trouble or self._propagator.waiting)

    @property
    def alarm(self) -> str:
        """What a person has to mend before runs are propagated, or ``""``."""
        is_alarm = self._told is not None and self._told[1] is board.Level.ERROR
        return str(self._trouble or "") if is_alarm else ""

    def offer(self, enrolled: enrolling.Enrolled, active: Sequence[runs.WorkflowRun]) -> None:
        """Begin a round, if one is due and none is under way.

        Args:
            enrolled: The account.
            active: All its active runs.
        """
        if self._under_way or not self._propagator.due(enrolled, active):
            return
        self._under_way = True
        work = functools.partial(self._round, enrolled, list(active))
        self._errands.begin(work, f"propagate-by-engine:{enrolled.account.name}")

    def take(self) -> engine_propagating.Records:
        """The records of runs as they were after calls, since this was last asked."""
        return self._propagator.take()

    async def join(self) -> None:
        """Wait until the round under way is over."""
        await self._errands.join(lambda _left: False)

    async def stop(self) -> None:
        """Begin nothing more; a call under way goes on to its end without us."""
        await self._errands.stop(at_once=True)

    async def _round(self, enrolled: enrolling.Enrolled, active: Sequence[runs.WorkflowRun]) -> None:
        try:
            await self._propagator.propagate(enrolled, active)
            self._recover()
        except errors.NiassaOrchError as exc:
            self._complain(exc)
        except Exception as exc:  # noqa: BLE001 - a defect must not reach other accounts; the next round tries again
            self._complain(RuntimeError(f"a defect, please report it: {type(exc).__name__}: {exc}"))
        finally:
            self._under_way = False

    def _complain(self, exc: Exception) -> None:
        """Tell it once; of the engine's lock, whose holders may change often, once more when it lasts."""
        self._trouble = exc
        locked = isinstance(exc, errors.EngineLockedError)
        lasts = locked and self._propagator.lock_lasts
        level = board.Level.ERROR if lasts or rests.needs_person(exc) else board.Level.WARNING
        name = "propagation.waiting_for_lock" if locked else "propagation.failing"
        told = (name if locked else str(exc), level)
        if told != self._told:
            self._told = told
            self._board.event(name, account=self._line.name, level=level, reason=str(exc))

    def _recover(self) -> None:
        if self._trouble is not None:
            self._board.event("propagation.recovered", account=self._line.name)
        self._trouble = self._told = None
