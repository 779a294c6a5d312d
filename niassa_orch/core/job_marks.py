"""How far down the list of changes of one Oozie server has to be read.

A change may become visible a little after the time that it bears, so that a reading goes back behind the newest change
that was seen; but not for ever behind the same one, or a burst of changes would be read again and again. And which
rows were read too early to be believed once. Pure: times come from the caller, ``core.job_polling``.
"""

import collections
import dataclasses
import datetime

from niassa_orch.domain import jobs
from niassa_orch.oozie import lists

#: So many overlaps may the server's clock and that of its ``Date``, which may be a proxy's, differ.
_DATE_OVERLAPS = 20
#: Oozie's times are whole seconds: a change after a reading may bear the same time as the newest one that it saw.
_SECOND = datetime.timedelta(seconds=1)


@dataclasses.dataclass(frozen=True, slots=True)
class _Mark:
    """A good reading: when it began and ended (``time.monotonic()``), and the newest change that it saw."""

    begun: float
    ended: float
    newest: datetime.datetime


class Marks:
    """The newest change of each good reading, as long as it matters.

    Args:
        overlap_seconds: How late a change may become visible, differences between the clocks of several servers behind
            one name included.
    """

    def __init__(self, overlap_seconds: float) -> None:
        self._overlap = datetime.timedelta(seconds=overlap_seconds)
        self._marks: collections.deque[_Mark] = collections.deque()
        self._is_quiet = False

    def forget(self) -> None:
        """Begin anew, as with a server that was never read."""
        self._marks.clear()

    def note(self, begun: float, ended: float, changes: lists.Changes) -> None:
        """A good reading.

        Args:
            begun: When it began (``time.monotonic()``): what shows later may have escaped it.
            ended: When it ended: what it saw happened before.
            changes: What it found, with its newest change. That counts as no later than the server's clock, which may
                have been ahead when a job changed.
        """
        if changes.newest is None:
            self.forget()
            return
        server_time = changes.server_time
        self._is_quiet = server_time is not None and server_time - changes.newest >= self._overlap * _DATE_OVERLAPS
        newest = changes.newest if server_time is None else min(changes.newest, server_time)
        self._marks.append(_Mark(begun, ended, newest))
        while len(self._marks) > 1 and self._is_settled(self._marks[1]):
            self._marks.popleft()

    def floor(self) -> datetime.datetime | None:
        """The time at which the next reading may end: each earlier change was visible to the last one.

        That holds for what lies the overlap behind the newest change; for all that is not later than a change which was
        seen a whole overlap before the last reading; and for everything, if the newest change is old.
        """
        if not self._marks:
            return None
        newest = self._marks[-1].newest
        if self._is_quiet:
            return newest + _SECOND
        floor = newest - self._overlap
        if self._is_settled(self._marks[0]):
            floor = max(floor, self._marks[0].newest + _SECOND)
        return floor

    def jumped_back(self, changes: lists.Changes) -> bool:
        """Whether this is not the server that was read: restored, replaced, or with its clock put back."""
        if not self._marks or changes.newest is None:
            return False
        newest = self._marks[-1].newest
        if changes.newest < newest:
            return True
        return changes.server_time is not None and changes.server_time < newest - self._overlap

    def _is_settled(self, mark: _Mark) -> bool:
        return self._marks[-1].begun - mark.ended >= (self._overlap + _SECOND).total_seconds()


class YoungRows:
    """Rows that were read in the second of their change, until it is over: their jobs may change once more in it.

    Oozie and its ``Date`` tell whole seconds, so that a change of a job's actions in that second shows in no row.
    """

    def __init__(self) -> None:
        self._rows: dict[str, jobs.JobRow] = {}

    def note(self, row: jobs.JobRow, server_time: datetime.datetime | None) -> None:
        """A row that was read; no server's time, no second that could be told from others."""
        if row.id in self._rows or (server_time is not None and _is_young(row, server_time)):
            self._rows[row.id] = row

    def grown(self, server_time: datetime.datetime | None) -> list[jobs.JobRow]:
        """Those whose second is over, each once and as it was read last."""
        grown = [row for row in self._rows.values() if server_time is None or not _is_young(row, server_time)]
        for row in grown:
            del self._rows[row.id]
        return grown


def _is_young(row: jobs.JobRow, server_time: datetime.datetime) -> bool:
    return row.modified is not None and server_time - row.modified < _SECOND
