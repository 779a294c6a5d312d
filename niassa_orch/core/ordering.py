"""Orders without a running service: the journal and the audit trail are opened for one command, and closed again.

A service that runs beside it notices what was ordered at its next beat. Called by the commands; a running service is
asked through its control socket instead.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator

from niassa_orch.config import settings
from niassa_orch.core import audit, board, operating, orders, pool, state_directory
from niassa_orch.journal import store


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
        journal = store.Journal(directory.journal, directory.why_no_new_journal)
        opened.callback(journal.close)
        trail = audit.Trail(service.effective_audit_dir, redact)
        opened.callback(trail.close)
        told = board.Board(service.effective_host, pool.Pool(1), pool.Pool(1), redact)
        yield operating.Operating(orders.StandingOrders(journal, told), trail, names)
