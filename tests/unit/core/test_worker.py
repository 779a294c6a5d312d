import asyncio

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import account_line, board, pollers, worker, working_off
from niassa_orch.domain import jobs, runs
from tests.fakes import calls
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import served

R, J, State = runs.RunStatus, jobs.JobStatus, account_line.State
INTERVAL_SECONDS = served.INTERVAL_SECONDS


@pytest.fixture
def scene(stage: stages.Stage) -> served.Scene:
    return served.Scene(stage)


async def test_a_good_beat_is_ok_and_the_next_comes_after_the_interval(scene: served.Scene) -> None:
    assert scene.line.state is State.STARTING
    assert await scene.worker.beat() == INTERVAL_SECONDS
    assert (scene.line.state, scene.line.reason) == (State.OK, "")
    await scene.worker.beat()
    assert len(scene.enrolling.enrolled) == 1


async def test_a_web_service_out_of_reach_is_asked_more_seldom_and_told_once(scene: served.Scene) -> None:
    scene.always(errors.WebServiceUnavailableError("no connection"))
    waits = [await scene.worker.beat() for _ in range(6)]
    assert waits == pytest.approx([30, 60, 120, 240, 300, 300], rel=0.11)
    assert (scene.line.state, scene.line.reason) == (State.BACKING_OFF, "no connection")
    scene.well()
    assert await scene.worker.beat() == INTERVAL_SECONDS
    assert scene.stage.events == ["account.backing_off", "account.recovered"]


@pytest.mark.parametrize(
    ("wrong", "state", "level"),
    [
        (errors.ProfileError("bob.toml", "unix_user", "no such user"), State.MISCONFIGURED, board.Level.ERROR),
        (errors.CredentialError("the password file is readable by others"), State.MISCONFIGURED, board.Level.ERROR),
        (errors.SudoRefusedError("no rule"), State.BACKING_OFF, board.Level.ERROR),
        (errors.WebServiceUnavailableError("no connection"), State.BACKING_OFF, board.Level.WARNING),
    ],
)
async def test_what_is_wrong_with_an_account_is_on_the_board(
    scene: served.Scene, wrong: errors.NiassaOrchError, state: account_line.State, level: board.Level
) -> None:
    scene.enrolling.wrong = wrong
    await scene.worker.beat()
    assert (scene.line.state, scene.line.reason) == (state, str(wrong))
    assert scene.line.alarm == (str(wrong) if level is board.Level.ERROR else "")
    assert scene.stage.told.snapshot().events[-1].level is level
    assert not await scene.worker.once()
    scene.enrolling.wrong = None
    await scene.worker.beat()
    assert (scene.line.state, scene.line.alarm) == (State.OK, "")


async def test_a_person_who_mended_something_is_not_kept_waiting(scene: served.Scene) -> None:
    scene.always(errors.WebServiceUnavailableError("no connection"))
    for _ in range(5):
        await scene.worker.beat()
    scene.worker.update(scene.worker.profile)
    assert await scene.worker.beat() == pytest.approx(30, rel=0.11)
    assert len(scene.enrolling.enrolled) == 2


async def test_once_says_whether_the_account_fared_well(scene: served.Scene) -> None:
    scene.stage.service.schedule(7, R.RUNNING, statusCmd="1-W", workflowEngine="oozie")
    scene.stage.oozie.start("1-W", J.SUCCEEDED)
    assert await scene.worker.once()
    assert scene.stage.service.run(7).status is R.COMPLETED
    scene.stage.service.schedule(8)
    assert not await worker.Worker(served.profile(), scene.desk).once(), "there is no mediator"


@pytest.fixture
def busy(stage: stages.Stage) -> served.Scene:
    """A worker that hardly waits between two beats."""
    found = served.Scene(stage)
    service = settings.Settings(beat=settings.Beat(interval_seconds=0.001, jitter=0))
    found.worker = worker.Worker(served.profile(), served.desk(stage, found.enrolling, service))
    return found


async def test_a_worker_beats_until_it_is_stopped_and_gives_back_what_it_claimed(busy: served.Scene) -> None:
    running = asyncio.create_task(busy.worker.run())
    await busy.stage.until(lambda: busy.stage.service.asked.count("LIST submitted") >= 5)
    busy.worker.stop()
    await running
    polled = busy.stage.service.asked.count("LIST submitted")
    assert busy.line.state is State.STOPPING
    assert busy.enrolling.released[-1] == "bob"
    other = served.profile("robert")
    await busy.enrolling.claim(await busy.enrolling.enrol(other))
    assert busy.stage.service.asked.count("LIST submitted") == polled


async def test_what_a_person_should_mend_is_shown_until_it_is(scene: served.Scene) -> None:
    scene.enrolling.warning = "SW_REST_URL says something else"
    await scene.worker.beat()
    assert scene.line.advice == "SW_REST_URL says something else"
    scene.enrolling.warning = ""
    scene.worker.refresh()
    await scene.worker.beat()
    assert scene.line.advice == ""


async def test_a_beat_says_since_when_it_works_and_that_it_is_over(scene: served.Scene) -> None:
    scene.enrolling.leave.clear()
    running = asyncio.create_task(scene.worker.run())
    await scene.stage.until(lambda: bool(scene.enrolling.enrolled))
    assert scene.line.beat_since is not None
    scene.enrolling.leave.set()
    await scene.stage.until(lambda: scene.line.next_beat is not None)
    assert scene.line.beat_since is None
    scene.worker.stop()
    await running


async def test_an_update_wakes_a_worker_that_waits(scene: served.Scene) -> None:
    running = asyncio.create_task(scene.worker.run())
    await scene.stage.until(lambda: scene.line.state is State.OK and scene.line.next_beat is not None)
    scene.worker.update(scene.worker.profile)
    await scene.stage.until(lambda: len(scene.enrolling.enrolled) == 2)
    scene.worker.stop()
    await running


async def test_a_refresh_during_the_enrolment_does_not_use_what_it_had_read_before(scene: served.Scene) -> None:
    scene.enrolling.leave.clear()
    running = asyncio.create_task(scene.worker.run())
    await scene.stage.until(lambda: len(scene.enrolling.enrolled) == 1)
    changed = served.profile().model_copy(update={"unix_user": "niassa-robert"})
    scene.worker.update(changed)
    scene.enrolling.leave.set()
    await scene.stage.until(lambda: scene.line.account is not None)
    assert scene.line.account is not None
    assert scene.line.account.unix_user == "niassa-robert"
    await scene.stage.until(lambda: scene.line.last_good_poll is not None)
    assert scene.stage.service.asked.count("LIST submitted") == 1
    scene.worker.stop()
    await running


async def test_once_does_not_wait_for_whitestar_and_the_next_one_settles_it(scene: served.Scene) -> None:
    stage = scene.stage
    stage.bar(7)
    stage.service.schedule(7, workflowEngine="whitestar")
    stage.says(*calls.whole("Setting workflow-run status to completed for: 7"), gate=True)
    beating = asyncio.create_task(scene.worker.once())
    async with stage.at_gate(7):
        assert await beating
        assert list(stage.unsettled()) == [7]
    await stage.until(lambda: not stage.is_alive(7))
    again = worker.Worker(served.profile(), scene.desk)
    assert await again.once()
    assert stage.service.run(7).status is R.COMPLETED


async def test_once_waits_for_what_it_launched(scene: served.Scene) -> None:
    stage = scene.stage
    stage.service.schedule(7)
    stage.says(*calls.whole(*calls.launching(7, "/scratch/oozie-1", "1-oozie-W")))
    assert await scene.worker.once()
    assert stage.service.run(7).status_cmd == "1-oozie-W"


async def test_a_stop_in_a_beat_settles_no_further_doubt(scene: served.Scene) -> None:
    stage = scene.stage
    launching = [line for a in (7, 8) for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-W")]
    for accession in (7, 8):
        stage.service.schedule(accession)
    stage.intents.leave(await stage.intend(7, 8, lines=calls.whole(*launching)))
    stage.service.before_get = [None] * 6 + [scene.worker.stop]
    await scene.worker.beat()
    assert [stage.service.run(accession).status_cmd for accession in (7, 8)] == ["7-W", None]
    assert list(stage.unsettled()) == [8]


async def test_once_propagates_also_for_an_account_that_comes_after_the_shared_look(stage: stages.Stage) -> None:
    stage.pollers = pollers.Pollers(settings.Settings(), stage.told)
    scene = served.Scene(stage)
    for accession, owner in ((1, "bob@lab.net"), (2, "alice@lab.net")):
        stage.oozie.start(f"{accession}-W", J.SUCCEEDED)
        fields = {"statusCmd": f"{accession}-W", "workflowEngine": "oozie", "ownerUserName": owner}
        stage.service.schedule(accession, R.RUNNING, **fields)
    assert await scene.worker.once()
    scene.enrolling.limits["web_user"] = "alice@lab.net"
    assert await worker.Worker(served.profile("alice"), scene.desk).once()
    assert [stage.service.run(accession).status for accession in (1, 2)] == [R.COMPLETED] * 2


@pytest.fixture
def many(scene: served.Scene, monkeypatch: pytest.MonkeyPatch) -> served.Scene:
    """Six runs whose jobs have ended; a beat takes two."""
    monkeypatch.setattr(working_off, "_RUNS_A_BEAT", 2)
    for accession in range(1, 7):
        scene.stage.oozie.start(f"{accession}-W", J.SUCCEEDED)
        scene.stage.service.schedule(accession, R.RUNNING, statusCmd=f"{accession}-W", workflowEngine="oozie")
    return scene


async def test_once_works_off_more_than_a_beat_takes(many: served.Scene) -> None:
    assert await many.worker.once()
    assert {many.stage.service.run(accession).status for accession in range(1, 7)} == {R.COMPLETED}


@pytest.mark.timeout(20)
async def test_once_ends_when_the_web_service_fails_in_the_middle_of_what_there_is_to_do(many: served.Scene) -> None:
    many.stage.service.before_get = [None] * 10 + [fakes.unreachable] * 100
    assert not await many.worker.once()
    assert 0 < sum(many.stage.service.run(accession).status is R.COMPLETED for accession in range(1, 7)) < 6
