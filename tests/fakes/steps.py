"""Tasks that are counted step by step, and what befalls them at a chosen one.

A step is what a task does until it waits for something. While a ``Steps`` watches an event loop, every task that is
begun there counts; at a step that was chosen something is done, such as a cancellation, or all of them die as with
their process: what they had begun to wait for stays begun, and no further line of them runs.
"""

import asyncio
import collections.abc
import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

_CLOSES = 10


class Steps:
    """Counts the steps of tasks.

    Args:
        look: Called after each step; it may raise what fails the test.
    """

    def __init__(self, look: Callable[[], object] = int) -> None:
        self.taken = 0
        self.failures: list[BaseException] = []
        self._look = look
        self._chosen: tuple[int, Callable[[], object]] | None = None
        self._walking: set[_Walk] = set()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Count the tasks that are begun in the running loop meanwhile."""
        loop = asyncio.get_running_loop()
        before = loop.get_task_factory()
        loop.set_task_factory(self._begin)
        try:
            yield
        finally:
            loop.set_task_factory(before)
        for failure in self.failures:
            raise failure

    def at(self, step: int, do: Callable[[], object]) -> None:
        """Do something once so many steps were taken, counted from now on."""
        self._chosen = (self.taken + step, do)

    def forget(self) -> None:
        """What was chosen is not done any more."""
        self._chosen = None

    @property
    def is_done(self) -> bool:
        """Whether what was chosen was done."""
        return self._chosen is None

    def kill(self) -> None:
        """No task that was counted takes another step."""
        self._chosen = None
        for walk in tuple(self._walking):
            walk.die()

    async def quiet(self) -> None:
        """Wait until no task takes a step; nothing may be under way in another thread."""
        still = 0
        while still < 3:
            before = self.taken
            await asyncio.sleep(0)
            still = still + 1 if before == self.taken else 0

    def _begin(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        walk = _Walk(coroutine, self)
        # Before its first step: one that was begun in the moment of the death must not live on.
        self._walking.add(walk)
        return asyncio.Task(walk, loop=loop, **options)

    def took(self, walk: "_Walk") -> None:
        """A task took a step and waits."""
        self._walking.add(walk)
        self.taken += 1
        try:
            self._look()
        except AssertionError as exc:
            self.failures.append(exc)
        if self._chosen is not None and self.taken >= self._chosen[0]:
            (_, do), self._chosen = self._chosen, None
            do()

    def ended(self, walk: "_Walk") -> None:
        """A task is over."""
        self._walking.discard(walk)


class _Walk(collections.abc.Coroutine[Any, Any, Any]):
    """A coroutine that tells of each of its steps."""

    def __init__(self, inner: collections.abc.Coroutine[Any, Any, Any], steps: Steps) -> None:
        self._inner = inner
        self._steps = steps
        self._dead = False

    def send(self, value: Any) -> Any:
        return self._step(lambda: self._inner.send(value))

    def throw(self, *thrown: Any) -> Any:
        return self._step(lambda: self._inner.throw(*thrown))

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()

    def die(self) -> None:
        """Close the coroutine where it stands; one that would rather wait for others is closed again."""
        self._dead = True
        for _ in range(_CLOSES):
            with contextlib.suppress(Exception):
                self._inner.close()
                break

    def _step(self, step: Callable[[], Any]) -> Any:
        if self._dead:
            self._steps.ended(self)
            raise asyncio.CancelledError
        try:
            waits_for = step()
        except BaseException:
            self._steps.ended(self)
            raise
        self._steps.took(self)
        return waits_for
