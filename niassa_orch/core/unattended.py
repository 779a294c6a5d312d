"""Launches that are not settled, of runs that no served account owns: nobody's, so that a person is told once.

Shown until they are settled or somebody serves their account again. Owned by ``core.supervisor``.
"""

from collections.abc import Iterable

from niassa_orch.core import account_line, board
from niassa_orch.domain import runs
from niassa_orch.journal import records


class Unattended:
    """Remembers which were told.

    Args:
        told: The board.
    """

    def __init__(self, told: board.Board) -> None:
        self._board = told
        self._told: set[tuple[str, runs.Accession]] = set()

    def look(self, launches: Iterable[records.Launch]) -> None:
        """These are nobody's now, unless an account has only just begun to be served."""
        if any(line.state is account_line.State.STARTING for line in self._board.snapshot().accounts):
            return
        left = {launch.key: launch for launch in launches}
        for key in left.keys() - self._told:
            self._tell(left[key])
        self._told = set(left)
        named = ", ".join(f"{launch.accession} ({launch.account})" for launch in left.values())
        said = f"launches that are not settled, of accounts that nobody serves: {named}; see: niassa-orch doubts"
        self._board.alarm("unattended", said if left else "")

    def _tell(self, launch: records.Launch) -> None:
        reason = (
            f"its launch is not settled, and no account that works now owns it (it was {launch.account}, "
            f"{launch.owner}); mend or give back that profile, or see: niassa-orch doubts"
        )
        fields = {"accession": launch.accession, "reason": reason}
        self._board.event("launch.unattended", account=launch.account, level=board.Level.ERROR, **fields)
