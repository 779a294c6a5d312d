"""The crash harness: the real service dies by SIGKILL again and again, at named points and at random moments.

Each life is a process of its own, started while the one before still lives and let go when that is dead; it is killed
by its own fuse (``crash_points``) or, by its pid, from here. Users (``crash_users``) go on meanwhile. At the end the
service serves in quiet, and the neighbours' books are judged (``crash_books``). The seed says which points in which
order and what users do; the machine's own timing is not replayed. Used by ``test_crashes``.
"""

import asyncio
import collections
import contextlib
import inspect
import itertools
import json
import os
import pwd
import random
import signal
from collections.abc import AsyncIterator, Iterator

from tests.acceptance import books, crash_books, crash_points, crash_report, crash_users, services, stages

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
_SETTINGS: dict[str, object] = {
    "BEAT__INTERVAL_SECONDS": 0.2,
    "ENGINE__BATCH": 3,
    "ENGINE__DOUBT_GRACE_SECONDS": 1,
    "HTTP__TIMEOUT_SECONDS": 10,
}


class Harness:
    """Many lives of the service on one stage.

    Args:
        stage: That is up.
        crew: Who runs the service there.
        seed: Of the dice.
        forgetful: The negative control: the journal and the transcripts are gone at each start.
    """

    def __init__(self, stage: stages.Stage, crew: stages.Crew, seed: int, *, forgetful: bool = False) -> None:
        self._stage = stage
        self._crew = crew
        self._seed = seed
        self._forgetful = forgetful
        self._dice = random.Random(seed)  # noqa: S311 - guards no secret
        self._users = crash_users.Users(stage, random.Random(seed + 1))  # noqa: S311
        self._crashes: collections.Counter[str] = collections.Counter()
        self._lives = 0

    async def crash(
        self, crashes: int, *, every_point: bool = False, quiet_seconds: float = 150
    ) -> crash_report.Report:
        """Die so many times, serve in quiet, judge.

        Args:
            crashes: How many.
            every_point: Go on with the points that no life came by.
            quiet_seconds: How long at most the service serves in quiet, until nothing is left to do.
        """
        async with self._users_about(), contextlib.AsyncExitStack() as lives:
            spare = await self._warm_up(lives)
            for point, passages in self._deck(crashes, every_point=every_point):
                life, spare = spare, await self._warm_up(lives)
                await self._live(life, point, passages)
                self._forget()
        doubts = await self._serve_in_quiet(quiet_seconds)
        seen = await crash_books.read(self._stage, self._users, doubts)
        findings = crash_books.judge(self._stage, self._users, seen)
        return crash_report.Report((self._seed,), self._crashes, findings, self._totals(seen))

    def _deck(self, crashes: int, *, every_point: bool) -> Iterator[tuple[str, int]]:
        """Points and at which passage, until there were enough crashes; then those that were never come by."""
        while self._crashes.total() < crashes:
            points = [*crash_points.POINTS, *[crash_report.RANDOM_MOMENT] * (len(crash_points.POINTS) // 4)]
            for point in self._dice.sample(points, len(points)):
                if self._crashes.total() < crashes:
                    yield point, self._dice.choice((1, 1, 1, 2, 3))
        if every_point:
            for _, point in itertools.product(range(_MORE_TRIES), crash_points.POINTS):
                if not self._crashes[point]:
                    yield point, 1

    @contextlib.asynccontextmanager
    async def _users_about(self) -> AsyncIterator[None]:
        stopped = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._users.live(stopped), name="users")
            try:
                yield
            finally:
                stopped.set()

    async def _warm_up(self, lives: contextlib.AsyncExitStack) -> services.Service:
        """A process that has everything imported and waits for the word."""
        self._lives += 1
        directory = self._stage.place.directory
        # Named as the stage's own, which looks for passwords there.
        output = directory.with_name(f"{directory.name}-service-life-{self._lives}.log")
        program = self._crew.argv[: self._crew.argv.index("-m")]
        who = pwd.getpwnam(self._crew.user) if self._crew.user else None
        settings = {f"NIASSA_ORCH_{key}": str(value) for key, value in _SETTINGS.items()}
        with output.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *(*program, "-c", inspect.getsource(crash_points)),
                *("--config", str(self._stage.place.config_file), "run"),
                stdin=asyncio.subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                cwd="/",
                env={**os.environ, **self._crew.environment, **settings},
                user=who.pw_uid if who else None,
                group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )
        warm = services.Service(process, output)
        lives.push_async_callback(warm.kill)
        return warm

    async def _live(self, life: services.Service, point: str, passages: int) -> None:
        """One life, from the word to its end; what does not end at its point ends at some moment."""
        named = point in crash_points.POINTS
        self._users.need = _NEEDS.get(point.partition(" ")[2], "launch") if named else "launch"
        word = json.dumps({"point": point if named else "", "passages": passages})
        pipe = life.process.stdin
        assert pipe is not None
        pipe.write(word.encode() + b"\n")
        pipe.close()
        seconds = _LIFE_SECONDS if named else self._dice.uniform(0, 2)
        asking = asyncio.create_task(self._ask(life, self._users.need), name="asking")
        with contextlib.suppress(TimeoutError):
            await life.ended(seconds)
        asking.cancel()
        await asyncio.wait({asking})
        await life.kill()
        self._count(life, point)

    def _count(self, life: services.Service, point: str) -> None:
        code = life.process.returncode
        if code == -signal.SIGKILL:
            hit = f"{crash_points.MARK}{point}\n" in life.text
            self._crashes[point if hit else crash_report.RANDOM_MOMENT] += 1
        else:
            # A drain that came by no fuse; a life may end in no other way.
            assert (code, self._users.need) == (0, "stop"), f"{point}: exit code {code}\n{life.text}"

    async def _ask(self, life: services.Service, need: str) -> None:
        """What an administrator does to the service, if that is what it has to die at."""
        number = {"stop": signal.SIGTERM, "reload": signal.SIGHUP}.get(need)
        if number is not None:
            await life.tells("launch.called", seconds=_LIFE_SECONDS)
            life.signal(number)

    def _forget(self) -> None:
        if self._forgetful:
            state = self._stage.place.state_dir
            for file in (*state.glob("journal.sqlite*"), *self._stage.transcripts()):
                file.unlink()

    async def _serve_in_quiet(self, seconds: float) -> list[books.Record]:
        """Until nothing is left to do but for a person, or the time is over; what the service shows to that person."""
        async with self._stage.service(**_SETTINGS):
            with contextlib.suppress(AssertionError):  # what is not done is for the judge
                await books.until("nothing left to do", self._is_quiet, seconds)
        return await self._doubts()

    async def _is_quiet(self) -> bool | None:
        runs = await self._users.runs()
        await self._users.give_up(runs)
        if self._users.unfinished(runs):
            return None
        # Ended is not settled yet: a record may say failed over a job that runs.
        held = {doubt["accession"] for doubt in await self._doubts() if doubt["outcome"] == "held"}
        half_done = {one for one, (_, plan) in self._users.scheduled.items() if plan.is_for_a_person}
        return held == half_done or None

    async def _doubts(self) -> list[books.Record]:
        async with self._stage.service("doubts", "--json") as asked:
            assert await asked.ended() == 0
            doubts: list[books.Record] = json.loads(asked.text)
        return doubts

    def _totals(self, seen: crash_books.Books) -> collections.Counter[str]:
        statuses = collections.Counter(str(seen.runs[accession]["status"]) for accession in self._users.scheduled)
        launches = {
            "runs": len(self._users.scheduled),
            "launches": seen.launches,
            "shown to a person": len(seen.doubts),
        }
        return statuses + collections.Counter({"lives": self._lives, **launches})
