"""What operators ordered and nobody lifted yet: in memory for whom it is to hold, on disk so that it survives.

Whether the time of one is over is not looked at here. Used by ``core.orders``; another process may write too, which
``journal.store`` notices.
"""

import datetime
import sqlite3
from collections.abc import Callable, Collection

from niassa_orch.domain import orders, runs
from niassa_orch.journal import moments, writing

Standing = tuple[orders.Order, ...]
#: Of the table, as ``of_row`` takes them.
COLUMNS = "kind, account, accession, reason, by_uid, by_name, since, until"
_KEY = "kind = ? AND account = ? AND accession IS ? AND lifted IS NULL"


class Orders:
    """The orders that nobody lifted, oldest first, and doors to give and to lift one.

    Attributes:
        standing: Changes on the event loop only, in the order of what was read and committed.

    Args:
        writer: Of the journal.
    """

    def __init__(self, writer: writing.Writer) -> None:
        self._writer = writer
        self.standing: Standing = ()

    async def give(self, order: orders.Order) -> None:
        """Write an order down; it takes the place of an earlier one of the same kind, account and run.

        Raises:
            JournalError: It is not written, and does not hold.
        """
        values = (
            *(order.kind, order.account, order.accession, order.reason, order.by.uid, order.by.name),
            *(_text(order.since), None if order.until is None else _text(order.until)),
        )

        def write(database: sqlite3.Connection) -> None:
            _lift(database, order, str(order.by))
            database.execute(f"INSERT INTO orders ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)  # noqa: S608 - ours

        await self._write(write)

    async def lift(self, lifted: Collection[orders.Order], by: str) -> None:
        """These hold no more; what was lifted, or given anew, meanwhile stays as it is.

        Args:
            lifted: Of those that stand.
            by: Who lifts them, or ``service``.

        Raises:
            JournalError: That is not written, and they hold.
        """

        def write(database: sqlite3.Connection) -> None:
            for order in lifted:
                _lift(database, order, by, "AND since = ?", _text(order.since))

        await self._write(write)

    async def _write(self, write: Callable[[sqlite3.Connection], object]) -> None:
        found: list[Standing] = []

        def both(database: sqlite3.Connection) -> None:
            write(database)
            found.append(load(database))

        await self._writer.write(both, lambda: self._stand(found[0]))

    def _stand(self, found: Standing) -> None:
        self.standing = found


def load(database: sqlite3.Connection) -> Standing:
    """The orders that nobody lifted, oldest first."""
    rows = database.execute(f"SELECT {COLUMNS} FROM orders WHERE lifted IS NULL ORDER BY id")  # noqa: S608 - ours
    return tuple(of_row(*row) for row in rows)


def prune(database: sqlite3.Connection, oldest: str) -> None:
    """Delete what was lifted, or whose time was over, before a moment."""
    database.execute("DELETE FROM orders WHERE coalesce(lifted, until) < ?", (oldest,))


def _lift(database: sqlite3.Connection, order: orders.Order, by: str, also: str = "", *values: str) -> None:
    statement = f"UPDATE orders SET lifted = ?, lifted_by = ? WHERE {_KEY} {also}"  # noqa: S608 - ours
    database.execute(statement, (moments.now(), by, *order.key, *values))


def of_row(
    kind: str,
    account: str,
    accession: int | None,
    reason: str,
    uid: int,
    name: str,
    since: str,
    until: str | None,
) -> orders.Order:
    """The order that values of ``COLUMNS`` tell."""
    return orders.Order(
        kind=orders.Kind(kind),
        account=account,
        by=orders.Operator(uid, name),
        since=datetime.datetime.fromisoformat(since),
        reason=reason,
        accession=None if accession is None else runs.Accession(accession),
        until=None if until is None else datetime.datetime.fromisoformat(until),
    )


def _text(moment: datetime.datetime) -> str:
    """As the journal writes moments; to the microsecond, since it tells orders of one kind apart."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds")
