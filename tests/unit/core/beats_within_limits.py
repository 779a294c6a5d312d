"""Beats of one launcher of Bob's, and runs for it."""

from niassa_orch.core import enrolling, launching
from tests.fakes import calls
from tests.fakes import stage as stages


class Scene:
    """One launcher, which takes up to two runs into a call."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.launcher: launching.Launcher = stage.launcher()

    async def beat(self, known: enrolling.Enrolled) -> None:
        """Offer what there is, and see the calls through."""
        self.launcher.take_up(known)
        self.launcher.offer(known, stages.rows(self.stage))
        await self.launcher.join()
        await self.launcher.settle_doubts()


def schedule(stage: stages.Stage, *accessions: int) -> None:
    """Runs that Bob scheduled."""
    for accession in accessions:
        stage.service.schedule(accession)


def launch_well(stage: stages.Stage, *accessions: int) -> None:
    """What the mediator says of calls from now on: each of these runs has a job."""
    lines = (line for a in accessions for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-oozie-W"))
    stage.says(*calls.whole(*lines))
