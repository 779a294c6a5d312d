"""How many requests at once, and how often again.

``Budget`` bounds what one server has to bear from all accounts together; ``Retrying`` repeats what may be repeated:
reads whose failure is marked ``errors.Transient``, and nothing else. The door of tenacity. Used by ``wire.lines`` and
the clients; the composition root makes one budget a server.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import tenacity

from niassa_orch import errors

FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 8.0

T = TypeVar("T")


class Budget:
    """Requests in flight to one server, shared by all accounts that use it; first come, first served.

    ``begun`` counts the requests that had their turn, whatever their method and however they ended: every try of a
    read is one.
    """

    def __init__(self, requests_at_once: int) -> None:
        if requests_at_once < 1:
            message = f"requests_at_once is {requests_at_once}: at least one request must be possible"
            raise ValueError(message)
        self._turns = asyncio.Semaphore(requests_at_once)
        self.begun = 0

    def turn(self) -> "Budget":
        """To be used with ``async with``: wait for a turn and hold it; no time-out counts the waiting."""
        return self

    async def __aenter__(self) -> None:
        await self._turns.acquire()
        self.begun += 1

    async def __aexit__(self, *_: object) -> None:
        self._turns.release()


@dataclasses.dataclass(frozen=True, slots=True)
class Retrying:
    """Asks again, after growing pauses with jitter, as long as the failure is transient.

    Args:
        attempts: Tries in all.
        total_seconds: No try begins later than this after the first, so that a server that hangs is not asked again.
    """

    attempts: int
    total_seconds: float

    async def call(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The result of ``ask``, or its last exception. Each try calls ``ask`` afresh.

        The predicate is positive: a cancellation, or anything not marked, ends it at once.
        """
        latest = asyncio.get_running_loop().time() + self.total_seconds
        # Nearly always there is nothing to repeat, and then tenacity would cost as much as the request itself.
        try:
            return await ask()
        except errors.Transient as exc:
            failed = [exc]
        return await self._again(ask, failed, latest)

    async def _again(self, ask: Callable[[], Awaitable[T]], failed: list[errors.Transient], latest: float) -> T:
        """Go on after the first try, which counts as one; takes its failure out of ``failed``."""
        clock = asyncio.get_running_loop().time

        def is_enough(state: tenacity.RetryCallState) -> bool:
            return state.attempt_number >= self.attempts or clock() + state.upcoming_sleep >= latest

        policy = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(errors.Transient),
            stop=is_enough,
            wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE_SECONDS, max=LONGEST_PAUSE_SECONDS)
            + tenacity.wait_fixed(FIRST_PAUSE_SECONDS),
            reraise=True,
        )

        async def attempt() -> T:
            # A coroutine function by its own right: tenacity does not await what a lambda returns.
            if failed:
                raise failed.pop()
            return await ask()

        return await policy(attempt)
