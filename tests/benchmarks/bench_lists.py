"""How fast a list of runs is read, beside bare pyexpat on the same bytes; and what a large one costs as it streams in.

First 100 MB in memory, then 500 MB over HTTP from a process of its own: the memory that it takes, and how late the
event loop is meanwhile for a task that ticks. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_lists``.
"""

import asyncio
import contextlib
import dataclasses
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from xml.parsers import expat

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.domain import runs
from niassa_orch.webservice import client, lists
from niassa_orch.wire import pacing, sessions
from tests.integration.webservice import list_reader, rows

TOTAL_BYTES = 100_000_000
STREAMED_MEGABYTES = 500
KEPT_ROWS = 100_000
CHUNK_BYTES = 64 * 1024
ROUNDS = 5
TICK_SECONDS = 0.002


def fed(feed: Callable[[bytes], object], document: bytes) -> None:
    """Hand over a document as it comes from the wire."""
    for start in range(0, len(document), CHUNK_BYTES):
        feed(document[start : start + CHUNK_BYTES])


def bare(document: bytes) -> int:
    """Expat without any handler."""
    parser = expat.ParserCreate("utf-8")
    fed(lambda piece: parser.Parse(piece, False), document)
    parser.Parse(b"", True)
    return 0


def empty(document: bytes) -> int:
    """Expat with handlers that do nothing."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = lambda _name, _attributes: None
    parser.EndElementHandler = lambda _name: None
    parser.CharacterDataHandler = lambda _text: None
    fed(lambda piece: parser.Parse(piece, False), document)
    parser.Parse(b"", True)
    return 0


def ours(document: bytes) -> int:
    """The parser of the client, keeping every row."""
    parser = lists.RunListParser()
    fed(parser.feed, document)
    return len(parser.close())


def in_memory() -> None:
    """Measure the three readers in turns."""
    document = b"".join(rows.pieces(TOTAL_BYTES, text_lines=rows.LINES_OF_4_KB))
    megabytes = len(document) / 1e6
    kept = ours(document)
    print(f"list of {megabytes:.0f} MB in memory, rows of {len(document) / kept / 1e3:.1f} kB, all {kept} kept")
    best = dict.fromkeys((bare, empty, ours), float("inf"))
    for _ in range(ROUNDS):
        for read in best:
            began = time.process_time()
            read(document)
            best[read] = min(best[read], time.process_time() - began)
    for read, name in ((bare, "pyexpat, no handlers"), (empty, "pyexpat, empty handlers"), (ours, "RunListParser")):
        speed, ratio = megabytes / best[read], best[read] / best[ours]
        print(f"  {name:24} {speed:6.1f} MB/s of CPU   RunListParser is at {ratio:.2f} of it")


@dataclasses.dataclass(slots=True)
class Watched:
    """What a task that ticks saw: how late it was each time, and the most memory."""

    late_seconds: list[float] = dataclasses.field(default_factory=list)
    most_kilobytes: int = 0

    async def tick(self) -> None:
        """Tick until cancelled."""
        while True:
            due = time.perf_counter() + TICK_SECONDS
            await asyncio.sleep(TICK_SECONDS)
            self.late_seconds.append(time.perf_counter() - due)
            self.most_kilobytes = max(self.most_kilobytes, list_reader.kilobytes("VmRSS"))

    def late(self, share: float) -> float:
        """How late in milliseconds, at most, this share of all ticks was."""
        return 1e3 * sorted(self.late_seconds)[min(len(self.late_seconds) - 1, int(share * len(self.late_seconds)))]


async def streamed(service: client.WebService, more: str = "") -> None:
    """Read one list over HTTP, of the size and kind that its host says, and print what it took."""
    watched, before = Watched(), list_reader.kilobytes("VmRSS")
    ticking = asyncio.create_task(watched.tick(), name="ticking")
    began = time.perf_counter(), time.process_time()
    found = await service.list_runs(runs.RunStatus.RUNNING, f"{STREAMED_MEGABYTES}{more}")
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    ticking.cancel()
    print(
        f"  {len(found):6} rows kept: {STREAMED_MEGABYTES / wall:5.1f} MB/s ({STREAMED_MEGABYTES / cpu:.1f} of CPU),"
        f" RSS {before / 1024:.0f} MB, at most {(watched.most_kilobytes - before) / 1024:+.1f} MB;"
        f" loop late p50 {watched.late(0.5):.1f}, p99 {watched.late(0.99):.1f}, most {watched.late(1):.1f} ms"
    )


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The server of lists, and where it is."""
    argv = [sys.executable, "-m", "tests.benchmarks.list_server"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


def kept_already() -> list[runs.WorkflowRun]:
    """A list of ours that was read before."""
    parser = lists.RunListParser()
    for piece in rows.pieces(KEPT_ROWS * 1_480, text_lines=0):
        parser.feed(piece)
    return parser.close()


async def over_http(url: str) -> None:
    """A list of which nothing is kept, one that is kept, and both beside one that is kept already."""
    async with sessions.open_session() as session:
        service = client.WebService(session, url, lambda: "Basic x", budget=pacing.Budget(1), list_timeout_seconds=300)
        print(f"list of {STREAMED_MEGABYTES} MB over HTTP")
        await streamed(service, "-odd")
        await streamed(service)
        kept = kept_already()
        print(f"  beside a list of {len(kept)} rows that is kept:")
        await streamed(service, "-odd")
        await streamed(service)


def main() -> None:
    """Measure in memory, then over HTTP."""
    with server() as url:
        asyncio.run(over_http(url))
    in_memory()


if __name__ == "__main__":
    main()
