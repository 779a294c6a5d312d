"""What happens around the service while it dies: neighbours that fail for a moment, calls whose processes die, profiles
that are edited, and an administrator's SIGHUP.

A fault strikes the service and the engine; users wait until it has passed, so that a run is never scheduled halfway. An
engine whose submission Oozie refuses has to write ``failed``, and that is true: so Oozie's POST only ever loses its
answer. Used by ``crashes``.
"""

import asyncio
import collections
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from tests.acceptance import books, crash_calls, services, stages

#: So long a living call is waited for.
_CALL_SECONDS = 3.0
#: Between two of a kind; in between there has to be time for launches.
_PAUSE_SECONDS = {"_fail": (1.5, 5.0), "_strike": (0.5, 2.5), "_edit": (2.0, 6.0)}
_CALL_LASTS_SECONDS = 0.5
_RUN = r"/workflowruns/\d+$"
_WEB_TROUBLES: tuple[Mapping[str, Any], ...] = (
    {"action": "status", "status": 500, "times": None},
    {"action": "status", "status": 500, "method": "PUT", "path": _RUN, "times": 3},
    {"action": "drop_after", "method": "PUT", "path": _RUN, "times": 3},
    {"action": "drop_after", "method": "GET", "path": _RUN, "times": 3},
    {"action": "drop_before", "times": 5},
)
_OOZIE_TROUBLES: tuple[Mapping[str, Any], ...] = (
    {"action": "status", "status": 503, "method": "GET", "times": None},
    {"action": "status", "status": 500, "method": "GET", "times": 5},
    {"action": "drop_after", "method": "GET", "times": 5},
    {"action": "drop_after", "method": "PUT", "times": 3},
    {"action": "drop_after", "method": "POST", "times": 2},
)
_FAILED = "requests that {} failed"
_KILLED = "killed of a call: {}"
_EDITED = "profiles edited"
_SIGHUP = "SIGHUP"
_WEB, _OOZIE = "the web service", "Oozie"
#: All that it does, but for the death of sudo, which is not there for our own Unix user.
DISTURBANCES = (
    *map(_FAILED.format, (_WEB, _OOZIE)),
    *map(_KILLED.format, (*crash_calls.ROLES[1:], crash_calls.ALL)),
    _EDITED,
    _SIGHUP,
)


class Weather:
    """Disturbs one stage until it is told to stop; whatever it broke is whole again then.

    Args:
        stage: That is up.
        dice: What happens next.
        calm: Held while a neighbour fails; users act only when they hold it.
    """

    def __init__(self, stage: stages.Stage, dice: random.Random, calm: asyncio.Lock) -> None:
        self.reaper = crash_calls.Reaper(stage, dice)
        #: The life that an administrator may send a signal to.
        self.life: services.Service | None = None
        self._stage = stage
        self._dice = dice
        self._calm = calm
        self._seen: collections.Counter[str] = collections.Counter()
        self._whole = {name: stage.profile(name).read_bytes() for name in stage.accounts}

    @property
    def seen(self) -> collections.Counter[str]:
        """How often it did what."""
        killed = {_KILLED.format(role): number for role, number in self.reaper.roles.items()}
        return self._seen + collections.Counter(killed)

    @contextlib.asynccontextmanager
    async def about(self) -> AsyncIterator[None]:
        """It happens meanwhile."""
        stopped = asyncio.Event()
        doings: list[Callable[[], Awaitable[None]]] = [self._fail, self._strike, self._edit]
        async with asyncio.TaskGroup() as group:
            for doing in doings:
                group.create_task(self._again_and_again(doing, stopped), name=doing.__name__)
            try:
                yield
            finally:
                stopped.set()
        self._mend_profiles()

    async def _again_and_again(self, doing: Callable[[], Awaitable[None]], stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._dice.uniform(*_PAUSE_SECONDS[doing.__name__])):
                    await stopped.wait()
                    return
            await doing()

    async def _fail(self) -> None:
        neighbour: books.Neighbour
        neighbour, name, troubles = self._dice.choice(
            [(self._stage.web, _WEB, _WEB_TROUBLES), (self._stage.oozie, _OOZIE, _OOZIE_TROUBLES)]
        )
        async with self._calm:
            await neighbour.order(**self._dice.choice(troubles))
            # How long it lasts is what happens here; nobody waits for the end of it.
            await asyncio.sleep(self._dice.uniform(0.1, 0.8))
            self._seen[_FAILED.format(name)] += await neighbour.fault_hits()
            await neighbour.delete("faults")

    async def _strike(self) -> None:
        async def look() -> object:
            return self.reaper.living() or None

        with contextlib.suppress(AssertionError):  # no call in all this time; the users may be waiting
            await books.until("a living call", look, _CALL_SECONDS)
            # Some moment of the call's life, not always its first.
            await asyncio.sleep(self._dice.uniform(0, _CALL_LASTS_SECONDS))
            self.reaper.strike()

    async def _edit(self) -> None:
        """Take a profile away, break it, change it in nothing that matters, or make all whole; then SIGHUP."""
        name = self._dice.choice(list(self._whole))
        file, what = self._stage.profile(name), self._dice.choice(("gone", "broken", "changed", "whole", "whole"))
        self._mend_profiles()
        if what == "gone":
            file.unlink()
        elif what == "broken":
            file.write_bytes(self._whole[name] + b"unix_user = \n")
        elif what == "changed":
            file.write_bytes(self._whole[name] + b"# edited\nenabled = true\n")
        self._seen[_EDITED] += 1
        self._sighup()

    def _sighup(self) -> None:
        # What has not begun to serve has no use for a signal, and dies of it.
        if self.life is not None and self.life.process.returncode is None and self.life.events("service.started"):
            self._seen[_SIGHUP] += 1
            self.life.signal(signal.SIGHUP)

    def _mend_profiles(self) -> None:
        for name, content in self._whole.items():
            self._stage.profile(name).write_bytes(content)
