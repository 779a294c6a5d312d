"""The board: what the service knows of itself, for faces to read: workers write their lines, faces read snapshots.

An event goes to board and log in one call, so that both tell the same story. No decision is taken from the board.
"""

import dataclasses
import datetime
import enum
import time
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Literal

import structlog

from niassa_orch.core import departed, freshness, gauges, line_copies, pulse, ring, savings
from niassa_orch.domain import accounts, runs
from niassa_orch.domain import orders as orders_of

_EVENTS_KEPT = 200
_UNSET = object()


class State(enum.StrEnum):
    """How an account fares."""

    STARTING = "starting"
    OK = "ok"
    BACKING_OFF = "backing off"
    LOGIN_REFUSED = "login refused"
    WRONG_PASSWORD = "wrong password"  # noqa: S105 - a state's name
    MISCONFIGURED = "misconfigured"
    DISABLED = "disabled"
    STOPPING = "stopping"


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


@dataclasses.dataclass(slots=True)
class AccountLine:
    """One account on the board; its worker is the only writer. What is set replaces: nothing in it is changed in place.

    Args:
        name: The account, or the stem of a quarantined profile.
        unix_user: Its Unix user, ``""`` while unknown.
        account: The whole account once it is known.
        state: How it fares.
        reason: Why, in words, when the state is not ``ok``.
        warning: What propagation lacks, or waits for, though the account works; it is tried again.
        advice: Something that a person should mend though the account works.
        refusal: Why the newest version of its profile is refused, while the last good one goes on.
        unfinished: Why the newest version of its profile is not read yet: somebody may still be writing it.
        next_beat: When it is asked again, in seconds of ``time.monotonic()``; ``None`` while working.
        last_good_poll: Of the last complete poll, in seconds of ``time.monotonic()``.
        counts: Active runs by status as last polled.
        ended: Runs that ended since the service started, by status.
        jobs_restored: Jobs that another write wiped from records, put back since the service started.
        requests_restored: Cancels and retries of users that another write wiped, put back since the service started.
        requests_lost: Those that may be lost and were told to a person instead.
        in_flight: Launches whose engine call runs, by accession.
        calls: The engine calls of these.
        launched: Launches begun, minute by minute.
        poll_seconds: How long the last complete poll took.
        waiting: Why launches wait, in words, or ``""``.
        locked_since: Since when launches wait for the engine's lock, in seconds of ``time.monotonic()``.
        in_doubt: Accessions whose launch is not settled and is asked again.
        held: Accessions that wait for a person, with the reason.
        left_alone: Active runs of which nothing true can be written, with the reason.
        lags: How long after jobs moved the web service said so, since the service started.
        version: Moves with every change.
    """

    name: str
    unix_user: str = ""
    account: accounts.Account | None = None
    state: State = State.STARTING
    reason: str = ""
    warning: str = ""
    advice: str = ""
    refusal: str = ""
    unfinished: str = ""
    next_beat: float | None = None
    last_good_poll: float | None = None
    counts: Mapping[runs.RunStatus, int] = dataclasses.field(default_factory=dict)
    ended: Mapping[runs.RunStatus, int] = dataclasses.field(default_factory=dict)
    jobs_restored: int = 0
    requests_restored: int = 0
    requests_lost: int = 0
    in_flight: tuple[runs.Accession, ...] = ()
    calls: tuple[gauges.EngineCall, ...] = ()
    launched: pulse.Pulse = pulse.NO_PULSE
    poll_seconds: float | None = None
    waiting: str = ""
    locked_since: float | None = None
    in_doubt: tuple[runs.Accession, ...] = ()
    held: Mapping[runs.Accession, str] = dataclasses.field(default_factory=dict)
    left_alone: Mapping[runs.Accession, str] = dataclasses.field(default_factory=dict)
    lags: freshness.Lags = freshness.NO_LAGS
    version: int = dataclasses.field(default=0, compare=False, repr=False)

    def __setattr__(self, name: str, value: object) -> None:
        """Set, and let the version move when that changes anything."""
        if getattr(self, name, _UNSET) != value:
            object.__setattr__(self, name, value)
            object.__setattr__(self, "version", getattr(self, "version", 0) + 1)

    def note_ended(self, status: runs.RunStatus) -> None:
        """A run ended."""
        self.ended = {**self.ended, status: self.ended.get(status, 0) + 1}


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
    accounts: tuple[AccountLine, ...]
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
    gone: AccountLine = dataclasses.field(default_factory=lambda: AccountLine(""))


class Board:
    """The one place that faces read.

    Args:
        host: The host string of the service.
        pool: The task pool.
        calls: The places of engine calls.
        redact: Takes secrets out of a text.
    """

    def __init__(self, host: str, pool: gauges.Bounded, calls: gauges.Bounded, redact: Callable[[str], str]) -> None:
        self.host = host
        self.draining = self._is_read = False
        self.journal = self.audit = ""
        self.requests = savings.NO_REQUESTS
        self.orphans: tuple[tuple[str, int], ...] = ()
        self.ask_neighbours: Callable[[], Iterable[gauges.Neighbour]] = tuple
        self.ask_orders: Callable[[], tuple[orders_of.Order, ...]] = tuple
        self._alarms: dict[str, str] = {}
        self._pool, self._engine_calls = pool, calls
        self._started = time.monotonic()
        self._lines: dict[str, AccountLine] = {}
        self._gone = AccountLine("")
        self._copies = line_copies.LineCopies(redact)
        self.events: ring.Ring[Event] = ring.Ring(_EVENTS_KEPT)
        self._log: structlog.typing.BindableLogger = structlog.get_logger("niassa_orch")
        self.redact = redact

    def line(self, name: str) -> AccountLine:
        """The account's line, made at first sight."""
        return self._lines.setdefault(name, AccountLine(name))

    def keep(self, names: Collection[str]) -> None:
        """Forget every account but these, which are all that profiles name."""
        self._is_read = True
        for name in self._lines.keys() - names:
            departed.absorb(self._gone, self._lines.pop(name))

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

    def tell_use(self, what: Literal["journal", "audit"], trouble: str) -> None:
        """Tell, when it changes, why journal or audit trail cannot be used; ``""`` when it can."""
        before = getattr(self, what)
        setattr(self, what, trouble)
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
