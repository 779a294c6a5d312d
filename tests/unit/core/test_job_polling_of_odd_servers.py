"""Servers that are old, restored, replaced, or wrong about the time; and what faces learn of a server."""

import dataclasses
import datetime

import pytest

from niassa_orch.core import job_polling
from niassa_orch.domain import jobs
from tests.fakes import job_watching

J = jobs.JobStatus
SORTED = "sortby=lastModifiedTime"
GONE = "0009999-210203040506789-oozie-oozi-W"


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> job_watching.Scene:
    return job_watching.Scene(monkeypatch, overlap_seconds=30)


def bulk(filters: list[str]) -> list[str]:
    return [text for text in filters if "status=" in text]


async def test_an_old_server_is_read_in_bulk_and_asked_again_at_each_sweep(scene: job_watching.Scene) -> None:
    scene.there.is_old = True
    first, second = scene.start(2)
    await scene.poll()
    assert scene.poller.state.mode == "bulk"
    scene.there.becomes(first, J.SUCCEEDED)
    assert [accession for accession, _ in await scene.poll()] == [1]
    assert SORTED not in scene.there.filters
    scene.there.is_old = False
    scene.pass_seconds(900)
    scene.there.becomes(second, J.SUSPENDED)
    assert [accession for accession, _ in await scene.poll()] == [2]
    assert scene.poller.state.mode == "incremental"
    await scene.poll()
    assert scene.there.filters == [SORTED]


async def test_a_job_that_an_old_server_does_not_know_is_told_at_sweeps_only(scene: job_watching.Scene) -> None:
    scene.there.is_old = True
    scene.watcher.watch(GONE, 9)
    assert await scene.poll() == [(9, None)]
    assert await scene.poll() == []
    scene.pass_seconds(900)
    assert await scene.poll() == [(9, None)]


async def test_a_server_that_is_replaced_by_an_old_one_is_read_in_bulk_in_the_same_tick(
    scene: job_watching.Scene,
) -> None:
    (job_id,) = scene.start(1)
    await scene.poll()
    scene.there.is_old = True
    scene.there.becomes(job_id, J.SUCCEEDED)
    assert len(await scene.poll()) == 1


async def test_jobs_that_do_not_tell_when_they_changed_are_read_in_bulk(scene: job_watching.Scene) -> None:
    (job_id,) = scene.start(1)
    scene.there.jobs[job_id].modified = None
    await scene.poll()
    assert scene.poller.state.mode == "bulk"
    scene.there.jobs[job_id].status = J.KILLED
    assert len(await scene.poll()) == 1


async def test_a_server_that_was_restored_is_swept_at_once(scene: job_watching.Scene) -> None:
    started = scene.start(300)
    await scene.poll()
    backup = {job_id: dataclasses.replace(job) for job_id, job in scene.there.jobs.items()}
    scene.pass_seconds(3600)
    for job_id in started:
        scene.there.becomes(job_id, J.SUCCEEDED)
    await scene.poll()
    scene.there.jobs = backup
    assert len(await scene.poll()) == 300
    assert bulk(scene.there.filters)
    assert scene.knows_all()


@pytest.mark.usefixtures("short_pages")
async def test_a_clock_that_is_put_back_hides_nothing(scene: job_watching.Scene) -> None:
    started = scene.start(20)
    scene.pass_seconds(3600)
    for job_id in started[:8]:
        scene.there.becomes(job_id, J.SUSPENDED)
    await scene.poll()
    scene.there.now -= 3600
    for round_of in (J.SUSPENDED, J.RUNNING, J.KILLED):
        for job_id in started[8:]:
            scene.there.becomes(job_id, round_of)
        await scene.poll()
        assert scene.knows_all()
    assert not bulk(scene.there.filters)


async def test_faces_learn_how_the_server_is_read(scene: job_watching.Scene) -> None:
    unread = scene.poller.state
    assert (unread.mode, unread.read_at, unread.skew_seconds, unread.watched) == (None, None, None, 0)
    scene.there.now = int(datetime.datetime.now(datetime.UTC).timestamp()) + 120
    scene.start(3)
    scene.there.meanwhile = lambda: scene.clock.advance(0.25)
    await scene.poll()
    state = scene.poller.state
    assert (state.mode, state.watched, state.trouble) == (job_polling.Mode.INCREMENTAL, 3, "")
    assert state.read_at == scene.clock.now_seconds
    assert state.latency_seconds == 0.5
    assert state.skew_seconds == pytest.approx(121, abs=5)
    scene.there.tells_time = False
    await scene.poll()
    assert scene.poller.state.skew_seconds is None
