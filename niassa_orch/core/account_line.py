"""What the board has of one account: how it fares, what waits and why, what it counted since the service started.

Its worker is the only writer; faces have copies. Owned by ``core.board``.
"""

import dataclasses
import enum
from collections.abc import Mapping

from niassa_orch.core import freshness, gauges, pulse
from niassa_orch.domain import accounts, runs

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
        alarm: What a person has to mend before the account works, or launches, or propagates; it does not pass.
        advice: Something that a person should mend though the account works.
        refusal: Why the newest version of its profile is refused, while the last good one goes on.
        unfinished: Why the newest version of its profile is not read yet: somebody may still be writing it.
        next_beat: When it is asked again, in seconds of ``time.monotonic()``; ``None`` while working.
        beat_since: Since when it works, in seconds of ``time.monotonic()``; ``None`` between two beats.
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
    alarm: str = ""
    advice: str = ""
    refusal: str = ""
    unfinished: str = ""
    next_beat: float | None = None
    beat_since: float | None = None
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

    def absorb(self, gone: "AccountLine") -> None:
        """Count on what another one counted, whose account goes: a sum over all accounts must never fall."""
        statuses = {*self.ended, *gone.ended}
        self.ended = {status: self.ended.get(status, 0) + gone.ended.get(status, 0) for status in statuses}
        self.jobs_restored += gone.jobs_restored
        self.requests_restored += gone.requests_restored
        self.requests_lost += gone.requests_lost
        self.lags = freshness.merged((self.lags, gone.lags))
