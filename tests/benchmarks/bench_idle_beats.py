"""What a beat costs in which nothing is due: the CPU of the worker alone, with neighbours in memory.

Many accounts with active runs that wait for nothing; all have beaten before, so that what the pollers brought is fresh.
The last figures are with launches that wait for a person, of one account, which every other looks past. ``--profile``
prints where the time goes. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_idle_beats``.
"""

import argparse
import asyncio
import cProfile
import dataclasses
import pathlib
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.config import profiles, settings
from niassa_orch.core import enrolling, intents, pollers, worker
from niassa_orch.domain import jobs, runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import served

GOAL_MS = 0.3
_RUNS_AN_ACCOUNT = 10
_HELD = 50


class WebService(fakes.WebServiceInMemory):
    """Makes records only of what is listed: each account proves its login with a list, and there are many."""

    async def list_runs(self, status: runs.RunStatus, host: str) -> list[runs.WorkflowRun]:
        listed = [accession for accession, row in self.rows.items() if row["status"] == status and row["host"] == host]
        return [self.run(accession) for accession in listed]


class Enrolling(served.Enrolling):
    """Enrols everybody under a login of its own."""

    async def enrol(self, profile: profiles.Profile) -> enrolling.Enrolled:
        account = dataclasses.replace(fakes.BOB, name=profile.name, web_user=f"{profile.name}@lab.net")
        return fakes.enrolled(self._stage.service, self._stage.oozie, self._stage.mediator, account)


def workers_of(stage: stages.Stage, accounts: int) -> list[worker.Worker]:
    """So many, with runs whose jobs run, and the pollers of a service that beats as by default."""
    stage.service = WebService()
    for number in range(accounts):
        for one in range(_RUNS_AN_ACCOUNT):
            accession = 1 + number * _RUNS_AN_ACCOUNT + one
            stage.oozie.start(f"{accession}-oozie-W", jobs.JobStatus.RUNNING)
            stage.service.schedule(accession, runs.RunStatus.RUNNING, statusCmd=f"{accession}-oozie-W")
            stage.service.rows[runs.Accession(accession)]["ownerUserName"] = f"user{number}@lab.net"
    service = settings.Settings()
    stage.pollers = pollers.Pollers(service, stage.told)
    stage.intents = intents.Intents(stage.journal, stage.state, stage.limits, stage.orders, fresh_seconds=1)
    desk = served.desk(stage, Enrolling(stage), service)
    return [worker.Worker(served.profile(f"user{number}"), desk) for number in range(accounts)]


async def beat(workers: Sequence[worker.Worker]) -> float:
    """Milliseconds of CPU of one beat, the journal's thread included; all at once, as at the worst they fall."""
    before = time.process_time()
    await asyncio.gather(*(one.beat() for one in workers))
    return 1e3 * (time.process_time() - before) / len(workers)


async def measure(options: argparse.Namespace) -> None:
    """Nothing unsettled; then some launches of another account that are."""
    with tempfile.TemporaryDirectory() as directory:
        stage = stages.Stage(pathlib.Path(directory))
        try:
            workers = workers_of(stage, options.accounts)
            for _ in range(3):  # enrol; look, and see what is due; nothing is
                await beat(workers)
            await tell("nothing unsettled", workers, options)
            await stage.intend(*range(10**6, 10**6 + _HELD))
            await tell(f"{_HELD} launches in doubt of another account", workers, options)
        finally:
            stage.close()


async def tell(what: str, workers: Sequence[worker.Worker], options: argparse.Namespace) -> None:
    """The figure, and if asked for its profile."""
    taken = [await beat(workers) for _ in range(options.rounds)]
    print(
        f"{what}: {statistics.median(taken):.3f} ms of CPU a beat (best {min(taken):.3f}, {len(workers)} accounts of"
        f" {_RUNS_AN_ACCOUNT} active runs, goal below {GOAL_MS})"
    )
    if options.profile:
        with cProfile.Profile() as profile:
            await beat(workers)
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(measure(_options()))
