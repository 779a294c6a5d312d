"""Bob's beats over a job that a crontab's launch made and a stale record wiped: put back, and only if it is his."""

import dataclasses

import pytest

from niassa_orch.domain import accounts, jobs, runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import beats

R, J = runs.RunStatus, jobs.JobStatus
JOB = "7-oozie-W"
FOLDER = "/scratch/oozie-7"


class Scene(beats.Beats):
    """Run 7, which somebody else launched: our journal knows nothing of it."""

    async def launched(self, job: jobs.JobStatus = J.RUNNING) -> None:
        """A first beat has seen it."""
        self.running(7, job)
        self.stage.service.sets(7, currentWorkingDir=FOLDER)()
        await self.beat()
        self.stage.clock.advance(stages.BEAT_SECONDS)

    def wiped(self, status: runs.RunStatus, job: str = "") -> None:
        """Somebody's stale record, which names no job, or another one."""
        self.stage.service.sets(7, status=status, statusCmd=job, currentWorkingDir="")()

    async def beats(self, count: int = 3) -> None:
        """So many, each with fresh lists."""
        for _ in range(count):
            await self.beat()
            self.stage.clock.advance(stages.BEAT_SECONDS)

    async def sweep(self) -> None:
        """A beat that reads the long lists anew, and some more."""
        self.stage.clock.advance(24 * 3600)
        await self.beats()

    @property
    def record(self) -> runs.WorkflowRun:
        """What the web service has."""
        return self.stage.service.run(7)

    def told(self, name: str) -> list[dict[str, object]]:
        """The fields of the events of this name."""
        return [dict(event.fields) for event in self.stage.told.snapshot().events if event.name == name]


@pytest.fixture
def scene(stage: stages.Stage) -> Scene:
    return Scene(stage)


@pytest.mark.parametrize("status", [R.PENDING, R.RUNNING])
async def test_a_run_that_somebody_else_launched_gets_its_job_and_its_directory_back(
    scene: Scene, status: runs.RunStatus
) -> None:
    await scene.launched()
    scene.wiped(status)
    await scene.sweep()
    assert (scene.record.status, scene.record.status_cmd, scene.record.working_dir) == (R.RUNNING, JOB, FOLDER)
    [told] = scene.told("run.restored")
    assert (told["accession"], told["job"]) == (7, JOB)
    assert "named it before" in str(told["reason"])
    assert (scene.stage.line.jobs_restored, scene.told("run.left_alone")) == (1, [])
    scene.stage.oozie.becomes(JOB, J.SUCCEEDED)
    await scene.beats()
    assert scene.record.status is R.COMPLETED


async def test_a_cancel_that_wiped_the_job_kills_it(scene: Scene) -> None:
    await scene.launched()
    scene.wiped(R.SUBMITTED_CANCEL)
    await scene.beats()
    assert (scene.record.status, scene.record.status_cmd) == (R.CANCELLED, JOB)
    assert f"kill {JOB} as niassa-bob" in scene.stage.oozie.asked


async def test_a_retry_that_wiped_the_job_is_not_launched_beside_it(scene: Scene) -> None:
    await scene.launched()
    scene.wiped(R.SUBMITTED_RETRY)
    await scene.beats()
    assert (scene.record.status, scene.record.status_cmd) == (R.RUNNING, JOB)
    assert "launch.called" not in scene.stage.events


@pytest.mark.parametrize("job", [J.RUNNING, J.SUCCEEDED])
async def test_a_run_that_is_submitted_again_while_its_job_exists_is_not_launched(
    scene: Scene, job: jobs.JobStatus
) -> None:
    await scene.launched()
    scene.stage.oozie.start(JOB, job)
    scene.wiped(R.SUBMITTED)
    await scene.beats()
    assert scene.record.status_cmd == JOB
    assert scene.record.status is (R.RUNNING if job is J.RUNNING else R.COMPLETED)
    assert "launch.called" not in scene.stage.events


async def test_while_oozie_does_not_answer_a_run_that_misses_its_job_is_neither_launched_nor_cancelled(
    scene: Scene,
) -> None:
    await scene.launched()
    scene.stage.oozie.down = True
    for status in (R.SUBMITTED, R.SUBMITTED_CANCEL):
        scene.wiped(status)
        await scene.beats()
        assert (scene.record.status, scene.record.status_cmd) == (status, None)
    assert "launch.called" not in scene.stage.events
    scene.stage.oozie.down = False
    await scene.beats()
    assert (scene.record.status, scene.record.status_cmd) == (R.CANCELLED, JOB)


@pytest.mark.parametrize("owner", [None, "niassa-eve"])
async def test_a_job_that_is_gone_or_another_users_is_not_put_back(scene: Scene, owner: str | None) -> None:
    await scene.launched()
    if owner is None:
        del scene.stage.oozie.jobs[JOB]
    else:
        scene.stage.oozie.start(JOB, J.RUNNING, user=owner)
    scene.wiped(R.SUBMITTED_CANCEL)
    await scene.beats()
    assert (scene.record.status, scene.record.status_cmd) == (R.CANCELLED, None)
    assert (scene.told("run.restored"), scene.stage.line.jobs_restored) == ([], 0)
    assert not [asked for asked in scene.stage.oozie.asked if asked.startswith("kill")]


async def test_another_job_on_the_record_is_never_written_over(scene: Scene) -> None:
    await scene.launched()
    scene.stage.oozie.start("8-oozie-W")

    def somebody_else_is_quicker() -> None:
        """Between our look at the job and the read before our write."""
        if scene.stage.oozie.asked[-1] == f"job {JOB}":
            scene.stage.service.sets(7, statusCmd="8-oozie-W")()

    scene.wiped(R.RUNNING)
    scene.stage.service.before_get = [somebody_else_is_quicker] * 100
    await scene.sweep()
    assert f"job {JOB}" in scene.stage.oozie.asked
    assert scene.record.status_cmd == "8-oozie-W"
    assert (scene.told("run.restored"), scene.stage.service.asked.count("PUT 7")) == ([], 0)


async def test_a_run_whose_job_was_never_seen_is_left_as_before(scene: Scene) -> None:
    scene.stage.oozie.start(JOB)
    scene.stage.service.schedule(7, R.RUNNING, workflowEngine="oozie")
    await scene.beats()
    assert (scene.record.status_cmd, scene.told("run.restored")) == (None, [])
    assert len(scene.told("run.left_alone")) == 1


async def test_a_person_may_clear_the_job_of_a_run_that_is_to_be_launched(scene: Scene) -> None:
    scene.running(7, J.KILLED, R.SUBMITTED)
    await scene.beats()
    scene.wiped(R.SUBMITTED)
    for _ in range(40):
        # It rests for a while since its launch was refused.
        if "launch.called" not in scene.stage.events:
            await scene.beats(1)
    assert ("launch.called" in scene.stage.events, scene.told("run.restored")) == (True, [])


async def test_where_the_engine_propagates_a_missing_job_is_told_and_nothing_is_done_as_if_there_were_none(
    scene: Scene,
) -> None:
    await scene.launched()
    account = dataclasses.replace(fakes.BOB, propagation=accounts.Propagation.ENGINE)
    scene.stage.known = dataclasses.replace(scene.stage.known, account=account)
    scene.wiped(R.SUBMITTED_CANCEL)
    await scene.beats()
    assert (scene.record.status, scene.record.status_cmd) == (R.SUBMITTED_CANCEL, None)
    [told] = scene.told("run.left_alone")
    assert JOB in str(told["reason"])
