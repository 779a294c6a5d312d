"""A call that is over and who gives the verdicts: what tests of settling share."""

import asyncio

from niassa_orch.core import attempts
from niassa_orch.domain import runs, settling
from tests.fakes import stage as stages


class Scene:
    """A call for some runs that is over, and who gives the verdicts."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.service = stage.service
        self.oozie = stage.oozie
        self.told = stage.told
        self.settlement = stage.settlement()
        self.draining = asyncio.Event()
        self.attempt: attempts.Attempt

    async def write(self, lines: list[str], *accessions: int, engine: str = "oozie-sge") -> None:
        """The call is over; it said these lines."""
        self.attempt = await self.stage.intend(*(accessions or (7,)), lines=lines, engine=engine)

    async def restart(self) -> None:
        """A new process takes the call up."""
        self.stage.restart()
        self.settlement = self.stage.settlement()
        (self.attempt,) = self.stage.intents.take_up(self.stage.known)

    async def settle(self) -> dict[runs.Accession, settling.Outcome]:
        return (await self.settlement.settle(self.attempt, self.draining))[1]
