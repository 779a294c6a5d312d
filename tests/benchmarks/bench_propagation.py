"""What propagation costs in requests and in time, beside the cron set-up on the same stand-ins, in one run.

The real service as a process, in its steady state: ticks in which nothing changed, then ticks in which one job in a
hundred ended. Then the service is ended, and cron's requests are made (``cron``): a minute in which nothing changed,
and one with as many changes. Prints, asserts nothing. Run by ``make bench``, or alone:
``python -m tests.benchmarks.bench_propagation [--accounts 100] [--runs 10000]``.
"""

import argparse
import asyncio
import pathlib
import statistics
import sys
import time
from collections.abc import Mapping, Sequence

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from tests.benchmarks import cron, figures, filling, premises, requests_seen

GOAL_REQUESTS = 50
GOAL_SECONDS = 20


async def measure(options: argparse.Namespace) -> None:
    """Both, and their ratios."""
    async with premises.opened(options.accounts) as place:
        runs = place.fill(options.runs // options.accounts, row_bytes=options.row_bytes)
        changes = max(len(runs) * options.percent // 100, 1)
        print(
            f"{options.accounts} accounts, {len(runs)} active runs of {options.row_bytes} bytes in a list; "
            f"{changes} jobs end at one moment; a beat every {options.interval:g} s; {figures.machine()}"
        )
        async with place.service(options.interval) as service:
            quiet, changed = await _ours(place, service.process.pid, runs, changes, options.rounds)
        tell_ours(quiet, changed)
        # As many active runs as before.
        runs += place.fill(options.rounds * changes, accounts=[0], row_bytes=options.row_bytes)
        minutes = [await _cron(place, runs, []), await _cron(place, runs, runs[-changes:])]
    tell(quiet, changed, *minutes)


async def _ours(
    place: premises.Premises, pid: int, runs: Sequence[filling.Filled], changes: int, rounds: int
) -> tuple[figures.Quiet, list[figures.Change]]:
    await figures.steady(place)
    await place.forget()
    quiet = await figures.quiet(place, pid)
    changed = []
    for number in range(rounds):
        await place.forget()
        # Every so many, so that all accounts have some; another part of the runs each time.
        changed.append(await figures.change(place, pid, runs[number :: len(runs) // changes][:changes]))
    return quiet, changed


async def _cron(
    place: premises.Premises, runs: Sequence[filling.Filled], changed: Sequence[filling.Filled]
) -> tuple[float, figures.Kinds]:
    baseline = cron.Cron(place, runs)
    await place.forget()
    await place.end_jobs([run.job_id for run in changed])
    began = time.monotonic()
    await baseline.tick()
    seconds = time.monotonic() - began
    figures.check_completed(place, changed)
    return seconds, requests_seen.kinds(await place.look())


def tell_ours(quiet: figures.Quiet, changed: Sequence[figures.Change]) -> None:
    """The rounds of ours, one by one."""
    print(f"ours, nothing changed: {quiet.seconds:.3f} s a tick, {quiet.cpu_seconds:.3f} s of CPU of the service")
    for number, one in enumerate(changed, 1):
        print(
            f"ours, changes, round {number}: {one.seconds:.2f} s from the first look at Oozie to the last verified "
            f"write ({one.lag_seconds:.2f} s since the jobs ended), {sum(one.requests.values())} requests in "
            f"{one.ticks} tick(s), {one.cpu_seconds:.2f} s of CPU of the service"
        )


def tell(
    quiet: figures.Quiet,
    changed: Sequence[figures.Change],
    cron_quiet: tuple[float, figures.Kinds],
    cron_changed: tuple[float, figures.Kinds],
) -> None:
    """Requests by kind, side by side, and the ratios."""
    middle = sorted(changed, key=lambda one: sum(one.requests.values()))[len(changed) // 2]
    columns: dict[str, Mapping[tuple[str, str], float]] = {
        "ours, quiet": quiet.requests,
        "cron, quiet": cron_quiet[1],
        "ours, changes": middle.requests,
        "cron, changes": cron_changed[1],
    }
    requests_seen.tell_kinds(columns)
    print("cron without JVM starts, its lists thrown away unparsed, without those of launch-scheduled")
    requests = sum(cron_changed[1].values()) / sum(middle.requests.values())
    seconds = statistics.median(one.seconds for one in changed)
    print(f"wall time with changes: ours {seconds:.2f} s (median), cron {cron_changed[0]:.1f} s")
    print(f"wall time when nothing changed: ours {quiet.seconds:.3f} s, cron {cron_quiet[0]:.1f} s")
    print(f"requests: {requests:.1f} times fewer than cron (goal: {GOAL_REQUESTS})")
    print(f"wall time: {cron_changed[0] / seconds:.1f} times less than cron (goal: {GOAL_SECONDS})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--runs", type=int, default=10_000, help="of all accounts together")
    parser.add_argument("--percent", type=int, default=1, help="of the runs change")
    parser.add_argument("--row-bytes", type=int, default=4096)
    parser.add_argument("--interval", type=float, default=4, help="seconds between two ticks of the service")
    parser.add_argument("--rounds", type=int, default=3, help="of changes")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(measure(_options()))
