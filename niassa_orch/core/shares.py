"""What one account may launch now within the limits, and the words for what waits. Owned by ``core.launching``.

What is in flight is asked of the journal at the moment of the decision: an attempt that is intended and not settled,
unless it waits for a person. Between ``take`` and the intent nothing else may happen.
"""

import collections
import time
from collections.abc import Sequence

from niassa_orch.core import account_line, board, enrolling, intents, limits
from niassa_orch.domain import runs


class Share:
    """The launches of one account within its own limits and everybody's.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        intended: What is in flight, of all accounts, and the limits.
    """

    def __init__(self, line: account_line.AccountLine, told: board.Board, intended: intents.Intents) -> None:
        self._line = line
        self._board = told
        self._intents = intended
        #: Why launches wait for a limit, or ``""``.
        self.why = ""

    def room(self, enrolled: enrolling.Enrolled, wanted: Sequence[runs.WorkflowRun]) -> int:
        """How many of the launches that are wanted may begin now."""
        room = self._intents.limits.ask(enrolled.account, self._flying(), time.monotonic())
        if not room.launches:
            self._wait(len(wanted), room)
        elif room.launches >= len(wanted):
            self.why = ""
        return room.launches

    def take(self, enrolled: enrolling.Enrolled, batch: Sequence[runs.WorkflowRun]) -> Sequence[runs.WorkflowRun]:
        """Those of the batch that still may begin; they count from now on, so write their intents next."""
        room = self._intents.limits.take(enrolled.account, len(batch), self._flying(), time.monotonic())
        if room.launches < len(batch):
            self._wait(len(batch) - room.launches, room)
        return batch[: room.launches]

    def leave(self, enrolled: enrolling.Enrolled) -> None:
        """Nothing of the account is to be launched."""
        self._intents.limits.leave(enrolled.account)
        self.why = self._line.waiting = ""

    def _flying(self) -> collections.Counter[tuple[str, str, str]]:
        # What nobody attends to is asked about by nobody: it would be in flight for ever.
        return intents.flying(self._intents.attended())

    def _wait(self, count: int, room: limits.Room) -> None:
        begins = not self.why
        self.why = f"{count} to launch: {room.why}"
        if begins:
            self._board.event("launch.limited", account=self._line.name, launches=count, reason=room.why)
