"""The texts that go with a status: ``sgeNameIdMap``, ``stdErr`` and ``stdOut`` of a run, from its job and step files.

Pure; called by ``core.propagating``. What cannot be had is not in the answer, so that the stored text stays.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Sequence

from niassa_orch.domain import jobs, runs


@dataclasses.dataclass(frozen=True, slots=True)
class StepFile:
    """One output file of a step, as the mediator read it.

    Args:
        name: Such as ``align.o123``.
        step: The step's name, ``align``.
        stream: ``o`` or ``e``.
        number: The digits, which order the files.
        mtime: Last change, in seconds since the epoch.
        cut: Only the end of the file is here.
        text: The file's text.
    """

    name: str
    step: str
    stream: str
    number: int
    mtime: float
    cut: bool
    text: str


def texts_of(run: runs.WorkflowRun, job: jobs.Job, files: Iterable[StepFile] | None) -> dict[str, str]:
    """Element names and texts to write beside the status.

    Args:
        run: Its engine decides what there is: ``oozie-sge`` has files, plain ``oozie`` has the actions' messages.
        job: With its actions.
        files: The step files, or ``None`` when the working directory is gone or could not be read.
    """
    found = {}
    handed = [f"{action.name}={action.external_id}" for action in job.actions if action.external_id]
    if handed:
        found["sgeNameIdMap"] = ",".join(handed)
    if run.engine == "oozie-sge":
        if files is not None:
            ordered = sorted(files, key=lambda file: (file.number, file.name))
            found["stdOut"] = _join([file for file in ordered if file.stream == "o"])
            found["stdErr"] = _join([file for file in ordered if file.stream == "e"])
    else:
        messages = [f"{action.name}: {action.error_message}" for action in job.actions if action.error_message]
        if messages:
            found["stdErr"] = "\n".join(messages)
    return found


def _join(files: Sequence[StepFile]) -> str:
    parts = []
    for file in files:
        cut = ", only its end" if file.cut else ""
        parts.append(f"=== {file.step}, job {file.number}, {file.name}, {_time(file.mtime)}{cut}\n{file.text}")
    return "\n".join(parts)


def _time(mtime: float) -> str:
    """ISO 8601; a file may carry a time that no calendar has."""
    try:
        return datetime.datetime.fromtimestamp(mtime, datetime.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "time unknown"
