"""Neighbours in memory that are some way off: who asks has to wait, before what was asked is done and after it.

So a request can be cut off at both moments, and its answer can be lost: ``fates`` holds what becomes of the next
requests, one each; ``down`` is a neighbour that no request reaches.
"""

import asyncio
import enum
import inspect
from typing import Any

from niassa_orch import errors

_WRITES = frozenset({"put_run"})


class Fate(enum.Enum):
    """What becomes of a request: it is answered; it never arrives; it is done and the answer is lost."""

    ANSWERED = "answered"
    UNREACHED = "unreached"
    UNANSWERED = "unanswered"


class Distant:
    """A neighbour, asked from afar.

    Args:
        neighbour: The one in memory.
        lost: What a request without an answer looks like; a write of a run that may have been done, is of unknown fate.
    """

    def __init__(self, neighbour: object, lost: type[Exception] = errors.WebServiceUnavailableError) -> None:
        self._neighbour = neighbour
        self._lost = lost
        self.fates: list[Fate] = []
        self.down = False

    def __getattr__(self, name: str) -> Any:
        ask = getattr(self._neighbour, name)
        if not inspect.iscoroutinefunction(ask):
            return ask

        async def asked(*arguments: object) -> object:
            fate = Fate.UNREACHED if self.down else self.fates.pop(0) if self.fates else Fate.ANSWERED
            await asyncio.sleep(0)
            answer = await ask(*arguments) if fate is not Fate.UNREACHED else None
            await asyncio.sleep(0)
            if fate is not Fate.ANSWERED:
                lost = errors.WriteUnknownError if name in _WRITES else self._lost
                msg = f"{name}: no answer"
                raise lost(msg)
            return answer

        return asked
