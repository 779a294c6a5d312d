"""What the journal remembers, as frozen records. Pure; read by ``core``."""

import dataclasses
from collections.abc import Sequence

from niassa_orch.domain import runs, settling


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
        none_since: When Oozie first said that it has no job of it, in seconds since the epoch.
        job_id: The job that a person named.
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

    @property
    def key(self) -> tuple[str, runs.Accession]:
        """The run."""
        return (self.web_service, self.accession)


#: Of the table, in the order of the fields.
COLUMNS = tuple(field.name for field in dataclasses.fields(Launch))


def to_row(launch: Launch) -> tuple[object, ...]:
    """The launch as values of ``COLUMNS``."""
    values = {name: getattr(launch, name) for name in COLUMNS}
    return tuple((values | {"outcome": launch.outcome or ""}).values())


def of_row(row: Sequence[object]) -> Launch:
    """The launch that values of ``COLUMNS`` tell, typed as the schema says."""
    values = dict(zip(COLUMNS, row, strict=True))
    values |= {
        "accession": runs.Accession(int(str(values["accession"]))),
        "engine_family": runs.EngineFamily(str(values["engine_family"])),
        "started": bool(values["started"]),
        "outcome": settling.Outcome(str(values["outcome"])) if values["outcome"] else None,
    }
    return Launch(**values)  # type: ignore[arg-type]
