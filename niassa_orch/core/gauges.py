"""Small frozen records of what is measured, for the board: how full something is, a call that lives, a neighbour.

No behaviour. Made by ``core.attended``, ``core.pollers`` and ``core.board``, read by faces.
"""

import dataclasses
import enum

from niassa_orch.domain import runs


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """How full a bounded thing is."""

    busy: int
    size: int
    waiting: int


@dataclasses.dataclass(frozen=True, slots=True)
class EngineCall:
    """An engine call that lives: which runs of the account it launches, since when (``time.monotonic()``).

    ``since`` is ``None`` when the machine was started since; ``adopted``: an earlier process began it.
    """

    accessions: tuple[runs.Accession, ...]
    since: float | None
    adopted: bool
    whitestar: bool


class Kind(enum.StrEnum):
    """Which kind of server a neighbour is."""

    WEB_SERVICE = "web service"
    OOZIE = "Oozie"


@dataclasses.dataclass(frozen=True, slots=True)
class Neighbour:
    """A server that all its accounts share a poller of.

    Args:
        kind: What it is.
        url: Its base URL.
        answered_at: When it last answered a whole poll, in seconds of ``time.monotonic()``.
        poll_seconds: How long that poll took.
        trouble: Why the last poll failed, or ``""``.
    """

    kind: Kind
    url: str
    answered_at: float | None
    poll_seconds: float | None
    trouble: str
