"""Which files of accounts.d are told as not read yet, since somebody may still be writing to them.

At the start, and when a person asks for all of it, such a file is told at once if nothing of it is served; else only
when it has not kept still for long. Knows names and times alone: looks are ``config.shelf``'s. Called by ``drop_ins``.
"""

from collections.abc import Collection

from niassa_orch.config import profiles, shelf
from niassa_orch.core import board, listing

#: A file that has not kept still for so long is told, whoever writes to it.
_LONG_SECONDS = 10.0
_BESIDE = "write it under a name that begins with a dot and rename it: mv .bob.toml bob.toml"


class Unfinished:
    """Files that wait to be read, from one look to the next.

    Args:
        told: The board, for events.
    """

    def __init__(self, told: board.Board) -> None:
        self._told = told
        self._since: dict[str, float] = {}
        #: Names of the files that were told and still wait, and those of them that have not kept still for long.
        self.names: frozenset[str] = frozenset()
        self.overdue: frozenset[str] = frozenset()

    def note(self, look: shelf.Look, now: float, *, at_once: bool) -> bool:
        """Tell what is to be told; returns whether ``names`` or ``overdue`` changed.

        Args:
            look: The newest.
            now: In seconds of a clock that is never set.
            at_once: Tell what was never read without waiting for how long it lasts.
        """
        before = (self.names, self.overdue)
        self._since = {name: self._since.get(name, now) for name in look.restless}
        overdue = frozenset(name for name, since in self._since.items() if now - since >= _LONG_SECONDS)
        at_start = look.unread - self.names if at_once else frozenset[str]()
        if at_start:
            reason = (
                "written a moment ago and perhaps not whole: read as soon as they keep still; nothing is to be done"
            )
            self._tell(at_start, board.Level.INFO, reason)
        if overdue - self.overdue:
            reason = (
                f"written again and again for {_LONG_SECONDS:.0f} s, so not read: what was read last goes on, new ones "
                f"are not served. Find who writes, and let them {_BESIDE}"
            )
            self._tell(overdue - self.overdue, board.Level.WARNING, reason)
        if self.overdue - overdue:
            self._told.event("accounts.finished", files=_shown(self.overdue - overdue))
        self.names, self.overdue = (self.names & look.restless) | at_start | overdue, overdue
        return (self.names, self.overdue) != before

    def _tell(self, files: Collection[str], level: board.Level, reason: str) -> None:
        self._told.event("accounts.unfinished", level=level, files=_shown(files), reason=reason)


def _shown(files: Collection[str]) -> str:
    return listing.of(sorted(profiles.shown(file) for file in files))
