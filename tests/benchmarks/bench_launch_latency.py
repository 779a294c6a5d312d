"""From "the web service lists it" to "the engine runs", without a JVM, and which part of that takes how long.

The real service on the sandbox, its journal on disk, as real Unix users with real sudo where the machine allows them;
the engine is a few lines of bash that say when they began. One run at a time, batches of one. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_launch_latency``.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import json
import math
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.sandbox import staging, unix_users
from tests.acceptance import books, stages

LAUNCHES = 200
BEAT_SECONDS = 0.2
#: ``EPOCHREALTIME`` has microseconds, and costs no program that would have to start first.
ENGINE = '#!/bin/bash\necho "bench engine $EPOCHREALTIME"\n'
PARTS = (
    "list asked, to the last look (four more lists, the turn)",
    "last look, to the intent (the run, Oozie)",
    "intent, to the mediator's record (commit, transcript, sudo, Python)",
    "mediator's record, to the engine's first line",
)


@dataclasses.dataclass(slots=True)
class Bench:
    """A stage with a service on it. Moments are of the wall clock, in seconds; ``zero`` is the sandbox's."""

    stage: stages.Stage
    zero: float
    seen: set[pathlib.Path] = dataclasses.field(default_factory=set)

    async def launch(self) -> tuple[float, ...]:
        """Schedule a run and wait for its call; the moments at which the parts begin, and the last one's end."""
        accession = await self.stage.schedule("alice")
        transcript = await books.until("a settled call", self._settled)
        header, begin, engine = transcript.read_text("utf-8").splitlines()[:3]
        intent, record = json.loads(header)["created"], json.loads(begin)["time"]
        listed, looked = await self._asked(accession)
        # A cancelled run without a job goes by itself, so that the lists stay as short as they are.
        await self.stage.cancel("alice", accession)
        await self.stage.web.reach("cancelled", accession)
        await self.stage.web.delete("requests")
        return listed, looked, _moment(intent), _moment(record), float(engine.split()[-1])

    async def _settled(self) -> pathlib.Path | None:
        for transcript in self.stage.transcripts("settled"):
            if transcript not in self.seen:
                self.seen.add(transcript)
                return transcript
        return None

    async def _asked(self, accession: int) -> tuple[float, float]:
        """When the list that showed the run was asked for, and when the run itself was first."""
        path = f"{self.stage.web.url.path}/workflowruns"
        seen = await self.stage.web.requests(method="GET")
        # Who schedules reads the run too, right before it has its host.
        scheduled = max(one["seconds"] for one in await self.stage.web.requests(method="PUT"))
        looked = next(
            one["seconds"] for one in seen if one["path"] == f"{path}/{accession}" and one["seconds"] > scheduled
        )
        lists = [one["seconds"] for one in seen if one["path"] == path and one["query"].get("status") == "submitted"]
        listed = max(moment for moment in lists if moment < looked)
        return self.zero + listed, self.zero + looked


def _moment(iso: str) -> float:
    return datetime.datetime.fromisoformat(iso).timestamp()


async def _zero(stage: stages.Stage) -> float:
    """The moment from which the sandbox counts; a request comes in after it was made, so that the latest is nearest."""
    nearest = -math.inf
    for number in range(50):
        began = time.time()
        with contextlib.suppress(AssertionError):
            await stage.record("alice", 10**9 + number)
        seen = (await stage.web.requests(method="GET"))[-1]["seconds"]
        nearest = max(nearest, began - seen)
    return nearest


@contextlib.asynccontextmanager
async def _stage() -> AsyncIterator[stages.Stage]:
    """With real Unix users where the machine allows them."""
    reason = unix_users.skip_reason()
    if reason is not None:
        print(f"without sudo: {reason}")
        with tempfile.TemporaryDirectory(prefix="niassa-orch-bench-") as directory:
            async with stages.own(pathlib.Path(directory), "alice") as stage:
                yield stage
        return
    before = os.umask(0o022)
    try:
        with unix_users.unix_users("alice") as made:
            people = stages.People(made, staging.stage(made.root / "installation", made.service.uid))
            async with stages.of_people(made.root / "sandbox", people) as stage:
                yield stage
    finally:
        os.umask(before)


async def measure() -> None:
    """All launches, one at a time."""
    async with _stage() as stage:
        stage.place.engine.write_text(ENGINE, "utf-8")
        zero = await _zero(stage)
        async with stage.service(BEAT__INTERVAL_SECONDS=BEAT_SECONDS, ENGINE__BATCH=1):
            bench = Bench(stage, zero)
            tell([await bench.launch() for _ in range(LAUNCHES)])


def tell(launches: list[tuple[float, ...]]) -> None:
    """The figures."""
    print(f"{len(launches)} launches, one at a time; milliseconds: median, p99, best")
    _line("listed, to the engine runs", [moments[-1] - moments[0] for moments in launches])
    for number, part in enumerate(PARTS):
        _line(f"  {part}", [moments[number + 1] - moments[number] for moments in launches])


def _line(name: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    figures = (statistics.median(ordered), ordered[math.ceil(len(ordered) * 0.99) - 1], ordered[0])
    print(f"{name:70}" + "".join(f"{figure * 1e3:9.1f}" for figure in figures))


if __name__ == "__main__":
    if shutil.which("bash") is None:
        print("skipped: the engine of this benchmark needs bash 5 to tell the time")
    else:
        asyncio.run(measure())
