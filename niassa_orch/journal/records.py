"""What the journal remembers, as frozen records. Pure; read by ``core``."""

import dataclasses
import enum
from collections.abc import Sequence

from niassa_orch.domain import runs, settling, transitions


class Told(enum.StrEnum):
    """What a person said of a launch: it made a job, nothing of it runs and it has failed, or it may be made again."""

    LAUNCHED = "launched"
    FAILED = "failed"
    RELAUNCH = "relaunch"


@dataclasses.dataclass(frozen=True, slots=True)
class Launch:
    """One accession of one engine call.

    Args:
        call_id: The call.
        web_service: Base URL; an accession means nothing without it.
        accession: The run.
        owner: The login that it belonged to.
        host: What it was scheduled for.
        oozie: Base URL of the account's Oozie then, or ``""``; "no such job" of another one proves nothing.
        account: The profile's name then.
        unix_user: Whose identity the call has.
        verb: Of the mediator.
        engine_family: Whether whitestar works inside the call.
        transcript: File name of the call's transcript.
        boot_id: Of the kernel, when it was intended.
        created: ISO 8601, UTC.
        started: The call is known to have been started.
        outcome: What is known; ``None`` while the call may live.
        reason: Why.
        none_since: When Oozie first said that it has no job of it, in seconds of the machine's monotonic clock.
        job_id: The job that a person named.
        told: What a person said of it.
        seen: What the record said right before the intent.
        begun: When it was intended, in seconds of the machine's monotonic clock; says something in the same boot only.
        argv: Of the call, as JSON; ``""`` while it is not known to have been started.
        pid: Of sudo, for people: nothing goes by it, since pids come again.
        pid_started: When that process started, in clock ticks since boot.
        evidence: What the outcome goes by, as JSON.
    """

    call_id: str
    web_service: str
    accession: runs.Accession
    owner: str
    host: str
    oozie: str
    account: str
    unix_user: str
    verb: str
    engine_family: runs.EngineFamily
    transcript: str
    boot_id: str
    created: str
    started: bool = False
    outcome: settling.Outcome | None = None
    reason: str = ""
    none_since: float | None = None
    job_id: str | None = None
    told: Told | None = None
    seen: str = ""
    begun: float | None = None
    argv: str = ""
    pid: int | None = None
    pid_started: int | None = None
    evidence: str = ""

    @property
    def key(self) -> tuple[str, runs.Accession]:
        """The run."""
        return (self.web_service, self.accession)

    @property
    def claim(self) -> tuple[str, str, str]:
        """Which account it is of, whatever its profile is called: web service, login and host."""
        return (self.web_service, self.owner, self.host)


@dataclasses.dataclass(frozen=True, slots=True)
class Settled:
    """A verdict.

    Args:
        outcome: One that leaves nothing open.
        reason: Why.
        job_id: The job that the launch made.
        evidence: What the outcome goes by, as JSON.
        tried: The engine had begun it, and it came to nothing: so many of these, and the run is set aside.
        told: What a person said, if it is a person's verdict.
    """

    outcome: settling.Outcome
    reason: str
    job_id: str | None = None
    evidence: str = ""
    tried: bool = False
    told: Told | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """A call's process, as far as it is known; for people.

    Args:
        argv: As JSON; holds no secret.
        pid: Of sudo.
        pid_started: In clock ticks since boot; ``None`` when it had ended.
    """

    argv: str
    pid: int | None = None
    pid_started: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """Something that is done to a job.

    Args:
        oozie: Base URL.
        job_id: The job.
        act: What.
        run: The job's run number before it.
        accession: The run that it is done for.
        account: The profile's name.
        unix_user: In whose name.
    """

    oozie: str
    job_id: str
    act: transitions.Act
    run: int
    accession: runs.Accession
    account: str
    unix_user: str


#: Of the table, in the order of the fields.
COLUMNS = tuple(field.name for field in dataclasses.fields(Launch))


def to_row(launch: Launch) -> tuple[object, ...]:
    """The launch as values of ``COLUMNS``."""
    values = {name: getattr(launch, name) for name in COLUMNS}
    return tuple((values | {"outcome": launch.outcome or "", "told": launch.told or ""}).values())


def of_row(row: Sequence[object]) -> Launch:
    """The launch that values of ``COLUMNS`` tell, typed as the schema says."""
    values = dict(zip(COLUMNS, row, strict=True))
    values |= {
        "accession": runs.Accession(int(str(values["accession"]))),
        "engine_family": runs.EngineFamily(str(values["engine_family"])),
        "started": bool(values["started"]),
        "outcome": settling.Outcome(str(values["outcome"])) if values["outcome"] else None,
        "told": Told(str(values["told"])) if values["told"] else None,
    }
    return Launch(**values)  # type: ignore[arg-type]
