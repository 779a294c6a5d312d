"""A workflow run as the web service tells it, without its texts.

The eight statuses are Niassa's; "in doubt" is an outcome of a launch, never a status.
"""

import dataclasses
import enum
from typing import NewType

Accession = NewType("Accession", int)


class RunStatus(enum.StrEnum):
    """Niassa's statuses of a workflow run."""

    SUBMITTED = "submitted"
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SUBMITTED_CANCEL = "submitted_cancel"
    CANCELLED = "cancelled"
    SUBMITTED_RETRY = "submitted_retry"


#: Statuses that somebody has to act on, in the order in which their lists are asked for.
ACTIVE = (
    RunStatus.SUBMITTED,
    RunStatus.SUBMITTED_CANCEL,
    RunStatus.SUBMITTED_RETRY,
    RunStatus.PENDING,
    RunStatus.RUNNING,
)


#: What users asked for: they go first, and wait while a launch of the run is not settled.
REQUESTED = frozenset({RunStatus.SUBMITTED_CANCEL, RunStatus.SUBMITTED_RETRY})

#: Statuses in which nothing more happens by itself.
ENDED = frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED})


class EngineFamily(enum.StrEnum):
    """Who moves a run's status: Oozie's jobs, the engine call itself, or nobody that we know."""

    OOZIE = "oozie"
    WHITESTAR = "whitestar"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, slots=True)
class WorkflowRun:
    """One run. ``owner`` is trimmed and in lower case; absent texts are ``None``, an unknown status too.

    Args:
        accession: The run's ``swAccession``.
        status: One of Niassa's eight, or ``None`` when absent or unknown.
        owner: ``ownerUserName``.
        host: The host it was scheduled for, compared exactly.
        engine: ``workflowEngine``, compared exactly by the engine and by prefix by us.
        status_cmd: The engine's token: the Oozie job id, or the accession for whitestar.
        working_dir: ``currentWorkingDir``, where the engine put the run; ends in the job's ``oozie-UUID``.
    """

    accession: Accession
    status: RunStatus | None
    owner: str
    host: str | None = None
    engine: str | None = None
    status_cmd: str | None = None
    working_dir: str | None = None

    @property
    def engine_family(self) -> EngineFamily:
        """By prefix of ``workflowEngine``: ``oozie*``, ``whitestar*``, else unknown."""
        for family in (EngineFamily.OOZIE, EngineFamily.WHITESTAR):
            if self.engine is not None and self.engine.startswith(family):
                return family
        return EngineFamily.UNKNOWN
