"""Many changes come in several pages, each of which is told at once: what fails or moves between two of them."""

import itertools

import pytest

from niassa_orch.domain import jobs
from niassa_orch.oozie import documents
from tests.fakes import job_watching

J = jobs.JobStatus


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> job_watching.Scene:
    monkeypatch.setattr(documents, "PAGE_ROWS", 3)
    monkeypatch.setattr(documents, "LARGE_PAGE_ROWS", 5)
    return job_watching.Scene(monkeypatch, overlap_seconds=30)


async def suspended(scene: job_watching.Scene, seconds: int) -> list[str]:
    """Twenty jobs, all of which changed so long after they were seen."""
    started = scene.start(20)
    await scene.poll()
    scene.pass_seconds(seconds)
    for job_id in started:
        scene.there.becomes(job_id, J.SUSPENDED)
    return started


async def test_what_was_read_before_a_failure_is_told_once_and_nothing_is_lost(scene: job_watching.Scene) -> None:
    started = scene.start(20)
    await scene.poll()
    scene.pass_seconds(1000)
    for job_id in started:
        scene.there.becomes(job_id, J.SUCCEEDED)
    told_before = len(scene.watcher.told)
    for failing, told in ((1, 0), (2, 3), (4, 9)):
        asked = itertools.count()
        scene.there.meanwhile = lambda asked=asked, failing=failing: scene.fail_at(next(asked), failing)  # type: ignore[misc]
        await scene.poll_in_vain()
        assert scene.poller.state.trouble.endswith("no connection")
        assert len(scene.watcher.told) == told_before + told
        scene.pass_seconds(1000)
    scene.there.meanwhile = lambda: None
    assert len(await scene.poll()) == 11
    assert scene.poller.state.trouble == ""
    assert scene.knows_all()


async def test_a_row_of_the_very_second_that_a_failed_reading_told_is_told_again_when_that_is_over(
    scene: job_watching.Scene,
) -> None:
    await suspended(scene, 1000)
    asked = itertools.count()
    scene.there.meanwhile = lambda: scene.fail_at(next(asked), 2)
    await scene.poll_in_vain()
    told = [accession for accession, _ in scene.watcher.told[20:]]
    assert told == [20, 19, 18]  # what their actions do in this second shows in no row
    assert sorted(accession for accession, _ in await scene.poll()) == [*range(1, 21)]


async def test_a_job_that_was_told_and_moves_before_the_next_page_is_told_again_at_the_next_tick(
    scene: job_watching.Scene,
) -> None:
    started = await suspended(scene, 60)
    told: list[int] = []

    def move_up() -> None:
        told.append(len(scene.watcher.told) - 20)
        if len(told) == 3:
            scene.there.becomes(started[-1], J.KILLED)

    scene.there.meanwhile = move_up
    await scene.poll()
    assert told == [0, 3, 5, 9, 13, 17]
    assert scene.watcher.seen(20) != scene.there.jobs[started[-1]].seen
    await scene.poll()
    assert scene.knows_all()
