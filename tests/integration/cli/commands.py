"""Commands as processes of their own, heard by files, for the tests of this folder."""

import contextlib
import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping

#: Whatever was installed or not, what is tested is what these tests belong to.
COMMAND = (sys.executable, "-m", "niassa_orch")


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """A command under way. ``text`` is all that it said until now, errors included."""

    process: "subprocess.Popen[bytes]"
    output: pathlib.Path

    @property
    def text(self) -> str:
        """All that it has said."""
        return self.output.read_text("utf-8")

    def says(self, words: str, seconds: float = 60) -> None:
        """Wait until it has said these words."""
        until(lambda: words in self.text or self.process.poll() is not None, seconds)
        assert words in self.text, self.text

    def ends(self, number: signal.Signals | None = None, seconds: float = 60) -> int:
        """Its exit code, after a signal if one is named."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(seconds)


@contextlib.contextmanager
def started(*words: str, output: pathlib.Path, **environment: str) -> Iterator[Running]:
    """A command that runs inside the block, killed at its end if it still does."""
    with (
        output.open("wb") as stream,
        subprocess.Popen(
            [*COMMAND, *words],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd="/",
            env=_with(environment),
            preexec_fn=_as_at_a_terminal,
        ) as process,
    ):
        try:
            yield Running(process, output)
        finally:
            process.kill()


def done(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A command that has ended, with what it said."""
    return subprocess.run(
        [*COMMAND, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_with(environment),
        timeout=60,
    )


def until(look: Callable[[], object], seconds: float = 60) -> None:
    """Wait for something to become true; the test fails when it never does."""
    limit = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < limit, "it never came"
        time.sleep(0.02)  # between two looks, until the limit


def processes_about(directory: pathlib.Path) -> list[str]:
    """Command lines of living processes whose command line or environment names this directory."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            command = (entry / "cmdline").read_bytes()
            if command and str(directory).encode() in command + (entry / "environ").read_bytes():
                found.append(command.decode(errors="replace").replace("\0", " "))
    return found


def _as_at_a_terminal() -> None:
    """Tests under ``nohup``, or in the background of a shell, would hand down that these are ignored."""
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _with(environment: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **environment}
