"""Bob's runs while users, a crontab and the service read and write the same records, their requests interleaved.

Each request of anybody takes as many turns as chance says. Every version of a record is kept with who wrote it, and
which requests of users a list of ours showed, so that a test can say at the end what became of each.
"""

import asyncio
import dataclasses
import itertools
import random

from niassa_orch.domain import jobs, runs
from niassa_orch.webservice import documents
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import beats

R, J = runs.RunStatus, jobs.JobStatus
CANCEL, RETRY = R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY
_MAY = {CANCEL: (R.SUBMITTED, R.PENDING, R.RUNNING), RETRY: (R.FAILED, R.CANCELLED)}
_ALIVE = (J.PREP, J.RUNNING, J.SUSPENDED)
_MOST_TURNS = 4


@dataclasses.dataclass(slots=True)
class Version:
    """One state of a record: when, by whom, the status, and how often its job had been resumed or rerun."""

    seconds: float
    writer: str
    status: runs.RunStatus
    restarts: int
    is_seen: bool = False


class Service(fakes.WebServiceInMemory):
    """A web service whose requests take turns; ours go through here, those of others through ``write``."""

    def __init__(self, world: "World") -> None:
        super().__init__()
        self._world = world

    async def list_runs(self, status: runs.RunStatus, host: str) -> list[runs.WorkflowRun]:
        began = await self._world.turns()
        listed = await super().list_runs(status, host)
        for run in listed:
            self._world.listed(run, began)
        await self._world.turns()
        return listed

    async def get_run(self, accession: runs.Accession) -> documents.RunDocument:
        await self._world.turns()
        document = await super().get_run(accession)
        await self._world.turns()
        return document

    async def put_run(self, document: documents.RunDocument) -> None:
        await self._world.turns()
        await super().put_run(document)
        self._world.wrote(document.accession, "we")
        await self._world.turns()


class World:
    """Runs that are running, and everybody who is at them."""

    def __init__(self, stage: stages.Stage, seed: int, runs_count: int = 3) -> None:
        random.seed(seed)  # the order in which the service takes runs
        self.stage = stage
        self.chance = random.Random(seed)  # noqa: S311 - chance of a test
        self.versions: dict[int, list[Version]] = {}
        stage.service = Service(self)
        stage.known = fakes.enrolled(stage.service, stage.oozie, stage.mediator)
        self.beats = beats.Beats(stage)
        for accession in range(1, runs_count + 1):
            self.beats.running(accession, J.RUNNING, R.PENDING)
            self.wrote(accession, "nobody")

    async def turns(self) -> float:
        """Let others go first, and time pass; returns when the waiting began."""
        began = self.stage.clock.monotonic()
        for _ in range(self.chance.randrange(_MOST_TURNS)):
            await asyncio.sleep(0)
            self.stage.clock.advance(0.001)
        return began

    def wrote(self, accession: int, writer: str) -> None:
        """Keep the version that is on the record now."""
        status = self.stage.service.run(accession).status
        assert status is not None
        version = Version(self.stage.clock.monotonic(), writer, status, self._restarts(accession))
        self.versions.setdefault(accession, []).append(version)

    def listed(self, run: runs.WorkflowRun, began: float) -> None:
        """A list of ours shows this version; one that began before we answered the same may be of before that."""
        versions = self.versions[run.accession]
        is_answered = any(
            earlier.status is run.status and later.writer == "we" and later.seconds >= began
            for earlier, later in itertools.pairwise(versions)
        )
        versions[-1].is_seen |= not is_answered

    def job(self, accession: int) -> jobs.Job:
        """The run's job."""
        return self.stage.oozie.jobs[f"{accession}-oozie-W"]

    async def play(self, rounds: int) -> None:
        """Everybody at once, then the service alone until all is calm."""
        async with asyncio.TaskGroup() as group:
            beating = group.create_task(self._beat_on())
            polling = group.create_task(self._poll_on())
            others = [group.create_task(other(rounds)) for other in (self._users, self._cron, self._cron, self._jobs)]
            await asyncio.wait(others)
            beating.cancel()
            polling.cancel()
        # What was cut by the end of the play is seen to now.
        for _ in range(12):
            self.stage.clock.advance(1)
            await self.beats.beat()

    async def _beat_on(self) -> None:
        while True:
            await self.beats.beat()
            await self.turns()

    async def _poll_on(self) -> None:
        """Another account of the same web service makes the lists be read, whatever Bob's is at."""
        await self.beats.beat()
        poller = self.stage.pollers.of_runs(self.stage.known)
        member = poller.join(self.stage.known, self.stage.clock.monotonic())
        while True:
            await self.turns()
            poller.hurry()
            await poller.refresh(member)

    def _some_run(self) -> int:
        return self.chance.choice(list(self.versions))

    def _put(self, accession: int, row: dict[str, str], status: runs.RunStatus, writer: str) -> None:
        self.stage.service.rows[runs.Accession(accession)] = row | {"status": status}
        self.wrote(accession, writer)

    async def _users(self, rounds: int) -> None:
        for _ in range(rounds):
            await self.turns()
            accession, asked = self._some_run(), self.chance.choice((CANCEL, RETRY))
            row = dict(self.stage.service.rows[runs.Accession(accession)])
            if row["status"] in _MAY[asked]:
                await self.turns()
                self._put(accession, row, asked, "user")

    async def _cron(self, rounds: int) -> None:
        """A crontab that is still there writes what it read long before: all of it, and with it an old status."""
        for _ in range(rounds):
            accession = self._some_run()
            row = dict(self.stage.service.rows[runs.Accession(accession)])
            job = self.job(accession).status
            for _ in range(self.chance.randrange(12)):
                await self.turns()
            if row["status"] in (R.PENDING, R.RUNNING):
                self._put(accession, row, R.RUNNING if job in (J.PREP, J.RUNNING) else R.FAILED, "cron")

    async def _jobs(self, rounds: int) -> None:
        for _ in range(rounds):
            for _ in range(10):
                await self.turns()
            job = self.job(self._some_run())
            if job.status in (J.PREP, J.RUNNING):
                self.stage.oozie.becomes(job.id, self.chance.choice((J.KILLED, J.FAILED, J.SUSPENDED, J.SUCCEEDED)))

    def told(self, accession: int) -> list[str]:
        """What a person was told of the run's requests."""
        events = self.stage.told.snapshot().events
        return [
            str(event.fields["asked"])
            for event in events
            if event.name == "request.lost" and event.fields["accession"] == accession
        ]

    def unheeded(self) -> list[tuple[int, runs.RunStatus]]:
        """The last request of each run's users, if we saw it and neither heeded it nor told anybody."""
        found = []
        for accession, versions in self.versions.items():
            asked = [version for version in versions if version.writer == "user"][-1:]
            found += [
                (accession, version.status)
                for version in asked
                if version.is_seen and not self._is_heeded(accession, version)
            ]
        return found

    def _is_heeded(self, accession: int, asked: Version) -> bool:
        job = self.job(accession)
        if asked.status in self.told(accession):
            return True
        if asked.status is CANCEL:
            return job.status not in _ALIVE
        return self._restarts(accession) > asked.restarts or job.status in (J.SUCCEEDED, J.PREP, J.RUNNING)

    def _restarts(self, accession: int) -> int:
        acts = [asked.split(" as ")[0] for asked in self.stage.oozie.asked]
        return sum(acts.count(f"{act} {accession}-oozie-W") for act in ("resume", "rerun"))

    def invented(self) -> list[tuple[int, runs.RunStatus]]:
        """Requests that we wrote and that are not what a user of the run asked for last, or more often than asked."""
        found = []
        for accession, versions in self.versions.items():
            asked: list[runs.RunStatus] = []
            for version in versions:
                if version.writer == "user":
                    asked.append(version.status)
                elif version.writer == "we" and version.status in runs.REQUESTED:
                    if asked[-1:] != [version.status]:
                        found.append((accession, version.status))
                    else:
                        asked.append(R.RUNNING)
        return found
