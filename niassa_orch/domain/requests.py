"""Whether something that a user asked for was lost: seen once, gone now, and never answered. Pure.

A cancel or a retry is a read and a write of the whole record, and so are the writes of everybody else: the last one
wins, and a record may say again what it said before. ``judge`` looks at what was seen of a request, at what we did
ourselves, and at what the record and the job say now. Called by ``core.lost_requests``; what was seen is kept by
``core.requests_seen``.
"""

import dataclasses
import enum

from niassa_orch.domain import jobs, runs, transitions

#: As long as nobody saw the run, others may have answered the request and the user may have asked for the opposite:
#: two rounds of a crontab and a person's decision in between take longer than this.
BLIND_SECONDS = 120.0

_FOLLOWING = frozenset({runs.RunStatus.PENDING, runs.RunStatus.RUNNING})
_RUNNING = frozenset({jobs.JobStatus.PREP, jobs.JobStatus.RUNNING})
_ALIVE = _RUNNING | {jobs.JobStatus.SUSPENDED}
#: What answers a request whatever the job says.
_ANSWERS = {
    runs.RunStatus.SUBMITTED_CANCEL: frozenset({runs.RunStatus.CANCELLED, runs.RunStatus.COMPLETED}) | runs.REQUESTED,
    runs.RunStatus.SUBMITTED_RETRY: frozenset({runs.RunStatus.SUBMITTED, runs.RunStatus.COMPLETED}) | runs.REQUESTED,
}


class Fate(enum.StrEnum):
    """What became of a request that the record does not show any more."""

    ANSWERED = "answered"
    LOST = "lost"
    UNCLEAR = "unclear"


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """A user's request, as our looks showed it.

    Args:
        status: ``submitted_cancel`` or ``submitted_retry``.
        since_seconds: When the first look that showed it began (``time.monotonic()``).
        until_seconds: When the last look that showed it had ended: what began later shows something newer.
        job: The run's job at the first look at it for this request, before anything was done to it for the request;
            ``None``: nobody looked yet.
        is_put_back: It was lost before, and put back.
    """

    status: runs.RunStatus
    since_seconds: float
    until_seconds: float
    job: jobs.Job | None = None
    is_put_back: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The fate of a request, and why, in a few words."""

    fate: Fate
    reason: str


def is_answer(request: Request, run: runs.WorkflowRun) -> bool:
    """Whether the record's status answers a request, or is another request, whatever the job says.

    A cancel is answered by cancelled, and by completed, since the job may have been quicker; a failed run without a job
    does nothing that could be cancelled. A retry is answered by completed likewise, and by submitted, which it becomes
    when there is no job. A user who asked for something else since has changed their mind.
    """
    is_over = run.status is runs.RunStatus.FAILED and not run.status_cmd
    return run.status in _ANSWERS[request.status] or (is_over and request.status is runs.RunStatus.SUBMITTED_CANCEL)


def judge(
    request: Request,
    run: runs.WorkflowRun,
    job: jobs.Job | None,
    *,
    done: tuple[transitions.Act, int] | None,
    unseen_seconds: float,
) -> Verdict:
    """What became of a request that the record does not show any more.

    ===================== =============================== ============================================================
    cancel seen, now      job                             verdict
    ===================== =============================== ============================================================
    cancelled, completed  any                             answered
    pending, running,     alive, not rerun since          lost: the table knows no way from a cancel to there but
    submitted, failed                                     through the job's end
    the same              killed by us                    lost: the record must say cancelled
    the same              rerun since                     answered: the user retried meanwhile
    the same              ended otherwise, or unknown     answered: the request would lead to the same end
    pending, running,     none on the record              lost: the run would begin, or go on
    submitted
    failed                none on the record              answered
    ===================== =============================== ============================================================

    ===================== =============================== ============================================================
    retry seen, now       job                             verdict
    ===================== =============================== ============================================================
    completed, submitted  any                             answered
    pending, running      running, succeeded              answered: the record follows
    failed                running, succeeded              lost: nobody would correct the record
    cancelled             running                         unclear: the user may have cancelled after the retry
    cancelled             succeeded                       lost: nobody would correct the record
    those four            ended or suspended, as it was   lost: nobody reran or resumed it, and users cannot take a
                                                          retry back
    those four            rerun or resumed since          answered
    those four            moved otherwise                 unclear
    those four            none on the record              unclear: it may have been launched again and failed
    ===================== =============================== ============================================================

    A job that Oozie does not know answers everything: with the request the run would fail, too. Where the job was not
    looked at after the request was seen, a cancel is lost only if the run was not unseen for long, and a run that has
    failed makes it unclear; a retry is unclear.

    Args:
        request: As it was seen.
        run: As a look shows it that began after the request was seen last.
        job: The run's job now; ``None``: Oozie does not know it, or the record names none.
        done: The last act of ours that counts for the job, and the job's run number before it.
        unseen_seconds: From the last look that showed the request to the one that does not.
    """
    if is_answer(request, run):
        return Verdict(Fate.ANSWERED, f"the run is {run.status}")
    if run.status is None or (job is not None and job.status is None):
        return Verdict(Fate.UNCLEAR, "the run or its job has a status that is not defined")
    if run.status_cmd and job is None:
        return Verdict(Fate.ANSWERED, "Oozie does not know its job")
    if request.status is runs.RunStatus.SUBMITTED_CANCEL:
        return _judge_cancel(request, run, job, done, unseen_seconds)
    return _judge_retry(request, run, job, done)


def _judge_cancel(
    request: Request,
    run: runs.WorkflowRun,
    job: jobs.Job | None,
    done: tuple[transitions.Act, int] | None,
    unseen_seconds: float,
) -> Verdict:
    is_short = unseen_seconds <= BLIND_SECONDS
    lost = Verdict(Fate.LOST, f"the run is {run.status} as if nobody had cancelled it")
    unclear = Verdict(Fate.UNCLEAR, "nobody saw for how long it was cancelled")
    if job is None:
        return lost if is_short else unclear
    if _was_rerun(request, job, done):
        return Verdict(Fate.ANSWERED, "its job was run again since")
    if job.status is jobs.JobStatus.KILLED and done == (transitions.Act.KILL, job.run):
        return lost
    if job.status not in _ALIVE:
        return Verdict(Fate.ANSWERED, f"its job had become {job.status}")
    is_sure = request.job is not None or (is_short and run.status is not runs.RunStatus.FAILED)
    return lost if is_sure else unclear


def _judge_retry(
    request: Request, run: runs.WorkflowRun, job: jobs.Job | None, done: tuple[transitions.Act, int] | None
) -> Verdict:
    if job is None:
        return Verdict(Fate.UNCLEAR, "the record names no job")
    lost = Verdict(Fate.LOST, f"the run is {run.status} as if nobody had retried it")
    if job.status in _RUNNING or job.status is jobs.JobStatus.SUCCEEDED:
        if run.status in _FOLLOWING:
            return Verdict(Fate.ANSWERED, f"its job is {job.status}")
        if run.status is runs.RunStatus.CANCELLED and job.status in _RUNNING:
            return Verdict(Fate.UNCLEAR, "the run is cancelled and its job is not")
        return lost
    if _was_rerun(request, job, done) or _was_resumed(job, done):
        return Verdict(Fate.ANSWERED, f"its job ran again and became {job.status}")
    if request.job is None or request.job.status is not job.status:
        return Verdict(Fate.UNCLEAR, f"its job became {job.status}, and nobody saw by what")
    return lost


def _was_rerun(request: Request, job: jobs.Job, done: tuple[transitions.Act, int] | None) -> bool:
    """Whether the job was run again since the request, by anybody: a rerun raises its run number."""
    before = [request.job.run] if request.job is not None else []
    if done is not None and done[0] is not transitions.Act.RESUME:
        before.append(done[1])
    return any(job.run > run for run in before)


def _was_resumed(job: jobs.Job, done: tuple[transitions.Act, int] | None) -> bool:
    return done == (transitions.Act.RESUME, job.run) and job.status is not jobs.JobStatus.SUSPENDED
