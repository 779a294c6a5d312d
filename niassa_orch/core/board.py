"""The board: what the service knows of itself, for faces to read: workers write their lines, faces read snapshots.

An event goes to board and log in one call, so that both tell the same story. No decision is taken from the board.
"""

import dataclasses
import datetime
import enum
import time
import types
from collections.abc import Callable, Collection, Iterable, Mapping

import structlog

from niassa_orch.core import account_line, gauges, line_copies, ring, savings
from niassa_orch.domain import orders as orders_of

_EVENTS_KEPT = 200


class Level(enum.StrEnum):
    """INFO is a change of state, WARNING passes by itself, ERROR needs a person."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """Something that changed, at ``time`` (UTC), the ``number``-th. ``fields`` are in the order as given."""

    number: int
    time: datetime.datetime
    level: Level
    name: str
    account: str
    fields: Mapping[str, object]


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a face may show, at one moment: ``now``, of ``time.monotonic()``.

    ``journal``, ``audit``: why each cannot be written, so that nothing is launched; ``alarms``: what else a person must
    mend, of no single account. ``orphans``: owners whom nobody serves, and their active runs, most first. ``revision``
    moves when a line changes; ``revisions`` are those at which lines changed last, in the order of ``accounts``;
    ``orders`` in force; ``is_read``: profiles were read, so that there is no account beside these; ``gone``: what those
    that went have counted.
    """

    host: str
    now: float
    uptime_seconds: float
    pool: gauges.Use
    engine_calls: gauges.Use
    draining: bool
    journal: str
    accounts: tuple[account_line.AccountLine, ...]
    events: tuple[Event, ...]
    requests: savings.Requests = savings.NO_REQUESTS
    orphans: tuple[tuple[str, int], ...] = ()
    neighbours: tuple[gauges.Neighbour, ...] = ()
    revision: int = 0
    revisions: tuple[int, ...] = ()
    orders: tuple[orders_of.Order, ...] = ()
    audit: str = ""
    is_read: bool = False
    alarms: tuple[str, ...] = ()
    gone: account_line.AccountLine = dataclasses.field(default_factory=lambda: account_line.AccountLine(""))


class Board:
    """The one place that faces read.

    Args:
        host: The host string of the service.
        pool: The task pool.
        engine_calls: The places of engine calls.
        redact: Takes secrets out of a text.
    """

    def __init__(
        self, host: str, pool: gauges.Bounded, engine_calls: gauges.Bounded, redact: Callable[[str], str]
    ) -> None:
        self.host = host
        self.draining = self._is_read = False
        self.journal = self.audit = ""
        self.requests = savings.NO_REQUESTS
        self.orphans: tuple[tuple[str, int], ...] = ()
        self.ask_neighbours: Callable[[], Iterable[gauges.Neighbour]] = tuple
        self.ask_orders: Callable[[], tuple[orders_of.Order, ...]] = tuple
        self._alarms: dict[str, str] = {}
        self._pool, self._engine_calls = pool, engine_calls
        self._started = time.monotonic()
        self._lines: dict[str, account_line.AccountLine] = {}
        self._gone = account_line.AccountLine("")
        self._copies = line_copies.LineCopies(redact)
        self.events: ring.Ring[Event] = ring.Ring(_EVENTS_KEPT)
        self._log: structlog.typing.BindableLogger = structlog.get_logger("niassa_orch")
        self.redact = redact

    def line(self, name: str) -> account_line.AccountLine:
        """The account's line, made at first sight."""
        return self._lines.setdefault(name, account_line.AccountLine(name))

    def keep(self, names: Collection[str]) -> None:
        """Forget every account but these, which are all that profiles name."""
        self._is_read = True
        for name in self._lines.keys() - names:
            self._gone.absorb(self._lines.pop(name))

    def event(self, name: str, *, account: str = "", level: Level = Level.INFO, **fields: object) -> None:
        """Tell that something changed: to the log and to every face."""
        fields = {key: self._cleaned(value) for key, value in fields.items()}
        now = datetime.datetime.now(datetime.UTC)
        self.events.add(Event(self.events.last + 1, now, level, name, account, types.MappingProxyType(fields)))
        getattr(self._log, level)(name, **({"account": account} if account else {}), **fields)

    def alarm(self, about: str, reason: str) -> None:
        """Show what a person must mend, of no single account, until it is mended: until the reason is ``""``."""
        self._alarms.pop(about, None)
        if reason:
            self._alarms[about] = reason

    def tell_journal(self, trouble: str) -> None:
        """Tell, when it changes, why the journal cannot be used; ``""`` when it can."""
        before, self.journal = self.journal, trouble
        self._tell_use("journal", before, trouble)

    def tell_audit(self, trouble: str) -> None:
        """Tell, when it changes, why the audit trail cannot be written; ``""`` when it can."""
        before, self.audit = self.audit, trouble
        self._tell_use("audit", before, trouble)

    def _tell_use(self, what: str, before: str, trouble: str) -> None:
        if trouble and not before:
            self.event(f"{what}.unusable", level=Level.ERROR, reason=trouble)
        elif before and not trouble:
            self.event(f"{what}.recovered")

    def snapshot(self) -> Snapshot:
        """The board at this moment, in copies that nobody changes."""
        now = time.monotonic()
        copies = self._copies.of(self._lines)
        return Snapshot(
            host=self.host,
            now=now,
            uptime_seconds=now - self._started,
            pool=gauges.Use.of(self._pool),
            engine_calls=gauges.Use.of(self._engine_calls),
            draining=self.draining,
            journal=self.redact(self.journal),
            accounts=tuple(copy.line for copy in copies),
            events=self.events.after(0),
            requests=self.requests,
            orphans=tuple((self.redact(owner), count) for owner, count in self.orphans),
            neighbours=tuple(one.cleaned(self.redact) for one in self.ask_neighbours()),
            revision=self._copies.revision,
            revisions=tuple(copy.revision for copy in copies),
            orders=tuple(dataclasses.replace(order, reason=self.redact(order.reason)) for order in self.ask_orders()),
            audit=self.redact(self.audit),
            is_read=self._is_read,
            gone=dataclasses.replace(self._gone),
            alarms=tuple(map(self.redact, self._alarms.values())),
        )

    def _cleaned(self, value: object) -> object:
        """As faces and the log may have it: a number, or a text without secrets."""
        return value if value is None or isinstance(value, int | float) else self.redact(str(value))
