"""The world of the state machine: Bob's service in one process after another, and neighbours that lose any answer."""

import asyncio
import contextlib
import dataclasses
import pathlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from niassa_orch import errors
from niassa_orch.core import calling, cycle, launching
from niassa_orch.domain import jobs, runs, settling
from niassa_orch.journal import records, store
from tests.fakes import clock as clocks
from tests.fakes import distance, engine_in_memory, steps
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages

R, J = runs.RunStatus, jobs.JobStatus
#: How late a job shows in Oozie's list: less than the grace.
_LATE_SECONDS = 60.0


class Loop(asyncio.SelectorEventLoop):
    """Runs the work of threads on the spot, so that every run of the machine takes the same steps."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        done = self.create_future()
        try:
            done.set_result(func(*args) if executor is None else executor.submit(func, *args).result())
        except Exception as exc:  # noqa: BLE001 - it is raised where the work is awaited
            done.set_exception(exc)
        return done


class LateOozie(fakes.OozieInMemory):
    """Its list shows a job some time after it was made, when ``is_late``."""

    def __init__(self, clock: clocks.Clock) -> None:
        super().__init__()
        self.is_late = False
        self._clock = clock
        self._shown: dict[str, float] = {}

    def start(self, job_id: str, status: jobs.JobStatus = J.RUNNING, **fields: Any) -> jobs.Job:
        self._shown[job_id] = self._clock.monotonic() + (_LATE_SECONDS if self.is_late else 0.0)
        return super().start(job_id, status, **fields)

    async def jobs_of(self, user: str, since: Any) -> list[jobs.JobRow]:
        now = self._clock.monotonic()
        return [row for row in await super().jobs_of(user, since) if self._shown[row.id] <= now]


class World:
    """Bob's service, and everything that it does not forget when it dies."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._closing = contextlib.ExitStack()
        self.runner = self._closing.enter_context(asyncio.Runner(loop_factory=Loop))
        patch = self._closing.enter_context(pytest.MonkeyPatch.context())
        self.stage = stages.Stage(directory)
        self._closing.callback(self.stage.close)
        stages.stop_time(patch, self.stage.clock)
        self.oozie = self.stage.oozie = LateOozie(self.stage.clock)
        self.engine = engine_in_memory.EngineInMemory(self.stage.service, self.oozie)
        patch.setattr(calling, "call", self.engine)
        self.far_service = distance.Distant(self.stage.service)
        self.far_oozie = distance.Distant(self.oozie, errors.OozieUnavailableError)
        known = fakes.enrolled(self.far_service, self.far_oozie)
        # There is no crontab in this world, and nobody to ask for one.
        alone = dataclasses.replace(known.account, beside_cron=True)
        self.stage.known = dataclasses.replace(known, account=alone)
        self.steps = steps.Steps(self.assert_fenced)
        self.begin()

    def begin(self) -> None:
        """A process begins, on what is on disk."""
        self.stage.told = fakes.board_of()
        self.stopping = asyncio.Event()
        self.stage.intents.tidy()
        self.launcher: launching.Launcher = self.stage.launcher()
        self.cycle: cycle.Cycle = self.stage.cycle(self.launcher, self.stopping)

    def close(self) -> None:
        """Nothing of it is left."""
        self.do(self.launcher.stop, whole=True)
        self._closing.close()

    def do(self, work: Callable[[], Awaitable[object]], *, whole: bool = False) -> None:
        """Do something, and let everything come to rest: what still waits then waits for the engine.

        Args:
            work: To be done.
            whole: It comes to its end by itself, however long a call takes to start.
        """

        async def done() -> None:
            with self.steps.watching():
                task = asyncio.get_running_loop().create_task(_run(work))
                if whole:
                    await asyncio.wait({task})
                await self.steps.quiet()
                while self.engine.starting and not whole:
                    await self.steps.quiet()
                if not task.cancelled() and task.done():
                    task.result()

        self.runner.run(done())

    def beat(self, *, whole: bool = False) -> None:
        """Poll, launch, settle, propagate; what neighbours do to a beat is not the test's."""

        async def beat() -> None:
            with contextlib.suppress(errors.NiassaOrchError):
                await self.stage.journal.refresh()
                await self.cycle.cycle(self.stage.known)

        self.do(beat, whole=whole)

    def beat_and_die(self, step: int) -> None:
        """The process dies at this step of a beat, or at its end."""
        self.dies_at(step)
        self.beat()
        self.die()

    def dies_at(self, step: int) -> None:
        """The process dies so many steps from now, unless ``die`` comes first."""
        self.steps.at(step, self._die)

    def die(self) -> None:
        """SIGKILL, and a new process."""

        async def dies() -> None:
            self._die()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)

        self.runner.run(dies())
        self.stage.slots = type(self.stage.slots)(self.stage.slots.size)
        self.stage.restart()
        self.begin()

    def _die(self) -> None:
        self.steps.kill()
        self.engine.lose_starts()

    def stop(self, *, at_once: bool) -> None:
        """An orderly end, and a new process."""
        self.stopping.set()
        self.do(lambda: self.launcher.stop(at_once=at_once), whole=True)
        self.stage.restart()
        self.begin()

    def beat_and_stop(self, step: int, *, at_once: bool) -> None:
        """A stop comes at this step of a beat."""
        loop = self.runner.get_loop()

        def stop() -> None:
            self.stopping.set()
            loop.create_task(_run(lambda: self.launcher.stop(at_once=at_once)))

        self.steps.at(step, lambda: loop.call_soon(stop))
        self.beat(whole=True)
        self.steps.forget()

    def pass_time(self, seconds: float) -> None:
        """Time passes."""
        self.stage.clock.advance(seconds)

    def resolve(self, launch: Any) -> None:
        """An administrator looks into Oozie's books and says what is so."""
        made = [job for job, accession in self.engine.jobs.items() if accession == launch.accession]
        said = records.Settled(settling.Outcome.CLEAN, "a person said so", told=records.Told.RELAUNCH)
        with contextlib.closing(store.Journal(self.stage.state.journal)) as other:
            for known in other.unsettled():
                if (known.call_id, known.accession) == (launch.call_id, launch.accession):
                    work = other.tell(known, records.Told.LAUNCHED, made[0]) if made else other.settle(known, said)
                    self.runner.run(work)

    def assert_fenced(self) -> None:
        """No call lives whose runs somebody may touch, and none is made beside another of the same user."""
        assert not self.engine.clashes, "two calls of one Unix user at once"
        fenced = {launch.transcript for launch in self.stage.journal.unsettled()}
        assert {path.name for path in self.engine.living} <= fenced, "the fence is open, and the call lives"


async def _run(work: Callable[[], Awaitable[object]]) -> None:
    await work()
