import asyncio
import pathlib
from collections.abc import Iterator

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs, runs
from tests.fakes import stage as stages
from tests.unit.core import beats as beat_scenes

R, J = runs.RunStatus, jobs.JobStatus


@pytest.fixture
def stage(tmp_path: pathlib.Path) -> Iterator[stages.Stage]:
    """With one slot, so that things happen one after the other."""
    found = stages.Stage(tmp_path, slots=1)
    yield found
    found.close()


@pytest.fixture
def beats(stage: stages.Stage) -> beat_scenes.Beats:
    return beat_scenes.Beats(stage)


async def test_a_beat_brings_every_active_run_up_to_its_job(stage: stages.Stage, beats: beat_scenes.Beats) -> None:
    for accession in (1, 2, 3):
        beats.running(accession)
    await beats.cycle.cycle(stage.known)
    assert beats.statuses(1, 2, 3) == [R.COMPLETED] * 3
    assert stage.line.counts == {}
    assert stage.line.last_good_poll is not None
    assert (stage.slots.busy, stage.slots.waiting) == (0, 0)


async def test_cancels_are_carried_out_before_the_rest_once_a_slot_is_free(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    for accession in (1, 2, 3):
        beats.running(accession)
    beats.running(4, J.RUNNING, R.SUBMITTED_CANCEL)
    await beats.cycle.cycle(stage.known)
    order = [asked for asked in stage.oozie.asked if asked.startswith("job ")]
    assert order.index("job 4-oozie-W") <= 1
    assert stage.service.run(4).status is R.CANCELLED


async def test_when_oozie_is_down_it_is_asked_once_a_beat_and_the_account_goes_on(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    for accession in (1, 2, 3):
        beats.running(accession)
    stage.oozie.down = True
    await beats.cycle.cycle(stage.known)
    assert stage.oozie.asked == ["changes"]
    assert stage.line.warning == "no connection to Oozie"
    stage.oozie.down = False
    await beats.cycle.cycle(stage.known)
    assert stage.line.warning == ""
    assert stage.service.run(3).status is R.COMPLETED


async def test_a_run_that_cannot_be_written_does_not_hold_up_the_others(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    def forbidden() -> None:
        raise errors.ForbiddenError

    for accession in (1, 2):
        beats.running(accession)
    stage.service.before_put.append(forbidden)
    await beats.cycle.cycle(stage.known)
    assert sorted(map(str, beats.statuses(1, 2))) == ["completed", "running"]
    assert "run.left_alone" in stage.events


async def test_a_service_that_stops_polls_no_more_and_moves_nothing(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    beats.running(1)
    beats.stopping.set()

    async def hangs(status: runs.RunStatus, host: str) -> list[runs.WorkflowRun]:  # noqa: ARG001
        await asyncio.Event().wait()
        return []

    stage.service.list_runs = hangs  # type: ignore[method-assign]
    await beats.cycle.cycle(stage.known)
    assert stage.line.last_good_poll is None
    assert stage.service.run(1).status is R.RUNNING


async def test_a_run_that_was_taken_away_while_nobody_looked_is_not_read_for_its_texts_ever_after(
    stage: stages.Stage, beats: beat_scenes.Beats, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages.stop_time(monkeypatch, stage.clock)
    stage.oozie.start("1-oozie-W", J.RUNNING, actions=(jobs.Action("align", "RUNNING", "4711"),))
    stage.service.schedule(1, R.PENDING, statusCmd="1-oozie-W")
    await beats.cycle.cycle(stage.known)
    await beats.cycle.cycle(stage.known)
    beats.watch.leave()
    stage.service.sets(1, status=R.COMPLETED)()
    await stage.pollers.of_runs(stage.known).close()
    stage.clock.advance(1000)
    bystander = stages.renamed(stage, "eve", web_user="eve@lab.net")
    poller = stage.pollers.of_runs(bystander)
    await poller.refresh(poller.join(bystander, 0.0))
    await stage.until(lambda: not len(poller.runs_of("bob@lab.net")))
    for _ in range(2):
        stage.service.asked.clear()
        await beats.cycle.cycle(stage.known)
    assert "GET 1" not in stage.service.asked
