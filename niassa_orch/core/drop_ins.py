"""What is dropped into accounts.d, as it comes: when to look, what a look that fails means.

The shelf knows what lies there; this knows that somebody should look: because ``accounts_watch`` heard something, a
person asked (SIGHUP), a file has to keep still for a moment longer, or a while has passed. Called by the supervisor.
"""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence

from niassa_orch import errors
from niassa_orch.config import profiles, settings, shelf
from niassa_orch.core import board

#: Between two looks that nobody gave a reason for: what nobody heard of, and refusals whose reason lies elsewhere.
_SWEEP_SECONDS = 30.0
#: A directory that cannot be read is told when it is so for longer than swapping it for another takes.
_UNREADABLE_SECONDS = 1.0
_TRY_AGAIN_SECONDS = 0.5
_NAMES_LISTED = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Brought:
    """All profiles as they are now; ``asked``: a person wants everything to be looked at again."""

    profiles: profiles.Profiles
    asked: bool


class DropIns:
    """The profiles of the service, from one change to the next.

    Args:
        service: Says where they are, and whether they are looked at unasked.
        told: The board.
    """

    def __init__(self, service: settings.Settings, told: board.Board) -> None:
        self._shelf = shelf.Shelf(service.accounts_dir, service)
        self._told = told
        self._sweeps = service.accounts_watch is not settings.AccountsWatch.OFF
        self._wake = asyncio.Event()
        self._asked = False
        self._owed = False
        self._again_at: float | None = None
        self._sweep_at: float | None = None
        self._unreadable_since: float | None = None
        self._is_told = False

    def alarm(self) -> None:
        """Something may have changed."""
        self._wake.set()

    def ask(self) -> None:
        """A person wants everything to be read again, now."""
        self._asked = True
        self._wake.set()

    async def first(self) -> profiles.Profiles:
        """Everything, at the start.

        Raises:
            SettingsError: accounts.d cannot be read.
        """
        return self._noted(await asyncio.to_thread(self._shelf.read)) or profiles.Profiles((), ())

    async def next(self) -> Brought:
        """Wait until there is something that is to take effect."""
        while True:
            await self._alarmed()
            asked, self._asked = self._asked, False
            try:
                brought = await self._look(asked=asked or self._owed)
            except (errors.SettingsError, RuntimeError) as exc:
                # RuntimeError: no thread is to be had. Accounts that are served go on by what they were read from.
                self._fail(exc, asked=asked)
                continue
            owed, self._owed = asked or self._owed, False
            self._recover()
            if brought is not None:
                return Brought(brought, owed)

    async def _alarmed(self) -> None:
        """Until something is heard or asked, or one of our own times has come."""
        times = [at for at in (self._again_at, self._sweep_at) if at is not None]
        try:
            async with asyncio.timeout_at(min(times, default=None)):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _look(self, *, asked: bool) -> profiles.Profiles | None:
        if asked:
            return self._noted(await asyncio.to_thread(self._shelf.read))
        now = _now()
        swept = self._sweep_at is not None and now >= self._sweep_at
        look = await asyncio.to_thread(self._shelf.look, now, refused_too=swept)
        return self._noted(look, swept=swept)

    def _noted(self, look: shelf.Look, *, swept: bool = True) -> profiles.Profiles | None:
        now = _now()
        self._again_at = None if look.again_seconds is None or not self._sweeps else now + look.again_seconds
        if swept:
            self._sweep_at = now + _SWEEP_SECONDS if self._sweeps else None
        return look.profiles

    def _fail(self, exc: Exception, *, asked: bool) -> None:
        now = _now()
        self._owed = self._owed or asked
        self._again_at = now + _TRY_AGAIN_SECONDS
        if self._unreadable_since is None:
            self._unreadable_since = now
        lasts = now - self._unreadable_since >= _UNREADABLE_SECONDS
        if asked or (lasts and not self._is_told):
            self._is_told = True
            reason = f"{exc}; accounts that are served go on by what was read last, new ones wait"
            self._told.event("accounts.unreadable", level=board.Level.ERROR, reason=reason)

    def _recover(self) -> None:
        if self._is_told:
            self._told.event("accounts.readable")
        self._unreadable_since, self._is_told = None, False


def tell(told: board.Board, differences: Mapping[str, Sequence[str]]) -> None:
    """One event for all that took effect together: names of accounts by what became of them."""
    fields = {what: _listed(names) for what, names in differences.items() if names}
    if fields:
        told.event("accounts.changed", level=board.Level.INFO, **fields)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_LISTED
    return ", ".join(names[:_NAMES_LISTED]) + (f" and {more} more" if more > 0 else "")


def _now() -> float:
    """Of the event loop's clock, by which waits are made."""
    return asyncio.get_running_loop().time()
