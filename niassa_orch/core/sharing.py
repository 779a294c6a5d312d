"""One look at a neighbour, shared by all who want one at about the same time.

Who comes first looks, the others wait for that, and nobody looks again while it is fresh, whatever it brought: a
neighbour that fails is asked as seldom as one that is well. Used by ``core.polling`` and ``core.pollers``.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from niassa_orch import errors


class Shared:
    """A look, and for how long what it brought counts as fresh.

    Args:
        look: Looks, and keeps what it saw where its caller finds it.
        fresh_seconds: How long nobody looks again.
    """

    def __init__(self, look: Callable[[], Awaitable[None]], fresh_seconds: float) -> None:
        self._look = look
        self._fresh_seconds = fresh_seconds
        self._turn = asyncio.Lock()
        self._looked_at: float | None = None
        self._ended_at = 0.0
        self.trouble: errors.NiassaOrchError | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether somebody looked just now, and it went well: then ``refresh`` would do nothing."""
        return self.trouble is None and not self._turn.locked() and self._looked_just_now

    @property
    def _looked_just_now(self) -> bool:
        return self._looked_at is not None and time.monotonic() - self._looked_at < self._fresh_seconds

    async def refresh(self) -> None:
        """See to it that somebody looked just now.

        Raises:
            NiassaOrchError: What the last look ended in, whoever looked.
        """
        asked_at = time.monotonic()
        async with self._turn:
            if not self._is_fresh(asked_at):
                await self._try()
        if self.trouble is not None:
            raise self.trouble.with_traceback(None)

    def hurry(self) -> None:
        """A person says that things may have changed: nothing is fresh."""
        self._looked_at = None

    def _is_fresh(self, asked_at: float) -> bool:
        """Also what took longer than it stays fresh, for who waited: they must not look one after the other."""
        if self._looked_at is None:
            return False
        return asked_at < self._ended_at or time.monotonic() - self._looked_at < self._fresh_seconds

    async def _try(self) -> None:
        self._looked_at = time.monotonic()
        try:
            await self._look()
        except errors.NiassaOrchError as exc:
            self.trouble = exc
        except BaseException:
            self._looked_at = None
            raise
        else:
            self.trouble = None
        self._ended_at = time.monotonic()
