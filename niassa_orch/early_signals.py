"""Signals that come before the service can heed them: they wait instead of ending it.

Python takes a moment to import what a service needs, and until there is an event loop SIGHUP and SIGTERM would end the
process as they end any other. ``__main__`` holds them first of all, so that nothing slow may be imported here; ``app``
lets them come once it heeds them, ``cli`` for commands that do not. Nothing may be spawned meanwhile: it would inherit
deaf ears.
"""

import signal
from typing import Final

_HELD: Final = frozenset({signal.SIGHUP, signal.SIGTERM})


def hold() -> None:
    """From now on they wait in the kernel, at most one of each."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def release() -> None:
    """Let them come, those that waited first; does nothing if none is held."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)
