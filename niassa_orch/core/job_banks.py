"""What keeps one user's flood of changed jobs from reaching the accounts of other users.

Whoever was told something works for a moment before more of the flood is read: it brings more work than can be done
meanwhile in any case. Handed by ``core.job_polling`` to the list of changes.
"""

import asyncio
from collections.abc import Collection

from niassa_orch.core import job_watches

#: In which the pool does a few hundred runs.
_WORK_SECONDS = 0.2


class Banks:
    """Stands between a flood and the watchers of one server.

    Attributes:
        told: Whether a watched job was told since way was given last.

    Args:
        watches: Whose jobs are watched.
    """

    def __init__(self, watches: job_watches.Watches) -> None:
        self._watches = watches
        self.told = False

    def others(self, user: str) -> Collection[str]:
        """Whose jobs are watched beside this user's."""
        return sorted(other for other in self._watches.unix_users if other != user)

    async def give_way(self) -> None:
        """Let those work who were told something."""
        if self.told:
            self.told = False
            await asyncio.sleep(_WORK_SECONDS)
