"""Everything that an operator may do to the service, one method each, whatever face it is asked through.

Each says in the audit trail first who wants what, then does it, and answers in words for that person. Orders are kept
without a running service too (``running`` is ``None``): they hold from its next start on. Used by the control socket,
the dashboard's keys and the commands.
"""

import dataclasses
import datetime
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

from niassa_orch import errors
from niassa_orch.config import suggestions
from niassa_orch.core import audit, crew, explaining, gauges, listing, resolving
from niassa_orch.core import orders as standing_orders
from niassa_orch.domain import orders, runs

#: An urgent run that is launched by nobody is urgent no more after so long.
_URGENT = datetime.timedelta(days=7)
_Orders = tuple[orders.Order, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What was done, in words for who asked for it, and the orders that it was about."""

    text: str
    about: _Orders = ()


class Operating:
    """What operators do.

    Args:
        standing: The orders.
        trail: Where each is written first.
        names: The accounts that there are.
        running: The service; ``None`` when none runs.
        words: Takes what people say of launches; ``None``: nobody does here.
        later: When an order holds that no running service is told of.
    """

    def __init__(
        self,
        standing: standing_orders.StandingOrders,
        trail: audit.Trail,
        names: Callable[[], Iterable[str]],
        running: crew.Crew | None = None,
        words: resolving.Resolving | None = None,
        later: str = "no service runs: it holds from the next start on",
    ) -> None:
        self._standing = standing
        self._trail = trail
        self._names = names
        self._crew = running
        self._words = words
        self._later = "" if running else f"; {later}"

    async def pause(
        self,
        account: str | None,
        by: orders.Operator,
        *,
        launching_only: bool = False,
        until: datetime.datetime | None = None,
        reason: str = "",
    ) -> Answer:
        """Launch nothing of an account, or of all (``None``), and propagate nothing either, unless ``launching_only``.

        What is under way goes on to its end, and is settled. Takes the place of an earlier pause of the same kind.

        Raises:
            OrderError: It cannot be done; the message says why, and what to do instead.
            AuditError: It could not be written into the audit trail, and is not done.
        """
        kind = orders.Kind.PAUSE_LAUNCHING if launching_only else orders.Kind.PAUSE
        return await self._give(kind, account, by, until=until, reason=reason)

    async def stop_launching(self, account: str | None, by: orders.Operator, *, reason: str = "") -> Answer:
        """Launch nothing of an account, or of all (``None``), until that is lifted; raises as ``pause``."""
        return await self._give(orders.Kind.STOP, account, by, reason=reason)

    async def urgent(self, accession: runs.Accession, by: orders.Operator, *, reason: str = "") -> Answer:
        """Launch a run before the others of its account, within its limits; raises as ``pause``."""
        found = self._waiting(accession)
        until = datetime.datetime.now(datetime.UTC) + _URGENT
        account = found.account if found else None
        answer = await self._give(orders.Kind.URGENT, account, by, accession=accession, until=until, reason=reason)
        if found is not None or self._crew is None:
            return answer
        unseen = f"; no account that works here has seen it wait: niassa-orch explain {accession} says where it is"
        return dataclasses.replace(answer, text=answer.text + unseen)

    async def resume(self, account: str | None, by: orders.Operator) -> Answer:
        """Lift pauses and stops of an account, or those that were ordered for all (``None``); raises as ``pause``.

        What was ordered for all is not lifted for one, nor the other way round; the answer says what still holds.
        """
        self._check_known(account)
        keeping = [order for order in self._standing.in_force() if order.keeps]
        mine = tuple(order for order in keeping if order.account == (account or ""))
        others = [order for order in keeping if order not in mine and (account is None or order.account == "")]
        still = f"; this still holds: {_listed(others)}" if others else ""
        if not mine:
            message = f"no order keeps {_whose(account)} from being launched{still}"
            raise errors.OrderError(message)

        async def lift() -> Answer:
            await self._standing.lift(mine, str(by))
            self._revoke(account)
            return Answer(f"lifted: {_listed(mine)}{still}", mine)

        return await self._audited(audit.Entry("resume-orders", account or "", operator=by.in_full), lift)

    async def poll_now(self, account: str | None, by: orders.Operator) -> Answer:
        """Look at an account, or at all (``None``), now instead of at its next beat; raises as ``pause``."""
        running = self._running()
        self._check_known(account)
        if account is not None and account not in running.served():
            message = f"nobody works for {account}: its profile is disabled, or was refused; see: niassa-orch accounts"
            raise errors.OrderError(message)
        entry = audit.Entry("poll-now", account or "", operator=by.in_full)
        return await self._at_once(entry, lambda: running.look_now(account), f"{_whose(account)}: looked at now")

    async def drain(self, by: orders.Operator) -> Answer:
        """End the service politely: no new work, verdicts are written, engine calls live on; raises as ``pause``."""
        running = self._running()
        said = "draining: nothing new is begun, verdicts are written, engine calls live on; then the service ends"
        return await self._at_once(audit.Entry("drain", operator=by.in_full), running.stop, said)

    async def reload(self, by: orders.Operator) -> Answer:
        """Read all profiles and secrets again, and forget why anything waits; raises as ``pause``."""
        running = self._running()
        said = "profiles and secrets are read again, and what waits is tried again"
        return await self._at_once(audit.Entry("reload", operator=by.in_full), running.reload, said)

    def explain(self, accession: runs.Accession) -> AsyncIterator[explaining.Said]:
        """Everything that is known of a run, with what only the running service knows.

        Raises:
            OrderError: No service runs.
        """
        return self._running().explain(accession)

    def active_runs(
        self, account: str | None = None, status: runs.RunStatus | None = None
    ) -> tuple[gauges.ActiveRun, ...]:
        """Active runs as the service last saw them, by account and accession; raises OrderError."""
        running = self._running()
        self._check_known(account)
        found = [
            one
            for one in running.active_runs()
            if account in (None, one.account) and (status is None or one.run.status is status)
        ]
        return tuple(sorted(found, key=lambda one: (one.account, one.run.accession)))

    async def doubts(self, accession: runs.Accession | None = None) -> resolving.Known:
        """Launches that are not settled, of a run or of all; raises JournalError."""
        return await self._heard().known(accession)

    async def resolve(self, word: resolving.Word, by: orders.Operator) -> Answer:
        """Take a person's word for what became of a launch; raises as ``resolving.Resolving.resolve``."""
        return Answer(await self._heard().resolve(word, by))

    async def _give(self, kind: orders.Kind, account: str | None, by: orders.Operator, **more: Any) -> Answer:
        self._check_known(account)
        order = orders.Order(kind, account or "", by, datetime.datetime.now(datetime.UTC), **more)
        orders.check(order)
        details = {"until": order.until and order.until.isoformat(), "reason": order.reason}
        entry = audit.Entry(kind, order.account, operator=by.in_full, accession=order.accession, details=details)

        async def give() -> Answer:
            await self._standing.give(order)
            self._revoke(account, order.accession)
            return Answer(f"{order}{self._later}", (order,))

        return await self._audited(entry, give)

    async def _at_once(self, entry: audit.Entry, work: Callable[[], None], said: str) -> Answer:
        async def do() -> Answer:
            work()
            return Answer(said)

        return await self._audited(entry, do)

    async def _audited(self, entry: audit.Entry, work: Callable[[], Awaitable[Answer]]) -> Answer:
        await self._trail.begin(entry)
        try:
            answer = await work()
        except (errors.JournalError, errors.OrderError) as exc:
            self._trail.note(dataclasses.replace(entry, result=f"not done: {exc}"))
            if isinstance(exc, errors.OrderError):
                raise
            message = f"it could not be written down, and does not hold: {exc}"
            raise errors.OrderError(message) from exc
        self._trail.note(dataclasses.replace(entry, result=answer.text))
        return answer

    def _revoke(self, account: str | None, accession: runs.Accession | None = None) -> None:
        if self._crew is not None:
            self._crew.revoke(account, accession)

    def _heard(self) -> resolving.Resolving:
        if self._words is None:
            message = "no launch can be resolved here; use the service's own state_dir"
            raise errors.OrderError(message)
        return self._words

    def _running(self) -> crew.Crew:
        if self._crew is None:
            message = "no service runs here; start it first: niassa-orch run"
            raise errors.OrderError(message)
        return self._crew

    def _check_known(self, account: str | None) -> None:
        if account is None:
            return
        names = sorted(self._names())
        if account not in names:
            guess = suggestions.closest(account, names)
            hint = f"did you mean {guess}?" if guess else f"there are: {listing.of(names) or 'none'}"
            message = f"no account is called {account!r}; {hint}"
            raise errors.OrderError(message)

    def _waiting(self, accession: runs.Accession) -> gauges.ActiveRun | None:
        """The run, if the running service sees it; whether it can be launched at all."""
        found = [one for one in self._crew.active_runs() if one.run.accession == accession] if self._crew else []
        waiting = [one for one in found if one.run.status is runs.RunStatus.SUBMITTED]
        if found and not waiting:
            message = f"run {accession} of {found[0].account} is {found[0].run.status}: it waits for no launch"
            raise errors.OrderError(message)
        if len(waiting) > 1:
            return None
        if waiting and waiting[0].launch:
            one = waiting[0]
            message = f"run {accession} of {one.account} has a launch that is not settled ({one.launch}): {one.reason}"
            raise errors.OrderError(message)
        return waiting[0] if waiting else None


def _whose(account: str | None) -> str:
    return account or "all accounts"


def _listed(some: Sequence[orders.Order]) -> str:
    return listing.of([str(order) for order in some])
