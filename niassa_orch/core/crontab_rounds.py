"""Looks whether crontabs of served accounts launch runs of other accounts; tells that, and lets those know.

``launch-scheduled`` never looks at the owner of a run: one line that was forgotten launches what is scheduled for its
host for everybody, as its own user. Looked at in the background, seldom and few at once: no launch waits for a look at
another's crontab, only for what was seen there. Run by ``core.supervisor``.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping

from niassa_orch import errors
from niassa_orch.core import board, crontab_guard, enrolling

#: A round in which nothing is due asks nobody; the first looks come soon after a start.
_ROUND_SECONDS = 2.0
#: Until the next look at a crontab in which nothing was seen, and at one that launches and may be mended soon.
_QUIET_SECONDS, _LAUNCHING_SECONDS = 3600.0, 60.0
_AT_ONCE = 2


class CrontabRounds:
    """The rounds through the crontabs of all accounts.

    Args:
        served: Every account that is served; ``None`` for one that cannot be worked for just now.
        seen: Where what was seen is kept.
        told: The board, for events.
        machine: The host that the service stands for.
    """

    def __init__(
        self,
        served: Callable[[], Mapping[str, enrolling.Enrolled | None]],
        seen: crontab_guard.Crontabs,
        told: board.Board,
        machine: str,
    ) -> None:
        self._served = served
        self._seen = seen
        self._board = told
        self._machine = machine
        self._looked: dict[str, tuple[enrolling.Enrolled, float]] = {}
        self._told: set[str] = set()

    async def run(self) -> None:
        """Go round until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(_ROUND_SECONDS)

    async def round(self) -> None:
        """Look at each crontab whose time has come, and tell what was found."""
        served = self._served()
        self._seen.keep(served)
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(enrolled: enrolling.Enrolled) -> None:
            async with places:
                await self._look(enrolled)

        async with asyncio.TaskGroup() as group:
            for known in served.values():
                if known is not None and self._is_due(known):
                    group.create_task(one(known), name=f"crontab:{known.account.name}")
        self._tell([known for known in served.values() if known is not None])

    def _is_due(self, known: enrolling.Enrolled) -> bool:
        looked = self._looked.get(known.account.name)
        return looked is None or looked[0] is not known or time.monotonic() >= looked[1]

    async def _look(self, enrolled: enrolling.Enrolled) -> None:
        account = enrolled.account
        # The account's own launches say what cannot be read; others wait only for what was seen, and that holds.
        with contextlib.suppress(errors.EngineCallError):
            self._seen.note(crontab_guard.Launching(account, await crontab_guard.lines(enrolled), self._machine))
        wait = _LAUNCHING_SECONDS if self._seen.launches(account.name) else _QUIET_SECONDS
        self._looked[account.name] = (enrolled, time.monotonic() + wait)

    def _tell(self, served: list[enrolling.Enrolled]) -> None:
        """Once each, as long as it lasts."""
        found = {str(one): one.account for one in self._seen if any(one.touches(known.account) for known in served)}
        for reason in found.keys() - self._told:
            fields = {"unix_user": found[reason].unix_user, "reason": reason}
            name = "crontab.launches_for_others"
            self._board.event(name, account=found[reason].name, level=board.Level.ERROR, **fields)
        self._told = set(found)
        self._board.alarm("crontabs", "; ".join(sorted(found)))
