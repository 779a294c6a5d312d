"""The tasks of one launcher: begun, waited for, and stopped without cutting a verdict in half. Owned by
``core.launching``; it does not know what the tasks do.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

_LOOK_SECONDS = 0.5

Work = Callable[[], Awaitable[object]]


class Errands:
    """Tasks that end by themselves, or are stopped together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._spared: set[asyncio.Task[None] | None] = set()

    def begin(self, work: Work, name: str) -> asyncio.Task[None]:
        """Begin a task."""

        async def run() -> None:
            await work()

        task = asyncio.create_task(run(), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @contextlib.contextmanager
    def spared(self) -> Iterator[None]:
        """What the current task does in this context is waited for, not cancelled, by an orderly stop."""
        task = asyncio.current_task()
        self._spared.add(task)
        try:
            yield
        finally:
            self._spared.discard(task)

    async def join(self, enough: Callable[[int], bool]) -> None:
        """Wait until all tasks ended, or what is left (so many) is ``enough`` to wait no more."""
        while self._tasks and not enough(len(self._tasks)):
            await asyncio.wait(self._tasks, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)

    async def stop(self, *, at_once: bool) -> None:
        """Cancel the tasks and wait for them; those that are spared end by themselves, unless it is ``at_once``."""
        for task in self._tasks:
            if at_once or task not in self._spared:
                task.cancel()
        try:
            if self._tasks:
                await asyncio.wait(self._tasks)
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            raise
