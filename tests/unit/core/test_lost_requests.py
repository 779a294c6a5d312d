"""Bob's beats over requests that somebody wiped: put back once, told the second time, left alone when answered."""

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs, runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import beats

R, J = runs.RunStatus, jobs.JobStatus
CANCEL, RETRY = R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY
RERUN = "rerun 7-oozie-W as niassa-bob"


class Scene(beats.Beats):
    """Run 7, whose job does not do what it is told for now, so that a request stands for some beats."""

    async def asked(self, status: runs.RunStatus, job: jobs.JobStatus) -> None:
        """A user's request, seen in a beat."""
        self.stage.oozie.deaf = True
        self.running(7, job, status)
        await self.beat()
        self.stage.clock.advance(stages.BEAT_SECONDS)
        assert self.statuses(7) == [status]

    async def wiped(self, status: runs.RunStatus) -> None:
        """Somebody's stale record, and the beats that follow."""
        self.stage.service.sets(7, status=status)()
        for _ in range(3):
            await self.beat()
            self.stage.clock.advance(stages.BEAT_SECONDS)

    @property
    def counts(self) -> tuple[int, int]:
        return self.stage.line.requests_restored, self.stage.line.requests_lost

    def told(self, name: str) -> list[dict[str, object]]:
        return [dict(event.fields) for event in self.stage.told.snapshot().events if event.name == name]


@pytest.fixture
def scene(stage: stages.Stage) -> Scene:
    return Scene(stage)


@pytest.mark.parametrize("now", [R.RUNNING, R.PENDING, R.SUBMITTED, R.FAILED])
async def test_a_wiped_cancel_is_put_back_counted_and_told_once(scene: Scene, now: runs.RunStatus) -> None:
    await scene.asked(CANCEL, J.RUNNING)
    await scene.wiped(now)
    assert scene.statuses(7) == [CANCEL]
    scene.stage.oozie.deaf = False
    await scene.beat()
    assert scene.statuses(7) == [R.CANCELLED]
    assert scene.counts == (1, 0)
    [told] = scene.told("request.restored")
    assert (told["accession"], told["status"], told["to"]) == (7, now, CANCEL)


@pytest.mark.parametrize("now", [R.RUNNING, R.FAILED, R.CANCELLED])
async def test_a_wiped_retry_is_put_back_and_carried_out(scene: Scene, now: runs.RunStatus) -> None:
    await scene.asked(RETRY, J.KILLED)
    await scene.wiped(now)
    assert (scene.statuses(7), scene.counts) == ([RETRY], (1, 0))
    scene.stage.oozie.deaf = False
    await scene.beat()
    assert scene.statuses(7) == [R.PENDING]


async def test_what_vanishes_a_second_time_is_told_and_left(scene: Scene) -> None:
    await scene.asked(CANCEL, J.RUNNING)
    await scene.wiped(R.RUNNING)
    await scene.wiped(R.RUNNING)
    assert (scene.statuses(7), scene.counts) == ([R.RUNNING], (1, 1))
    [told] = scene.told("request.lost")
    assert told["asked"] == CANCEL
    assert "put back before" in str(told["reason"])
    scene.stage.service.sets(7, status=CANCEL)()
    await scene.beat()
    await scene.wiped(R.RUNNING)
    assert (scene.statuses(7), scene.counts) == ([CANCEL], (2, 1)), "a new request is a new one"


async def test_a_retry_that_somebody_else_carried_out_is_not_put_back(scene: Scene) -> None:
    await scene.asked(RETRY, J.KILLED)
    scene.stage.oozie.becomes("7-oozie-W", J.KILLED, reruns=1)
    await scene.wiped(R.FAILED)
    assert (scene.statuses(7), scene.counts) == ([R.FAILED], (0, 0))


async def test_a_run_that_was_cancelled_and_retried_by_others_goes_on(scene: Scene) -> None:
    await scene.asked(CANCEL, J.RUNNING)
    scene.stage.oozie.becomes("7-oozie-W", J.RUNNING, reruns=1)
    await scene.wiped(R.RUNNING)
    assert (scene.statuses(7), scene.counts) == ([R.RUNNING], (0, 0))


async def test_without_oozie_nothing_is_decided_and_with_it_again_it_is(scene: Scene) -> None:
    await scene.asked(CANCEL, J.RUNNING)
    scene.stage.oozie.down = True
    await scene.wiped(R.RUNNING)
    assert (scene.statuses(7), scene.counts) == ([R.RUNNING], (0, 0))
    scene.stage.oozie.down = False
    await scene.beat()
    assert scene.counts == (1, 0)


async def test_a_write_of_unknown_fate_is_not_made_a_second_time(scene: Scene) -> None:
    await scene.asked(CANCEL, J.RUNNING)
    scene.stage.service.before_put.append(fakes.unknown_fate)
    await scene.wiped(R.RUNNING)
    assert (scene.statuses(7), scene.counts) == ([R.RUNNING], (0, 1))


async def test_a_request_that_was_carried_out_is_forgotten(scene: Scene) -> None:
    scene.running(7, J.KILLED, RETRY)
    await scene.beat()
    assert (scene.statuses(7), scene.stage.oozie.asked.count(RERUN)) == ([R.PENDING], 1)
    scene.stage.oozie.becomes("7-oozie-W", J.KILLED)
    await scene.wiped(R.RUNNING)
    assert (scene.statuses(7), scene.stage.oozie.asked.count(RERUN)) == ([R.FAILED], 1)
    assert scene.counts == (0, 0)


async def test_a_run_that_is_not_there_any_more_is_not_asked_about(scene: Scene) -> None:
    await scene.asked(CANCEL, J.RUNNING)
    scene.stage.service.broken[7] = errors.RunNotFoundError("7")
    await scene.wiped(R.RUNNING)
    assert scene.counts == (0, 0)
