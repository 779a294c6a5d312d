"""Bob's runs and who launches them: what tests of launches share."""

from niassa_orch.core import enrolling, launching
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages

R = runs.RunStatus
JOB, DIRECTORY = stages.JOB, stages.DIRECTORY
WELL = calls.whole(*calls.launching(7, DIRECTORY, JOB))


class Scene:
    """One launcher on the stage; ``again`` is a start of the service."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.launcher = stage.launcher()

    async def again(self) -> None:
        """The process ends and another one begins."""
        await self.launcher.stop()
        self.start()
        self.launcher.take_up(self.stage.known)

    def start(self) -> None:
        """Another process begins; nothing is taken up yet."""
        self.stage.restart()
        self.launcher = self.stage.launcher()

    def offer(self, launcher: launching.Launcher | None = None, known: enrolling.Enrolled | None = None) -> None:
        """Offer all runs there are."""
        (launcher or self.launcher).offer(known or self.stage.known, stages.rows(self.stage))

    async def beat(self) -> None:
        """Offer what is submitted, wait for the calls, ask about what is in doubt."""
        self.launcher.take_up(self.stage.known)
        self.offer()
        await self.launcher.join()
        await self.launcher.settle_doubts()

    def is_settled(self, accession: int) -> bool:
        return self.launcher.is_settled(self.stage.known, runs.Accession(accession))

    def is_available(self, accession: int) -> bool:
        return self.launcher.is_available(self.stage.known, runs.Accession(accession))
