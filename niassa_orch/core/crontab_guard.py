"""Whether a crontab of an account's Unix user still launches: then we do not, unless the profile says so.

Asked through the mediator before a call, seldom, since most accounts have no crontab any more. One that cannot be read
may launch, and keeps launches waiting as well: cron runs also what its user may not look at (cron.deny). A machine that
has no ``crontab`` command, and a user who has no crontab, launch nothing. Owned by ``core.caller``.
"""

import asyncio
import time
from typing import Final

from niassa_orch import errors
from niassa_orch.core import enrolling
from niassa_orch.domain import crontabs
from niassa_orch.seqware import identity, query

#: What was seen holds for so long; a crontab that launches, or cannot be read, is asked about again at each try.
_SEEN_SECONDS = 600.0
#: What lets an account launch whatever a crontab does.
UNLESS: Final = "or say beside_cron = true in [launching] of the profile"


class CrontabGuard:
    """The crontab of one account's Unix user."""

    def __init__(self) -> None:
        self._seen_until = 0.0

    async def check(self, enrolled: enrolling.Enrolled) -> None:
        """Look whether we may launch; raises like ``look``."""
        if time.monotonic() >= self._seen_until:
            await look(enrolled)
            self._seen_until = time.monotonic() + _SEEN_SECONDS

    def forget(self) -> None:
        """A person says that things may have changed."""
        self._seen_until = 0.0


async def look(enrolled: enrolling.Enrolled) -> None:
    """Look into the crontab of the account's Unix user, unless the profile says that it does not matter.

    Raises:
        CrontabLaunchesError: It launches; the message names the lines.
        CrontabUnreadableError: Whether it does cannot be known; the message says what to do.
        SudoRefusedError: sudo lets us do nothing as this user.
    """
    if enrolled.account.beside_cron:
        return
    account = enrolled.account
    user = account.unix_user
    try:
        found = await query.crontab(identity.argv(enrolled.identity, enrolled.mediator, "crontab"))
    except errors.SudoRefusedError:
        raise
    except errors.EngineCallError as exc:
        message = (
            f"it cannot be known whether a crontab of {user} launches: {exc}; see crontab -l -u {user} (as root) and "
            f"mend what keeps {user} from its crontab, {UNLESS} ({account.name}.toml)"
        )
        raise errors.CrontabUnreadableError(message) from (exc.__cause__ or exc)
    # In a thread: users may write what takes long to look through.
    told = await asyncio.to_thread(crontabs.engine_lines, found.text, found.scripts)
    lines = [line for line in told if line.launches]
    if lines:
        message = (
            f"the crontab of {user} still launches ({crontabs.named(lines)}): put a # before it (crontab -e -u {user}),"
            f" {UNLESS} ({account.name}.toml)"
        )
        raise errors.CrontabLaunchesError(message)
