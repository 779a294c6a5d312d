"""What operators order while the service runs, beyond what profiles say: pauses, stops, runs that go first.

Pure: the time comes from the caller, in UTC. An order holds for one account or for all, until it is lifted or its time
is over. Kept by ``journal.orders``, heeded by ``core.orders``, given through ``core.operating``.
"""

import dataclasses
import datetime
import enum
from collections.abc import Iterable

from niassa_orch import errors
from niassa_orch.domain import runs

MOST_REASON_CHARACTERS = 500
#: Of a name of an account: that of a file, without ``.toml``.
_MOST_NAME_CHARACTERS = 255
_MOST_TIME = datetime.timedelta(days=3660)


class Kind(enum.StrEnum):
    """What is ordered; the values are in the journal and on the wire.

    ``PAUSE``: nothing is launched, nothing propagated. ``PAUSE_LAUNCHING`` and ``STOP``: nothing is launched; a stop is
    the louder of the two. ``URGENT``: one run goes before the others of its account.
    """

    PAUSE = "pause"
    PAUSE_LAUNCHING = "pause-launching"
    STOP = "stop-launching"
    URGENT = "urgent"


#: These keep runs from being launched; the first is told where several hold.
_KEEPING = (Kind.STOP, Kind.PAUSE, Kind.PAUSE_LAUNCHING)
_WORDS = {
    Kind.STOP: "launching is STOPPED",
    Kind.PAUSE: "paused, propagation too,",
    Kind.PAUSE_LAUNCHING: "launching is paused",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Operator:
    """The Unix user who orders something, as the kernel says (``uid``) and as this machine calls that user."""

    uid: int
    name: str

    def __str__(self) -> str:
        """For people: the name, and the number where there is no name."""
        return self.name or f"uid {self.uid}"

    @property
    def in_full(self) -> str:
        """For the audit trail: name and number, since names are given anew."""
        return f"{self.name} (uid {self.uid})" if self.name else str(self)


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Args:
        kind: What is ordered.
        account: For which account; ``""``: for all of them.
        by: Who gave it.
        since: When it was given, UTC.
        reason: Why, in the operator's words, or ``""``.
        accession: The run that is urgent.
        until: When it ends by itself, UTC; ``None``: when it is lifted.
    """

    kind: Kind
    account: str
    by: Operator
    since: datetime.datetime
    reason: str = ""
    accession: runs.Accession | None = None
    until: datetime.datetime | None = None

    @property
    def key(self) -> tuple[Kind, str, runs.Accession | None]:
        """What a later order takes the place of."""
        return (self.kind, self.account, self.accession)

    @property
    def keeps(self) -> bool:
        """Whether it keeps runs from being launched."""
        return self.kind in _KEEPING

    def __str__(self) -> str:
        """In words for people: what, for whom, by whom, since when, until when, why."""
        what = f"run {self.accession} goes first" if self.kind is Kind.URGENT else _WORDS[self.kind]
        whose = "" if self.kind is Kind.URGENT else f" for {self.account or 'all accounts'}"
        until = f" until {_shown(self.until)}" if self.until else ""
        why = f": {self.reason}" if self.reason else ""
        return f"{what}{whose} by order of {self.by} since {_shown(self.since)}{until}{why}"


def check(order: Order) -> None:
    """Look whether an order can be kept and shown.

    Raises:
        OrderError: A text is too long or no single line, or its end is past, or in years.
    """
    if len(order.reason) > MOST_REASON_CHARACTERS or not order.reason.isprintable():
        message = f"a reason is one line of at most {MOST_REASON_CHARACTERS} characters"
        raise errors.OrderError(message)
    if len(order.account) > _MOST_NAME_CHARACTERS or not order.account.isprintable():
        message = "no account has such a name"
        raise errors.OrderError(message)
    if order.until is not None and not order.since < order.until <= order.since + _MOST_TIME:
        message = f"an order ends after it began, and within ten years, not at {_shown(order.until)}"
        raise errors.OrderError(message)
    if (order.kind is Kind.URGENT) != (order.accession is not None):
        message = "a single run can be urgent, and nothing else"
        raise errors.OrderError(message)


def in_force(orders: Iterable[Order], now: datetime.datetime) -> tuple[Order, ...]:
    """Those whose time is not over. A clock that was set back lifts nothing: when one began does not count."""
    return tuple(order for order in orders if order.until is None or now < order.until)


def over(orders: Iterable[Order], account: str) -> tuple[Order, ...]:
    """Those that hold for an account."""
    return tuple(order for order in orders if order.account in ("", account))


def keeper(orders: Iterable[Order]) -> Order | None:
    """The gravest of these that keeps runs from being launched; of equals the one that was given last."""
    keeping = [order for order in orders if order.keeps]
    return min(keeping, key=lambda order: (_KEEPING.index(order.kind), -order.since.timestamp()), default=None)


def urgent(orders: Iterable[Order]) -> frozenset[runs.Accession]:
    """The runs that go first."""
    return frozenset(order.accession for order in orders if order.accession is not None)


def _shown(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
