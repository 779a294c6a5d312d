"""What it means that accounts.d cannot be read: nothing at first, since swapping a directory takes a moment.

Knows looks by their end and time alone. Called by ``drop_ins``.
"""

from niassa_orch.core import board

#: A directory that cannot be read is told when it is so for longer than swapping it for another takes.
_LASTS_SECONDS = 1.0


class Unreadable:
    """Tells that the directory cannot be read, once, and that it can be again.

    Args:
        told: The board.
    """

    def __init__(self, told: board.Board) -> None:
        self._told = told
        self._since: float | None = None
        self._is_told = False

    def fail(self, exc: Exception, now: float, *, asked: bool) -> None:
        """A look failed.

        Args:
            exc: Why.
            now: In seconds of a clock that is never set.
            asked: A person waits for it: told at once.
        """
        if self._since is None:
            self._since = now
        lasts = now - self._since >= _LASTS_SECONDS
        if asked or (lasts and not self._is_told):
            self._is_told = True
            reason = f"{exc}; accounts that are served go on by what was read last, new ones wait"
            self._told.event("accounts.unreadable", level=board.Level.ERROR, reason=reason)
            self._told.alarm("accounts", reason)

    def recover(self) -> None:
        """A look succeeded."""
        if self._is_told:
            self._told.event("accounts.readable")
            self._told.alarm("accounts", "")
        self._since, self._is_told = None, False
