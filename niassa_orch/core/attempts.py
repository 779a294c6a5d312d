"""One attempt to launch: an engine call and what is not settled of it yet. No behaviour; ``core.launching`` and
``core.settlement`` work on it, and the journal remembers it.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

from niassa_orch import errors
from niassa_orch.core import enrolling, throttle
from niassa_orch.domain import runs
from niassa_orch.journal import records
from niassa_orch.seqware import call

_ASK_AGAIN_FIRST_SECONDS = 5.0
_ASK_AGAIN_MOST_SECONDS = 300.0


def _patience() -> throttle.Throttle:
    return throttle.Throttle(_ASK_AGAIN_FIRST_SECONDS, _ASK_AGAIN_MOST_SECONDS)


@dataclasses.dataclass(slots=True)
class Attempt:
    """An engine call from its intent to its last verdict.

    Args:
        header: The intent; of its accessions those that are not settled when it is taken up.
        transcript: Where the call writes.
        enrolled: The account that settles it; whose identity the call has, the header says.
        launches: The journal's records of its unsettled accessions.
        unsettled: Accessions without a verdict, and why not.
        held: Accessions that wait for a person, and why.
        none_since: When Oozie first answered that it has no job of the accession, in seconds of ``time.monotonic()``.
        started: The call is known to have been started.
        made: The call, when this process started it and knows so.
        failure: What went wrong when it was started.
        calling: The call may still be alive.
        overdue: It outlived the deadline that should have ended it.
        recovered: It was begun by an earlier process, or for another profile.
        begun: When it was intended, in seconds of ``time.monotonic()``; ``None`` when the machine was started since.
        patience: When the unsettled ones are asked about again.
    """

    header: call.CallHeader
    transcript: pathlib.Path
    enrolled: enrolling.Enrolled
    launches: dict[runs.Accession, records.Launch]
    unsettled: dict[runs.Accession, str]
    held: dict[runs.Accession, str] = dataclasses.field(default_factory=dict)
    none_since: dict[runs.Accession, float] = dataclasses.field(default_factory=dict)
    started: bool = False
    made: call.EngineCall | None = None
    failure: errors.EngineCallError | errors.AuditError | None = None
    calling: bool = True
    overdue: bool = False
    recovered: bool = False
    begun: float | None = None
    patience: throttle.Throttle = dataclasses.field(default_factory=_patience)

    @property
    def is_whitestar(self) -> bool:
        """Whether the engine works inside the call, for hours."""
        return self.header.engine_family is runs.EngineFamily.WHITESTAR

    @property
    def is_over(self) -> bool:
        """Whether every accession has its verdict."""
        return not self.unsettled and not self.held

    def ask_again(self, accession: runs.Accession, reason: str) -> None:
        """Something new is known of the accession."""
        self.held.pop(accession, None)
        self.unsettled[accession] = reason
        self.patience.succeed()

    def forget(self, accession: runs.Accession) -> None:
        """The accession is settled."""
        self.unsettled.pop(accession, None)
        self.held.pop(accession, None)


def of_journal(
    launches: Sequence[records.Launch], transcript: pathlib.Path, enrolled: enrolling.Enrolled, *, recovered: bool
) -> Attempt:
    """The attempt that the journal's records of one call tell.

    Args:
        launches: Of one call, those that are not settled.
        transcript: Where the call wrote.
        enrolled: The account that settles it.
        recovered: It was begun by an earlier process, or for another profile.
    """
    first = launches[0]
    header = call.CallHeader(
        call_id=first.call_id,
        account=first.account,
        unix_user=first.unix_user,
        verb=first.verb,
        accessions=tuple(one.accession for one in launches),
        engine_family=first.engine_family,
        created=first.created,
        boot_id=first.boot_id,
    )
    held = {one.accession: one.reason for one in launches if one.outcome is not None and one.outcome.needs_person}
    return Attempt(
        header=header,
        transcript=transcript,
        enrolled=enrolled,
        launches={one.accession: one for one in launches},
        unsettled={one.accession: one.reason for one in launches if one.accession not in held},
        held=held,
        none_since={one.accession: one.none_since for one in launches if one.none_since is not None},
        started=first.started,
        recovered=recovered,
        begun=first.begun if first.boot_id == call.current_boot_id() else None,
    )
