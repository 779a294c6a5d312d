"""Whether a crontab of an account's Unix user still launches: then we do not, unless the profile says so.

Asked through the mediator before a call, seldom, since most accounts have no crontab any more. One that cannot be read
keeps nothing from being launched: the engine's lock and the look at the run stay. Owned by ``core.caller``.
"""

import asyncio
import time

from niassa_orch import errors
from niassa_orch.core import board, enrolling
from niassa_orch.domain import crontabs
from niassa_orch.seqware import identity, query

#: What was seen holds for so long; a crontab that launches is asked about again at each try.
_SEEN_SECONDS = 600.0


class CrontabGuard:
    """The crontab of one account's Unix user.

    Args:
        line: The account's line on the board.
        told: The board, for events.
    """

    def __init__(self, line: board.AccountLine, told: board.Board) -> None:
        self._line = line
        self._board = told
        self._seen_until = 0.0
        self._told = ""

    async def check(self, enrolled: enrolling.Enrolled) -> None:
        """Look whether we may launch.

        Raises:
            CrontabLaunchesError: A crontab of the user launches; it names the lines.
        """
        if time.monotonic() < self._seen_until:
            return
        try:
            await look(enrolled)
        except errors.CrontabLaunchesError:
            raise
        except errors.EngineCallError as exc:
            # Nothing was seen: the next call asks again.
            self._tell_unreadable(str(exc))
        else:
            self._seen_until, self._told = time.monotonic() + _SEEN_SECONDS, ""

    def forget(self) -> None:
        """A person says that things may have changed."""
        self._seen_until = 0.0

    def _tell_unreadable(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            self._board.event("crontab.unreadable", account=self._line.name, level=board.Level.WARNING, reason=reason)


async def look(enrolled: enrolling.Enrolled) -> None:
    """Look into the crontab of the account's Unix user, unless the profile says that it does not matter.

    Raises:
        CrontabLaunchesError: It launches; the message names the lines.
        EngineCallError: It cannot be read.
    """
    if enrolled.account.beside_cron:
        return
    found = await query.crontab(identity.argv(enrolled.identity, enrolled.mediator, "crontab"))
    # In a thread: users may write what takes long to look through.
    told = await asyncio.to_thread(crontabs.engine_lines, found.text, found.scripts)
    lines = [line for line in told if line.launches]
    if not lines:
        return
    user = enrolled.account.unix_user
    numbers = ", ".join(str(line.number) for line in lines)
    message = (
        f"the crontab of {user} still launches (line {numbers}): put a # before it (crontab -e -u {user}), or say "
        f"beside_cron = true in [launching] of {enrolled.account.name}.toml"
    )
    raise errors.CrontabLaunchesError(message)
