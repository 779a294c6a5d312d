"""What is dropped into accounts.d, as it comes: when to look, what a look that fails means.

The shelf knows what lies there; this knows that somebody should look: because ``accounts_watch`` heard something, a
person asked (SIGHUP), a file has to keep still for a moment longer, or a while has passed. Called by the supervisor.
"""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence

from niassa_orch import errors
from niassa_orch.config import profiles, settings, shelf
from niassa_orch.core import board, listing, unfinished, unreadable

#: Between two looks that nobody gave a reason for: what nobody heard of, and refusals whose reason lies elsewhere.
_SWEEP_SECONDS = 30.0
_TRY_AGAIN_SECONDS = 0.5


@dataclasses.dataclass(frozen=True, slots=True)
class Brought:
    """All profiles as they are now.

    Args:
        profiles: As they were read last.
        unfinished: Names of files that are told to wait until they keep still.
        overdue: Those of them that have not for long.
        asked: A person wants everything to be looked at again.
    """

    profiles: profiles.Profiles
    unfinished: frozenset[str] = frozenset()
    overdue: frozenset[str] = frozenset()
    asked: bool = False


class DropIns:
    """The profiles of the service, from one change to the next.

    Args:
        service: Says where they are, and whether they are looked at unasked.
        told: The board.
    """

    def __init__(self, service: settings.Settings, told: board.Board) -> None:
        self._shelf = shelf.Shelf(service.accounts_dir, service)
        self._unfinished = unfinished.Unfinished(told)
        self._unreadable = unreadable.Unreadable(told)
        self._sweeps = service.accounts_watch is not settings.AccountsWatch.OFF
        self._wake = asyncio.Event()
        self._asked = False
        self._owed = False
        #: What a person asked for and did not keep still yet: it is read once it does, also where nobody looks unasked.
        self._promised: frozenset[str] = frozenset()
        self._again_at: float | None = None
        self._sweep_at: float | None = None

    def alarm(self) -> None:
        """Something may have changed."""
        self._wake.set()

    def ask(self) -> None:
        """A person wants everything to be read again, now."""
        self._asked = True
        self._wake.set()

    async def first(self) -> Brought:
        """Everything that is at rest, at the start; the rest is brought by ``next``.

        Raises:
            SettingsError: accounts.d cannot be read.
        """
        await self._look(asked=True)
        return self._brought(asked=False)

    async def next(self) -> Brought:
        """Wait until there is something that is to take effect, or to be shown."""
        while True:
            await self._alarmed()
            asked, self._asked = self._asked, False
            try:
                brought = await self._look(asked=asked or self._owed)
            except (errors.SettingsError, RuntimeError) as exc:
                # RuntimeError: no thread is to be had. Accounts that are served go on by what they were read from.
                self._owed = self._owed or asked
                self._again_at = _now() + _TRY_AGAIN_SECONDS
                self._unreadable.fail(exc, _now(), asked=asked)
                continue
            owed, self._owed = asked or self._owed, False
            self._unreadable.recover()
            if brought:
                return self._brought(asked=owed)

    def _brought(self, *, asked: bool) -> Brought:
        return Brought(self._shelf.latest, self._unfinished.names, self._unfinished.overdue, asked)

    async def _alarmed(self) -> None:
        """Until something is heard or asked, or one of our own times has come."""
        times = [at for at in (self._again_at, self._sweep_at) if at is not None]
        try:
            async with asyncio.timeout_at(min(times, default=None)):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _look(self, *, asked: bool) -> bool:
        """Whether there is anything new."""
        now = _now()
        swept = asked or (self._sweep_at is not None and now >= self._sweep_at)
        if asked:
            look = await asyncio.to_thread(self._shelf.read)
            self._promised = look.restless
        else:
            only = None if self._sweeps else self._promised
            look = await asyncio.to_thread(self._shelf.look, refused_too=swept, only=only)
            self._promised &= look.restless
        awaited = look.again_seconds is not None and (self._sweeps or bool(self._promised))
        self._again_at = _now() + (look.again_seconds or 0.0) if awaited else None
        if swept:
            self._sweep_at = _now() + _SWEEP_SECONDS if self._sweeps else None
        changed = self._unfinished.note(look, now, at_once=asked)
        return look.profiles is not None or changed


def tell(told: board.Board, differences: Mapping[str, Sequence[str]]) -> None:
    """One event for all that took effect together: names of accounts by what became of them."""
    fields = {what: listing.of(names) for what, names in differences.items() if names}
    if fields:
        told.event("accounts.changed", level=board.Level.INFO, **fields)


def _now() -> float:
    """Of the event loop's clock, by which waits are made."""
    return asyncio.get_running_loop().time()
