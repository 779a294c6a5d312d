import dataclasses
import itertools

import pytest

from niassa_orch.core import job_polling
from niassa_orch.domain import jobs, runs
from tests.fakes import job_watching

J = jobs.JobStatus
SORTED = "sortby=lastModifiedTime"
GONE = "0009999-210203040506789-oozie-oozi-W"


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> job_watching.Scene:
    return job_watching.Scene(monkeypatch, overlap_seconds=30)


async def test_a_quiet_tick_is_one_request_and_tells_nothing(scene: job_watching.Scene) -> None:
    scene.start(1000)
    assert len(await scene.poll()) == 1000
    scene.pass_seconds(31)
    for _ in range(3):
        assert await scene.poll() == []
    assert scene.there.filters == [SORTED]
    assert scene.there.lengths[-1] == 200


async def test_a_change_is_told_once_and_to_its_watcher_only(scene: job_watching.Scene) -> None:
    _, job_id, _ = scene.start(3)
    await scene.poll()
    scene.there.becomes(job_id, J.SUCCEEDED)
    ((accession, row),) = await scene.poll()
    assert (accession, row and row.status) == (2, J.SUCCEEDED)
    assert await scene.poll() == []


async def test_a_change_in_the_second_of_the_reading_is_told_again_when_that_is_over(
    scene: job_watching.Scene,
) -> None:
    _, job_id, _ = scene.start(3)
    await scene.poll()
    scene.pass_seconds(60)
    scene.there.becomes(job_id, J.SUSPENDED)
    for _ in range(2):
        await scene.poller.poll()  # what its actions do in this second shows in no row
    assert [accession for accession, _ in scene.watcher.told[3:]] == [2]
    assert [accession for accession, _ in await scene.poll()] == [2]
    assert await scene.poll() == []


async def test_each_of_status_rerun_and_second_is_a_change_of_its_own(scene: job_watching.Scene) -> None:
    (job_id,) = scene.start(1)
    job = scene.there.jobs[job_id]
    await scene.poll()
    for change in ({"status": J.SUSPENDED}, {"run": 1}, {"modified": job.modified and job.modified + 1}):
        scene.there.jobs[job_id] = dataclasses.replace(scene.there.jobs[job_id], **change)
        assert len(await scene.poll()) == 1, change


@pytest.mark.usefixtures("short_pages")
async def test_what_shows_late_with_an_earlier_second_is_found(scene: job_watching.Scene) -> None:
    late, *others = scene.start(20)
    scene.pass_seconds(100)
    await scene.poll()
    scene.pass_seconds(25)
    for job_id in others:
        scene.there.becomes(job_id, J.SUSPENDED)
    await scene.poll()
    scene.there.becomes(late, J.SUCCEEDED, late_seconds=25)
    ((accession, _),) = await scene.poll()
    assert accession == job_watching.number(late)


@pytest.mark.usefixtures("short_pages")
async def test_a_job_that_moves_up_while_lists_are_read_is_found_at_the_next_tick(
    scene: job_watching.Scene,
) -> None:
    started = scene.start(20)
    await scene.poll()
    scene.pass_seconds(60)
    for job_id in started[5:]:
        scene.there.becomes(job_id, J.SUSPENDED)
    steps = itertools.count()

    def move_up() -> None:
        if next(steps) == 2:
            scene.pass_seconds(60)
            scene.there.becomes(started[5], J.KILLED)

    scene.there.meanwhile = move_up
    await scene.poll()
    await scene.poll()
    assert scene.knows_all()


async def test_two_runs_that_name_one_job_are_both_told_until_one_is_unwatched(scene: job_watching.Scene) -> None:
    (job_id,) = scene.start(1)
    await scene.poll()
    scene.watcher.watch(job_id, 77)
    assert [accession for accession, _ in await scene.poll()] == [77]
    scene.there.becomes(job_id, J.SUSPENDED)
    assert sorted(accession for accession, _ in await scene.poll()) == [1, 77]
    scene.poller.unwatch(job_id, runs.Accession(77), scene.watcher)
    scene.there.becomes(job_id, J.RUNNING)
    assert [accession for accession, _ in await scene.poll()] == [1]
    assert scene.poller.state.watched == 1


async def test_a_few_new_jobs_are_asked_for_by_id_in_one_request(scene: job_watching.Scene) -> None:
    scene.start(10_000)
    await scene.poll()
    scene.pass_seconds(600)
    old = [scene.there.start(status=J.SUCCEEDED) for _ in range(300)]
    for _ in range(3):
        scene.pass_seconds(31)
        await scene.poll()
    for job_id in old[:30]:
        scene.watcher.watch(job_id, job_watching.number(job_id))
    assert len(await scene.poll()) == 30
    assert [text.partition("=")[0] for text in scene.there.filters] == ["sortby", "id"]


@pytest.mark.parametrize("count", [1, 5000])
async def test_new_jobs_whose_reading_failed_are_asked_for_again(scene: job_watching.Scene, count: int) -> None:
    await scene.poll()
    started = [scene.there.start(status=J.SUSPENDED) for _ in range(count)]
    scene.pass_seconds(31)
    for _ in range(200):
        scene.there.start()
    for _ in range(3):
        scene.pass_seconds(31)
        await scene.poll()
    for job_id in started:
        scene.watcher.watch(job_id, job_watching.number(job_id))
    asked = itertools.count()
    scene.there.meanwhile = lambda: scene.fail_at(next(asked), 2)
    await scene.poll_in_vain()
    assert scene.watcher.told == []
    assert len(await scene.poll()) == count


async def test_many_new_jobs_are_asked_for_in_bulk(scene: job_watching.Scene) -> None:
    await scene.poll()
    scene.start(5000)
    scene.pass_seconds(600)
    assert len(await scene.poll()) == 5000
    assert len(scene.there.filters) < 8
    assert scene.knows_all()


async def test_a_job_that_is_not_to_be_found_is_told_at_once_and_at_each_sweep(scene: job_watching.Scene) -> None:
    await scene.poll()
    scene.watcher.watch(GONE, 9)
    assert await scene.poll() == [(9, None)]
    assert await scene.poll() == []
    scene.pass_seconds(900)
    assert await scene.poll() == [(9, None)]
    assert await scene.poll() == []


async def test_a_job_that_vanishes_is_told_at_the_next_sweep_and_again_when_it_is_back(
    scene: job_watching.Scene,
) -> None:
    kept, lost = scene.start(2)
    await scene.poll()
    job = scene.there.jobs.pop(lost)
    scene.there.becomes(kept, J.RUNNING)
    assert [accession for accession, _ in await scene.poll()] == [1]
    scene.pass_seconds(900)
    assert await scene.poll() == [(2, None)]
    scene.there.jobs[lost] = job
    scene.pass_seconds(900)
    ((accession, row),) = await scene.poll()
    assert (accession, row and row.status) == (2, J.RUNNING)


async def test_a_sweep_finds_what_no_increment_told(scene: job_watching.Scene) -> None:
    alive, ended = scene.start(2)
    await scene.poll()
    scene.pass_seconds(1000)
    scene.start(300)
    for _ in range(3):
        scene.pass_seconds(31)
        await scene.poll()
    for job_id, status in ((alive, J.SUSPENDED), (ended, J.KILLED)):
        scene.there.becomes(job_id, status, late_seconds=600)
    assert await scene.poll() == []
    scene.pass_seconds(900)
    assert sorted(accession for accession, _ in await scene.poll()) == [1, 2]
    assert scene.knows_all()


@pytest.mark.usefixtures("short_pages")
async def test_changes_are_told_between_the_slices_of_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = job_watching.Scene(monkeypatch, slice_seconds=2.0)
    started = scene.start(60)
    scene.pass_seconds(100)
    scene.start(1)
    scene.there.meanwhile = lambda: scene.clock.advance(1.0)
    await scene.poll()
    assert scene.poller.state.sweeping
    scene.there.becomes(started[0], J.SUCCEEDED)
    assert (1, J.SUCCEEDED) in [(accession, row and row.status) for accession, row in await scene.poll()]
    assert len(scene.there.filters) <= 4
    while scene.poller.state.sweeping:
        await scene.poll()
    assert scene.knows_all()
    assert await scene.poll() == []


@pytest.mark.parametrize(
    ("new", "users", "watched", "in_bulk"),
    [
        (1, 1, 1, False),
        (80, 1, 80, False),
        (81, 1, 81, True),
        (100, 100, 100_000, False),
        (100_000, 1000, 100_000, True),
    ],
)
def test_what_takes_fewer_requests_is_chosen(new: int, users: int, watched: int, in_bulk: bool) -> None:
    assert job_polling.is_cheaper_in_bulk(new, users, watched) is in_bulk
