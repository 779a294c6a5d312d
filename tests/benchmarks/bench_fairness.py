"""How long ninety-nine accounts wait for their one change each when one account has ten thousand.

The real service as a process. Rounds in which the ninety-nine change alone, then one in which all jobs of the one end
in the same moment; what is timed is the ninety-nine. Oozie lists them before the thousands, or, which is the worst for
them, after: ``--listed last``. Prints, asserts nothing. Run by ``make bench``, or alone:
``python -m tests.benchmarks.bench_fairness``.
"""

import argparse
import asyncio
import os
import pathlib
import pwd
import statistics
import sys
from collections.abc import Collection

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from tests.benchmarks import figures, filling, premises

GOAL = 2
_SYSTEM_USERS = 1000
#: The account that has thousands.
_GREEDY = 0


async def measure(options: argparse.Namespace) -> None:
    """Alone, among, and the ratio."""
    async with premises.opened(options.accounts, _unix_users()) as place:
        crowd, others = _fill(place, options)
        print(
            f"{options.accounts - 1} accounts with one change each, alone and beside one with {len(crowd)}, "
            f"listed {options.listed}; a beat every {options.interval:g} s; {figures.machine()}"
        )
        async with place.service(options.interval) as service:
            pid = service.process.pid
            await figures.steady(place)
            alone = []
            for number in range(options.rounds):
                await place.forget()
                alone.append(await figures.change(place, pid, _one_each(others, number, options.rounds + 1)))
            await place.forget()
            mine = _one_each(others, options.rounds, options.rounds + 1)
            among = await figures.change(place, pid, [*crowd, *mine], awaited=mine, whole=False)
            await place.look()
        keys = {str(run.accession) for run in crowd}
        written = sum(one.kind == "put run" and one.key in keys for one in place.seen)
    tell(alone, among, written)


def _unix_users() -> list[str]:
    """Of the ninety-nine, in turn: users that every machine has, so that the one account's user is another one."""
    return [user.pw_name for user in pwd.getpwall() if user.pw_uid != os.geteuid() and user.pw_uid < _SYSTEM_USERS]


def _fill(place: premises.Premises, options: argparse.Namespace) -> tuple[list[filling.Filled], list[filling.Filled]]:
    """The runs of the one, and of the others. Of jobs that changed in one moment the newest is listed first."""

    def fill(count: int, accounts: Collection[int]) -> list[filling.Filled]:
        return place.fill(count, accounts=accounts, row_bytes=options.row_bytes)

    rest = range(1, options.accounts)
    if options.listed == "last":
        others = fill(options.rounds + 1, rest)
        return fill(options.changes, [_GREEDY]), others
    return fill(options.changes, [_GREEDY]), fill(options.rounds + 1, rest)


def _one_each(runs: list[filling.Filled], number: int, of: int) -> list[filling.Filled]:
    return runs[number::of]


def tell(alone: list[figures.Change], among: figures.Change, written: int) -> None:
    """The times until the last of the many is written, and what the service had done for the one by then."""
    seconds = statistics.median(one.seconds for one in alone)
    shown = ", ".join(f"{one.seconds:.2f}" for one in alone)
    print(f"  alone:               {seconds:6.2f} s from the first look at Oozie (median of {shown})")
    print(f"  beside the thousands:{among.seconds:6.2f} s; when the service was ended, {written} of those were written")
    print(f"  {among.seconds / seconds:.2f} times as long (goal: at most {GOAL})")
    lag = statistics.median(one.lag_seconds for one in alone)
    print(f"  since the jobs ended, with the wait for the tick: {lag:.2f} s, {among.lag_seconds:.2f} s")
    print(f"  {among.lag_seconds / lag:.2f} times as long with that wait, which is the same for both")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--changes", type=int, default=10_000, help="of the one account")
    parser.add_argument("--listed", choices=("first", "last"), default="first", help="where Oozie lists the others")
    parser.add_argument("--rounds", type=int, default=5, help="in which the others change alone")
    parser.add_argument("--row-bytes", type=int, default=1024)
    parser.add_argument("--interval", type=float, default=4, help="seconds between two ticks of the service")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(measure(_options()))
