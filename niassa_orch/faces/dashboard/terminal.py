"""The terminal while the dashboard has it: keys come one by one, the screen is ours; after it all is as it was before.

Whatever ends us but SIGKILL, the terminal is given back. In the background, or where the terminal is not ours to read
(a service that another program shows), no keys are read. Called by ``seat``.
"""

import contextlib
import os
import signal
import termios
from typing import Any, Final, TextIO

#: The other screen, no cursor, and no line that goes on in the next one.
TAKEN: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
GIVEN_BACK: Final = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
_LFLAG: Final = 3
_IFLAG: Final = 0
_CC: Final = 6


class Terminal:
    """The terminal that keys come from.

    Args:
        keys_from: Standard input.
    """

    def __init__(self, keys_from: TextIO) -> None:
        self._descriptor: int | None = None
        with contextlib.suppress(OSError, ValueError):
            self._descriptor = keys_from.fileno() if keys_from.isatty() else None
        self._before: list[Any] | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether another program has the terminal now, and we are in the background."""
        with contextlib.suppress(OSError):
            return self._descriptor is not None and os.tcgetpgrp(self._descriptor) != os.getpgrp()
        return False

    def take(self) -> int | None:
        """Keys come one by one from now on, unseen; from which descriptor, or ``None`` when there are none for us."""
        if self._descriptor is None or not self._is_ours(self._descriptor):
            return None
        try:
            self._before = termios.tcgetattr(self._descriptor)
            wanted = termios.tcgetattr(self._descriptor)
            wanted[_LFLAG] &= ~(termios.ECHO | termios.ICANON)
            # Ctrl-S would stop the picture, with no word why.
            wanted[_IFLAG] &= ~termios.IXON
            wanted[_CC][termios.VMIN], wanted[_CC][termios.VTIME] = 1, 0
            termios.tcsetattr(self._descriptor, termios.TCSANOW, wanted)
        except termios.error:
            self._before = None
            return None
        return self._descriptor

    def give_back(self) -> None:
        """As it was before; what was typed and not read is forgotten."""
        before, self._before = self._before, None
        if before is None or self._descriptor is None:
            return
        # From the background it would stop us instead.
        heeded = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            with contextlib.suppress(termios.error):
                termios.tcflush(self._descriptor, termios.TCIFLUSH)
                termios.tcsetattr(self._descriptor, termios.TCSANOW, before)
        finally:
            signal.signal(signal.SIGTTOU, heeded)

    @staticmethod
    def _is_ours(descriptor: int) -> bool:
        with contextlib.suppress(OSError):
            return os.tcgetpgrp(descriptor) == os.getpgrp()
        return False
