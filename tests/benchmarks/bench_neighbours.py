"""How much longer two accounts take when others have a wrong password, a broken profile and a web service that hangs.

The real service on a sandbox, with and without the trouble, in turns; prints the times and their ratio, asserts
nothing. Run by ``make bench``, or alone: ``python -m tests.benchmarks.bench_neighbours``.
"""

import asyncio
import pathlib
import statistics
import sys
import tempfile
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.sandbox import up
from tests.acceptance import stages

ROUNDS = 5
RUNS = 10
WELL = ("alice", "bob")
TROUBLED = ("carol", "dave", "erin")
STEPS = "align:1.0,sort:0.5"
GOAL_PERCENT = 10


async def seconds(directory: pathlib.Path, *, troubled: bool) -> float:
    """From the start of the service until the last run of those who are well has completed."""
    behaviour = up.Behaviour(engine=stages.PROMPT.engine, verdict_cache_seconds=0)
    async with stages.own(directory, *WELL, *TROUBLED, behaviour=behaviour) as stage:
        mine = [await stage.schedule(name, STEPS) for name in WELL for _ in range(RUNS)]
        if troubled:
            await _trouble(stage)
        else:
            for name in TROUBLED:
                stage.profile(name).unlink()
        began = time.monotonic()
        async with stage.service(HTTP__TIMEOUT_SECONDS=2):
            await stage.web.reach("completed", *mine, seconds=120)
            return time.monotonic() - began


async def _trouble(stage: stages.Stage) -> None:
    """carol's password is wrong, dave's web service hangs, erin's profile is broken; each has runs to launch."""
    for name in TROUBLED:
        for _ in range(RUNS):
            await stage.schedule(name, STEPS)
    await stage.web.post("accounts", {"email": "carol@lab.net", "password": "changed"})
    await stage.web.order("hang", user="dave@lab.net", times=None)
    stage.profile("erin").write_text('unix_usr = "erin"\n', "utf-8")


async def measure() -> None:
    """All rounds, one with and one without trouble in turns, so that the machine's moods meet both."""
    alone: list[float] = []
    among: list[float] = []
    with tempfile.TemporaryDirectory(prefix="niassa-orch-bench-") as directory:
        for number in range(ROUNDS):
            for troubled, times in ((False, alone), (True, among)):
                times.append(await seconds(pathlib.Path(directory, f"{number}-{troubled}"), troubled=troubled))
    print(f"{len(WELL) * RUNS} runs of {len(WELL)} accounts, median of {ROUNDS} rounds")
    for what, times in (("nobody else", alone), ("among three in trouble", among)):
        print(f"  {what:24}{statistics.median(times):6.2f} s   ({', '.join(f'{one:.2f}' for one in times)})")
    medians = statistics.median(among) / statistics.median(alone) - 1
    bests = min(among) / min(alone) - 1
    print(f"  longer by {medians:+.1%}, of the best rounds {bests:+.1%} (goal: within {GOAL_PERCENT} %)")


if __name__ == "__main__":
    asyncio.run(measure())
