"""How many requests a second the client of the web service makes, beside a bare aiohttp loop that makes the same ones.

Reads of one run of 4 kB, and pairs of a write and a read, with the same number at once, in turns. The bare loop does
nothing with the answers. Two servers, each in a process of its own: one that does next to nothing, so that what is
measured is the client's CPU, and the sandbox's web service, which works for its answers as a server does. The former a
second time on uvloop where that can be imported. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_client``.
"""

import asyncio
import collections
import contextlib
import dataclasses
import importlib
import importlib.util
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import aiohttp

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.domain import runs
from niassa_orch.webservice import client, documents
from niassa_orch.wire import pacing, sessions
from tests.benchmarks import premises, record_server

AT_ONCE = 8
ROUNDS = 9
GOAL_PERCENT = 70
_QUICK_RUNS, _SANDBOX_RUNS = 2000, 200
_ACCESSION = b"<swAccession>%d</swAccession>"

Work = Callable[[int], Awaitable[object]]


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A server with runs.

    Args:
        url: Of the web service.
        login: The Authorization header.
        accessions: Of its runs.
        record: One of them, the first.
    """

    url: str
    login: str
    accessions: Sequence[int]
    record: bytes


def ours(session: sessions.Session, target: Target) -> dict[str, Work]:
    """The client as the service uses it: of a run that was read the few fields are looked at that decide."""
    service = client.WebService(session, target.url, lambda: target.login, budget=pacing.Budget(AT_ONCE))
    written = {number: documents.RunDocument.parse(body) for number, body in bodies(target).items()}

    async def read(number: int) -> runs.WorkflowRun:
        return (await service.get_run(runs.Accession(number))).run

    async def pair(number: int) -> None:
        await service.put_run(written[number])
        await read(number)

    return {"GET": read, "PUT+GET": pair}


def bodies(target: Target) -> dict[int, bytes]:
    """What is written, by accession; ready before the clock starts."""
    first = _ACCESSION % target.accessions[0]
    return {number: target.record.replace(first, _ACCESSION % number) for number in target.accessions}


def bare(session: aiohttp.ClientSession, target: Target) -> dict[str, Work]:
    """The same requests, and nothing else."""
    headers = {"Authorization": target.login, "Content-Type": "application/xml; charset=UTF-8"}
    url, records = target.url, bodies(target)

    async def read(number: int) -> None:
        async with session.get(f"{url}/workflowruns/{number}", headers={"Authorization": target.login}) as answer:
            await answer.read()

    async def pair(number: int) -> None:
        async with session.put(f"{url}/workflowruns/{number}", data=records[number], headers=headers) as answer:
            await answer.read()
        await read(number)

    return {"GET": read, "PUT+GET": pair}


class Spent(NamedTuple):
    """Seconds of one round: by the clock, and of this process's CPU."""

    wall: float
    cpu: float


async def spent(work: Work, accessions: Iterable[int]) -> Spent:
    """All requests, so many at once."""
    numbers = iter(accessions)

    async def visit() -> None:
        for number in numbers:
            await work(number)

    began = Spent(time.perf_counter(), time.process_time())
    await asyncio.gather(*(visit() for _ in range(AT_ONCE)))
    return Spent(time.perf_counter() - began.wall, time.process_time() - began.cpu)


@contextlib.asynccontextmanager
async def both(target: Target) -> AsyncIterator[dict[str, dict[str, Work]]]:
    """Each with a session of its own."""
    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with sessions.open_session() as session, aiohttp.ClientSession(connector=connector) as plain:
        yield {"bare": bare(plain, target), "ours": ours(session, target)}


async def measure(name: str, target: Target) -> None:
    """All rounds, both in turns, so that the machine's moods meet both."""
    taken = collections.defaultdict(list)
    async with both(target) as sides:
        for number in range(ROUNDS + 1):
            for what in ("GET", "PUT+GET"):
                for side, works in sides.items():
                    one = await spent(works[what], target.accessions)
                    if number:  # the first round opens the connections
                        taken[side, what].append(one)
    told(name, taken, len(target.accessions))


def told(name: str, taken: dict[tuple[str, str], list[Spent]], requests: int) -> None:
    """Print the figures of one server and kind of event loop."""
    for what in ("GET", "PUT+GET"):
        for spent_on in Spent._fields:
            bare_times, our_times = ([getattr(one, spent_on) for one in taken[side, what]] for side in ("bare", "ours"))
            ratios = sorted(one / other for one, other in zip(bare_times, our_times, strict=True))
            each = [1e6 * statistics.median(times) / requests for times in (bare_times, our_times)]
            print(
                f"{name:16} {what:8} {spent_on:4} bare {each[0]:6.0f} us   ours {each[1]:6.0f} us   speed"
                f" {statistics.median(ratios):.0%} of bare (rounds {ratios[0]:.0%} to {ratios[-1]:.0%};"
                f" goal {GOAL_PERCENT} %)"
            )


@contextlib.contextmanager
def quick_server() -> Iterator[Target]:
    """The server of the record."""
    argv = [sys.executable, "-m", "tests.benchmarks.record_server"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}/SeqWareWebService"
        login = aiohttp.encode_basic_auth("bob@lab.net", "bench")
        record = record_server.record().replace(b"ACCESSION", b"1")
        yield Target(url, login, range(1, _QUICK_RUNS + 1), record)
        process.stdin.close()


async def measure_sandbox() -> None:
    """The same against the sandbox's web service."""
    async with premises.opened(1) as place:
        accessions = [run.accession for run in place.fill(_SANDBOX_RUNS)]
        login, url = aiohttp.encode_basic_auth(*premises.login(0)), place.addresses.runs
        async with aiohttp.request(
            "GET", f"{url}/workflowruns/{accessions[0]}", headers={"Authorization": login}
        ) as answer:
            record = await answer.read()
        await measure("sandbox asyncio", Target(url, login, accessions, record))


def main() -> None:
    """Measure on asyncio's own loop, and on uvloop's where there is one."""
    print(
        f"{_QUICK_RUNS} (sandbox: {_SANDBOX_RUNS}) reads, or pairs, of a run of 4 kB a round, {AT_ONCE} at once,"
        f" {ROUNDS} rounds in turns, medians"
    )
    with quick_server() as target:
        asyncio.run(measure("quick asyncio", target))
        if importlib.util.find_spec("uvloop") is not None:
            uvloop = importlib.import_module("uvloop")
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(measure("quick uvloop", target))
    asyncio.run(measure_sandbox())


if __name__ == "__main__":
    main()
