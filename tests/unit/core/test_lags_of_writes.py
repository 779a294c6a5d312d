"""Which writes count as following a job, and how old its move was then: a whole beat, with neighbours in memory."""

import datetime

import pytest

from niassa_orch.domain import jobs, runs, settling
from niassa_orch.journal import records
from tests.fakes import stage as stages
from tests.unit.core import beats as beat_scenes

R, J = runs.RunStatus, jobs.JobStatus


@pytest.fixture
def beats(stage: stages.Stage) -> beat_scenes.Beats:
    return beat_scenes.Beats(stage)


def moved(stage: stages.Stage, seconds_ago: float, accession: int = 7) -> None:
    """When the job did, by our clock, if Oozie's is right."""
    moment = datetime.datetime.fromtimestamp(stage.clock.time() - seconds_ago, datetime.UTC)
    stage.oozie.touch(f"{accession}-oozie-W", moment)


async def test_a_write_counts_with_the_time_since_its_job_moved(stage: stages.Stage, beats: beat_scenes.Beats) -> None:
    beats.running(7)
    moved(stage, 90)
    await beats.beat()
    assert beats.statuses(7) == [R.COMPLETED]
    assert (stage.line.lags.count, stage.line.lags.sum_seconds) == (1, 90)
    await beats.beat()
    assert stage.line.lags.count == 1


@pytest.mark.parametrize("ahead_seconds", [-40.0, 3600.0])
async def test_a_clock_of_oozie_that_is_wrong_changes_no_lag(
    stage: stages.Stage, beats: beat_scenes.Beats, ahead_seconds: float
) -> None:
    stage.oozie.skew_seconds = ahead_seconds
    beats.running(7)
    moved(stage, 90 - ahead_seconds)
    await beats.beat()
    assert (stage.line.lags.count, stage.line.lags.sum_seconds) == (1, 90)


async def test_an_outage_of_the_web_service_counts(stage: stages.Stage, beats: beat_scenes.Beats) -> None:
    beats.running(7, J.RUNNING)
    await beats.beat()
    beats.running(7, J.SUCCEEDED)
    moved(stage, 0)
    stage.service.broken[7] = OSError("away")
    await beats.beat()
    assert stage.line.lags.count == 0
    del stage.service.broken[7]
    stage.clock.advance(600)
    await beats.beat()
    assert (beats.statuses(7), stage.line.lags.sum_seconds) == ([R.COMPLETED], 600)


@pytest.mark.parametrize(
    ("job", "status", "wanted"),
    [
        (J.RUNNING, R.SUBMITTED_CANCEL, R.CANCELLED),
        (J.SUCCEEDED, R.SUBMITTED_CANCEL, R.COMPLETED),
        (J.FAILED, R.SUBMITTED_RETRY, R.PENDING),
    ],
)
async def test_what_a_user_asked_for_does_not_count(
    stage: stages.Stage,
    beats: beat_scenes.Beats,
    job: jobs.JobStatus,
    status: runs.RunStatus,
    wanted: runs.RunStatus,
) -> None:
    beats.running(7, job, status)
    await beats.beat()
    assert beats.statuses(7) == [wanted]
    assert stage.line.lags.count == 0


async def test_a_write_that_somebody_overwrote_at_once_does_not_count(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    beats.running(7)
    stage.service.after_put = [stage.service.sets(7, status=R.RUNNING)]
    await beats.cycle.cycle(stage.known)
    assert "write.not_taken" in stage.events
    assert stage.line.lags.count == 0


async def test_a_status_that_somebody_else_wrote_does_not_count(stage: stages.Stage, beats: beat_scenes.Beats) -> None:
    beats.running(7, J.RUNNING)
    await beats.beat()
    beats.running(7)
    before_the_write = [None] * 3
    stage.service.before_get = [*before_the_write, stage.service.sets(7, status=R.COMPLETED)]
    await beats.beat()
    assert "run.moved_meanwhile" in stage.events
    assert stage.line.lags.count == 0


async def test_what_was_put_back_does_not_count_and_what_happens_later_does(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    attempt = await stage.intend(7)
    (launch,) = attempt.launches.values()
    await stage.journal.settle(launch, records.Settled(settling.Outcome.LAUNCHED, "of a test", "7-oozie-W"))
    beats.running(7, J.RUNNING, R.PENDING)
    moved(stage, 7200)
    stage.service.sets(7, statusCmd="")()
    await beats.beat()
    await beats.beat()
    assert beats.statuses(7) == [R.RUNNING]
    assert "run.restored" in stage.events
    assert stage.line.lags.count == 0
    beats.running(7, J.SUCCEEDED)
    moved(stage, 4)
    await beats.beat()
    assert (beats.statuses(7), stage.line.lags.sum_seconds) == ([R.COMPLETED], 4)
