"""What became of a launch: the evidence of the transcript held against the record and against Oozie.

Neither an exit code nor a status that moved proves anything: the engine may write ``failed``, or nothing, over a job
that runs. Pure; called by ``core.launching``.
"""

import dataclasses
import enum
from collections.abc import Sequence

from niassa_orch.domain import evidence, jobs, runs


class Outcome(enum.StrEnum):
    """What is known of one accession of an engine call.

    ``LAUNCHED``: a job (or a whitestar execution) exists, and it is known. ``FAILED``: the engine failed the run
    before a job existed. ``CLEAN``: nothing happened; the run may be tried again. ``ELSEWHERE``: somebody else moved
    or launched the run; it is left in peace. ``IN_DOUBT``: to be asked again. ``HELD``: only a person can say what
    happened. ``SET_ASIDE``: nothing happened, too often; a person says whether it is tried again.
    """

    LAUNCHED = "launched"
    FAILED = "failed"
    CLEAN = "clean"
    ELSEWHERE = "elsewhere"
    IN_DOUBT = "in doubt"
    HELD = "held"
    SET_ASIDE = "set aside"

    @property
    def needs_person(self) -> bool:
        """Whether it stays as it is until somebody says what to do."""
        return self in (Outcome.HELD, Outcome.SET_ASIDE)


@dataclasses.dataclass(frozen=True, slots=True)
class Lookup:
    """What Oozie answered when asked for jobs whose ``appPath`` ends in the run's ``oozie-UUID``.

    Args:
        found: Ids of such jobs; more than one means that a POST was repeated.
        surely_none: Oozie answered "none" twice, a grace period apart.
    """

    found: tuple[str, ...] = ()
    surely_none: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one accession, and what the record must say for it to be true.

    Args:
        outcome: See ``Outcome``.
        reason: For events and for people.
        job_id: The job (or whitestar token) that the record's ``statusCmd`` must name.
        working_dir: What the record's ``currentWorkingDir`` must be.
        status: What the record's status must be; ``None`` leaves it.
        ended: How the run ended, when the engine call itself ended it.
        tried: The engine had begun to launch it, and it came to nothing.
        needs_lookup: Oozie has to be asked before this can be decided.
    """

    outcome: Outcome
    reason: str
    job_id: str | None = None
    working_dir: str | None = None
    status: runs.RunStatus | None = None
    ended: runs.RunStatus | None = None
    tried: bool = False
    needs_lookup: bool = False


def settle(
    call: evidence.CallEvidence,
    run: runs.WorkflowRun,
    lookup: Lookup | None,
    *,
    whitestar: bool,
    rebooted: bool = False,
) -> Verdict:
    """Decide what became of one accession of a call that is over (its transcript's lock is free).

    Args:
        call: What the transcript proves.
        run: The record, read after the call was over.
        lookup: Oozie's answer, or ``None`` when it was not asked or did not answer.
        whitestar: The call was for whitestar, whatever the record says by now.
        rebooted: The machine was started again since the call began, so that what was written last may be lost.
    """
    verdict = _weigh(call, run, lookup, whitestar=whitestar, rebooted=rebooted)
    begun = call.intact and call.runs[run.accession].launching
    tried = verdict.outcome is Outcome.CLEAN and begun and run.status is runs.RunStatus.SUBMITTED
    return dataclasses.replace(verdict, tried=tried)


def _weigh(
    call: evidence.CallEvidence, run: runs.WorkflowRun, lookup: Lookup | None, *, whitestar: bool, rebooted: bool
) -> Verdict:
    if not call.intact:
        return Verdict(Outcome.HELD, "its transcript was overwritten: the call may have come to anything")
    if rebooted and not call.begun and call.refused is None:
        return Verdict(Outcome.HELD, "the machine went down during the call: its transcript may lack what it said")
    if not call.begun:
        why = "the engine was never called" if call.refused is None else f"the mediator refused: {call.refused}"
        return Verdict(Outcome.CLEAN, why)
    seen = call.runs[run.accession]
    if whitestar:
        return _settle_whitestar(call, seen, run)
    found = (seen.job_id,) if seen.job_id is not None else lookup.found if lookup is not None else ()
    if found:
        return _settle_found(found, seen, run)
    if seen.working_dir is not None:
        return _settle_unanswered(call, seen, run, lookup)
    if call.ended:
        return _settle_untouched(call, seen, run)
    return Verdict(Outcome.HELD, "the transcript is cut: the engine may have come further than it says")


def settle_told(job: jobs.Job, unix_user: str, seen: evidence.RunEvidence | None, run: runs.WorkflowRun) -> Verdict:
    """Decide what became of an accession of which a person says that it made this job.

    Args:
        job: As Oozie tells it.
        unix_user: Whose identity the call had.
        seen: What the transcript says, if it could be read.
        run: The record.
    """
    seen = seen or evidence.RunEvidence(run.accession)
    named = f"job {job.id}, which a person named,"
    if job.user != unix_user:
        return Verdict(Outcome.HELD, f"{named} belongs to {job.user}, not to {unix_user}")
    if seen.working_dir is not None and not job.is_of(seen.working_dir):
        return Verdict(Outcome.HELD, f"{named} is of {job.app_path}, and the launch of {seen.working_dir}")
    return _settle_found((job.id,), seen, run)


def settle_failed(run: runs.WorkflowRun) -> Verdict:
    """Decide what became of an accession of which a person says that nothing of it runs, and that it has failed.

    What a user asked for stays: it is carried out, since there is no job.
    """
    if run.status_cmd:
        reason = f"a person says that it failed, but its record names job {run.status_cmd}: say --launched, or clear it"
        return Verdict(Outcome.HELD, reason)
    over = run.status in runs.ENDED or run.status in runs.REQUESTED
    status = None if over else runs.RunStatus.FAILED
    return Verdict(Outcome.FAILED, "a person says that it failed", status=status, ended=status)


def set_aside(verdict: Verdict, earlier: Sequence[str], most_tries: int) -> Verdict:
    """The verdict, or, when so many launches in a row came to nothing, that the run is set aside for a person.

    Args:
        verdict: On the last launch.
        earlier: Why those before came to nothing.
        most_tries: How many launches a run gets.
    """
    if not verdict.tried or len(earlier) + 1 < most_tries:
        return verdict
    launches = "1 launch" if not earlier else f"{len(earlier) + 1} launches"
    reasons = "; ".join(dict.fromkeys([*earlier, verdict.reason]))
    reason = f"{launches} came to nothing: {reasons}"
    return dataclasses.replace(verdict, outcome=Outcome.SET_ASIDE, reason=reason)


def _settle_found(found: tuple[str, ...], seen: evidence.RunEvidence, run: runs.WorkflowRun) -> Verdict:
    if len(found) > 1:
        return Verdict(Outcome.HELD, f"Oozie has {len(found)} jobs of this launch: {', '.join(found)}")
    job_id = found[0]
    if run.status_cmd not in (None, "", job_id):
        return Verdict(Outcome.HELD, f"the record names job {run.status_cmd}, but this launch made {job_id}")
    if run.status_cmd == job_id and run.status not in (runs.RunStatus.SUBMITTED, None):
        return Verdict(Outcome.LAUNCHED, "the record names the job", job_id)
    return Verdict(
        Outcome.LAUNCHED, "the job is missing on the record", job_id, seen.working_dir, _repaired(run.status)
    )


def _repaired(status: runs.RunStatus | None) -> runs.RunStatus:
    """The status of a record whose job was found: a cancel stays a cancel, now with a job to kill."""
    if status in (runs.RunStatus.SUBMITTED, runs.RunStatus.FAILED, None):
        return runs.RunStatus.PENDING
    if status is runs.RunStatus.CANCELLED:
        return runs.RunStatus.SUBMITTED_CANCEL
    # Never None: a cancel whose record lacks the job would be carried out as if there were none to kill.
    return status


def _settle_unanswered(
    call: evidence.CallEvidence, seen: evidence.RunEvidence, run: runs.WorkflowRun, lookup: Lookup | None
) -> Verdict:
    if lookup is None or not lookup.surely_none:
        reason = f"it may have reached Oozie as {seen.working_dir}; Oozie is asked"
        return Verdict(Outcome.IN_DOUBT, reason, needs_lookup=True)
    return _settle_untouched(call, seen, run)


def _settle_untouched(call: evidence.CallEvidence, seen: evidence.RunEvidence, run: runs.WorkflowRun) -> Verdict:
    """The call made no job of the run. What it never began, it did not move either: that was somebody else."""
    if not seen.launching and seen.working_dir is None:
        return _settle_not_begun(call, run)
    if run.status is runs.RunStatus.FAILED:
        return Verdict(Outcome.FAILED, "the engine failed it before a job existed", ended=runs.RunStatus.FAILED)
    if run.status in (runs.RunStatus.PENDING, runs.RunStatus.RUNNING, runs.RunStatus.COMPLETED):
        return Verdict(Outcome.ELSEWHERE, f"somebody else moved it to {run.status}")
    return Verdict(Outcome.CLEAN, "no job was made")


def _settle_not_begun(call: evidence.CallEvidence, run: runs.WorkflowRun) -> Verdict:
    """Such as a run that a crontab launched, or a user cancelled, between our last look and our call."""
    if run.status is not runs.RunStatus.SUBMITTED:
        moved = f"somebody else moved it to {run.status or 'no status'}"
        return Verdict(Outcome.ELSEWHERE, f"{moved}: our call never began it")
    if run.status_cmd:
        return Verdict(Outcome.ELSEWHERE, f"somebody else launched it: its record names job {run.status_cmd}")
    why = "its lock was held" if call.gave_up_on_lock else "it ended before that"
    return Verdict(Outcome.CLEAN, f"the engine did not begin it: {why}")


def _settle_whitestar(call: evidence.CallEvidence, seen: evidence.RunEvidence, run: runs.WorkflowRun) -> Verdict:
    """whitestar works inside the call: begun and not ended is half a workflow, which only a person can judge."""
    if seen.ended is not None:
        token = str(run.accession)
        reason = f"whitestar ended it as {seen.ended}"
        if run.status is seen.ended and run.status_cmd == token:
            return Verdict(Outcome.LAUNCHED, reason, token, ended=seen.ended)
        reason += ", the record lacks that"
        return Verdict(Outcome.LAUNCHED, reason, token, seen.working_dir, seen.ended, ended=seen.ended)
    if call.ended and (not seen.launching or run.status is runs.RunStatus.FAILED):
        return _settle_untouched(call, seen, run)
    return Verdict(Outcome.HELD, "whitestar began it and did not say how it ended")
