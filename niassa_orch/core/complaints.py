"""What is told of runs that stay as they are though something should be written of them: each reason once a run.

What was found at the last look stands on the account's line, so that every face shows it until a look finds
otherwise or the run is over. Owned by ``core.propagating``.
"""

import collections
import contextlib
import itertools
from collections.abc import Iterator

from niassa_orch.core import account_line, board
from niassa_orch.domain import runs

#: Of thousands the first tell enough.
_SHOWN = 50


class Complaints:
    """Of the runs of one account.

    Args:
        line: The account's line on the board.
        told: The board, for events.
    """

    def __init__(self, line: account_line.AccountLine, told: board.Board) -> None:
        self._line = line
        self._board = told
        self._told: collections.defaultdict[runs.Accession, set[str]] = collections.defaultdict(set)
        self._standing: dict[runs.Accession, str] = {}

    @contextlib.contextmanager
    def look(self, accession: runs.Accession) -> Iterator[None]:
        """A look at a run: what is not found again is over; a look that fails found nothing out."""
        before = self._standing.pop(accession, None)
        try:
            yield
        except BaseException:
            if before is not None:
                self._standing.setdefault(accession, before)
            raise
        finally:
            self._show()

    def add(self, accession: runs.Accession, reason: str, event: str = "run.left_alone", **fields: object) -> None:
        """Something keeps a run as it is, and a person has to see to it."""
        self._standing[accession] = reason
        self._show()
        if reason not in self._told[accession]:
            self._told[accession].add(reason)
            fields = {"accession": accession, **fields, "reason": reason}
            self._board.event(event, account=self._line.name, level=board.Level.ERROR, **fields)

    def forget(self, accession: runs.Accession) -> None:
        """The run is over, or somebody else's."""
        self._told.pop(accession, None)
        self._standing.pop(accession, None)
        self._show()

    def _show(self) -> None:
        if self._standing or self._line.left_alone:
            self._line.left_alone = dict(itertools.islice(self._standing.items(), _SHOWN))
