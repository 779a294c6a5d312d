"""The crash harness: the real service dies by SIGKILL again and again, at named points and at random moments.

Each life (``crash_lives``) is a process of its own, killed by its own fuse (``crash_points``) or by its pid. Users
(``crash_users``) go on meanwhile, neighbours fail, engine calls die and profiles change (``crash_weather``), and an
administrator says what only a person can know (``crash_administrator``). At the end the service serves in quiet, and
the neighbours' books are judged (``crash_books``). The seed says which points in which order and what everybody does;
the machine's own timing is not replayed. Used by ``test_crashes``.
"""

import asyncio
import collections
import contextlib
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator

from tests.acceptance import (
    books,
    crash_administrator,
    crash_books,
    crash_deck,
    crash_lives,
    crash_report,
    crash_users,
    crash_weather,
    services,
    stages,
)

_NEEDS = {
    "journal act": "cancel",
    "journal what an act came to": "cancel",
    "kill": "cancel",
    "rerun": "rerun",
    "resume": "resume",
    "repair": "repair",
    "look up job": "doubt",
    "journal note": "doubt",
    "reload profiles": "reload",
    "stop launching": "stop",
    "close journal": "stop",
}
#: How many turns a point gets that was never come by.
_MORE_TRIES = 6
_LIFE_SECONDS = 4.0
#: For points that no life came by yet, so that a slow machine is no reason not to come by.
_LAST_LIVES_SECONDS = 15.0
#: Runs rest for half a minute and longer when a launch came to nothing; an administrator's SIGHUP ends that.
_FORGIVE_EVERY_SECONDS = 10.0


class Harness:
    """Many lives of the service on one stage.

    Args:
        stage: That is up.
        crew: Who runs the service there.
        seed: Of the dice.
        deck: Says at which point each life is to end; other stages may draw from it too.
    """

    def __init__(self, stage: stages.Stage, crew: stages.Crew, seed: int, deck: crash_deck.Deck) -> None:
        self._stage = stage
        self._crew = crew
        self._seed = seed
        self._deck = deck
        self._dice, *dice = (random.Random(seed + 1000 * number) for number in range(3))  # noqa: S311 - no secret
        self._users = crash_users.Users(stage, dice[0])
        self._weather = crash_weather.Weather(stage, dice[1], self._users.calm)
        self._administrator = crash_administrator.Administrator(stage, self._users, self._weather.reaper)
        self._crashes: collections.Counter[str] = collections.Counter()

    async def crash(
        self, crashes: int, *, every_point: bool = False, quiet_seconds: float = 240
    ) -> crash_report.Report:
        """Die so many times, serve in quiet, judge.

        Args:
            crashes: How many.
            every_point: Go on with the points that no life came by.
            quiet_seconds: How long at most the service serves in quiet, until nothing is left to do.
        """
        began = time.monotonic()
        async with self._everybody(), crash_lives.Lives(self._stage, self._crew) as lives:
            for point, passages, seconds in self._cards(crashes, every_point=every_point):
                await self._live(lives, point, passages, seconds)
        crashed = time.monotonic()
        doubts = await self._serve_in_quiet(quiet_seconds)
        lasted = {"seconds of crashes": crashed - began, "seconds in quiet": time.monotonic() - crashed}
        seen = await crash_books.read(self._stage, self._users, doubts)
        findings = [*self._administrator.findings.values(), *crash_books.judge(self._stage, self._users, seen)]
        disturbed = self._weather.seen + self._administrator.said
        totals = self._totals(seen) + collections.Counter({what: round(seconds) for what, seconds in lasted.items()})
        totals["lives"] = lives.begun
        return crash_report.Report((self._seed,), self._crashes, findings, totals, disturbed)

    def _cards(self, crashes: int, *, every_point: bool) -> Iterator[tuple[str, int, float]]:
        """Points, at which passage and within how long, until there were enough; then those never come by."""
        while self._crashes.total() < crashes:
            point = self._deck.draw()
            seconds = _LIFE_SECONDS if point else self._dice.uniform(0, 2)
            yield point, self._dice.choice((1, 1, 1, 2, 3)), seconds
        for _ in range(_MORE_TRIES if every_point else 0):
            for point in self._deck.left:
                # Another stage may have come by meanwhile.
                if point in self._deck.left:
                    yield point, 1, _LAST_LIVES_SECONDS

    @contextlib.asynccontextmanager
    async def _everybody(self) -> AsyncIterator[None]:
        """Users, weather and administrator go about their doings; the administrator is the last to leave."""
        stopped = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._administrator.live(stopped), name="administrator")
            try:
                async with crash_users.about(self._users), self._weather.about():
                    yield
            finally:
                stopped.set()

    async def _live(self, lives: crash_lives.Lives, point: str, passages: int, seconds: float) -> None:
        """One life, from the word to its end; what does not end at its point ends at some moment."""
        self._users.need = need = _NEEDS.get(point.partition(" ")[2], "launch")
        life = await lives.begin(point, passages)
        # A signal that comes when it has stopped, and heeds none any more, would be its end.
        self._weather.life = None if need == "stop" else life
        asking = asyncio.create_task(self._ask(life, need), name="asking")
        code = await lives.end(life, seconds)
        asking.cancel()
        await asyncio.wait({asking})
        if crash_lives.ended_at(life, point):
            self._crashes[point] += 1
            self._deck.hit(point)
        elif code == -signal.SIGKILL:
            self._crashes[crash_report.RANDOM_MOMENT] += 1
        else:
            # A drain that came by no fuse; a life may end in no other way.
            assert (code, need) == (0, "stop"), f"{point}: exit code {code}\n{life.text}"

    async def _ask(self, life: services.Service, need: str) -> None:
        """What an administrator does to the service, if that is what it has to die at."""
        number = {"stop": signal.SIGTERM, "reload": signal.SIGHUP}.get(need)
        if number is not None:
            await life.tells("launch.called", seconds=_LAST_LIVES_SECONDS)
            life.signal(number)

    async def _serve_in_quiet(self, seconds: float) -> list[books.Record]:
        """Until nothing is left to do, or the time is over; what the service shows to a person then."""
        async with self._stage.service(**crash_lives.SETTINGS) as service:
            forgiving = asyncio.create_task(_forgive(service), name="forgiving")
            try:
                with contextlib.suppress(AssertionError):  # what is not done is for the judge
                    await books.until("nothing left to do", self._is_quiet, seconds)
            finally:
                forgiving.cancel()
                await asyncio.wait({forgiving})
        return await self._administrator.make_round()

    async def _is_quiet(self) -> bool | None:
        runs = await self._users.runs()
        await self._users.give_up(runs)
        # Ended is not settled yet: a record may say failed over a job that runs.
        doubts = await self._administrator.make_round()
        left = all(doubt["accession"] in self._users.left_to_a_person for doubt in doubts)
        return (left and not self._users.unfinished(await self._users.runs())) or None

    def _totals(self, seen: crash_books.Books) -> collections.Counter[str]:
        statuses = collections.Counter(str(seen.runs[accession]["status"]) for accession in self._users.scheduled)
        launches = {
            "runs": len(self._users.scheduled),
            "launches": seen.launches,
            "shown to a person": len(seen.doubts),
        }
        return statuses + collections.Counter(launches)


async def _forgive(service: services.Service) -> None:
    """Say again and again that what launches waited for is mended."""
    await service.tells("service.started")
    while True:
        service.signal(signal.SIGHUP)
        await asyncio.sleep(_FORGIVE_EVERY_SECONDS)
