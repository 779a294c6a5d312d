"""How a run's status follows its job: the table, as pure functions.

Source: the neighbours' protocol as docs/architecture.md retells it. ``decide`` looks at a run and its job; ``after``
looks at the job once more when something was done to it. Nobody else decides about a status. Called by
``core.propagating``.

==================== ============ ============= ========= ============ ===========================
run                  no job id    PREP, RUNNING SUSPENDED SUCCEEDED    FAILED, KILLED
==================== ============ ============= ========= ============ ===========================
pending, running     left         running       failed    completed    failed
submitted_cancel     cancelled    kill          kill      completed    failed; cancelled: our kill
submitted_retry      submitted    running       resume    completed    rerun
==================== ============ ============= ========= ============ ===========================
"""

import dataclasses
import enum

from niassa_orch.domain import jobs, runs


class Act(enum.StrEnum):
    """What is done to a job in Oozie before the run's status may change."""

    KILL = "kill"
    RESUME = "resume"
    RERUN = "rerun"


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What to do next: an act on the job, a status to write, or neither.

    Args:
        act: To be done first; the status is then decided by ``after``.
        status: To be written; ``None`` leaves the record alone.
        reason: In a few words, for events and for people.
    """

    act: Act | None = None
    status: runs.RunStatus | None = None
    reason: str = ""


_ALIVE = frozenset({jobs.JobStatus.PREP, jobs.JobStatus.RUNNING})
_ENDED_BADLY = frozenset({jobs.JobStatus.FAILED, jobs.JobStatus.KILLED})
_FOLLOWING = frozenset({runs.RunStatus.PENDING, runs.RunStatus.RUNNING})


def decide(run: runs.WorkflowRun, job: jobs.Job, *, done: tuple[Act, int] | None = None) -> Decision:
    """What the job's status means for the run.

    Args:
        run: In one of the statuses pending, running, submitted_cancel, submitted_retry; others are left alone.
        job: The job that the run's ``statusCmd`` names.
        done: The last act that we did to this job, and the job's ``run`` number before it.
    """
    if job.status is None:
        return Decision(reason="the job has a status that Oozie does not define")
    if run.status in _FOLLOWING:
        return _follow(run.status, job.status)
    if run.status is runs.RunStatus.SUBMITTED_CANCEL:
        return _cancel(job, done)
    if run.status is runs.RunStatus.SUBMITTED_RETRY:
        return _retry(job, done)
    return Decision(reason="the run needs nothing")


def decide_without_job(run: runs.WorkflowRun, *, settled: bool) -> Decision:
    """What a run without ``statusCmd`` becomes; ``settled`` says that no launch of it is in flight or in doubt."""
    if run.status in _FOLLOWING:
        return Decision(reason="the record names no job (statusCmd is empty); it is left as it is")
    if not settled:
        return Decision(reason="a launch of it is not settled yet")
    if run.status is runs.RunStatus.SUBMITTED_CANCEL:
        return Decision(status=runs.RunStatus.CANCELLED, reason="cancelled before a job existed")
    if run.status is runs.RunStatus.SUBMITTED_RETRY:
        return Decision(status=runs.RunStatus.SUBMITTED, reason="retried before a job existed")
    return Decision(reason="the run needs nothing")


def decide_gone(run: runs.WorkflowRun, *, done: tuple[Act, int] | None = None) -> Decision:
    """What becomes of a run whose job a healthy Oozie does not know, on several looks over a set time.

    Args:
        run: Its record.
        done: The last act that we did to the job: a user's cancel whose kill was ours ended as the user wanted.
    """
    if run.status is runs.RunStatus.SUBMITTED_CANCEL and done is not None and done[0] is Act.KILL:
        reason = "Oozie does not know the job any more, and our kill was the last that was done to it"
        return Decision(status=runs.RunStatus.CANCELLED, reason=reason)
    if run.status in _FOLLOWING or run.status in (runs.RunStatus.SUBMITTED_CANCEL, runs.RunStatus.SUBMITTED_RETRY):
        return Decision(status=runs.RunStatus.FAILED, reason="Oozie does not know the job any more")
    return Decision(reason="the run needs nothing")


def after(act: Act, before: jobs.Job, now: jobs.Job) -> Decision:
    """What the job says after an act: Oozie's 200 proves nothing, so that only the job itself is believed.

    Args:
        act: What was done.
        before: The job as it was before the act.
        now: The job as it is after it.
    """
    if now.status is None:
        return Decision(reason="the job has a status that Oozie does not define")
    if now.status is jobs.JobStatus.SUCCEEDED:
        return Decision(status=runs.RunStatus.COMPLETED, reason=f"the job had succeeded before the {act}")
    if act is Act.KILL:
        return _after_kill(now.status)
    moved = now.run > before.run if act is Act.RERUN else now.status is not jobs.JobStatus.SUSPENDED
    if moved:
        return Decision(status=runs.RunStatus.PENDING, reason=f"the {act} took")
    return Decision(reason=f"the {act} has not shown in the job yet")


def _follow(status: runs.RunStatus, job: jobs.JobStatus) -> Decision:
    if job in _ALIVE:
        wanted = runs.RunStatus.RUNNING
    elif job is jobs.JobStatus.SUCCEEDED:
        wanted = runs.RunStatus.COMPLETED
    else:
        wanted = runs.RunStatus.FAILED
    if wanted is status:
        return Decision(reason=f"the job is {job}")
    return Decision(status=wanted, reason=f"the job is {job}")


def _cancel(job: jobs.Job, done: tuple[Act, int] | None) -> Decision:
    if job.status is jobs.JobStatus.SUCCEEDED:
        return Decision(status=runs.RunStatus.COMPLETED, reason="the job succeeded before the cancel")
    if job.status not in _ENDED_BADLY:
        return Decision(act=Act.KILL, reason="a user cancelled the run")
    if job.status is jobs.JobStatus.KILLED and done == (Act.KILL, job.run):
        return Decision(status=runs.RunStatus.CANCELLED, reason="our kill took")
    return Decision(status=runs.RunStatus.FAILED, reason=f"the job was {job.status} before the cancel")


def _retry(job: jobs.Job, done: tuple[Act, int] | None) -> Decision:
    if done is not None and done[0] is Act.RERUN and job.run > done[1]:
        return Decision(status=runs.RunStatus.PENDING, reason="our rerun took")
    if job.status in _ALIVE:
        return Decision(status=runs.RunStatus.RUNNING, reason=f"the job is {job.status}")
    if job.status is jobs.JobStatus.SUCCEEDED:
        return Decision(status=runs.RunStatus.COMPLETED, reason="the job had succeeded")
    if job.status is jobs.JobStatus.SUSPENDED:
        return Decision(act=Act.RESUME, reason="a user retried the run")
    return Decision(act=Act.RERUN, reason="a user retried the run")


def _after_kill(job: jobs.JobStatus) -> Decision:
    if job is jobs.JobStatus.KILLED:
        return Decision(status=runs.RunStatus.CANCELLED, reason="our kill took")
    if job is jobs.JobStatus.FAILED:
        return Decision(status=runs.RunStatus.FAILED, reason="the job failed before the kill")
    return Decision(reason="the kill has not shown in the job yet")
