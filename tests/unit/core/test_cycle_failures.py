"""What one run, one job or one neighbour that fails does to the others of its account, and what it does not."""

import asyncio

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs, runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import beats as beat_scenes

R, J = runs.RunStatus, jobs.JobStatus
#: What is asked of Oozie about a single job, and whether it is well.
DETAILS = ("job ", "versions")
FULL = "CREATE TRIGGER full_{0} BEFORE INSERT ON {0} BEGIN SELECT RAISE(ABORT, 'no room'); END"


@pytest.fixture
def beats(stage: stages.Stage) -> beat_scenes.Beats:
    return beat_scenes.Beats(stage)


@pytest.mark.parametrize(
    "exc",
    [
        errors.WebServiceError("answered 500"),
        errors.MalformedAnswerError("cut"),
        errors.RunNotFoundError("404"),
        errors.WebServiceUnavailableError("time-out"),
    ],
    ids=lambda exc: type(exc).__name__,
)
async def test_a_run_that_cannot_be_read_keeps_no_other_from_being_propagated_or_launched(
    stage: stages.Stage, beats: beat_scenes.Beats, exc: errors.NiassaOrchError
) -> None:
    for accession in range(1, 9):
        beats.running(accession)
    stage.service.broken[3] = exc
    stage.service.schedule(9)
    stage.says(*calls.whole(*calls.launching(9, "/scratch/oozie-9", "9-W")))
    await beats.beat()
    assert beats.statuses(1, 2, 3, 4, 5, 6, 7, 8) == [*[R.COMPLETED] * 2, R.RUNNING, *[R.COMPLETED] * 5]
    assert stage.service.run(9).status_cmd == "9-W"


@pytest.mark.parametrize("exc", [errors.OozieUnavailableError("garbage"), errors.OozieRefusedError("E0803", "no")])
async def test_a_job_that_oozie_cannot_tell_keeps_no_other_run_from_being_propagated(
    stage: stages.Stage, beats: beat_scenes.Beats, exc: errors.OozieError
) -> None:
    for accession in range(1, 9):
        beats.running(accession)
    stage.oozie.broken["3-oozie-W"] = exc
    for _ in range(2):
        await beats.beat()
    assert beats.statuses(1, 2, 3, 4, 5, 6, 7, 8) == [*[R.COMPLETED] * 2, R.RUNNING, *[R.COMPLETED] * 5]


@pytest.mark.looptime
async def test_after_a_beat_with_a_hanging_oozie_the_next_one_probes_with_one_task(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    for accession in range(1, 21):
        beats.running(accession)
    stage.oozie.down, stage.oozie.hangs_seconds, stage.oozie.down_for = True, 30, DETAILS
    await beats.beat()
    assert sum(asked.startswith("job ") for asked in stage.oozie.asked) == stage.slots.size
    stage.oozie.asked.clear()
    await beats.beat()
    assert [asked.split()[0] for asked in stage.oozie.asked] == ["changes", "job", "versions"]
    assert stage.line.warning == "no connection to Oozie"
    stage.oozie.down = False
    stage.oozie.asked.clear()
    await beats.beat()
    assert sum(asked.startswith("job ") for asked in stage.oozie.asked) == 20
    assert stage.line.warning == ""


@pytest.mark.looptime
async def test_a_hanging_oozie_never_holds_more_slots_than_one_in_the_next_beat(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    for accession in range(1, 21):
        beats.running(accession)
    stage.oozie.down, stage.oozie.hangs_seconds, stage.oozie.down_for = True, 30, DETAILS
    await beats.beat()
    second = asyncio.create_task(beats.beat())
    await asyncio.sleep(10)
    assert stage.slots.busy == 1
    await second


async def test_a_login_that_is_refused_stops_the_beat(stage: stages.Stage, beats: beat_scenes.Beats) -> None:
    for accession in range(1, 21):
        beats.running(accession)
        stage.service.broken[accession] = errors.LoginRefusedError("401")
    with pytest.raises(errors.LoginRefusedError):
        await beats.beat()
    asked = sum(asked.startswith("GET") for asked in stage.service.asked)
    assert asked <= stage.slots.size, "every 401 may lock the account"


async def test_a_web_service_that_fails_again_and_again_is_left_alone_until_the_next_beat(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    for accession in range(1, 21):
        beats.running(accession)
        stage.service.broken[accession] = errors.WebServiceUnavailableError("time-out")
    await beats.beat()
    assert sum(asked.startswith("GET") for asked in stage.service.asked) <= 3 + stage.slots.size
    assert stage.line.warning == "time-out"
    stage.service.broken.clear()
    await beats.beat()
    assert set(beats.statuses(*range(1, 21))) == {R.COMPLETED}


async def test_a_defect_over_one_run_is_told_and_the_others_are_propagated(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    for accession in range(1, 9):
        beats.running(accession)
    stage.oozie.broken["3-oozie-W"] = ZeroDivisionError("a defect")
    await beats.beat()
    assert beats.statuses(1, 2, 3, 4, 5, 6, 7, 8) == [*[R.COMPLETED] * 2, R.RUNNING, *[R.COMPLETED] * 5]
    (left,) = [event for event in stage.told.snapshot().events if event.name == "run.left_alone"]
    assert (left.fields["accession"], left.level) == (3, "error")
    assert "ZeroDivisionError" in str(left.fields["reason"])


async def test_a_defect_in_settling_is_told_and_the_rest_of_the_beat_goes_on(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    stage.service.schedule(9, R.PENDING)
    await stage.intend(9, lines=calls.whole(*calls.launching(9, "/scratch/oozie-9", "9-W")))
    stage.restart()
    beats = beat_scenes.Beats(stage)
    stage.service.broken[9] = ZeroDivisionError("a defect")
    beats.running(1)
    await beats.beat()
    assert beats.statuses(1) == [R.COMPLETED]
    assert "ZeroDivisionError" in beats.launcher.trouble
    assert stage.line.in_doubt == (9,)


async def test_a_journal_that_cannot_be_written_launches_and_kills_nothing_and_plain_propagation_goes_on(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    for table in ("launches", "acts"):
        stage.alter(FULL.format(table))
    beats.running(1)
    beats.running(2, J.RUNNING, R.SUBMITTED_CANCEL)
    stage.service.schedule(3)
    stage.says(*calls.whole())
    await beats.beat()
    assert beats.statuses(1, 2, 3) == [R.COMPLETED, R.SUBMITTED_CANCEL, R.SUBMITTED]
    assert stage.called == []
    assert not [asked for asked in stage.oozie.asked if asked.startswith("kill")]
    assert "no room" in beats.launcher.trouble
    assert "no room" in stage.line.warning
    for table in ("launches", "acts"):
        stage.alter(f"DROP TRIGGER full_{table}")
    await beats.beat()
    assert beats.statuses(2) == [R.CANCELLED]


async def test_what_cannot_be_forgotten_does_not_hold_up_a_status(
    stage: stages.Stage, beats: beat_scenes.Beats
) -> None:
    beats.running(1, J.FAILED, R.SUBMITTED_RETRY)
    stage.alter("CREATE TRIGGER full BEFORE DELETE ON acts BEGIN SELECT RAISE(ABORT, 'no room'); END")
    await beats.beat()
    assert beats.statuses(1) == [R.PENDING]
    stage.oozie.becomes("1-oozie-W", J.SUCCEEDED)
    await beats.beat()
    assert beats.statuses(1) == [R.COMPLETED]
