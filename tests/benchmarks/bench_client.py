"""How many requests a second the client of the web service makes, beside a bare aiohttp loop that makes the same ones.

Reads of one run of 4 kB, and pairs of a write and a read, with the same number at once, in turns, to one server in a
process of its own. The bare loop does nothing with the answers. Both are measured a second time on uvloop where that
can be imported. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_client``.
"""

import asyncio
import collections
import contextlib
import importlib
import importlib.util
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import NamedTuple

import aiohttp

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.domain import runs
from niassa_orch.webservice import client, documents
from niassa_orch.wire import pacing, sessions
from tests.benchmarks import record_server

AT_ONCE = 8
REQUESTS = 2000
ROUNDS = 9
GOAL_PERCENT = 70
LOGIN = aiohttp.encode_basic_auth("bob@lab.net", "bench")

Work = Callable[[int], Awaitable[object]]


def ours(session: sessions.Session, url: str) -> dict[str, Work]:
    """The client as the service uses it."""
    service = client.WebService(session, url, lambda: LOGIN, budget=pacing.Budget(AT_ONCE))
    written = documents.RunDocument.parse(record_server.record().replace(b"ACCESSION", b"1")).elements

    def document(number: int) -> documents.RunDocument:
        accession = documents.Element("swAccession", str(number))
        return documents.RunDocument((*(one for one in written if one.name != "swAccession"), accession))

    async def read(number: int) -> None:
        await service.get_run(runs.Accession(number))

    async def pair(number: int) -> None:
        await service.put_run(document(number))
        await service.get_run(runs.Accession(number))

    return {"GET": read, "PUT+GET": pair}


def bare(session: aiohttp.ClientSession, url: str) -> dict[str, Work]:
    """The same requests, and nothing else."""
    headers = {"Authorization": LOGIN, "Content-Type": "application/xml; charset=UTF-8"}
    body = record_server.record()

    async def read(number: int) -> None:
        async with session.get(f"{url}/workflowruns/{number}", headers={"Authorization": LOGIN}) as answer:
            await answer.read()

    async def pair(number: int) -> None:
        async with session.put(f"{url}/workflowruns/{number}", data=body, headers=headers) as answer:
            await answer.read()
        await read(number)

    return {"GET": read, "PUT+GET": pair}


class Spent(NamedTuple):
    """Seconds of one round: by the clock, and of this process's CPU."""

    wall: float
    cpu: float


async def spent(work: Work) -> Spent:
    """All requests, so many at once."""
    numbers = iter(range(1, REQUESTS + 1))

    async def visit() -> None:
        for number in numbers:
            await work(number)

    began = Spent(time.perf_counter(), time.process_time())
    await asyncio.gather(*(visit() for _ in range(AT_ONCE)))
    return Spent(time.perf_counter() - began.wall, time.process_time() - began.cpu)


@contextlib.asynccontextmanager
async def both(url: str) -> AsyncIterator[dict[str, dict[str, Work]]]:
    """Each with a session of its own."""
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with sessions.open_session() as session, aiohttp.ClientSession(connector=connector) as plain:
        yield {"bare": bare(plain, url), "ours": ours(session, url)}


async def measure(url: str) -> dict[tuple[str, str], list[Spent]]:
    """All rounds, both in turns, so that the machine's moods meet both."""
    taken = collections.defaultdict(list)
    async with both(url) as sides:
        for number in range(ROUNDS + 1):
            for what in ("GET", "PUT+GET"):
                for side, works in sides.items():
                    one = await spent(works[what])
                    if number:  # the first round opens the connections
                        taken[side, what].append(one)
    return taken


def told(loop: str, taken: dict[tuple[str, str], list[Spent]]) -> None:
    """Print the figures of one kind of event loop."""
    for what in ("GET", "PUT+GET"):
        for name in Spent._fields:
            bare_times, our_times = ([getattr(one, name) for one in taken[side, what]] for side in ("bare", "ours"))
            ratios = sorted(one / other for one, other in zip(bare_times, our_times, strict=True))
            each = [1e6 * statistics.median(times) / REQUESTS for times in (bare_times, our_times)]
            print(
                f"{loop:8} {what:8} {name:4} bare {each[0]:6.0f} us   ours {each[1]:6.0f} us   speed"
                f" {statistics.median(ratios):.0%} of bare (rounds {ratios[0]:.0%} to {ratios[-1]:.0%};"
                f" goal {GOAL_PERCENT} %)"
            )


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The server of the record, and where it is."""
    argv = [sys.executable, "-m", "tests.benchmarks.record_server"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/SeqWareWebService"
        process.stdin.close()


def main() -> None:
    """Measure on asyncio's own loop, and on uvloop's where there is one."""
    print(f"{REQUESTS} reads, or pairs, of a run of 4 kB a round, {AT_ONCE} at once, {ROUNDS} rounds in turns, medians")
    with server() as url:
        told("asyncio", asyncio.run(measure(url)))
        if importlib.util.find_spec("uvloop") is not None:
            uvloop = importlib.import_module("uvloop")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                told("uvloop", runner.run(measure(url)))


if __name__ == "__main__":
    main()
