"""The texts of a run beside its status: ``sgeNameIdMap``, ``stdErr`` and ``stdOut``, from its job and its step files.

Pure; called by ``core.run_texts`` and, for whitestar, by whoever sees the engine's call end. What cannot be had is
not in the answer, so that the stored text stays. Which files are read is for the mediator to say, and which characters
a document can hold for ``webservice.documents``.
"""

import dataclasses
import datetime
import re
from collections.abc import Sequence

from niassa_orch.domain import jobs, runs

_RUN_DIRECTORY = re.compile(r"(/[^/\0]+)+/oozie-[0-9A-Za-z-]{8,64}")


@dataclasses.dataclass(frozen=True, slots=True)
class StepFile:
    """One output file of a step, as the mediator read it.

    Args:
        name: Such as ``align.o123``.
        step: The step's name, ``align``.
        stream: ``o`` or ``e``.
        number: The digits, which order the files.
        mtime: Last change, in seconds since the epoch.
        size: The whole file's, in bytes.
        kept: How many of its bytes are here.
        cut: Only the end of the file is here.
        text: The file's text.
        error: Why nothing of it was read, or ``""``.
    """

    name: str
    step: str
    stream: str
    number: int
    mtime: float
    size: int
    kept: int
    cut: bool
    text: str = dataclasses.field(repr=False)
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class StepFiles:
    """The output files of a run's steps; ``left_out`` older ones were not even looked at."""

    files: tuple[StepFile, ...] = ()
    left_out: int = 0


def texts_of(run: runs.WorkflowRun, job: jobs.Job, files: StepFiles | None) -> dict[str, str]:
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
    if has_step_files(run):
        found |= step_texts(run, files)
    else:
        messages = [f"{action.name}: {action.error_message}" for action in job.actions if action.error_message]
        if messages:
            found["stdErr"] = "\n".join(messages)
    return found


def step_texts(run: runs.WorkflowRun, files: StepFiles | None) -> dict[str, str]:
    """``stdOut`` and ``stdErr`` of a run whose steps write files; nothing when they could not be read.

    whitestar swaps them: what its steps write to standard output is in their ``.e`` files.
    """
    if files is None:
        return {}
    swapped = run.engine_family is runs.EngineFamily.WHITESTAR
    streams = {"stdOut": "e", "stdErr": "o"} if swapped else {"stdOut": "o", "stdErr": "e"}
    ordered = sorted(files.files, key=lambda file: (file.number, file.name))
    found = {name: _join([file for file in ordered if file.stream == stream]) for name, stream in streams.items()}
    if files.left_out:
        told = f"=== {files.left_out} older files of steps are not shown"
        found = {name: "\n".join(filter(None, (told, text))) for name, text in found.items()}
    return found


def has_step_files(run: runs.WorkflowRun) -> bool:
    """Whether the engine of this run leaves files of its steps' output in the working directory."""
    return run.engine == "oozie-sge" or run.engine_family is runs.EngineFamily.WHITESTAR


def directory_of(run: runs.WorkflowRun, job: jobs.Job | None) -> str | None:
    """The working directory in which the run's step files are, or ``None`` when it has none that is surely its own.

    The record is anybody's to change, so that a directory counts only if it looks like one of an engine's (the mediator
    would refuse anything else, with all others that are asked for in the same call) and belongs to the run's job.

    Args:
        run: Its ``working_dir`` is as the record says.
        job: The run's job; ``None`` for engines without.
    """
    directory = run.working_dir
    if directory is None or not is_run_directory(directory) or not (job is None or job.is_of(directory)):
        return None
    return directory


def is_run_directory(path: str) -> bool:
    """Whether the mediator would look into this directory: absolute, plain, ending in ``oozie-UUID``."""
    return _RUN_DIRECTORY.fullmatch(path) is not None and not {".", ".."} & set(path.split("/"))


def _join(files: Sequence[StepFile]) -> str:
    return "\n".join(_heading(file) + ("" if file.error else f"\n{file.text}") for file in files)


def _heading(file: StepFile) -> str:
    whose = f"=== {file.step}, job {file.number}, {file.name}"
    if file.error:
        return f"{whose}, not read: {file.error}"
    cut = f", the last {file.kept} of {file.size} bytes" if file.cut else ""
    return f"{whose}, {_time(file.mtime)}{cut}"


def _time(mtime: float) -> str:
    """ISO 8601; a file may carry a time that no calendar has."""
    try:
        return datetime.datetime.fromtimestamp(mtime, datetime.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return "time unknown"
