"""What readers of the control socket cost the service: ``top`` at a thousand accounts, at four looks a second each.

The service's end (the real board, the real server, accounts that change) is this process; readers are others, with the
client that ``top`` has. Told is the processor time of this process a second, less what it takes without readers.
Prints, asserts nothing. Run by ``make bench``, or alone:
``python -m tests.benchmarks.bench_top [ACCOUNTS] [CHANGES_A_SECOND]``.
"""

import asyncio
import contextlib
import pathlib
import signal
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.control import client, server
from niassa_orch.core import audit, board, operating, orders
from niassa_orch.journal import store
from tests.benchmarks import bench_dashboard

SECONDS = 10.0
LOOK_SECONDS = 0.25
READERS = (0, 1, 3)


def main(accounts: int = 1000, changes: int = 100) -> None:
    """Measure and print the figures."""
    shares: dict[int, float] = {}
    for readers in READERS:
        shares[readers], looks = asyncio.run(_cost(accounts, changes, readers))
        alone = shares[0]
        print(
            f"{accounts} accounts, {changes} change a second, {readers} readers, {looks:.0f} looks a second: "
            f"{(shares[readers] - alone) * 100:.2f} % of a core more than without",
            flush=True,
        )


async def _cost(accounts: int, changes: int, readers: int) -> tuple[float, float]:
    """Share of a core, and looks a second, with so many readers."""
    told = bench_dashboard.filled(accounts)
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as opened:
        place = pathlib.Path(directory)
        journal = store.Journal(place / "journal.sqlite")
        opened.callback(journal.close)
        operates = operating.Operating(orders.StandingOrders(journal, told), audit.Trail(None), list)
        answers = server.Server(told, operates, "")
        async with server.served(answers, place / "run", 0o600, ""):
            asked = [await _reader(place / "run") for _ in range(readers)]
            changing = asyncio.create_task(_change(told, changes))
            await asyncio.sleep(2)
            begun, cpu = time.monotonic(), time.process_time()
            await asyncio.sleep(SECONDS)
            share = (time.process_time() - cpu) / (time.monotonic() - begun)
            changing.cancel()
            looks = 0
            for one in asked:
                one.terminate()
                said, _ = await one.communicate()
                looks += int(said.split()[-1])
    return share, looks / (SECONDS + 2)


async def _change(told: board.Board, a_second: int) -> None:
    lines = [told.line(line.name) for line in told.snapshot().accounts]
    number = 0
    while True:
        for _ in range(max(1, a_second // 20)):
            number += 1
            lines[number * 37 % len(lines)].last_good_poll = time.monotonic()
        await asyncio.sleep(0.05)


async def _reader(folder: pathlib.Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.benchmarks.bench_top", "--read", str(folder), stdout=asyncio.subprocess.PIPE
    )


async def _read(folder: pathlib.Path) -> None:
    """Look as ``top`` does, and say how often when ended."""
    looks, task = 0, asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        async with client.connected(folder) as service:
            while True:
                await service.snapshot()
                looks += 1
                await asyncio.sleep(LOOK_SECONDS)
    print(looks)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(_read(pathlib.Path(sys.argv[2])))
    else:
        main(*map(int, sys.argv[1:]))
