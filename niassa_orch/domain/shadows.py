"""What we would have done for a run, held against what others did: pure judgements for accounts in shadow mode.

Called by ``core.shadowing``; kept by ``journal.shadows``; shown by the command ``shadow report``.
"""

import dataclasses
import enum

from niassa_orch.domain import accounts, runs, selection, transitions


class Kind(enum.StrEnum):
    """What was decided about: a launch, or a status to write."""

    LAUNCH = "launch"
    STATUS = "status"


class Agreement(enum.StrEnum):
    """How what came compares: the same, something else, taken back by a user, or done before we saw the run wait."""

    AGREED = "agreed"
    DIFFERS = "differs"
    WITHDRAWN = "withdrawn"
    UNSEEN = "unseen"


@dataclasses.dataclass(frozen=True, slots=True)
class Came:
    """What became of a run since we decided, in words, and how that compares."""

    what: str
    agreement: Agreement


#: What each act on a job is done for: what its run becomes when the act takes.
_AFTER_ACT = {
    transitions.Act.KILL: runs.RunStatus.CANCELLED,
    transitions.Act.RESUME: runs.RunStatus.PENDING,
    transitions.Act.RERUN: runs.RunStatus.PENDING,
}


def wanted_status(decision: transitions.Decision) -> runs.RunStatus | None:
    """The status that a decision leads to; ``None`` when it leaves the record alone."""
    return _AFTER_ACT[decision.act] if decision.act is not None else decision.status


def launched(run: runs.WorkflowRun | None, account: accounts.Account, job_user: str = "") -> Came | None:
    """What became of a run that we would have launched.

    Args:
        run: As its record is now; ``None`` when there is none.
        account: For which it waited.
        job_user: Whose its job is, as Oozie says; ``""`` where it does not.

    Returns:
        ``None`` while it still waits.
    """
    if run is None or not selection.is_of(run, account):
        return Came("it is not this account's any more", Agreement.WITHDRAWN)
    if run.status is runs.RunStatus.SUBMITTED or (run.status is None and not run.status_cmd):
        return None
    if run.status in (runs.RunStatus.SUBMITTED_CANCEL, runs.RunStatus.CANCELLED) and not run.status_cmd:
        return Came("a user cancelled it", Agreement.WITHDRAWN)
    if run.status is runs.RunStatus.FAILED and not run.status_cmd:
        return Came("its launch failed", Agreement.AGREED)
    became = f"{run.status or 'without a status'}"
    if job_user and job_user != account.unix_user:
        return Came(f"launched as {job_user}, not as {account.unix_user}, {became}", Agreement.DIFFERS)
    return Came(f"launched, {became}", Agreement.AGREED)


def moved(run: runs.WorkflowRun | None, account: accounts.Account, basis: str, wanted: frozenset[str]) -> Came | None:
    """What became of a run whose status we would have changed.

    Args:
        run: As its record is now; ``None`` when there is none.
        account: Whose it was.
        basis: The status from which we decided.
        wanted: Every status that we would have written since, as its job went on.

    Returns:
        ``None`` while its status is what it was.
    """
    if run is None or not selection.is_of(run, account):
        return Came("it is not this account's any more", Agreement.WITHDRAWN)
    now = str(run.status)
    if now == basis:
        return None
    if now in wanted:
        return Came(now, Agreement.AGREED)
    if run.status in runs.REQUESTED:
        return Came(f"a user asked for something else ({now})", Agreement.WITHDRAWN)
    return Came(now, Agreement.DIFFERS)
