"""What signals mean to the running service. Called by ``app``.

First SIGTERM or SIGINT: drain (no new work, verdicts are written); a second one cancels. SIGHUP: read accounts.d again;
under the dashboard it means that the terminal is gone: drain. Engine calls live on in any case.
"""

import asyncio
import signal

from niassa_orch import early_signals
from niassa_orch.core import supervisor

_ENDING = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """Signals mean what the module says, from now on until the event loop is closed."""

    def __init__(self, *, on_terminal: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._main = asyncio.current_task()
        self._watched: supervisor.Supervisor | None = None
        self._is_ending = False
        for first in _ENDING:
            self._loop.add_signal_handler(first, self._drain)
        self._loop.add_signal_handler(signal.SIGHUP, self._drain if on_terminal else self._reload)
        early_signals.release()

    def pass_on_to(self, watched: supervisor.Supervisor) -> None:
        """Who heeds them, those that came before included."""
        self._watched = watched
        if self._is_ending:
            watched.stop()

    def _drain(self) -> None:
        self._is_ending = True
        if self._watched is not None:
            self._watched.stop()
        for second in _ENDING:
            self._loop.remove_signal_handler(second)
            if self._main is not None:
                self._loop.add_signal_handler(second, self._main.cancel)

    def _reload(self) -> None:
        # Before there is a supervisor nothing was read yet.
        if self._watched is not None:
            self._watched.reload()
