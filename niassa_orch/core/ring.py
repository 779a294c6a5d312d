"""The last of what happened, numbered, and a way to wait for the next: what ``core.board`` keeps events in."""

import asyncio
import collections
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Things in the order in which they came.

    Args:
        kept: How many of the last are kept.

    Attributes:
        last: The number of the last one; the first has 1.
    """

    def __init__(self, kept: int) -> None:
        self._kept: collections.deque[T] = collections.deque(maxlen=kept)
        self._heard = asyncio.Event()
        self.last = 0

    def add(self, thing: T) -> None:
        """Keep one more, and let those hear it who wait."""
        self._kept.append(thing)
        self.last += 1
        heard, self._heard = self._heard, asyncio.Event()
        heard.set()

    def after(self, number: int) -> tuple[T, ...]:
        """Those after the ``number``-th that are kept, the oldest first."""
        left = max(0, min(self.last - number, len(self._kept)))
        return tuple(self._kept)[len(self._kept) - left :]

    async def hear(self, number: int) -> None:
        """Wait until there is one after the ``number``-th."""
        while self.last <= number:
            await self._heard.wait()
