"""What acceptance tests look at on the machine itself: processes and directories. Asks the kernel, nobody else.

Used by ``stages`` and by tests.
"""

import contextlib
import os
import pathlib
import signal
from collections.abc import Callable, Iterable


def processes(of: Callable[[pathlib.Path], bool]) -> list[int]:
    """The processes of which ``of`` says yes, asked with their directory in ``/proc``."""
    found = []
    others = (entry for entry in pathlib.Path("/proc").glob("[0-9]*") if int(entry.name) != os.getpid())
    for entry in others:
        with contextlib.suppress(OSError):  # gone meanwhile
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and of(entry):
                found.append(int(entry.name))
    return found


def entries(directory: pathlib.Path | str, pattern: str = "*") -> list[pathlib.Path]:
    """What is in a directory, by name."""
    return sorted(pathlib.Path(directory).glob(pattern))


def processes_of_user(uid: int) -> list[int]:
    """Every living process of a Unix user."""
    return processes(lambda entry: entry.stat().st_uid == uid)


def sleeping_in(directory: pathlib.Path) -> list[int]:
    """The ``sleep`` commands that work in a directory."""

    def sleeps_there(entry: pathlib.Path) -> bool:
        return (entry / "comm").read_text() == "sleep\n" and (entry / "cwd").readlink() == directory

    return processes(sleeps_there)


def is_taken(pid: int) -> bool:
    """Whether somebody has a process id, a zombie too."""
    return pathlib.Path(f"/proc/{pid}").exists()


def stopped_of_user(uid: int) -> list[int]:
    """The processes of a Unix user that are stopped, as an engine is that stopped itself (``sandbox.pause``)."""

    def is_stopped(entry: pathlib.Path) -> bool:
        return entry.stat().st_uid == uid and (entry / "stat").read_text().rpartition(")")[2].split()[0] == "T"

    return processes(is_stopped)


def signal_all(pids: Iterable[int], number: signal.Signals) -> None:
    """Signal processes, those of them that still live."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def end_processes_of(directory: pathlib.Path) -> None:
    """End what still runs of a stage: engine calls outlive the service, as they should."""
    word = str(directory).encode()
    for pid in processes(lambda entry: word in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
