"""An orderly end: signals that would cut us off in the middle become a flag that is looked at where it is safe.

A demo makes Unix users, rules, directories and processes; whatever ends it, all of them must be taken away again, and
taking away must not be cut short either. Nothing here knows what is made. Called by the commands of the sandbox.
"""

import asyncio
import contextlib
import signal
import types
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_Result = TypeVar("_Result")


class EndedEarlyError(Exception):
    """A signal asked us to end. Everything that was made has been, or is being, taken away.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"ended by {signal.Signals(number).name}")

    @property
    def exit_code(self) -> int:
        """128 + n, as shells tell signals: 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM."""
        return 128 + self.number


class Ending:
    """Whether somebody wants us to end. The first signal counts; those after it change nothing."""

    def __init__(self) -> None:
        self._number = 0
        self._tell: Callable[[], object] | None = None

    def check(self) -> None:
        """Between two steps of which none may be cut in half.

        Raises:
            EndedEarlyError: A signal came.
        """
        if self._number:
            raise EndedEarlyError(self._number)

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """``asyncio.run`` that a signal cancels; the cleaning up of ``work`` is not cut short by a second one.

        Raises:
            EndedEarlyError: A signal came, now or before.
        """
        return asyncio.run(self._run(work))

    async def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)
        # Signals are taken by Python, not by the loop: the loop would set them back to killing us when it closes.
        self._tell = lambda: loop.call_soon_threadsafe(task.cancel)
        if self._number:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            self.check()
            raise
        finally:
            self._tell = None

    def note(self, number: int, _frame: types.FrameType | None = None) -> None:
        """Take a signal."""
        if self._number:
            return
        self._number = number
        if self._tell is not None:
            self._tell()


@contextlib.contextmanager
def orderly() -> Iterator[Ending]:
    """SIGINT, SIGTERM and SIGHUP ask for an orderly end while the context lasts; one that is ignored stays ignored."""
    ending = Ending()
    taken = [number for number in _NUMBERS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, ending.note) for number in taken}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
