"""Runs that are put through trouble, one trouble each, and judged at the end by the neighbours' own books.

``finish`` lets the service serve until nothing is left to do: a SIGHUP now and then forgives its backoffs, as a person
does who has mended something, and what it holds for a person is resolved as a truthful one does, who looks into
Oozie's books first. The judge is that of the crash harness. Used by the tests of faults and of killed calls.
"""

import collections
import json
import random
import signal
import time
from collections.abc import Mapping

from tests.acceptance import books, crash_books, crash_users, services, stages

_PACE_SECONDS = 1.0
_STEPS = "align:0"

#: Events about one run that say that something was decided of its launch.
VERDICTS = ("verified", "clean", "failed", "elsewhere", "held", "in_doubt", "put_off")


class Trials:
    """The runs of one stage.

    Args:
        stage: That is up.
    """

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.held: dict[int, str] = {}
        self._users = crash_users.Users(stage, random.Random(1))  # noqa: S311 - it only keeps what was scheduled
        self._hurried = 0.0

    @property
    def accessions(self) -> tuple[int, ...]:
        """Every run, oldest first."""
        return tuple(self._users.scheduled)

    async def schedule(
        self, name: str, *, launch: str = "", pause: str = "", engine: str = "oozie", may_fail: bool = False
    ) -> int:
        """Schedule a run as this account's user does; ``may_fail``: its engine may rightly fail it without a job."""
        plan = crash_users.Plan(_STEPS, launch="fails" if may_fail else "", engine=engine)
        accession = await self.stage.schedule(name, plan.steps, launch=launch, pause=pause, engine=engine)
        self._users.scheduled[accession] = name, plan
        return accession

    async def finish(self, service: services.Service, seconds: float = 150) -> None:
        """Wait until every run ended and every launch is settled, a person's help included."""

        await service.tells("account.started")  # a SIGHUP is understood from here on

        async def is_done() -> bool | None:
            await self._resolve(service)
            # Ended is not settled: a record may say failed over a job that runs, and go on when that is settled.
            if await self._are_over() and not await self.doubts() and await self._are_over():
                return True
            self._hurry(service)
            return None

        await books.until("every run ended and settled", is_done, seconds)

    async def _are_over(self) -> bool:
        runs = await self.stage.web.runs()
        return all(runs[accession]["status"] in crash_users.ENDED for accession in self.accessions)

    async def findings(self) -> list[crash_books.Finding]:
        """Every broken promise."""
        seen = await crash_books.read(self.stage, self._users, await self.doubts())
        return crash_books.judge(self.stage, self._users, seen)

    async def doubts(self) -> list[books.Record]:
        """What ``niassa-orch doubts`` shows."""
        async with self.stage.service("doubts", "--json") as asked:
            assert await asked.ended() == 0, asked.text
            found: list[books.Record] = json.loads(asked.text)
        return found

    async def resolve(self, accession: int, *words: str) -> None:
        """A person's word."""
        async with self.stage.service("resolve", str(accession), *words, "--yes") as asked:
            assert await asked.ended() == 0, asked.text

    async def _resolve(self, service: services.Service) -> None:
        """What is held gets the answer that Oozie's books give; only once, since it must end it."""
        for event in service.events("launch.held"):
            accession = int(event["accession"])
            if accession not in self.held:
                self.held[accession] = event["reason"]
                jobs = await self.stage.oozie.jobs(accession)
                assert len(jobs) < 2, jobs
                await self.resolve(accession, *(("--launched", jobs[0]["id"]) if jobs else ("--relaunch",)))

    def _hurry(self, service: services.Service) -> None:
        if time.monotonic() - self._hurried > _PACE_SECONDS:
            self._hurried = time.monotonic()
            service.signal(signal.SIGHUP)


def verdicts(service: services.Service) -> Mapping[int, list[str]]:
    """What the service said of each run's launches, oldest first: ``verified``, ``in_doubt``, ``held``..."""
    found: collections.defaultdict[int, list[str]] = collections.defaultdict(list)
    for event in service.all_events():
        where, _, what = event.name.partition(".")
        if where == "launch" and what in VERDICTS:
            found[int(event["accession"])].append(what)
    return found
