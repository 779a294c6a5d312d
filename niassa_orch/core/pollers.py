"""Which accounts share which poller: one a (web service, host), one an Oozie server.

Made when the first account needs one, kept as long as the process; that of one account alone as long as that uses it.
Built by the composition root, used by
``core.watching``.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from typing import NamedTuple

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import board, enrolling, errands, gauges, guard, job_polling, polling, sharing
from niassa_orch.domain import accounts
from niassa_orch.oozie import client

#: How long a beat waits for Oozie's word before it goes on without.
_PATIENCE_SECONDS = 3.0


class Owner(NamedTuple):
    """Whose runs, where, and for which host: what an account claims."""

    web_service_url: str
    web_user: str
    host: str


class SharedJobs:
    """One Oozie server's poller: one look at a time, and a sweep that was begun is seen through.

    Args:
        oozie: The server.
        told: The board, for defects.
        fresh_seconds: How long a look counts as fresh.
        sweep_seconds: Between two sweeps.
    """

    def __init__(self, oozie: client.Oozie, told: board.Board, fresh_seconds: float, sweep_seconds: float) -> None:
        self.poller = job_polling.JobPoller(oozie, sweep_seconds=sweep_seconds)
        self._board = told
        self._shared = sharing.Shared(self.poller.poll, fresh_seconds)
        self._errands = errands.Errands()
        self._finishing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether nothing is to be waited for: a look was just now, or tells what it finds as it goes."""
        return self.is_telling or (self._shared.is_fresh and not self.poller.state.sweeping)

    @property
    def is_telling(self) -> bool:
        """Whether the look that is under way told changes just now: Oozie answers."""
        told_at = self.poller.told_at
        return told_at is not None and time.monotonic() - told_at < _PATIENCE_SECONDS

    async def refresh(self, moved: asyncio.Event) -> None:
        """See to it that somebody looked just now; a look that takes long goes on without whoever waits for it.

        Args:
            moved: Of whoever waits: set when something became due for them, which need not wait for the rest.

        Raises:
            OozieError: What the last look ended in, whoever looked; OozieUnavailableError also while it goes on.
        """
        if self._looking is None or self._looking.done():
            self._looking = self._errands.begin(self._look, "look:oozie")
        await guard.unless(moved, asyncio.wait({self._looking}, timeout=_PATIENCE_SECONDS))
        if not self._looking.done():
            if self.is_telling or moved.is_set():
                return
            message = "Oozie has not answered yet; it is waited for"
            raise errors.OozieUnavailableError(message)
        if self._shared.trouble is not None:
            raise self._shared.trouble.with_traceback(None)

    async def see_through(self) -> None:
        """See to it that every watched job was told, and a sweep is over; raises as ``refresh``."""
        await self._shared.refresh()
        while self.poller.is_behind:
            self._shared.hurry()
            await self._shared.refresh()

    def hurry(self) -> None:
        """A person says that things may have changed: nothing is fresh."""
        self._shared.hurry()

    async def close(self) -> None:
        """End the sweep that is under way."""
        await self._errands.stop(at_once=True)

    async def _look(self) -> None:
        try:
            # What it ended in is known to whoever asks.
            with contextlib.suppress(errors.OozieError):
                await self._shared.refresh()
            if self.poller.state.sweeping and (self._finishing is None or self._finishing.done()):
                self._finishing = self._errands.begin(self._finish, "sweep:oozie")
        except Exception as exc:  # noqa: BLE001 - a defect of a look must not end an account's beat
            guard.tell("look:oozie", exc, self._board)

    async def _finish(self) -> None:
        """The rest of a sweep, slice by slice, while accounts work."""
        try:
            # Ends with the first look that fails: that sweep is begun anew.
            with contextlib.suppress(errors.OozieError):
                while self.poller.state.sweeping:
                    self._shared.hurry()
                    await self._shared.refresh()
        except Exception as exc:  # noqa: BLE001 - a defect of a sweep must not end the looks
            guard.tell("sweep:oozie", exc, self._board)


class Pollers:
    """The pollers of all accounts.

    Args:
        service: How often is polled and swept.
        told: The board.
    """

    def __init__(self, service: settings.Settings, told: board.Board) -> None:
        beat = service.beat
        # Beats come with jitter: the next of the same account must find what is known not fresh any more.
        self._fresh_seconds = 0.95 * beat.interval_seconds * (1 - beat.jitter)
        self._sweep_seconds = beat.sweep_seconds
        self.texts_seconds = service.texts.every_seconds
        self._board = told
        self._of_runs: dict[tuple[str, str, str], polling.RunPoller] = {}
        self._of_jobs: dict[str, SharedJobs] = {}

    def of_runs(self, enrolled: enrolling.Enrolled) -> polling.RunPoller:
        """The poller of the account's web service and host."""
        key = _key(enrolled.account)
        if key not in self._of_runs:
            made = polling.RunPoller(enrolled.account.host, self._board, self._fresh_seconds, self._sweep_seconds)
            self._of_runs[key] = made
        return self._of_runs[key]

    def leave_runs(self, member: polling.Member) -> None:
        """An account shares its poller of runs no more; what only it used is let go."""
        key = _key(member.enrolled.account)
        self._of_runs[key].leave(member)
        if member.enrolled.account.polls_alone and not self._of_runs[key].accounts:
            del self._of_runs[key]

    def of_jobs(self, enrolled: enrolling.Enrolled) -> SharedJobs | None:
        """The poller of the account's Oozie server; ``None`` when it names none, or lets the engine propagate."""
        engine = enrolled.account.propagation is accounts.Propagation.ENGINE
        if enrolled.oozie_server is None or engine:
            return None
        url = enrolled.account.oozie_url
        if url not in self._of_jobs:
            made = SharedJobs(enrolled.oozie_server, self._board, self._fresh_seconds, self._sweep_seconds)
            self._of_jobs[url] = made
        return self._of_jobs[url]

    def orphans(self) -> dict[Owner, int]:
        """How many active runs of served hosts there are of each owner for whom no account works at the moment."""
        return {
            Owner(url, web_user, host): count
            for (url, host, alone), poller in self._of_runs.items()
            if not alone
            for web_user, count in poller.orphans().items()
        }

    def neighbours(self) -> Iterator[gauges.Neighbour]:
        """How each server that an account uses answered last; of several pollers of one, the one that fares worst."""
        used: set[str] = set()
        found: dict[str, gauges.Neighbour] = {}
        for (url, _, _), poller in self._of_runs.items():
            sharing_it = poller.accounts
            if sharing_it:
                used.update(account.oozie_url for account in sharing_it)
                seen = (poller.listed_at, poller.look_seconds, poller.trouble)
                now = gauges.Neighbour(gauges.Kind.WEB_SERVICE, url, *seen)
                found[url] = min(found.get(url, now), now, key=_health)
        yield from found.values()
        for url in used & self._of_jobs.keys():
            state = self._of_jobs[url].poller.state
            yield gauges.Neighbour(gauges.Kind.OOZIE, url, state.read_at, state.latency_seconds, state.trouble)

    async def close(self) -> None:
        """End what is under way."""
        await asyncio.gather(
            *(poller.close() for poller in self._of_runs.values()),
            *(shared.close() for shared in self._of_jobs.values()),
        )


def _health(neighbour: gauges.Neighbour) -> tuple[bool, float]:
    """The less, the worse: who has trouble first, then who answered longest ago."""
    return not neighbour.trouble, neighbour.answered_at or 0.0


def _key(account: accounts.Account) -> tuple[str, str, str]:
    return account.web_service_url, account.host, account.name if account.polls_alone else ""
