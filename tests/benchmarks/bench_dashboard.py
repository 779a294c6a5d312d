"""What a picture of the dashboard costs: a thousand accounts on the real board, of which some change between two looks.

Snapshot, picture and what is written are counted; the terminal's own work is not. Prints, asserts nothing. Run by
``make bench``, or alone: ``python -m tests.benchmarks.bench_dashboard [ACCOUNTS] [CHANGES_A_PICTURE]``.
"""

import pathlib
import sys
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.core import account_line, board, freshness, gauges, pool, pulse
from niassa_orch.domain import runs
from niassa_orch.faces.dashboard import cells, drawing, screen, view

PICTURES = 200
A_SECOND = 4
SIZES = ((80, 24), (250, 80))


def main(accounts: int = 1000, changes: int = 100) -> None:
    """Measure and print the figures."""
    told = filled(accounts)
    for size in SIZES:
        for what, seen in (("accounts", view.View()), ("one account", view.View(view.Page.ACCOUNT, account="a0007"))):
            milliseconds, characters = _cost(told, seen, size, changes)
            share = milliseconds * A_SECOND / 10
            print(
                f"{accounts} accounts, {changes} change a picture, {size[0]}x{size[1]}, {what:11}: "
                f"{milliseconds:5.2f} ms, {share:4.2f} % of a core, {characters:5.0f} characters written"
            )


def filled(accounts: int) -> board.Board:
    """A board of so many accounts with everything on it, one in ten in trouble."""
    told = board.Board("server2.lab.net", pool.Pool(10), pool.Pool(2), str)
    told.ask_neighbours = lambda: [
        gauges.Neighbour(gauges.Kind.WEB_SERVICE, f"http://ws{n}:8080/Seq", time.monotonic(), 0.1 * n, "")
        for n in range(6)
    ]
    for number in range(accounts):
        line = told.line(f"a{number:04}")
        line.unix_user = f"niassa-a{number:04}"
        line.state = account_line.State.BACKING_OFF if number % 10 == 0 else account_line.State.OK
        line.reason = "GET http://ws1:8080/Seq/runs: no connection" if number % 10 == 0 else ""
        line.counts = {runs.RunStatus.SUBMITTED: number % 7, runs.RunStatus.RUNNING: number % 11}
        line.lags = freshness.NO_LAGS.noted(number % 40)
        line.launched = pulse.NO_PULSE.noted(time.monotonic(), number % 3)
    told.line("a0007").calls = (gauges.EngineCall((runs.Accession(1),), time.monotonic(), False, False),)
    return told


def _cost(told: board.Board, seen: view.View, size: tuple[int, int], changes: int) -> tuple[float, float]:
    """Milliseconds of processor time a picture, and characters."""
    drawn, characters = drawing.Drawing(cells.MANY), 0
    lines = [told.line(line.name) for line in told.snapshot().accounts]
    spent = 0.0
    for number in range(PICTURES):
        for place in range(changes):
            lines[(number * changes + place) % len(lines)].last_good_poll = time.monotonic()
        begun = time.process_time()
        picture = screen.picture(told.snapshot(), seen, *size)
        characters += len(drawn.changes(picture.lines, size))
        spent += time.process_time() - begun
    return spent / PICTURES * 1e3, characters / PICTURES


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
