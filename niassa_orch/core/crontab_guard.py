"""Whether a crontab of an account's Unix user still launches: then we do not, unless the profile says so.

Asked through the mediator before a call, seldom, since most accounts have no crontab any more. One that cannot be read
may launch, and keeps launches waiting as well: cron runs also what its user may not look at (cron.deny). A machine that
has no ``crontab`` command, and a user who has no crontab, launch nothing. Owned by ``core.caller``; what is known of
crontabs of other accounts ``core.crontab_rounds`` brings.
"""

import asyncio
import dataclasses
import time
from collections.abc import Collection, Iterator
from typing import Final

from niassa_orch import errors
from niassa_orch.core import enrolling
from niassa_orch.domain import accounts, crontabs
from niassa_orch.seqware import identity, query

#: What was seen holds for so long; a crontab that launches, or cannot be read, is asked about again at each try.
_SEEN_SECONDS = 600.0
#: What lets an account launch whatever a crontab does.
UNLESS: Final = "or say beside_cron = true in [launching] of the profile"


@dataclasses.dataclass(frozen=True, slots=True)
class Launching:
    """A crontab that launches.

    Args:
        account: Of its Unix user.
        lines: Which, in words; ``""``: none.
        machine: The host that the service stands for: a line launches what is scheduled for that as well.
    """

    account: accounts.Account
    lines: str
    machine: str

    def touches(self, other: accounts.Account) -> bool:
        """Whether it may launch runs of an account of another Unix user, as its own."""
        mine = self.account
        same = mine.web_service_url == other.web_service_url and other.host in (mine.host, self.machine)
        return bool(self.lines) and same and mine.unix_user != other.unix_user and not other.beside_cron

    def __str__(self) -> str:
        """What it does to others, and what to do."""
        user, host = self.account.unix_user, self.account.host
        return (
            f"the crontab of {user} ({self.lines}) launches what is scheduled for {host} for all accounts, as {user}: "
            f"put a # before it (crontab -e -u {user}), or say beside_cron = true in [launching] of "
            f"{self.account.name}.toml if it launches nothing here"
        )


class Crontabs:
    """The crontabs that launch, as they were seen last, of all accounts that are served."""

    def __init__(self) -> None:
        self._launching: dict[str, Launching] = {}

    def __iter__(self) -> Iterator[Launching]:
        """Each that launches."""
        return iter(self._launching.values())

    def note(self, seen: Launching) -> None:
        """A crontab was looked into."""
        self._launching.pop(seen.account.name, None)
        if seen.lines:
            self._launching[seen.account.name] = seen

    def keep(self, names: Collection[str]) -> None:
        """Forget those of accounts that are not served any more."""
        self._launching = {name: seen for name, seen in self._launching.items() if name in names}

    def launches(self, name: str) -> bool:
        """Whether that of this account's Unix user was seen to launch."""
        return name in self._launching

    def check(self, account: accounts.Account) -> None:
        """Look whether none may launch runs of this account; asks nobody.

        Raises:
            OthersLaunchError: One does.
        """
        seen = next((one for one in self if one.touches(account)), None)
        if seen is not None:
            raise errors.OthersLaunchError(str(seen))


class CrontabGuard:
    """The crontab of one account's Unix user, and what was seen of others.

    Args:
        others: What was seen.
    """

    def __init__(self, others: Crontabs) -> None:
        self._others = others
        self._seen_until = 0.0

    async def check(self, enrolled: enrolling.Enrolled) -> None:
        """Look whether we may launch; raises like ``look``, and like ``Crontabs.check``."""
        if time.monotonic() >= self._seen_until:
            await look(enrolled)
            self._seen_until = time.monotonic() + _SEEN_SECONDS
        self._others.check(enrolled.account)

    def forget(self) -> None:
        """A person says that things may have changed."""
        self._seen_until = 0.0


async def look(enrolled: enrolling.Enrolled) -> None:
    """Look into the crontab of the account's Unix user, unless the profile says that it does not matter.

    Raises:
        CrontabLaunchesError: It launches; the message names the lines.
        NiassaOrchError: As ``lines`` says.
    """
    if found := await lines(enrolled):
        user = enrolled.account.unix_user
        message = (
            f"the crontab of {user} still launches ({found}): put a # before it (crontab -e -u {user}), "
            f"{UNLESS} ({enrolled.account.name}.toml)"
        )
        raise errors.CrontabLaunchesError(message)


async def lines(enrolled: enrolling.Enrolled) -> str:
    """The lines of the crontab of the account's Unix user that launch, in words; ``""``: none, or the profile says that
    they do not matter.

    Raises:
        CrontabUnreadableError: Whether it does cannot be known; the message says what to do.
        SudoRefusedError: sudo lets us do nothing as this user.
    """
    if enrolled.account.beside_cron:
        return ""
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
    launching = [line for line in told if line.launches]
    return crontabs.named(launching) if launching else ""
