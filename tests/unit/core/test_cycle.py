import asyncio
import pathlib

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import cycle, launching, pool, propagating, settlement, state_directory
from niassa_orch.domain import jobs, runs
from tests.fakes import neighbours_in_memory as fakes

R, J = runs.RunStatus, jobs.JobStatus


class Scene:
    """Bob's whole beat, with neighbours in memory and no engine."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.service = fakes.WebServiceInMemory()
        self.oozie = fakes.OozieInMemory()
        self.told = fakes.board_of()
        self.known = fakes.enrolled(self.service, self.oozie, directory / "mediator")
        self.stopping = asyncio.Event()
        self.slots = pool.Pool(1)
        self.line = self.told.line("bob")
        settle = settlement.Settlement(self.told, self.slots, 120)
        state = state_directory.StateDirectory(directory)
        self.launcher = launching.Launcher(self.line, self.told, pool.EngineTurns(2), settle, state, settings.Engine())
        propagator = propagating.Propagator(self.told, 3600)
        self.cycle = cycle.Cycle(self.line, self.slots, self.launcher, propagator, self.stopping)

    def running(self, accession: int, job: jobs.JobStatus = J.SUCCEEDED, status: runs.RunStatus = R.RUNNING) -> None:
        self.oozie.start(f"{accession}-oozie-W", job)
        self.service.schedule(accession, status, statusCmd=f"{accession}-oozie-W", workflowEngine="oozie")

    def status(self, accession: int) -> runs.RunStatus | None:
        return self.service.run(accession).status


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> Scene:
    return Scene(tmp_path)


async def test_a_beat_brings_every_active_run_up_to_its_job(scene: Scene) -> None:
    for accession in (1, 2, 3):
        scene.running(accession)
    await scene.cycle.cycle(scene.known)
    assert [scene.status(accession) for accession in (1, 2, 3)] == [R.COMPLETED] * 3
    assert scene.line.counts == {R.RUNNING: 3}
    assert scene.line.last_good_poll is not None
    assert (scene.slots.busy, scene.slots.waiting) == (0, 0)


async def test_cancels_are_carried_out_before_the_rest_once_a_slot_is_free(scene: Scene) -> None:
    for accession in (1, 2, 3):
        scene.running(accession)
    scene.running(4, J.RUNNING, R.SUBMITTED_CANCEL)
    await scene.cycle.cycle(scene.known)
    order = [asked for asked in scene.oozie.asked if asked.startswith("job ")]
    assert order.index("job 4-oozie-W") <= 1
    assert scene.status(4) is R.CANCELLED


async def test_when_oozie_is_down_it_is_asked_once_a_beat_and_the_account_goes_on(scene: Scene) -> None:
    for accession in (1, 2, 3):
        scene.running(accession)
    scene.oozie.down = True
    await scene.cycle.cycle(scene.known)
    assert len(scene.oozie.asked) == 1
    assert scene.line.warning == "no connection to Oozie"
    scene.oozie.down = False
    await scene.cycle.cycle(scene.known)
    assert scene.line.warning == ""
    assert scene.status(3) is R.COMPLETED


async def test_a_run_that_cannot_be_written_does_not_hold_up_the_others(scene: Scene) -> None:
    def forbidden() -> None:
        raise errors.ForbiddenError

    for accession in (1, 2):
        scene.running(accession)
    scene.service.before_put.append(forbidden)
    await scene.cycle.cycle(scene.known)
    assert sorted([str(scene.status(1)), str(scene.status(2))]) == ["completed", "running"]
    assert "run.left_alone" in fakes.names(scene.told)


async def test_a_web_service_that_fails_on_the_way_makes_the_beat_fail(scene: Scene) -> None:
    scene.running(1)
    scene.service.before_get = [None] * 5 + [fakes.unreachable]
    with pytest.raises(errors.WebServiceUnavailableError):
        await scene.cycle.cycle(scene.known)


async def test_a_service_that_stops_polls_no_more_and_moves_nothing(scene: Scene) -> None:
    scene.running(1)
    scene.stopping.set()

    async def hangs(status: runs.RunStatus, host: str, _owner: str) -> list[runs.WorkflowRun]:  # noqa: ARG001
        await asyncio.Event().wait()
        return []

    scene.service.list_runs = hangs  # type: ignore[method-assign]
    await scene.cycle.cycle(scene.known)
    assert scene.line.last_good_poll is None
    assert scene.status(1) is R.RUNNING
