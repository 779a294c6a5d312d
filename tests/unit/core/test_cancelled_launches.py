"""A launch that is cancelled at each of its waits, from offer to verdict, and what the next process makes of it.

How many waits there are is found by trying: the last try is the one whose launch ended before its turn came.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import pathlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from niassa_orch.core import calling, launching
from niassa_orch.domain import runs
from niassa_orch.seqware import call
from tests.fakes import calls, distance, engine_in_memory, steps
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
JOB, DIRECTORY, WELL = launches.JOB, launches.DIRECTORY, launches.WELL
#: More than any launch here has; who comes that far is told instead of waiting for ever.
_MOST_STEPS = 400
_LIVING_WAITS = 5

Ending = Callable[[launching.Launcher], Awaitable[None]]


@dataclasses.dataclass(frozen=True, slots=True)
class Play:
    """What is launched: by accession the job that its run must have, and what the engine says."""

    jobs: dict[int, str]
    lines: tuple[str, ...]


PLAYS = {
    "the job is in the transcript": Play({7: JOB}, tuple(WELL)),
    "only Oozie knows the job": Play({7: JOB}, tuple(calls.whole(*calls.launching(7, DIRECTORY)))),
    "two runs": Play(
        {7: JOB, 8: "8-W"},
        tuple(calls.whole(*calls.launching(7, DIRECTORY), *calls.launching(8, "/scratch/oozie-8", "8-W"))),
    ),
}


async def cancel(launcher: launching.Launcher) -> None:
    """The launch alone is cancelled; what is left is stopped."""
    for task in asyncio.all_tasks():
        if task.get_name().startswith(("launch:", "adopted:")):
            task.cancel()
    await launcher.stop()


async def stop(launcher: launching.Launcher) -> None:
    """An orderly stop."""
    await launcher.stop()


async def stop_at_once(launcher: launching.Launcher) -> None:
    """A stop that gives up verdicts too."""
    await launcher.stop(at_once=True)


async def stop_then_at_once(launcher: launching.Launcher) -> None:
    """An orderly stop that is itself cancelled."""
    stopping = asyncio.ensure_future(launcher.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    await asyncio.wait({stopping})
    await launcher.stop(at_once=True)


ENDINGS = (cancel, stop, stop_at_once, stop_then_at_once)


Begin = Callable[["Room", launches.Scene], Awaitable[None]]


class Room:
    """A stage of its own for one try."""

    def __init__(self, directory: pathlib.Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
        directory.mkdir()
        self.play = play
        self.stage = stage = stages.Stage(directory)
        stages.stop_time(monkeypatch, stage.clock)
        far = [distance.Distant(near) for near in (stage.service, stage.oozie)]
        stage.known = fakes.enrolled(far[0], far[1], stage.mediator)
        stage.says(*play.lines)
        for accession, job in play.jobs.items():
            stage.service.schedule(accession)
            stage.oozie.start(job, app_path=f"/apps/oozie-{1 if accession == 7 else accession}")
        self.steps = steps.Steps(self.assert_fenced)

    def assert_fenced(self) -> None:
        """No call lives whose runs somebody else may touch."""
        fenced = {launch.transcript for launch in self.stage.journal.unsettled()}
        for transcript in self.stage.directory.glob("state/calls/*/*.transcript"):
            with contextlib.suppress(FileNotFoundError):  # it is just being put away
                assert transcript.name in fenced or not call.is_held(transcript), (
                    "the fence is open, and the call lives"
                )

    async def first_process(self, begin: Begin, ending: Ending, step: int) -> bool:
        """Launch, and end at this step; returns whether the launch came that far."""
        scene = launches.Scene(self.stage)
        loop = asyncio.get_running_loop()
        ends: list[asyncio.Task[None]] = []

        def end() -> None:
            ends.append(loop.create_task(_run(ending(scene.launcher))))

        with self.steps.watching():
            # As soon as the task waits, before what it waits for can come.
            self.steps.at(step, lambda: loop.call_soon(end))
            await begin(self, scene)
            await scene.launcher.join()
            came = self.steps.is_done
            await asyncio.sleep(0)
            await asyncio.gather(*ends)
            await scene.launcher.stop()
        return came

    @contextlib.asynccontextmanager
    async def living_call(self, ending: Ending, waits: int) -> AsyncIterator[None]:
        """A process ends after so many turns of waiting for its call, which lives on while the context lasts."""
        self.stage.bar(7)
        self.stage.says(*self.play.lines, gate=True)
        scene, counted = launches.Scene(self.stage), steps.Steps(self.assert_fenced)
        async with contextlib.AsyncExitStack() as gate:
            with counted.watching():
                scene.offer()
                await gate.enter_async_context(self.stage.at_gate(7))
                await self.stage.until(lambda: self.stage.unsettled()[7].started)
                for _ in range(waits):
                    await asyncio.sleep(0)
                await ending(scene.launcher)
                await scene.launcher.stop()
            self.stage.restart()
            yield

    async def next_processes(self) -> None:
        """Another process serves until nothing is left to do."""
        scene = launches.Scene(self.stage)
        scene.start()
        self.stage.intents.tidy()
        with self.steps.watching():
            for _ in range(4):
                await asyncio.create_task(_run(scene.beat()))
                self.stage.clock.advance(stages.GRACE_SECONDS)
            await scene.launcher.stop()

    def assert_launched_once(self) -> None:
        """By the books of the neighbours, and by ours."""
        stage = self.stage
        launched = [word for line in stage.called for word in line.split()[1:]]
        assert sorted(launched) == sorted(map(str, self.play.jobs)), f"called: {stage.called}"
        for accession, job in self.play.jobs.items():
            run = stage.service.run(accession)
            assert (run.status, run.status_cmd) == (R.PENDING, job)
        assert not stage.unsettled()
        assert not list(stage.directory.glob("state/calls/open/*"))


async def _run(work: Awaitable[None]) -> None:
    await work


async def offer(_room: Room, scene: launches.Scene) -> None:
    scene.offer()


async def adopt(room: Room, scene: launches.Scene) -> None:
    """Take a living call up, which ends then."""
    async with room.living_call(stop, 1):
        scene.start()
        scene.launcher.take_up(room.stage.known)
        assert room.stage.line.in_flight == tuple(room.play.jobs)


@contextlib.asynccontextmanager
async def tries(tmp_path: pathlib.Path, play: Play) -> AsyncIterator[Callable[[int], Room]]:
    """Rooms, one a try, all closed in the end."""
    with contextlib.ExitStack() as opened, pytest.MonkeyPatch.context() as patch:

        def room(step: int) -> Room:
            made = Room(tmp_path / str(step), play, patch)
            opened.callback(made.stage.close)
            return made

        yield room


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("play", PLAYS.values(), ids=PLAYS)
async def test_a_launch_that_is_ended_at_any_of_its_waits_is_launched_once_in_the_end(
    tmp_path: pathlib.Path, play: Play, ending: Ending
) -> None:
    async with tries(tmp_path, play) as room:
        for step in itertools.count(1):
            assert step < _MOST_STEPS
            tried = room(step)
            came = await tried.first_process(offer, ending, step)
            await tried.next_processes()
            tried.assert_launched_once()
            if not came:
                break
    assert step > 15, "a launch has more waits than that"


@pytest.mark.parametrize("ending", ENDINGS)
async def test_an_adopted_call_that_is_let_go_at_any_wait_is_settled_by_the_next_process_and_not_called_again(
    tmp_path: pathlib.Path, ending: Ending
) -> None:
    play = PLAYS["only Oozie knows the job"]
    async with tries(tmp_path, play) as room:
        for step in itertools.count(1):
            assert step < _MOST_STEPS
            tried = room(step)
            came = await tried.first_process(adopt, ending, step)
            await tried.next_processes()
            tried.assert_launched_once()
            if not came:
                break
    assert step > 10, "an adoption has more waits than that"


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_call_that_lives_on_after_its_process_is_fenced_and_waited_for_by_the_next(
    tmp_path: pathlib.Path, ending: Ending
) -> None:
    async with tries(tmp_path, PLAYS["two runs"]) as room:
        for waits in range(1, _LIVING_WAITS):
            tried = room(waits)
            async with tried.living_call(ending, waits):
                scene = launches.Scene(tried.stage)
                scene.launcher.take_up(tried.stage.known)
                scene.offer()
                assert not scene.is_available(7)
                assert not scene.is_available(8)
                assert tried.stage.line.in_flight == (7, 8)
                await scene.launcher.stop()
            await tried.next_processes()
            tried.assert_launched_once()


async def test_a_start_that_was_begun_is_waited_for_however_often_its_launch_is_cancelled(
    stage: stages.Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_in_memory.EngineInMemory(stage.service, stage.oozie)
    monkeypatch.setattr(calling, "call", engine)
    stage.service.schedule(7)
    launcher = stage.launcher()
    # There is no mediator that could be asked for a crontab.
    launcher.offer(stages.renamed(stage, "bob", beside_cron=True), stages.rows(stage))
    while not engine.starting:  # noqa: ASYNC110 - it takes but some turns of the loop
        await asyncio.sleep(0)
    assert not engine.living
    for _ in range(3):
        stopping = asyncio.ensure_future(launcher.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        await asyncio.wait({stopping})
    await launcher.stop(at_once=True)
    assert engine.living, "who serves next finds no transcript, and the call begins after that"
