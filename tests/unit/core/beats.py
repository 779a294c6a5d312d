"""Bob's whole beat, with neighbours in memory: what tests of the cycle share."""

import asyncio

from niassa_orch.core import watching
from niassa_orch.domain import jobs, runs
from tests.fakes import stage as stages


class Beats:
    """One cycle on the stage; a run has the job of its number."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.stopping = asyncio.Event()
        self.launcher = stage.launcher()
        self.watch = watching.Watch(stage.pollers, stages.claims_nothing, lambda: None)
        self.cycle = stage.cycle(self.launcher, self.stopping, self.watch)

    async def beat(self) -> None:
        """One beat; what it launched is waited for."""
        await self.cycle.cycle(self.stage.known)
        await self.launcher.join()

    def running(
        self,
        accession: int,
        job: jobs.JobStatus = jobs.JobStatus.SUCCEEDED,
        status: runs.RunStatus = runs.RunStatus.RUNNING,
    ) -> None:
        """A run and its job."""
        self.stage.oozie.start(f"{accession}-oozie-W", job)
        self.stage.service.schedule(accession, status, statusCmd=f"{accession}-oozie-W", workflowEngine="oozie")

    def statuses(self, *accessions: int) -> list[runs.RunStatus | None]:
        """As they are."""
        return [self.stage.service.run(accession).status for accession in accessions]
