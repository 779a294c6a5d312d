"""Bob's account with the engine to propagate it, a mediator that says what a test wants, and his runs."""

import dataclasses

from niassa_orch.config import settings
from niassa_orch.core import engine_propagating
from niassa_orch.domain import accounts, runs
from tests.fakes import calls, neighbours_in_memory
from tests.fakes import stage as stages

R = runs.RunStatus


class Scene:
    """Bob's engine says that it propagated, his Oozie that it is well."""

    def __init__(self, stage: stages.Stage, *, batch: int = 2) -> None:
        self.stage = stage
        account = dataclasses.replace(neighbours_in_memory.BOB, propagation=accounts.Propagation.ENGINE)
        self.known = neighbours_in_memory.enrolled(stage.service, None, stage.mediator, account)
        self.propagator = stage.engine_propagator(settings.Engine(propagate_batch=batch))
        stage.says()
        calls.oozie(stage.mediator)
        calls.propagated(stage.mediator)

    def run(self, accession: int, status: runs.RunStatus = R.RUNNING, **fields: str) -> None:
        """A run with a job, unless ``fields`` say otherwise."""
        self.stage.service.schedule(accession, status, **{"statusCmd": f"{accession}-oozie-W", **fields})

    def engine_writes(self, accession: int, **fields: str) -> None:
        """By the time of our first look after the call, the engine has written this into a record."""
        self.stage.service.before_get.append(self.stage.service.sets(accession, **fields))

    async def propagate(self) -> engine_propagating.Records:
        """A beat, as far as the engine's propagation goes."""
        await self.propagator.propagate(self.known, stages.rows(self.stage))
        return self.propagator.take()

    @property
    def propagated(self) -> list[str]:
        """The accessions of each call of the engine so far."""
        return [call.removeprefix("propagate ") for call in self.stage.called if call.startswith("propagate")]

    def events(self, name: str) -> list[dict[str, object]]:
        """The fields of all events of this name."""
        return [dict(event.fields) for event in self.stage.told.snapshot().events if event.name == name]
