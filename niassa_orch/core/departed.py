"""What accounts counted that went since the service started: a sum over all accounts must never fall.

To Prometheus a counter that falls was begun anew, and all of it was counted since. Owned by ``core.board``.
"""

from typing import TYPE_CHECKING

from niassa_orch.core import freshness

if TYPE_CHECKING:
    from niassa_orch.core import board


def absorb(gone: "board.AccountLine", line: "board.AccountLine") -> None:
    """Let what an account counted, whose line goes, count on the line of all that went."""
    statuses = {*gone.ended, *line.ended}
    gone.ended = {status: gone.ended.get(status, 0) + line.ended.get(status, 0) for status in statuses}
    gone.jobs_restored += line.jobs_restored
    gone.requests_restored += line.requests_restored
    gone.requests_lost += line.requests_lost
    gone.lags = freshness.merged((gone.lags, line.lags))
