"""Processes that we started, and those that they started: none of them outlives us unseen.

An engine call outlives the service that made it, as it should on a host; in a demo it would write into a directory
that is being removed, as a user who is being removed. While a ``household`` lasts, orphans among our descendants come
to us, so that exactly ours can be waited for and ended, by process id. Linux only. Called by the demo.
"""

import contextlib
import ctypes
import os
import pathlib
import signal
import time
from collections.abc import Iterator

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)
_LOOK_SECONDS = 0.05
#: A process that was killed may still have to come back from the disk.
_KILLED_SECONDS = 5.0


@contextlib.contextmanager
def household(patience_seconds: float, grace_seconds: float = 2.0) -> Iterator[None]:
    """At the end wait for every descendant; one that goes on too long is ended.

    Nobody else may wait for children when the context ends: the event loop that started them has been closed.

    Args:
        patience_seconds: How long they may take to end by themselves.
        grace_seconds: From SIGTERM to SIGKILL.
    """
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        _ = (
            _are_gone(None, patience_seconds)
            or _are_gone(signal.SIGTERM, grace_seconds)
            or _are_gone(signal.SIGKILL, _KILLED_SECONDS)
        )
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """For a child between fork and exec: SIGKILL when ``parent`` dies, however it dies, if it has not died already."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _are_gone(number: signal.Signals | None, seconds: float) -> bool:
    """Whether all descendants ended within the time, after they were sent ``number``."""
    _signal_all(number)
    limit = time.monotonic() + seconds
    while not _reap():
        if time.monotonic() > limit:
            return False
        # Descendants that are not our children yet tell nobody when they end; the limit above ends the wait.
        time.sleep(_LOOK_SECONDS)
        if number is signal.SIGKILL:  # orphans of those that were killed come to us
            _signal_all(number)
    return True


def _signal_all(number: signal.Signals | None) -> None:
    if number is None:
        return
    for pid in _descendants(os.getpid()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _reap() -> bool:
    """Collect who has ended; true when no child is left, and so no descendant."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _descendants(pid: int) -> list[int]:
    """The living descendants of a process."""
    found = []
    for listed in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            for child in map(int, listed.read_text("ascii").split()):
                found += [child, *_descendants(child)]
    return found
