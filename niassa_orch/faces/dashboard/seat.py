"""The reader's seat: the terminal as ours while the dashboard is shown, its keys, and Ctrl-Z, after which all goes on.

Called by ``showing``.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Final

from niassa_orch.faces.dashboard import drawing, keys, terminal

#: An escape that is followed by nothing for so long was the key.
_ESCAPE_SECONDS: Final = 0.1
_LAST_WRITE_SECONDS: Final = 1.0
_READ_BYTES: Final = 4096


class Seat:
    """Who sits at the terminal.

    Args:
        writer: Writes to the terminal.
        press: Is told each key.
        redraw: The screen was somebody else's in between.
    """

    def __init__(self, writer: drawing.Writer, press: Callable[[str], None], redraw: Callable[[], None]) -> None:
        self._writer = writer
        self._press = press
        self._redraw = redraw
        self._terminal = terminal.Terminal(sys.stdin)
        self._keys = keys.Keys()
        self._from: int | None = None
        self._settling: asyncio.TimerHandle | None = None
        self.is_taken = False

    @property
    def has_keys(self) -> bool:
        """Whether keys are read."""
        return self._from is not None

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The terminal is ours inside the block, and as it was after it."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTSTP, self._stop)
        loop.add_signal_handler(signal.SIGCONT, self._take)
        try:
            self._take()
            yield
        finally:
            loop.remove_signal_handler(signal.SIGTSTP)
            loop.remove_signal_handler(signal.SIGCONT)
            self._give_back()

    def _take(self) -> None:
        if self.is_taken or self._terminal.is_elsewhere:
            return
        self.is_taken = True
        self._writer.write(terminal.TAKEN)
        self._from = self._terminal.take()
        if self._from is not None:
            asyncio.get_running_loop().add_reader(self._from, self._read, self._from)
        self._redraw()

    def _give_back(self) -> None:
        self._no_keys()
        if self.is_taken:
            self.is_taken = False
            self._writer.write(terminal.GIVEN_BACK)
            self._writer.wait(_LAST_WRITE_SECONDS)
            self._terminal.give_back()

    def _stop(self) -> None:
        """Ctrl-Z: the shell has the terminal until it lets us go on."""
        self._give_back()
        os.kill(os.getpid(), signal.SIGSTOP)

    def _read(self, descriptor: int) -> None:
        try:
            content = os.read(descriptor, _READ_BYTES)
        except OSError:
            content = b""
        if not content:
            self._no_keys()
        if self._settling is not None:
            self._settling.cancel()
        for key in self._keys.feed(content):
            self._press(key)
        if self._keys.is_waiting:
            self._settling = asyncio.get_running_loop().call_later(_ESCAPE_SECONDS, self._settle)

    def _settle(self) -> None:
        for key in self._keys.settle():
            self._press(key)

    def _no_keys(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
        if self._from is not None:
            asyncio.get_running_loop().remove_reader(self._from)
            self._from = None
