"""Small frozen records of what is seen: how full something is, a call that lives, a neighbour, a run that is not over.

No behaviour. Made by ``core.attended``, ``core.pollers``, ``core.board`` and ``core.crew``, read by faces and by
``control``.
"""

import dataclasses
import enum
from collections.abc import Callable
from typing import Protocol

from niassa_orch.domain import runs


class Bounded(Protocol):
    """Something of which there are so many at once."""

    size: int

    @property
    def busy(self) -> int:
        """How many are taken."""

    @property
    def waiting(self) -> int:
        """How many wait for one."""


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """How full a bounded thing is."""

    busy: int
    size: int
    waiting: int

    @classmethod
    def of(cls, bounded: Bounded) -> "Use":
        """As it is now."""
        return cls(bounded.busy, bounded.size, bounded.waiting)


@dataclasses.dataclass(frozen=True, slots=True)
class EngineCall:
    """An engine call that lives: which runs of the account it launches, since when (``time.monotonic()``).

    ``since`` is ``None`` when the machine was started since; ``adopted``: an earlier process began it; ``overdue``: it
    outlived the deadline that the mediator should have ended it at.
    """

    accessions: tuple[runs.Accession, ...]
    since: float | None
    adopted: bool
    whitestar: bool
    overdue: bool = False


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

    def cleaned(self, redact: Callable[[str], str]) -> "Neighbour":
        """The same without a secret."""
        return dataclasses.replace(self, trouble=redact(self.trouble)) if self.trouble else self


@dataclasses.dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that is not over, as the service last saw it.

    Args:
        account: Whose run it is.
        run: As the web service said last.
        launch: What is known of a launch that is not settled, such as ``in flight`` or ``held``; ``""``: there is none.
        reason: Why it is so.
        is_urgent: It goes first.
    """

    account: str
    run: runs.WorkflowRun
    launch: str = ""
    reason: str = ""
    is_urgent: bool = False
