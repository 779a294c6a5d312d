"""Long tasks that must not take their neighbours along when they break, and waits that end when the service does.

A long task that raises is a defect: it is told as one and started again after a wait. Cancellation passes.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any, TypeVar

from niassa_orch.core import board, throttle

_Result = TypeVar("_Result")
_MOST_SECONDS = 60.0


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, _Result]) -> _Result | None:
    """The result of ``work``, or ``None`` when ``stopping`` is set first; ``work`` is then cancelled."""
    working = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        stopped.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)


async def keep(
    name: str,
    work: Callable[[], Awaitable[None]],
    told: board.Board,
    *,
    account: str = "",
    stopping: asyncio.Event | None = None,
) -> None:
    """Run ``work`` again and again until it returns by itself; a defect in it is told and waited out.

    Whoever stops waits for no such wait: ``work`` is begun once more, at once, to see its end through.

    Args:
        name: Of the task, for events.
        work: The eternal task; returning means that it was asked to stop.
        told: The board.
        account: Whose task it is.
        stopping: Set when ``work`` is asked to stop.
    """
    stopping = stopping or asyncio.Event()
    backoff = throttle.Throttle(1, _MOST_SECONDS)
    while True:
        began, is_last = time.monotonic(), stopping.is_set()
        try:
            await work()
            return
        except Exception as exc:  # noqa: BLE001 - the fence between accounts: a defect of one must not reach another
            now = time.monotonic()
            if now - began > _MOST_SECONDS:
                backoff.succeed()
            wait = backoff.fail(now)
            tell(name, exc, told, account=account, again_in_seconds=round(wait, 1))
            if is_last:
                return
            await unless(stopping, asyncio.sleep(wait))


def tell(name: str, exc: Exception, told: board.Board, *, account: str = "", **fields: object) -> None:
    """Tell a defect."""
    error = "; ".join(_named(exc))
    told.event("task.crashed", account=account, level=board.Level.ERROR, task=name, error=error, **fields)


def _named(exc: BaseException) -> Iterator[str]:
    """What broke; of a task group, what broke in it, since the group itself says nothing."""
    if isinstance(exc, BaseExceptionGroup):
        for inner in exc.exceptions:
            yield from _named(inner)
    else:
        yield f"{type(exc).__name__}: {exc}"
