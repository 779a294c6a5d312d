"""Bob in shadow mode beside a crontab: what tests of shadows share."""

from niassa_orch.domain import runs, shadows
from tests.fakes import stage as stages
from tests.unit.core import beats as beat_scenes


class Scene(beat_scenes.Beats):
    """Beats of Bob in shadow mode, and a crontab that does what we only decide."""

    def __init__(self, stage: stages.Stage) -> None:
        super().__init__(stage)
        stage.known = stages.renamed(stage, "bob", shadow=True)

    async def told(self, seconds: float = 30.0) -> list[tuple[int, str, str, shadows.Agreement | None]]:
        """What the journal says after a beat: run, what we wanted, what came, how it compares."""
        self.stage.clock.advance(seconds)
        self.watch.hurry()
        await self.beat()
        assert self.stage.called == []
        assert not [asked for asked in self.stage.service.asked if asked.startswith("PUT")]
        kept = await self.stage.journal.shadows.all()
        return [(shadow.accession, shadow.wanted, shadow.came, shadow.agreement) for shadow in kept]

    def cron(self, accession: int, status: runs.RunStatus, **fields: str) -> None:
        """The crontab writes a status."""
        self.stage.service.schedule(accession, status, **fields)
