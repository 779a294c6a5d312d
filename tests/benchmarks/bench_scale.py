"""How start-up, sweep, ticks, CPU and memory of the service grow with the number of active runs.

For each size the real service as a process: from its start to the first full view, quiet ticks, ticks with the same
number of changes at every size, memory; then once more with a short sweep, to time a sweep alone. Prints, asserts
nothing. ``make bench`` runs the small sizes; all of them: ``python -m tests.benchmarks.bench_scale --runs 1000 10000
100000``.
"""

import argparse
import asyncio
import dataclasses
import pathlib
import statistics
import sys
import time
from collections.abc import Sequence

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.config import settings
from tests.benchmarks import figures, filling, premises, requests_seen

GOAL_EXPONENT = 0.2
_RUNS_AN_ACCOUNT = 100
_SWEEP_SECONDS = 60.0
_SWEEP_KINDS = frozenset(
    {"list pending", "list running", requests_seen.JOBS_OF_USERS, requests_seen.JOBS_BY_ID, requests_seen.JOBS}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """One size."""

    runs: int
    start_seconds: float
    start_cpu_seconds: float
    quiet: figures.Quiet
    changes: Sequence[figures.Change]
    memory_megabytes: tuple[float, float]

    @property
    def tick_seconds(self) -> float:
        """Of a tick with changes, median."""
        return statistics.median(one.seconds for one in self.changes)

    @property
    def tick_cpu_seconds(self) -> float:
        """Of the service, of a tick with changes, median."""
        return statistics.median(one.cpu_seconds for one in self.changes)


async def measure(options: argparse.Namespace) -> None:
    """All sizes, one after the other, each with stand-ins of its own."""
    print(
        f"{options.changes} changes a tick, {options.row_bytes} bytes a run in a list, {_RUNS_AN_ACCOUNT} runs an "
        f"account (10 accounts at least) of one Unix user, a beat every {options.interval:g} s; {figures.machine()}"
    )
    measured = []
    for size in options.runs:
        try:
            async with asyncio.timeout(options.limit):
                measured.append(await _size(size, options))
        except TimeoutError as exc:
            print(f"{size:,} runs: given up after {options.limit:g} s; {exc}")
    if len(measured) > 1:
        told = ", ".join(f"{one.tick_cpu_seconds:.3f} s at {one.runs:,}" for one in measured)
        exponent = figures.exponent([(one.runs, one.tick_cpu_seconds) for one in measured])
        print(f"CPU of a tick with {options.changes} changes: {told}")
        print(f"it grows with the number of runs to the power of {exponent:.2f} (goal: below {GOAL_EXPONENT})")


async def _size(size: int, options: argparse.Namespace) -> Measured:
    accounts = max(size // _RUNS_AN_ACCOUNT, 10)
    async with premises.opened(accounts) as place:
        runs = place.fill(size // accounts, row_bytes=options.row_bytes)
        began = time.time()
        async with place.service(options.interval) as service:
            pid = service.process.pid
            _, view = await figures.steady(place)
            start_cpu = figures.cpu_seconds(pid)
            await place.forget()
            quiet = await figures.quiet(place, pid)
            changes = [await _round(place, pid, runs, number, options) for number in range(options.rounds)]
            memory = figures.memory_megabytes(pid)
        measured = Measured(len(runs), view - began, start_cpu, quiet, changes, memory)
        tell(measured)
        if not options.without_sweep:
            await _tell_sweep(place, options)
    return measured


async def _round(
    place: premises.Premises, pid: int, runs: Sequence[filling.Filled], number: int, options: argparse.Namespace
) -> figures.Change:
    await place.forget()
    changed = runs[number :: max(len(runs) // options.changes, options.rounds)][: options.changes]
    return await figures.change(place, pid, changed)


def tell(one: Measured) -> None:
    """A size's lines."""
    resident, most = one.memory_megabytes
    print(
        f"{one.runs:,} runs: first full view {one.start_seconds:.1f} s after the start of the process "
        f"({one.start_cpu_seconds:.1f} s of CPU until it was steady); resident {resident:.0f} MB, at most {most:.0f} MB"
    )
    count = sum(one.quiet.requests.values())
    print(f"  quiet tick: {one.quiet.seconds:.3f} s, {one.quiet.cpu_seconds:.3f} s of CPU, {count:.1f} requests")
    shown = ", ".join(f"{change.seconds:.2f}" for change in one.changes)
    requests = statistics.median(sum(change.requests.values()) for change in one.changes)
    print(
        f"  tick with changes: {one.tick_seconds:.2f} s ({shown}), {one.tick_cpu_seconds:.2f} s of CPU, "
        f"{requests:.0f} requests in {one.changes[0].ticks} tick(s)"
    )


async def _tell_sweep(place: premises.Premises, options: argparse.Namespace) -> None:
    name = _sweep_setting()
    if name is None:
        print("  sweep alone: not measured, the service has no setting sweep_seconds")
        return
    await place.forget()
    async with place.service(options.interval, **{name: _SWEEP_SECONDS}) as service:
        pid = service.process.pid
        steady, _ = await figures.steady(place)
        before = figures.cpu_seconds(pid)
        begin, end = await _sweep(place, steady, options.interval)
        cpu, most = figures.cpu_seconds(pid) - before, figures.memory_megabytes(pid)[1]
    kinds = requests_seen.kinds(requests_seen.between(place.seen, begin, end))
    asked = ", ".join(f"{count} {kind}" for (_, kind), count in kinds.items() if kind in _SWEEP_KINDS)
    print(f"  sweep alone: {end - begin:.1f} s ({asked}), {cpu:.1f} s of CPU, at most {most:.0f} MB resident")


async def _sweep(place: premises.Premises, since: float, interval_seconds: float) -> tuple[float, float]:
    """The span of the first sweep after a moment: until none of its requests was made for two beats."""

    def find() -> tuple[float, float] | None:
        swept = [one for one in place.seen if one.began > since and one.kind in _SWEEP_KINDS]
        lists = {one.kind for one in swept} & {"list pending", "list running"}
        end = max((one.ended for one in swept), default=0.0)
        over = time.time() - end > 2 * interval_seconds
        return (min(one.began for one in swept), end) if len(lists) == 2 and over else None

    return await place.until("a sweep", find, 3 * _SWEEP_SECONDS + 300)


def _sweep_setting() -> str | None:
    """The name in the environment of the setting that says how often the long lists are read, if there is one."""
    for name, field in settings.Settings.model_fields.items():
        if "sweep_seconds" in getattr(field.annotation, "model_fields", {}):
            return f"{name.upper()}__SWEEP_SECONDS"
    return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[1000, 10_000], help="sizes, one after the other")
    parser.add_argument("--changes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3, help="of changes")
    parser.add_argument("--row-bytes", type=int, default=4096)
    parser.add_argument("--interval", type=float, default=4, help="seconds between two ticks of the service")
    parser.add_argument("--limit", type=float, default=600, help="seconds after which a size is given up")
    parser.add_argument("--without-sweep", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(measure(_options()))
