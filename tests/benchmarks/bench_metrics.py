"""What a scrape, and the web page, cost with many accounts: a snapshot of the real board, made into text.

Each account has runs in every status, launches, freshness and a call; a tenth of the lines changes between two scrapes.
The snapshot is taken in the event loop, the text is made in a thread beside it. Prints, asserts nothing.
Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_metrics --accounts 1000``.
"""

import argparse
import datetime
import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.core import account_line, board, freshness, gauges, pulse
from niassa_orch.domain import runs
from niassa_orch.faces import metrics, page
from tests.fakes import neighbours_in_memory as fakes

GOAL_MS = 100.0
_ROUNDS = 20
_CHANGED = 10


def board_of(accounts: int) -> board.Board:
    """A board on which all goes well, and a little has happened to everybody."""
    told = fakes.board_of()
    now = time.monotonic()
    for number in range(accounts):
        line = told.line(f"account{number:04}")
        line.unix_user, line.state, line.last_good_poll, line.poll_seconds = "niassa", account_line.State.OK, now, 0.1
        line.counts, line.ended = dict.fromkeys(runs.ACTIVE, 10), dict.fromkeys(runs.ENDED, 100)
        line.lags, line.launched = freshness.NO_LAGS.noted(3).noted(40), pulse.NO_PULSE.noted(now, 4)
        line.in_flight = (runs.Accession(number),)
        line.calls = (gauges.EngineCall(line.in_flight, now, adopted=False, whitestar=False),)
    told.keep({f"account{number:04}" for number in range(accounts)})
    return told


def timed(told: board.Board, make: Callable[[board.Snapshot], bytes]) -> tuple[float, float, int]:
    """Milliseconds of CPU of the snapshot and of the text, the middle of some rounds, and the bytes of the text."""
    names = [line.name for line in told.snapshot().accounts]
    looks, texts, size = [], [], 0
    for number in range(_ROUNDS):
        for name in names[number % _CHANGED :: _CHANGED]:
            told.line(name).last_good_poll = time.monotonic()
        began = time.process_time()
        snapshot = told.snapshot()
        seen = time.process_time()
        size = len(make(snapshot))
        looks.append(seen - began)
        texts.append(time.process_time() - seen)
    return 1000 * statistics.median(looks), 1000 * statistics.median(texts), size


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    accounts = parser.parse_args(arguments).accounts
    told = board_of(accounts)
    openmetrics, text = metrics.content_type("application/openmetrics-text"), metrics.content_type("")
    now = datetime.datetime.now(datetime.UTC)
    print(f"CPU of {accounts} accounts, {accounts // _CHANGED} changed between two looks")
    for what, make in (
        ("OpenMetrics", lambda snapshot: metrics.text(snapshot, accounts, openmetrics)),
        ("Prometheus text", lambda snapshot: metrics.text(snapshot, accounts, text)),
        ("sums alone", lambda snapshot: metrics.text(snapshot, 0, text)),
        ("web page", lambda snapshot: page.document(snapshot, now, stays=False)),
    ):
        look_ms, text_ms, size = timed(told, make)
        print(f"{what:16} snapshot {look_ms:6.1f} ms, text {text_ms:6.1f} ms, {size / 1000:8.0f} kB")
    print(f"goal: a scrape of 1,000 accounts under {GOAL_MS:.0f} ms on a machine of its own")


if __name__ == "__main__":
    main()
