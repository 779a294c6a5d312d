"""Which error of ours a web service's "no" is, and a failed exchange with it.

Pure; of a body nothing is known here, so that no error holds any of it. Called by ``webservice.client``.
"""

from niassa_orch import errors
from niassa_orch.wire import failures


def of_status(what: str, status: int, *, of_a_run: bool) -> errors.WebServiceError:
    """The error for a status that says no, and so that nothing was done."""
    kinds = {401: errors.LoginRefusedError, 403: errors.ForbiddenError}
    if of_a_run:
        kinds |= {404: errors.RunNotFoundError}
    if 300 <= status < 400:
        return errors.WebServiceError(f"{what}: answered {status}, which is not followed; check the base URL")
    if what.startswith("PUT ") and status in (400, 415):
        return errors.MalformedAnswerError(f"{what}: answered {status}, the document was not accepted")
    return kinds.get(status, errors.WebServiceError)(f"{what}: answered {status}")


def of_exchange(exc: failures.WireError) -> errors.WebServiceError:
    """Our branch of the error tree for a failed exchange that changed nothing."""
    if isinstance(exc, failures.TooLargeError | failures.GarbledError):
        return errors.MalformedAnswerError(str(exc))
    if isinstance(exc, errors.Transient):
        return errors.WebServiceUnavailableError(str(exc))
    return errors.WebServiceError(str(exc))
