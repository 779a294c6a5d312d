"""The orders of operators that hold now, for those who heed them: gates, the cycle, the launcher.

What stands in the journal counts, whoever wrote it: at each look it is compared with what was told before, so that an
order of another process, and one whose time is over, is told as any other. Gives and lifts; what people may order, and
how it is refused, is ``core.operating``'s. Built by the composition root.
"""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable, Collection, Mapping

from niassa_orch import errors
from niassa_orch.core import audit, board
from niassa_orch.domain import orders, runs
from niassa_orch.journal import store

_Orders = tuple[orders.Order, ...]


def _shown(order: orders.Order) -> str:
    return "" if order.until is None else order.until.isoformat(timespec="seconds")


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


class StandingOrders:
    """What is in force.

    Args:
        journal: Where orders stand.
        told: The board, for events.
        now: The time, UTC.
    """

    def __init__(
        self, journal: store.Journal, told: board.Board, now: Callable[[], datetime.datetime] = _utc_now
    ) -> None:
        self._journal = journal
        self._board = told
        self._now = now
        self._told: _Orders = ()
        self._met: set[runs.Accession] = set()
        told.ask_orders = self.in_force

    def in_force(self) -> _Orders:
        """Every order that holds now, oldest first."""
        standing = self._journal.orders.standing
        return orders.in_force(standing, self._now()) if standing else ()

    def over(self, account: str) -> _Orders:
        """Those that hold for an account."""
        return orders.over(self.in_force(), account)

    def keeper(self, account: str) -> orders.Order | None:
        """The order that keeps runs of an account from being launched, if there is one; the gravest of several."""
        return orders.keeper(self.over(account))

    def pause(self, account: str) -> orders.Order | None:
        """The order by which nothing of an account is propagated, if there is one."""
        return next((order for order in self.over(account) if order.kind is orders.Kind.PAUSE), None)

    def urgent(self, account: str) -> frozenset[runs.Accession]:
        """The runs of an account that go first."""
        return orders.urgent(self.over(account))

    async def give(self, order: orders.Order) -> None:
        """Let an order hold from now on, in the place of an earlier one of the same kind, account and run.

        What a person typed goes no further than the command with a secret in it: neither to disk nor to a face.

        Raises:
            JournalError: It is not written, and does not hold.
        """
        await self._journal.orders.give(dataclasses.replace(order, reason=self._board.redact(order.reason)))
        self.look()

    async def lift(self, lifted: Collection[orders.Order], by: str) -> None:
        """These hold no more; raises JournalError, and then they hold."""
        await self._journal.orders.lift(lifted, by)
        self.look(lifted_by=by)

    async def fulfil(self, account: str, active: Mapping[runs.Accession, runs.WorkflowRun]) -> None:
        """A run that waits for no launch any more is urgent no more; where that cannot be written, its time ends it.

        Args:
            account: Whose runs.
            active: All of them that are not over.
        """

        def is_over(order: orders.Order) -> bool:
            if order.accession is None:
                return False
            run = active.get(order.accession)
            if run is None:
                # Whose run it is that nobody looked up, and nobody ever saw, is not known.
                return bool(order.account) or order.accession in self._met
            self._met.add(order.accession)
            return run.status is not runs.RunStatus.SUBMITTED

        fulfilled = [order for order in self.over(account) if is_over(order)]
        if fulfilled:
            with contextlib.suppress(errors.JournalError):
                await self.lift(fulfilled, audit.SERVICE)

    def look(self, lifted_by: str = "") -> None:
        """Tell what was ordered, and what ended, since the last look."""
        if not self._journal.is_open:
            return  # what stands is not known
        before, now = self._told, self.in_force()
        if before == now:
            return
        self._told = now
        for order in before:
            if order not in now:
                self._tell_end(order, lifted_by)
        for order in now:
            if order not in before:
                self._event("order.given", order, by=str(order.by), reason=order.reason, until=_shown(order))

    def _tell_end(self, order: orders.Order, lifted_by: str) -> None:
        if order.until is not None and order.until <= self._now():
            self._event("order.ended", order)
        else:
            self._event("order.lifted", order, **({"by": lifted_by} if lifted_by else {}))

    def _event(self, name: str, order: orders.Order, **fields: object) -> None:
        what = {"order": str(order.kind)} | ({"accession": order.accession} if order.accession is not None else {})
        is_stop = order.kind is orders.Kind.STOP and name == "order.given"
        level = board.Level.WARNING if is_stop else board.Level.INFO
        said = {key: value for key, value in fields.items() if value not in (None, "")}
        self._board.event(name, account=order.account, level=level, **what, **said)
