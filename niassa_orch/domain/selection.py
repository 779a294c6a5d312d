"""Which of the runs that the web service listed are ours, and which of those to launch together.

The web service lets every login see and change every run, and the engine never looks at the owner: what is decided here
is the only fence between accounts. Called by ``core.polling`` and ``core.launching``.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from niassa_orch.domain import accounts, runs


def is_of(run: runs.WorkflowRun, account: accounts.Account) -> bool:
    """Whether the run belongs to the account: same owner (in lower case) and exactly the same host."""
    return run.owner == account.web_user and run.host == account.host


def select_launchable(
    listed: Iterable[runs.WorkflowRun],
    account: accounts.Account,
    is_available: Callable[[runs.Accession], bool],
) -> tuple[runs.WorkflowRun, ...]:
    """Runs to launch, oldest accession first: submitted, our host, our owner, and available.

    Args:
        listed: What the web service listed, of anybody and in any status.
        account: The account to launch for.
        is_available: Says whether a run is not in flight, in doubt, held, set aside or waiting after an attempt.
    """
    chosen = {
        run.accession: run
        for run in listed
        if run.status is runs.RunStatus.SUBMITTED and is_of(run, account) and is_available(run.accession)
    }
    return tuple(chosen[accession] for accession in sorted(chosen))


def next_batch(
    launchable: Sequence[runs.WorkflowRun], size: int, urgent: Collection[runs.Accession] = ()
) -> tuple[runs.WorkflowRun, ...]:
    """The runs of the next engine call; while some are urgent, those alone: within a call the engine has its own order.

    Up to ``size`` runs that Oozie will execute go together; whitestar executes the whole workflow inside the call, for
    hours, so that each goes alone and after the others.
    """
    launchable = [run for run in launchable if run.accession in urgent] or launchable
    quick = [run for run in launchable if run.engine_family is not runs.EngineFamily.WHITESTAR]
    return tuple(quick[:size]) or tuple(launchable[:1])
