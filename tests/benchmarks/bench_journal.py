"""Commits a second of the journal, one after another and many at once. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_journal``.
"""

import asyncio
import pathlib
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.domain import settling
from niassa_orch.journal import records, store
from tests.fakes import launches

LAUNCHES = 2000


async def measure(path: pathlib.Path) -> None:
    """A launch is an intent, a start and a verdict: three commits."""
    journal = store.Journal(path)
    begun = time.perf_counter()
    for number in range(LAUNCHES):
        await one(journal, number)
    tell("one after another", LAUNCHES, begun)
    begun = time.perf_counter()
    await asyncio.gather(*(one(journal, number) for number in range(LAUNCHES)))
    tell("all at once", LAUNCHES, begun)
    journal.close()
    begun = time.perf_counter()
    store.Journal(path).close()
    print(f"opened again with {2 * LAUNCHES} settled launches in {(time.perf_counter() - begun) * 1e3:.1f} ms")


async def one(journal: store.Journal, number: int) -> None:
    """The whole life of a launch."""
    launch = launches.launch(number, f"call-{number}-{time.monotonic_ns()}")
    await journal.intend([launch])
    await journal.started(launch.call_id, launches.PROCESS)
    await journal.settle(
        launch, records.Settled(settling.Outcome.LAUNCHED, "the record names the job", f"{number}-oozie-W")
    )


def tell(name: str, count: int, begun: float) -> None:
    """A line of figures."""
    seconds = time.perf_counter() - begun
    print(f"{name:18} {3 * count / seconds:8.0f} commits/s, {seconds / count * 1e3:5.2f} ms a launch")


def main() -> None:
    """Measure on the disk that holds this file; a memory file system would flatter."""
    with tempfile.TemporaryDirectory(dir=pathlib.Path(__file__).parent) as directory:
        asyncio.run(measure(pathlib.Path(directory) / "journal.sqlite"))


if __name__ == "__main__":
    main()
