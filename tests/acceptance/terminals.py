"""A real terminal: tmux with a server of its own and no settings; its screen is looked at, its keys are pressed."""

import contextlib
import pathlib
import shlex
import subprocess
import time
from collections.abc import Iterator

_SECONDS = 20.0


class Terminal:
    """One window with a shell in it.

    Args:
        server: The socket of the tmux server.
        window: Its name.
    """

    def __init__(self, server: pathlib.Path, window: str) -> None:
        self._server = server
        self._window = window

    def tmux(self, *words: str) -> str:
        """What tmux says to a command."""
        return tmux(self._server, *words)

    def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        self.tmux("send-keys", "-t", self._window, *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self.tmux("send-keys", "-t", self._window, "-l", text)

    def run(self, *words: str) -> None:
        """Let the shell run a command."""
        self.type(shlex.join(words))
        self.press("Enter")

    @property
    def screen(self) -> str:
        """What is on it now."""
        return self.tmux("capture-pane", "-p", "-t", self._window)

    def tells(self, format: str) -> str:
        """What tmux knows of the window, such as ``#{alternate_on}``."""
        return self.tmux("display-message", "-p", "-t", self._window, format).strip()

    @property
    def command(self) -> int:
        """The process that the shell waits for."""
        shell = self.tells("#{pane_pid}")
        (child,) = pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        return int(child)

    def resize(self, width: int, height: int) -> None:
        """Make it larger or smaller."""
        self.tmux("resize-window", "-t", self._window, "-x", str(width), "-y", str(height))

    def shows(self, *texts: str, without: str = "\0") -> str:
        """Wait until all of these are on it, and the other is not; the screen then."""
        limit = time.monotonic() + _SECONDS
        while True:
            screen = self.screen
            if all(text in screen for text in texts) and without not in screen:
                return screen
            assert time.monotonic() < limit, f"never came: {texts} without {without!r} in\n{screen}"
            time.sleep(0.05)  # between two looks, until the limit


@contextlib.contextmanager
def opened(place: pathlib.Path, width: int, height: int, count: int) -> Iterator[list[Terminal]]:
    """So many terminals of a size, until the end of the block."""
    server = place / "tmux"
    try:
        for number in range(count):
            begin = ("new-window", "-d") if number else ("new-session", "-d", "-x", str(width), "-y", str(height))
            shell = ("env", "-u", "NO_COLOR", "PS1=ready> ", "bash", "--norc", "--noprofile", "-i")
            tmux(server, *begin, "-n", f"w{number}", *shell)
        yield [Terminal(server, f"w{number}") for number in range(count)]
    finally:
        subprocess.run(["tmux", "-S", str(server), "kill-server"], capture_output=True, check=False)


def tmux(server: pathlib.Path, *words: str) -> str:
    """What tmux says to a command."""
    command = ["tmux", "-f", "/dev/null", "-S", str(server), *words]
    return subprocess.run(command, capture_output=True, check=True, text=True, encoding="utf-8").stdout
