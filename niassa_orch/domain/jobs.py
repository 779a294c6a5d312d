"""A workflow job as Oozie tells it.

``Job`` comes from a detail answer; ``JobRow`` from a list, which carries neither ``appPath`` nor actions.
"""

import dataclasses
import datetime
import enum
import pathlib


class JobStatus(enum.StrEnum):
    """Oozie's statuses of a workflow job."""

    PREP = "PREP"
    RUNNING = "RUNNING"
    SUSPENDED = "SUSPENDED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    KILLED = "KILLED"


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """One step of a job. ``external_id`` is ``None`` until the step was handed to its engine (SGE for oozie-sge)."""

    name: str
    status: str
    external_id: str | None = None
    error_message: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class JobRow:
    """One row of Oozie's job list.

    ``status`` is ``None`` when it is none of the six; ``modified`` is when the job last changed (``lastModTime``), by
    Oozie's clock and in whole seconds, ``None`` when it was not told.
    """

    id: str
    status: JobStatus | None
    user: str
    run: int = 0
    modified: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Job:
    """One job with its steps.

    ``run`` counts reruns; ``app_path`` ends in the run's ``oozie-UUID``; ``modified`` as in ``JobRow``.
    """

    id: str
    status: JobStatus | None
    user: str
    app_path: str
    run: int = 0
    actions: tuple[Action, ...] = ()
    modified: datetime.datetime | None = None

    def is_of(self, working_dir: str) -> bool:
        """Whether it was made for this working directory: ``app_path`` ends in the same ``oozie-UUID``."""
        return self.app_path.rstrip("/").endswith("/" + pathlib.PurePosixPath(working_dir).name)
