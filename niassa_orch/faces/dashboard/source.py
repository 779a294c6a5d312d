"""Where the picture comes from, and who does what keys ask for: our own service, or one asked over its socket.

``Own`` is the process's own board; the other one lives where the control socket may be used, in ``commands.top``.
Called by ``showing``.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from niassa_orch.core import board, explaining, operating
from niassa_orch.domain import orders, runs


class Source(Protocol):
    """A service. Everything raises ``NiassaOrchError`` with words for the reader when it cannot be done."""

    @property
    def farewell(self) -> str:
        """What is asked before leaving, since that ends more than the picture; ``""``: nothing."""

    async def snapshot(self) -> board.Snapshot:
        """The board as it is now."""

    async def pause(self, account: str, reason: str) -> str:
        """Pause an account; what was done."""

    async def resume(self, account: str) -> str:
        """Lift what an operator ordered of an account; what was done."""

    async def poll_now(self, account: str) -> str:
        """Look at an account now; what was done."""

    def explain(self, accession: runs.Accession) -> AsyncIterator[explaining.Said]:
        """What is known of a run, sentence by sentence."""

    async def leave(self) -> str:
        """The reader leaves; what comes of it."""


class Own:
    """The service of this process.

    Args:
        told: The board.
        operates: What operators may do.
        by: Who sits at the terminal: the user of this process.
    """

    def __init__(self, told: board.Board, operates: operating.Operating, by: orders.Operator) -> None:
        self._told = told
        self._operates = operates
        self._by = by

    @property
    def farewell(self) -> str:
        """What is asked before leaving."""
        return "end the service? nothing new is begun, verdicts are written, engine calls live on"

    async def snapshot(self) -> board.Snapshot:
        """The board as it is now."""
        return self._told.snapshot()

    async def pause(self, account: str, reason: str) -> str:
        """Pause an account; raises as ``Operating.pause``."""
        return (await self._operates.pause(account, self._by, reason=reason)).text

    async def resume(self, account: str) -> str:
        """Lift what holds for the account alone; raises as ``Operating.resume``."""
        return (await self._operates.resume(account, self._by)).text

    async def poll_now(self, account: str) -> str:
        """Look at an account now; raises as ``Operating.poll_now``."""
        return (await self._operates.poll_now(account, self._by)).text

    def explain(self, accession: runs.Accession) -> AsyncIterator[explaining.Said]:
        """What is known of a run; raises as ``Operating.explain``."""
        return self._operates.explain(accession)

    async def leave(self) -> str:
        """End the service politely; raises as ``Operating.drain``."""
        return (await self._operates.drain(self._by)).text
