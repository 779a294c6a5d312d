"""Lives of the service that end by SIGKILL: a process with a fuse, warmed up, told its point, and surely dead at last.

A life is started while the one before still lives, since importing the product takes longer than most lives last. It
ends at its point or, by its pid, from here. Used by ``crashes`` and ``crash_controls``.
"""

import asyncio
import contextlib
import inspect
import json
import os
import pwd
import signal
from collections.abc import Mapping

from tests.acceptance import crash_points, services, stages

#: What makes lives quick; a grace of one second holds since the sandbox's Oozie has no list that lags.
SETTINGS: Mapping[str, object] = {
    "BEAT__INTERVAL_SECONDS": 0.2,
    "ENGINE__BATCH": 3,
    "ENGINE__DOUBT_GRACE_SECONDS": 1,
    "HTTP__TIMEOUT_SECONDS": 10,
}


class Lives:
    """Starts lives on one stage, and ends all of them.

    Args:
        stage: That is up.
        crew: Who runs the service there.
        environment: Settings beside ``SETTINGS``.
        without: What a negative control takes out, of ``crash_points.TAKEN_OUT``.
    """

    def __init__(
        self, stage: stages.Stage, crew: stages.Crew, *, environment: Mapping[str, object] = {}, without: str = ""
    ) -> None:
        self._stage = stage
        self._crew = crew
        self._settings = {f"NIASSA_ORCH_{key}": str(value) for key, value in {**SETTINGS, **environment}.items()}
        self._without = without
        self._stack = contextlib.AsyncExitStack()
        self._spare: services.Service | None = None
        self.begun = 0

    async def __aenter__(self) -> "Lives":
        self._spare = await self._warm_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def begin(self, point: str, passages: int) -> services.Service:
        """The next life, with the word said; the one after it is warming up.

        Args:
            point: One of ``crash_points.POINTS``, or ``""`` for a life without a fuse.
            passages: At which passage of the point it ends.
        """
        assert self._spare is not None
        life, self._spare = self._spare, await self._warm_up()
        word = {"point": point, "passages": passages, "without": self._without}
        pipe = life.process.stdin
        assert pipe is not None
        pipe.write(json.dumps(word).encode() + b"\n")
        pipe.close()
        return life

    async def end(self, life: services.Service, seconds: float) -> int:
        """Wait so long for it to end by itself, then end it; returns the exit code."""
        with contextlib.suppress(TimeoutError):
            await life.ended(seconds)
        await life.kill()
        assert life.process.returncode is not None
        return life.process.returncode

    async def _warm_up(self) -> services.Service:
        """A process that has everything imported and waits for the word."""
        self.begun += 1
        directory = self._stage.place.directory
        # Named as the stage's own, which looks for passwords there.
        output = directory.with_name(f"{directory.name}-service-life-{self.begun}.log")
        program = self._crew.argv[: self._crew.argv.index("-m")]
        who = pwd.getpwnam(self._crew.user) if self._crew.user else None
        with output.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *(*program, "-c", inspect.getsource(crash_points)),
                *("--config", str(self._stage.place.config_file), "run"),
                stdin=asyncio.subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                cwd="/",
                env={**os.environ, **self._crew.environment, **self._settings},
                user=who.pw_uid if who else None,
                group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )
        warm = services.Service(process, output)
        self._stack.push_async_callback(warm.kill)
        return warm


def ended_at(life: services.Service, point: str) -> bool:
    """Whether a life that is over ended at its point."""
    hit = f"{crash_points.MARK}{point}\n" in life.text
    return hit and life.process.returncode == -signal.SIGKILL
