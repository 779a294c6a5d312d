"""What the web service lists for one account.

Five lists, one after the other, each with ``status`` and ``host`` in the query; the owner is compared here, since the
web service neither filters by it nor fences it. All five or none: a poll with a list missing would read as "no more
runs".
"""

from niassa_orch.domain import accounts, runs, selection
from niassa_orch.webservice import client


async def poll(web_service: client.WebService, account: accounts.Account) -> tuple[runs.WorkflowRun, ...]:
    """The account's active runs, by accession.

    A run that moved between two lists counts as the later list says.

    Raises:
        WebServiceError: A list could not be had whole.
    """
    found: dict[runs.Accession, runs.WorkflowRun] = {}
    for status in runs.ACTIVE:
        for run in await web_service.list_runs(status, account.host, account.web_user):
            if run.status is status and selection.is_of(run, account):
                found[run.accession] = run
    return tuple(found[accession] for accession in sorted(found))
