"""Bob's run 7 with its job, and who propagates it: what tests of propagation share."""

import dataclasses

from niassa_orch.core import jobs_seen
from niassa_orch.domain import jobs, runs
from tests.fakes import stage as stages

JOB = stages.JOB
GONE_AFTER_SECONDS = stages.GONE_AFTER_SECONDS


class Scene:
    """Run 7 on the stage; ``restart`` is a start of the service."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.clock = stage.clock
        self.service = stage.service
        self.oozie = stage.oozie
        self.told = stage.told
        self.known = stage.known
        self.propagator = stage.propagator()
        self.seen = jobs_seen.JobsSeen()

    def restart(self) -> None:
        """A new process, which knows what the journal says."""
        self.stage.restart()
        self.propagator = self.stage.propagator()

    def without_oozie(self) -> None:
        """The account names no Oozie."""
        self.known = dataclasses.replace(self.known, oozie_server=None)

    def run(self, status: runs.RunStatus, of_job: jobs.JobStatus | None = None, **fields: str) -> None:
        """What the record and the job say."""
        if of_job is not None:
            self.oozie.start(JOB, of_job)
        self.service.schedule(7, status, **{"statusCmd": JOB, "workflowEngine": "oozie", **fields})

    async def propagate(self, *, settled: bool = True) -> runs.RunStatus | None:
        """One beat of run 7; returns what its record says then."""
        await self.propagator.propagate(self.known, self.service.run(7), settled=settled, seen=self.seen)
        return self.service.run(7).status

    @property
    def acts(self) -> list[str]:
        """What was done to jobs."""
        return [asked for asked in self.oozie.asked if not asked.startswith(("job ", "versions"))]

    @property
    def puts(self) -> int:
        """How often the run was written."""
        return self.service.asked.count("PUT 7")
