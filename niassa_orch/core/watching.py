"""What one account sees of its neighbours: its runs as the web service's poller lists them, its jobs as Oozie's poller
tells them.

A login is proven by a request of its own at the start and once an hour; the poller's requests prove it too. Owned by
``core.worker``, looked through by ``core.cycle``.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from niassa_orch import errors
from niassa_orch.core import active_runs, enrolling, pollers, polling
from niassa_orch.domain import runs

#: The shortest list: it answers whether the login is accepted.
_PROOF = runs.RunStatus.SUBMITTED_RETRY
_PROVEN_SECONDS = 3600.0
_JITTER = 0.1


class Watch:
    """One account's share in the pollers.

    Attributes:
        thorough: Wait for what is read of jobs in several looks: there will be no other beat.

    Args:
        shared: The pollers of all accounts.
        claim: Waits until it is sure whether the account may serve its web service, user and host; raises ProfileError
            if not.
        wake: Called when something became due between two beats.
    """

    def __init__(
        self, shared: pollers.Pollers, claim: Callable[[enrolling.Enrolled], Awaitable[None]], wake: Callable[[], None]
    ) -> None:
        self._shared = shared
        self._claim = claim
        self.wake = wake
        self.thorough = False
        self._is_looking = False
        self._moved = asyncio.Event()
        self._member: polling.Member | None = None
        self._runs: active_runs.ActiveRuns | None = None
        self.oozie_trouble: errors.OozieError | None = None

    @property
    def listed_at(self) -> float | None:
        """When the account's runs were last listed whole, in seconds of ``time.monotonic()``."""
        return self._shared.of_runs(self._member.enrolled).listed_at if self._member else None

    @property
    def poll_seconds(self) -> float | None:
        """How long that took."""
        return self._shared.of_runs(self._member.enrolled).look_seconds if self._member else None

    @property
    def sweep_trouble(self) -> str:
        """Why runs may be missing that were active before we looked, or ``""``."""
        return self._shared.of_runs(self._member.enrolled).sweep_trouble if self._member else ""

    def known(self, enrolled: enrolling.Enrolled) -> active_runs.ActiveRuns | None:
        """The account's active runs if they are fresh, so that ``look`` has nothing to wait for; else ``None``."""
        member = self._member
        if member is None or member.enrolled is not enrolled or not self._shared.of_runs(enrolled).is_fresh(member):
            return None
        return self._runs if time.monotonic() - member.proven_at < _PROVEN_SECONDS * (1 - _JITTER) else None

    def knows_jobs(self, enrolled: enrolling.Enrolled) -> bool:
        """Whether it is fresh which jobs moved, so that ``look_at_jobs`` has nothing to wait for."""
        shared_jobs = self._shared.of_jobs(enrolled)
        if self.thorough or (shared_jobs is not None and not shared_jobs.is_fresh):
            return False
        self.oozie_trouble = None
        return True

    def ahead_seconds(self, enrolled: enrolling.Enrolled) -> float | None:
        """How far the clock of the account's Oozie is ahead of ours; ``None`` when it does not tell."""
        shared_jobs = self._shared.of_jobs(enrolled)
        return shared_jobs.poller.state.skew_seconds if shared_jobs else None

    async def look(self, enrolled: enrolling.Enrolled) -> active_runs.ActiveRuns:
        """The account's active runs, as fresh as a beat.

        Raises:
            LoginRefusedError: The account's login is not accepted.
            WebServiceError: The lists could not be had whole.
            ProfileError: Another account serves the same runs.
        """
        self._is_looking = True
        try:
            found, member = await self._joined(enrolled)
            try:
                await self._shared.of_runs(enrolled).refresh(member)
            finally:
                if member.refused is not None:
                    # It joins again once its login is proven.
                    self.leave()
        finally:
            self._is_looking = False
        return found

    async def look_at_jobs(self, enrolled: enrolling.Enrolled) -> None:
        """See which jobs moved; ``oozie_trouble`` says when that is not to be had."""
        self.oozie_trouble = None
        self._moved.clear()
        shared_jobs = self._shared.of_jobs(enrolled)
        try:
            if shared_jobs is not None:
                await (shared_jobs.see_through() if self.thorough else shared_jobs.refresh(self._moved))
        except errors.OozieError as exc:
            # Runs that wait for nothing of Oozie go on.
            self.oozie_trouble = exc

    def doubt(self, accession: runs.Accession) -> None:
        """A launch of a run was settled: what its record says now is to be read."""
        if self._runs is not None:
            self._runs.doubt(accession)

    def seen(self) -> tuple[runs.WorkflowRun, ...]:
        """The account's active runs as they are known now, without asking anybody."""
        return () if self._runs is None else tuple(self._runs)

    def leave(self) -> None:
        """See nothing any more."""
        if self._member is not None and self._runs is not None:
            self._runs.leave()
            self._shared.leave_runs(self._member)
        self._member = self._runs = None

    def hurry(self) -> None:
        """A person says that things may have changed."""
        if self._member is not None:
            self._shared.of_runs(self._member.enrolled).hurry()
            shared_jobs = self._shared.of_jobs(self._member.enrolled)
            if shared_jobs is not None:
                shared_jobs.hurry()

    async def _joined(self, enrolled: enrolling.Enrolled) -> tuple[active_runs.ActiveRuns, polling.Member]:
        if self._member is not None and self._runs is not None and self._member.enrolled is enrolled:
            if time.monotonic() - self._member.proven_at > _PROVEN_SECONDS * random.uniform(1 - _JITTER, 1):  # noqa: S311 - spreads load
                await self._prove(enrolled)
                self._member.proven_at = time.monotonic()
            return self._runs, self._member
        await self._prove(enrolled)
        self.leave()
        # Only a login that was proven claims anything.
        await self._claim(enrolled)
        poller = self._shared.of_runs(enrolled)
        self._member = poller.join(enrolled, time.monotonic())
        self._runs = poller.runs_of(enrolled.account.web_user)
        shared_jobs = self._shared.of_jobs(enrolled)
        watched = shared_jobs.poller if shared_jobs else None
        self._runs.serve(watched, enrolled.account.unix_user, self._shared.texts_seconds, self._woken)
        return self._runs, self._member

    async def _prove(self, enrolled: enrolling.Enrolled) -> None:
        await enrolled.web_service.list_runs(_PROOF, enrolled.account.host)

    def _woken(self) -> None:
        shared_jobs = self._shared.of_jobs(self._member.enrolled) if self._member else None
        if shared_jobs is not None and shared_jobs.is_telling:
            self._moved.set()
        if not self._is_looking:
            self.wake()
