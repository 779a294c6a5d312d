"""What the web service lists, asked once for all accounts that share it.

One ``RunPoller`` a (web service, host). The three short lists come once a beat, the two long ones at the start and at a
sweep; each is asked for with the login of the member whose login was proven longest ago, so that polling proves logins
as it goes. The owner is compared here: the web service neither filters by it nor fences it. Whoever comes first polls,
who comes while it is fresh shares what it brought. Called by ``core.watching``.
"""

import asyncio
import collections
import dataclasses
import time
from collections.abc import Callable, Iterable

from niassa_orch import errors
from niassa_orch.core import active_runs, board, enrolling, errands, guard, sharing, throttle
from niassa_orch.domain import accounts, runs

_ByOwner = dict[str, dict[runs.Accession, runs.WorkflowRun]]
_Tell = Callable[[active_runs.ActiveRuns, active_runs.Listed], None]

#: After a sweep that failed; more after each further one.
_SWEEP_REST_SECONDS = 30.0
#: Who is told of a list between two turns of other tasks.
_OWNERS_AT_ONCE = 20


@dataclasses.dataclass(slots=True, eq=False)
class Member:
    """An account that shares a poller.

    Args:
        enrolled: The account, with its own login.
        proven_at: When its login was last accepted, in seconds of ``time.monotonic()``.
        refused: Why its login is not accepted any more, or may not read lists.
    """

    enrolled: enrolling.Enrolled
    proven_at: float
    refused: errors.LoginRefusedError | errors.ForbiddenError | None = None


class RunPoller:
    """Polls one web service for one host.

    Args:
        host: Of the runs.
        told: The board, for defects.
        fresh_seconds: How long what was brought counts as fresh.
        sweep_seconds: Between two readings of the long lists.
    """

    def __init__(self, host: str, told: board.Board, fresh_seconds: float, sweep_seconds: float) -> None:
        self._host = host
        self._board = told
        self._sweep_seconds = sweep_seconds
        self._members: dict[Member, None] = {}
        self._owned: collections.defaultdict[str, active_runs.ActiveRuns] = collections.defaultdict(
            active_runs.ActiveRuns
        )
        self._shared = sharing.Shared(self._look, fresh_seconds)
        self._swept_at: float | None = None
        self._errands = errands.Errands()
        self._sweeping: asyncio.Task[None] | None = None
        self._rest = throttle.Throttle(_SWEEP_REST_SECONDS, sweep_seconds)
        self.listed_at: float | None = None
        self.look_seconds: float | None = None
        self.sweep_trouble = ""

    def join(self, enrolled: enrolling.Enrolled, proven_at: float) -> Member:
        """Share the poller from now on; the login was proven."""
        member = Member(enrolled, proven_at)
        self._members[member] = None
        if isinstance(self._shared.trouble, errors.LoginRefusedError):
            # Nobody had a login; now somebody has.
            self.hurry()
        return member

    def leave(self, member: Member) -> None:
        """Share it no more; nobody is left to go on with a sweep for."""
        self._members.pop(member, None)
        if not self._members and self._sweeping is not None:
            self._sweeping.cancel()

    @property
    def accounts(self) -> list[accounts.Account]:
        """Who shares it."""
        return [member.enrolled.account for member in self._members]

    @property
    def trouble(self) -> str:
        """Why the last look brought nothing, or ``""``."""
        return str(self._shared.trouble or "")

    def runs_of(self, owner: str) -> active_runs.ActiveRuns:
        """What is known of an owner's runs."""
        return self._owned[owner]

    def orphans(self) -> dict[str, int]:
        """How many active runs there are of each owner for whom no account works; none when nobody polls."""
        if not self._members:
            return {}
        return {owner: len(known) for owner, known in self._owned.items() if known and not known.is_served}

    def is_fresh(self, member: Member) -> bool:
        """Whether ``refresh`` would do nothing."""
        return member.refused is None and self._shared.is_fresh

    async def refresh(self, member: Member) -> None:
        """See to it that what is known is fresh.

        Raises:
            LoginRefusedError: The member's own login is refused.
            ForbiddenError: It may not read the lists.
            WebServiceError: The last look, by whomever, brought nothing.
        """
        try:
            await self._shared.refresh()
        except errors.WebServiceError:
            if member.refused is None:
                raise
        if member.refused is not None:
            raise member.refused.with_traceback(None)

    def hurry(self) -> None:
        """A person says that things may have changed: nothing is fresh."""
        self._shared.hurry()
        self._rest.succeed()

    async def close(self) -> None:
        """End the sweep that is under way."""
        await self._errands.stop(at_once=True)

    async def _look(self) -> None:
        began = time.monotonic()
        found = await self._lists(active_runs.ASKED)
        asking = [owner for owner, known in self._owned.items() if known.is_asking]
        for owner, listed in found.items():
            if self._owned[owner].is_served:
                self._owned[owner].requests.saw_list(listed.values(), began)
        await self._tell(active_runs.ActiveRuns.tell_asked, found, asking)
        self.listed_at = began
        self.look_seconds = time.monotonic() - began
        if self._is_sweeping or not self._rest.is_over(began):
            return
        if self._swept_at is None:
            await self._try_to_sweep()
        elif began - self._swept_at >= self._sweep_seconds:
            # Launches do not wait for it.
            self._sweeping = self._errands.begin(self._try_to_sweep, f"sweep:{self._host}")

    @property
    def _is_sweeping(self) -> bool:
        return self._sweeping is not None and not self._sweeping.done()

    async def _try_to_sweep(self) -> None:
        """A sweep that fails keeps nobody from launching, and is tried again after a rest."""
        try:
            await self._sweep()
        except errors.WebServiceError as exc:
            self._rest.fail(time.monotonic())
            self._complain(str(exc))
        except Exception as exc:  # noqa: BLE001 - a defect of a sweep must not end the looks
            self._rest.fail(time.monotonic())
            guard.tell(f"sweep:{self._host}", exc, self._board)
        else:
            self._rest.succeed()
            self._complain("")

    def _complain(self, trouble: str) -> None:
        """Tell when it changes why the long lists cannot be had."""
        if bool(trouble) != bool(self.sweep_trouble):
            name, level = ("sweep.failed", board.Level.WARNING) if trouble else ("sweep.recovered", board.Level.INFO)
            self._board.event(name, level=level, host=self._host, **({"reason": trouble} if trouble else {}))
        self.sweep_trouble = trouble

    async def _sweep(self) -> None:
        began = time.monotonic()
        found = await self._lists(active_runs.FOLLOWING)
        await self._tell(active_runs.ActiveRuns.tell_following, found, [*self._owned])
        self._swept_at = began
        self._owned = collections.defaultdict(
            active_runs.ActiveRuns,
            {owner: known for owner, known in self._owned.items() if known or known.is_served},
        )

    async def _lists(self, statuses: Iterable[runs.RunStatus]) -> _ByOwner:
        """All of these lists or none: with one missing the rest would read as "no more runs"."""
        found: _ByOwner = collections.defaultdict(dict)
        for status in statuses:
            for run in await self._list(status):
                if run.status is status and run.host == self._host:
                    found[run.owner][run.accession] = run
        return found

    async def _list(self, status: runs.RunStatus) -> list[runs.WorkflowRun]:
        """One list, with the login of a member; the next one's when that is refused."""
        while True:
            willing = [member for member in self._members if member.refused is None]
            if not willing:
                message = "no account has a login that the web service accepts"
                raise errors.LoginRefusedError(message)
            member = min(willing, key=_proven_at)
            try:
                listed = await member.enrolled.web_service.list_runs(status, self._host)
            except (errors.LoginRefusedError, errors.ForbiddenError) as exc:
                member.refused = exc
            else:
                member.proven_at = time.monotonic()
                return listed

    async def _tell(self, tell: _Tell, found: _ByOwner, others: Iterable[str]) -> None:
        """Hand each owner what was listed; ``others`` are those who may have had something before."""
        for number, owner in enumerate(dict.fromkeys((*others, *found))):
            tell(self._owned[owner], found.get(owner, {}))
            if number % _OWNERS_AT_ONCE == 0:
                await asyncio.sleep(0)


def _proven_at(member: Member) -> float:
    return member.proven_at
