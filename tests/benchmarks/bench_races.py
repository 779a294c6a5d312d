"""Users cancel and retry at random while the service propagates: is any request of theirs lost?

The real service as a process; jobs end at random, and reruns are carried out. A user's cancel or retry is a GET and a
PUT of the whole record, as the ``seqware`` command makes them. At the end every request is judged by the histories
(``race_judge``). Prints, asserts nothing. Run by ``make bench``, or alone:
``python -m tests.benchmarks.bench_races [--requests 10000]``.
"""

import argparse
import asyncio
import collections
import contextlib
import dataclasses
import pathlib
import random
import sys
import time
from collections.abc import Mapping, Sequence

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.domain import jobs
from niassa_orch.sandbox import users
from tests.benchmarks import figures, filling, premises, race_judge

#: Measured on a model with one write and one cancel in the same 3 s: read right before the write, or long before.
_FRESH_PERCENT = 0.7
_STALE_PERCENT = 33
_SNAPSHOT_SECONDS = 0.2
_HESITATION_SECONDS = 3.0
#: So large a part of the cancels are of runs that were just retried: what is written next is that they run.
_SOON_PART = 0.5
_CANCELLABLE = ("running", "pending")
_RETRYABLE = ("failed", "cancelled")
_ENDINGS = ("KILLED", "FAILED", "KILLED", "FAILED", "SUCCEEDED")
#: What a rerun does: up to twenty seconds of work, and one in four succeeds. Its process id is chance enough.
_STEP = "sleep $(( $$ % 20 )).$(( $$ % 10 ))\nexit $(( $$ % 4 != 0 ))\n"


@dataclasses.dataclass(slots=True)
class Crowd:
    """Users who cancel and retry, and jobs that end, all at random.

    Args:
        place: With the service at work.
        runs: By accession.
        chance: Of everything.
        requests: So many are made.
        moves: So many jobs end a second.
    """

    place: premises.Premises
    runs: Mapping[int, filling.Filled]
    chance: random.Random
    requests: int
    moves: int
    made: int = 0
    refused: int = 0
    moved: int = 0
    busy: set[int] = dataclasses.field(default_factory=set)
    acted: set[int] = dataclasses.field(default_factory=set)
    _statuses: dict[str, list[int]] = dataclasses.field(default_factory=dict)

    async def act(self, hands: int) -> None:
        """Until all requests are made."""
        watching = [asyncio.create_task(self._watch()), asyncio.create_task(self._move())]
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(hands):
                    group.create_task(self._user())
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            self._statuses = statuses(self.place)
            self.acted.clear()
            await asyncio.sleep(_SNAPSHOT_SECONDS)

    async def _move(self) -> None:
        while True:
            await asyncio.sleep(_SNAPSHOT_SECONDS)
            alive = [run for name in _CANCELLABLE for run in self._statuses.get(name, [])]
            count = int(self.moves * _SNAPSHOT_SECONDS + self.chance.random())
            some = self.chance.sample(alive, min(count, len(alive)))
            for accession in some:
                job_id = self.runs[accession].job_id
                _, ended = await self.place.end_jobs([job_id], self.chance.choice(_ENDINGS))
                self.moved += len(ended)

    async def _user(self) -> None:
        while self.made < self.requests:
            act = self.chance.choice((users.cancel, users.retry))
            found = self._found(_CANCELLABLE if act is users.cancel else _RETRYABLE)
            if not found:
                await asyncio.sleep(_SNAPSHOT_SECONDS / 4)
                continue
            accession = self.chance.choice(found)
            self.busy.add(accession)
            self.made += 1
            # Not in step with the service: who acts on what it has just written is never in the way of its next write.
            await asyncio.sleep(self.chance.uniform(0, _HESITATION_SECONDS))
            try:
                await act(self.place.addresses.runs, *premises.login(self.runs[accession].account), accession)
            except users.RefusedError:
                # It moved since the snapshot; the command did not write.
                self.made -= 1
                self.refused += 1
            self.acted.add(accession)
            self.busy.discard(accession)

    def _found(self, wanted: Sequence[str]) -> list[int]:
        """Runs that may be in one of these statuses; now and then only those whose next write of ours is near."""
        if wanted is _CANCELLABLE and self.chance.random() < _SOON_PART:
            wanted = ("pending",)
        found = [one for name in wanted for one in self._statuses.get(name, [])]
        return [one for one in found if one not in self.busy and one not in self.acted]


def statuses(place: premises.Premises) -> dict[str, list[int]]:
    """The accessions of all runs by status."""
    found: collections.defaultdict[str, list[int]] = collections.defaultdict(list)
    for run in place.books.web_service.runs():
        found[run.texts.get("status", "")].append(run.accession)
    return found


async def measure(options: argparse.Namespace) -> None:
    """Let the crowd loose, wait until the service has answered it, and judge."""
    async with premises.opened(options.accounts) as place:
        scripts = place.directory / "generated-scripts"
        scripts.mkdir()
        (scripts / "step.sh").write_text(_STEP, "utf-8")
        runs = place.fill(options.runs // options.accounts, row_bytes=1024, steps=("step",))
        print(
            f"{options.accounts} accounts, {len(runs)} runs, {options.hands} users at once, {options.moves} jobs a "
            f"second end by themselves; a beat every {options.interval:g} s; seed {options.seed}; {figures.machine()}"
        )
        crowd = Crowd(
            place,
            {run.accession: run for run in runs},
            random.Random(options.seed),  # noqa: S311 - chance of a benchmark
            options.requests,
            options.moves,
        )
        async with place.service(options.interval) as service:
            await figures.steady(place)
            cpu, began = figures.cpu_seconds(service.process.pid), time.monotonic()
            await crowd.act(options.hands)
            seconds = time.monotonic() - began
            await _answered(place, runs, options.interval)
            cpu = figures.cpu_seconds(service.process.pid) - cpu
        print(f"{seconds:.0f} s, {cpu:.0f} s of CPU of the service; {crowd.moved} jobs ended by themselves")
        job_ids = {run.accession: run.job_id for run in runs}
        tell(race_judge.judge(place.books.web_service.histories(), job_ids, await place.look()), crowd.refused)
        wrong = lies(place, runs)
        print(f"  records that differ from their job at the end: {wrong.total()} {dict(wrong) or ''}")


async def _answered(place: premises.Premises, runs: Sequence[filling.Filled], interval_seconds: float) -> None:
    """Wait until no request waits and records say what jobs do, for some beats in a row, or for two minutes."""
    calm = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(120):
            while calm < 5:
                await asyncio.sleep(interval_seconds)
                now = statuses(place)
                waits = now.get(race_judge.CANCEL) or now.get(race_judge.RETRY) or lies(place, runs)
                calm = 0 if waits else calm + 1


def tell(judged: race_judge.Judged, refused: int) -> None:
    """What became of the requests, and how narrow the window was."""
    for asked in (race_judge.CANCEL, race_judge.RETRY):
        fates = collections.Counter(one.fate for one in judged.verdicts if one.asked == asked)
        print(f"  {fates.total()} x {asked}:")
        for fate in race_judge.Fate:
            print(f"    {fate:42}{fates[fate]:8}")
    print(f"  {refused} more were refused by the command itself, since the run had moved")
    print(f"  PUTs of users that changed nothing: {judged.without_effect}")
    print(f"  writes of ours wiped by a user's stale record: {judged.wiped_by_users}; jobs: {judged.jobs_wiped}")
    gaps = judged.gaps_seconds
    shown = ", ".join(f"{figures.quantile(gaps, part) * 1e3:.1f}" for part in (0.5, 0.99))
    print(f"  from our read of a run to our write of it: {shown} ms (p50, p99 of {len(gaps)})")
    cancels = [one for one in judged.verdicts if one.asked == race_judge.CANCEL and one.met]
    lost = sum(one.fate is race_judge.Fate.LOST for one in cancels)
    percent = 100 * lost / len(cancels) if cancels else 0.0
    print(
        f"  of {len(cancels)} cancels with another write of ours in the same {race_judge.MEETING_SECONDS:g} s, {lost} "
        f"were lost: {percent:.2f} % (a model of the same: {_FRESH_PERCENT} % when the run is read right before the "
        f"write, {_STALE_PERCENT} % with a stale record)"
    )


def lies(place: premises.Premises, runs: Sequence[filling.Filled]) -> collections.Counter[str]:
    """Records that say something else than their job."""
    said = {
        jobs.JobStatus.SUCCEEDED: {"completed"},
        jobs.JobStatus.KILLED: {"failed", "cancelled"},
        jobs.JobStatus.FAILED: {"failed", "cancelled"},
    }
    truth = {job.id: job.status for job in place.books.oozie.every()}
    records = {run.accession: run.texts.get("status", "") for run in place.books.web_service.runs()}
    return collections.Counter(
        f"{records[run.accession]} over {truth[run.job_id]}"
        for run in runs
        if records[run.accession] not in said.get(truth[run.job_id], {"running"})
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--accounts", type=int, default=20)
    parser.add_argument("--runs", type=int, default=4000, help="of all accounts together")
    parser.add_argument("--hands", type=int, default=120, help="users at once")
    parser.add_argument("--moves", type=int, default=10, help="jobs that end by themselves, a second")
    parser.add_argument("--interval", type=float, default=1, help="seconds between two ticks of the service")
    parser.add_argument("--seed", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(measure(_options()))
