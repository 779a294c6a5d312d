"""One attempt to launch: an engine call and what is not settled of it yet. No behaviour; ``core.launching`` and
``core.settlement`` work on it.
"""

import dataclasses
import pathlib

from niassa_orch.core import enrolling, throttle
from niassa_orch.domain import runs
from niassa_orch.seqware import call

_ASK_AGAIN_FIRST_SECONDS = 5.0
_ASK_AGAIN_MOST_SECONDS = 300.0


def _patience() -> throttle.Throttle:
    return throttle.Throttle(_ASK_AGAIN_FIRST_SECONDS, _ASK_AGAIN_MOST_SECONDS)


@dataclasses.dataclass(slots=True)
class Attempt:
    """An engine call from its intent to its last verdict.

    Args:
        header: The intent, which is also the transcript's first line.
        transcript: Where the call writes.
        enrolled: The account as it was when the call began; a reload does not change it.
        unsettled: Accessions without a verdict, and why not.
        held: Accessions that wait for a person, and why.
        none_since: When Oozie first answered that it has no job of the accession (``time.monotonic()``).
        calling: The call may still be alive.
        recovered: It was begun by an earlier process.
        patience: When the unsettled ones are asked about again.
    """

    header: call.CallHeader
    transcript: pathlib.Path
    enrolled: enrolling.Enrolled
    unsettled: dict[runs.Accession, str]
    held: dict[runs.Accession, str] = dataclasses.field(default_factory=dict)
    none_since: dict[runs.Accession, float] = dataclasses.field(default_factory=dict)
    calling: bool = True
    recovered: bool = False
    patience: throttle.Throttle = dataclasses.field(default_factory=_patience)

    @classmethod
    def of(cls, header: call.CallHeader, transcript: pathlib.Path, enrolled: enrolling.Enrolled) -> "Attempt":
        """A new attempt, of whose accessions nothing is known yet."""
        unsettled = {runs.Accession(accession): "the engine call runs" for accession in header.accessions}
        return cls(header, transcript, enrolled, unsettled)

    @property
    def is_over(self) -> bool:
        """Whether every accession has its verdict."""
        return not self.unsettled and not self.held
