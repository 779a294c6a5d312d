"""What a transcript of an engine call proves, and what it does not.

Made by ``seqware.transcript`` from the bytes of a transcript, weighed by ``domain.settling``. A line that is there is
evidence; a line that is missing is evidence only when the call ended with the mediator's own last record, since Java
swallows write errors on its standard output.
"""

import dataclasses
import json
from collections.abc import Mapping

from niassa_orch.domain import runs


@dataclasses.dataclass(frozen=True, slots=True)
class RunEvidence:
    """What the transcript says of one accession.

    Args:
        accession: The run.
        launching: The engine said that it launches the run; from here on something may have happened.
        working_dir: ``Using working directory: ...``; its last part, ``oozie-UUID``, is what the job's ``appPath``
            ends in.
        job_id: ``Submitted Oozie job: ...``; the point of no return is behind us.
        ended: whitestar's last words, ``completed`` or ``failed``.
    """

    accession: runs.Accession
    launching: bool = False
    working_dir: str | None = None
    job_id: str | None = None
    ended: runs.RunStatus | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CallEvidence:
    """What the transcript says of the whole call.

    Args:
        begun: The mediator's first record is there: sudo let it run.
        ended: The mediator's last record is there, of the same call.
        exit_code: The engine's exit code (128 + n for signal n), a hint; ``None`` when it did not end.
        timed_out: The mediator killed the call at its deadline.
        refused: Why the mediator refused to call the engine, or ``None``.
        lock_held: The engine gave up on its lock (``AlreadyLockedException``).
        preamble: What was written before the mediator's first record, such as sudo's refusal; at most 2 kB.
        tail: The last 2 kB of what the engine wrote.
        command: The command that the mediator ran.
        runs: By accession; every accession of the call is there.
        intact: The transcript still begins with our own first line; else it was overwritten and proves nothing.
    """

    begun: bool
    ended: bool
    exit_code: int | None
    timed_out: bool
    refused: str | None
    lock_held: bool
    preamble: str
    tail: str
    command: tuple[str, ...]
    runs: Mapping[runs.Accession, RunEvidence]
    intact: bool = True

    @property
    def began_any(self) -> bool:
        """Whether the engine came to any of the runs."""
        return any(run.launching for run in self.runs.values())

    @property
    def works(self) -> bool:
        """Whether the engine got as far as to look for runs: what it did not launch is the run's affair."""
        return self.begun and (self.began_any or (self.exit_code == 0 and not self.lock_held))

    @property
    def gave_up_on_lock(self) -> bool:
        """Whether the engine got no further than its lock."""
        return self.lock_held and not self.began_any


def as_text(call: CallEvidence | None, run: runs.WorkflowRun) -> str:
    """What a verdict goes by, as JSON: of the transcript, if it could be read, and of the record."""
    known: dict[str, object] = {"record": {"status": run.status, "statusCmd": run.status_cmd}}
    if call is not None:
        names = ("intact", "begun", "ended", "exit_code", "timed_out", "refused", "lock_held")
        known["call"] = {name: getattr(call, name) for name in names}
        seen = dataclasses.asdict(call.runs[run.accession])
        known["transcript"] = {name: value for name, value in seen.items() if name != "accession"}
    return json.dumps(known)
