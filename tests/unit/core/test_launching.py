import asyncio

import pytest

from niassa_orch.config import settings
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
JOB, DIRECTORY, WELL = launches.JOB, launches.DIRECTORY, launches.WELL
GRACE_SECONDS = stages.GRACE_SECONDS


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    return launches.Scene(stage)


async def test_what_is_submitted_is_launched_in_batches_and_put_away_when_settled(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    for accession in (7, 8, 9):
        stage.service.schedule(accession)
    stage.service.schedule(10, R.RUNNING)
    stage.service.schedule(11, host="server1")
    stage.service.schedule(12, ownerUserName="alice@lab.net")
    stage.says(*calls.whole(*(line for a in (7, 8, 9) for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-oozie-W"))))
    await scene.beat()
    assert stage.called == ["launch 7 8", "launch 9"]
    assert [stage.service.run(a).status_cmd for a in (7, 8, 9)] == ["7-oozie-W", "8-oozie-W", "9-oozie-W"]
    assert not stage.unsettled()
    assert not list((stage.state.path / "calls" / "open").iterdir())
    assert (stage.line.in_flight, stage.line.in_doubt, scene.launcher.trouble) == ((), (), "")
    await scene.beat()
    assert len(stage.called) == 2


async def test_a_whitestar_run_has_a_call_of_its_own(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(7, workflowEngine="whitestar")
    stage.service.schedule(8)
    stage.says(*calls.whole("Setting workflow-run status to completed for: 7", *calls.launching(8, "/w/o-8", JOB)))
    await scene.beat()
    assert stage.called == ["launch 8", "launch-whitestar 7"]
    assert (stage.service.run(7).status, stage.service.run(7).status_cmd) == (R.COMPLETED, "7")


async def test_a_run_that_a_user_cancelled_in_the_last_moment_is_not_launched(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole())
    stage.service.before_get.append(stage.service.sets(7, status=R.SUBMITTED_CANCEL))
    await scene.beat()
    assert stage.called == []
    assert scene.is_settled(7)


async def test_a_run_whose_engine_changed_since_it_was_listed_is_not_launched(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole())
    stage.service.before_get.append(stage.service.sets(7, workflowEngine="whitestar"))
    await scene.beat()
    assert stage.called == []
    await scene.beat()
    assert stage.called == ["launch-whitestar 7"]


async def test_nothing_is_launched_while_oozie_is_out_of_reach_and_everything_after(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    stage.oozie.down = True
    await scene.beat()
    assert stage.called == []
    assert "no connection to Oozie" in scene.launcher.trouble
    stage.oozie.down = False
    await scene.beat()
    assert stage.called == [], "it waits a little"
    stage.clock.advance(60)
    await scene.beat()
    assert stage.called == ["launch 7"]
    assert scene.launcher.trouble == ""


async def test_a_launch_that_came_to_nothing_is_tried_again_after_a_rest(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole(*calls.launching(7)))
    await scene.beat()
    assert not scene.is_available(7)
    assert scene.is_settled(7)
    await scene.beat()
    assert stage.called == ["launch 7"]
    stage.clock.advance(34)
    await scene.beat()
    assert stage.called == ["launch 7", "launch 7"]


async def test_a_run_in_doubt_is_neither_launched_nor_cancelled_until_oozie_said_none_twice(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole(*calls.launching(7, DIRECTORY)))
    await scene.beat()
    assert stage.line.in_doubt == (7,)
    assert not scene.is_settled(7)
    stage.clock.advance(GRACE_SECONDS)
    await scene.beat()
    assert stage.called == ["launch 7"]
    assert scene.is_settled(7)
    assert not stage.line.in_doubt
    assert not stage.unsettled()
    stage.clock.advance(3600)
    await scene.beat()
    assert stage.called == ["launch 7", "launch 7"]


async def test_two_jobs_of_one_launch_are_held_and_never_launched_again_nor_after_a_restart(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    for job in (JOB, "2-oozie-W"):
        stage.oozie.start(job, app_path="/apps/oozie-1")
    stage.says(*calls.whole(*calls.launching(7, DIRECTORY)))
    for _ in range(3):
        await scene.beat()
        stage.clock.advance(7200)
    assert list(stage.line.held) == [7]
    await scene.again()
    await scene.beat()
    assert stage.called == ["launch 7"]
    assert list(stage.line.held) == [7]


async def test_a_mediator_that_refuses_makes_the_account_wait_and_says_why(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(calls.REFUSED)
    await scene.beat()
    await scene.beat()
    assert stage.called == ["launch 7"]
    assert scene.launcher.trouble.endswith("refused: no settings file")
    assert scene.is_settled(7)
    assert stage.service.run(7).status is R.SUBMITTED
    stage.says(*WELL)
    stage.clock.advance(60)
    await scene.beat()
    assert scene.launcher.trouble == ""
    assert stage.service.run(7).status_cmd == JOB


async def test_a_mediator_that_is_not_there_makes_the_account_wait_and_loses_nothing(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    await scene.beat()
    assert "the mediator did not run" in scene.launcher.trouble
    scene.launcher.forgive()
    stage.says(*WELL)
    await scene.beat()
    assert stage.service.run(7).status_cmd == JOB


async def test_a_lock_that_is_held_elsewhere_points_to_a_crontab(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole("it.sauronsoftware.junique.AlreadyLockedException: lock"))
    await scene.beat()
    assert "crontab of niassa-bob" in scene.launcher.trouble


async def test_without_room_for_the_transcript_nothing_is_launched(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    calls_dir = stage.state.path / "calls"
    (calls_dir / "open").rename(calls_dir / "away")
    await scene.beat()
    assert stage.called == []
    assert scene.launcher.trouble
    assert scene.is_settled(7)


async def test_a_transcript_that_cannot_be_put_away_is_no_reason_to_stop(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    settled = stage.state.path / "calls" / "settled"
    settled.rmdir()
    settled.write_text("in the way")
    for accession in (7, 8, 9):
        stage.service.schedule(accession)
    stage.says(*calls.whole(*(line for a in (7, 8, 9) for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-oozie-W"))))
    await scene.beat()
    assert [stage.service.run(accession).status for accession in (7, 8, 9)] == [R.PENDING] * 3
    assert scene.launcher.trouble == ""


async def test_two_accounts_of_one_unix_user_never_call_the_engine_at_once(stage: stages.Stage) -> None:
    stage.bar(7, 8)
    launchers = [stage.launcher(name, settings.Engine()) for name in ("one", "two")]
    stage.says(*calls.whole(*calls.launching(7, DIRECTORY, JOB), *calls.launching(8, "/w/oozie-8", "8-W")), gate=True)
    for launcher, accession in zip(launchers, (7, 8), strict=True):
        launcher.offer(stage.known, [stage.service.schedule(accession)])
    for number, accession in enumerate((7, 8), 1):
        async with stage.at_gate(accession):
            assert len(stage.called) == number
    for launcher in launchers:
        await launcher.finish()
    assert stage.called == ["launch 7", "launch 8"]


async def test_a_whitestar_call_takes_no_engine_place_and_keeps_the_users_turn(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.service.schedule(7, workflowEngine="whitestar")
    stage.says(*calls.whole("Setting workflow-run status to completed for: 7"), gate=True)
    scene.offer()
    async with stage.at_gate(7):
        assert stage.turns.calls.busy == 0
        assert stage.turns.holder("niassa-bob") == "bob launches 7"
    await stage.told_of("launch.verified")
    await scene.launcher.join()
    assert stage.service.run(7).status is R.COMPLETED


@pytest.mark.looptime
async def test_a_call_past_its_deadline_gives_its_place_back_and_keeps_the_users_turn(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.service.schedule(7)
    stage.says(*WELL, gate=True)
    scene.offer()
    async with stage.at_gate(7):
        assert stage.turns.calls.busy == 1
        await stage.until(lambda: stage.unsettled()[7].started)
        await asyncio.sleep(900 + 10 + 60 + 5)
        assert "launch.overdue" in stage.events
        assert [call.overdue for call in stage.line.calls] == [True]
        assert stage.turns.calls.busy == 0
        assert stage.turns.holder("niassa-bob") == "bob launches 7"
        assert not scene.is_settled(7)
    await scene.launcher.join()
    assert stage.line.calls == ()
    assert stage.called == ["launch 7"]
    assert stage.service.run(7).status_cmd == JOB
    assert stage.turns.holder("niassa-bob") is None
