"""Whether an account's Oozie is well, asked in the way that the account's profile says.

Natively we ask it ourselves. Where the engine propagates we may not be able to reach it: then the account's Unix user
is asked to ask, through the mediator, and it asks the server that the engine asks. Called before engine calls, which
fail healthy runs when Oozie does not answer: by ``core.looking`` and ``core.engine_propagating``.
"""

from niassa_orch import errors
from niassa_orch.core import enrolling
from niassa_orch.domain import accounts
from niassa_orch.seqware import identity, propagation


async def check(enrolled: enrolling.Enrolled) -> None:
    """Ask the account's Oozie for its versions.

    Raises:
        OozieError: It does not answer as it should; nothing is known of any job.
        EngineCallError: The mediator could not be asked to ask.
    """
    account = enrolled.account
    if account.propagation is accounts.Propagation.NATIVE:
        await enrolled.oozie().versions()
        return
    argv = identity.argv(enrolled.identity, enrolled.mediator, "probe")
    found = await propagation.probe(argv, account.oozie_url)
    if not found.versions:
        message = f"Oozie at {account.oozie_url} does not answer {account.unix_user}: {found.error}"
        raise errors.OozieUnavailableError(message)
