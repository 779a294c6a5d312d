"""Brings pictures to the terminal: one write a picture, of the lines that changed, and none that keeps us waiting.

A terminal may take nothing for as long as it likes (a stalled connection, a stopped window): a thread of its own
writes, and while it is kept waiting pictures are left out. Called by ``showing``.
"""

import contextlib
import queue
import threading
from collections.abc import Sequence
from typing import IO, Final

from niassa_orch.faces.dashboard import cells

#: Terminals that know it show nothing of a picture before all of it is there; others ignore it.
_BEGIN: Final = "\x1b[?2026h"
_END: Final = "\x1b[?2026l"
_CLEAR: Final = "\x1b[2J"
_REST_OF_LINE: Final = "\x1b[K"
Size = tuple[int, int]


class Drawing:
    """What is on the terminal, so that only what is different is written.

    Args:
        palette: What styles look like.
    """

    def __init__(self, palette: cells.Palette) -> None:
        self._palette = palette
        self._drawn: Sequence[cells.Line] = ()
        self._size: Size = (0, 0)

    def forget(self) -> None:
        """Somebody else wrote there: the next picture is drawn whole."""
        self._size = (0, 0)

    def changes(self, lines: Sequence[cells.Line], size: Size) -> str:
        """What to write, ``""`` when all is there already.

        Args:
            lines: The picture, the uppermost line first.
            size: Cells and lines of the terminal.
        """
        is_new = size != self._size or len(lines) != len(self._drawn)
        before = [None] * len(lines) if is_new else self._drawn
        written = [
            self._written(number, line, size[0])
            for number, (line, known) in enumerate(zip(lines, before, strict=True), 1)
            if line != known
        ]
        self._drawn, self._size = lines, size
        return f"{_BEGIN}{_CLEAR if is_new else ''}{''.join(written)}{_END}" if written else ""

    def _written(self, number: int, line: cells.Line, width: int) -> str:
        # Behind the last cell of a full line some terminals would take that cell away.
        rest = _REST_OF_LINE if cells.line_width(line) < width else ""
        return f"\x1b[{number};1H{cells.written(line, self._palette)}{rest}"


class Writer:
    """Writes texts to a terminal in their order, in a thread of its own. ``close`` before it is thrown away."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._encoding = getattr(out, "encoding", None) or "utf-8"
        self._texts: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write, name="dashboard", daemon=True)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether the terminal has not taken all of it yet."""
        return self._texts.unfinished_tasks > 0

    def write(self, text: str) -> None:
        """Write in a while."""
        self._texts.put(text)

    def wait(self, seconds: float) -> None:
        """Wait until all is written, but not for longer."""
        with self._texts.all_tasks_done:
            self._texts.all_tasks_done.wait_for(lambda: not self.is_busy, seconds)

    def close(self, seconds: float) -> None:
        """Write what is left and end, but leave a terminal that takes nothing alone."""
        self._texts.put(None)
        self._thread.join(seconds)

    def _write(self) -> None:
        while (text := self._texts.get()) is not None:
            # A terminal that is gone: whoever sat there sees nothing any more, and SIGHUP says so to the service.
            with contextlib.suppress(OSError, ValueError):
                self._out.write(text.encode(self._encoding, "replace").decode(self._encoding))
                self._out.flush()
            self._texts.task_done()
        self._texts.task_done()
