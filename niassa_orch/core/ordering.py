"""What operators do without a service that answers: journal and audit trail are opened for one command, and closed.

A service that runs beside it notices what was ordered at its next beat. What root makes here belongs to the service's
user, who must be able to write it. Called by the commands; a service that answers is asked through its control socket.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import audit, board, operating, orders, pool, resolving, state_directory
from niassa_orch.journal import store

_NEXT = "no service runs: it holds from the next start on"
_BESIDE = "a service runs and does not answer: it holds from its next beat on"


@contextlib.contextmanager
def without_service(
    service: settings.Settings, redact: Callable[[str], str], names: Callable[[], Iterable[str]]
) -> Iterator[operating.Operating]:
    """What operators may order while no service runs.

    Args:
        service: The settings of the process.
        redact: Takes secrets out of a text.
        names: The accounts that there are.

    Raises:
        JournalError: The journal cannot be used.
    """
    with contextlib.ExitStack() as opened:
        directory = state_directory.StateDirectory(service.state_dir)
        journal = _journal(directory)
        opened.callback(journal.close)
        trail = audit.Trail(service.effective_audit_dir, redact)
        opened.callback(trail.close)
        told = board.Board(service.host, pool.Pool(1), pool.Pool(1), redact)
        standing = orders.StandingOrders(journal, told)
        beside = state_directory.is_used(service.state_dir)
        later = _BESIDE if beside else _NEXT
        yield operating.Operating(standing, trail, names, words=resolving.Resolving(directory, trail), later=later)


def _journal(directory: state_directory.StateDirectory) -> store.Journal:
    """The journal; it is begun where a service would begin it."""
    if not directory.path.is_dir():
        message = f"there is no state_dir {directory.path}: did a service run with these settings (--config)?"
        raise errors.JournalError(message)
    is_new = not directory.journal.exists()
    journal = store.Journal(directory.journal, directory.why_no_new_journal)
    if is_new and os.geteuid() == 0:
        owner = directory.path.stat()
        for file in directory.path.glob(f"{directory.journal.name}*"):
            os.chown(file, owner.st_uid, owner.st_gid)
    return journal
