"""Bob in shadow mode: everything is decided, nothing is launched or written, and what others did is held against it."""

import dataclasses

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs, runs, shadows
from niassa_orch.journal import records
from niassa_orch.journal import shadows as journal_shadows
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import shadowed

R, J, A = runs.RunStatus, jobs.JobStatus, shadows.Agreement
Scene = shadowed.Scene


@pytest.fixture
def scene(stage: stages.Stage) -> Scene:
    return Scene(stage)


async def test_a_run_that_cron_launches_after_us_is_agreed_on(stage: stages.Stage, scene: Scene) -> None:
    stage.service.schedule(7)
    assert await scene.told() == [(7, "launched", "", None)]
    assert stage.line.waiting == "shadow: 1 would be launched; nothing is launched or written"
    assert await scene.told() == [(7, "launched", "", None)], "it is decided once"
    stage.oozie.start("7-oozie-W")
    scene.cron(7, R.PENDING, statusCmd="7-oozie-W", workflowEngine="oozie")
    assert (await scene.told())[0] == (7, "launched", "launched, pending", A.AGREED)
    assert "shadow.would_launch" in stage.events
    assert stage.line.waiting == "shadow: 0 would be launched; nothing is launched or written"


async def test_a_launch_as_somebody_else_is_not_agreed_on(stage: stages.Stage, scene: Scene) -> None:
    stage.service.schedule(7)
    await scene.told()
    stage.oozie.start("7-oozie-W", user="niassa-alice")
    scene.cron(7, R.PENDING, statusCmd="7-oozie-W", workflowEngine="oozie")
    came = "launched as niassa-alice, not as niassa-bob, pending"
    assert (await scene.told())[0] == (7, "launched", came, A.DIFFERS)


async def test_where_oozie_does_not_say_whose_a_job_is_the_launch_counts_and_it_is_asked_once(
    stage: stages.Stage, scene: Scene
) -> None:
    for accession in (7, 8):
        stage.service.schedule(accession)
    await scene.told()
    for accession in (7, 8):
        scene.cron(accession, R.PENDING, statusCmd=f"{accession}-oozie-W", workflowEngine="oozie")
    stage.oozie.down = True
    agreed = ("launched", "launched, pending", A.AGREED)
    assert await scene.told() == [(7, *agreed), (8, *agreed)]
    assert [asked for asked in stage.oozie.asked if asked.startswith("job ")] == ["job 7-oozie-W"]


@pytest.mark.parametrize(
    ("becomes", "fields", "came", "agreement"),
    [
        (R.CANCELLED, {}, "a user cancelled it", A.WITHDRAWN),
        (R.FAILED, {}, "its launch failed", A.AGREED),
        (R.PENDING, {"ownerUserName": "eve@lab.net"}, "it is not this account's any more", A.WITHDRAWN),
    ],
)
async def test_what_else_may_become_of_a_run(
    stage: stages.Stage,
    scene: Scene,
    becomes: runs.RunStatus,
    fields: dict[str, str],
    came: str,
    agreement: shadows.Agreement,
) -> None:
    stage.service.schedule(7)
    await scene.told()
    scene.cron(7, becomes, **fields)
    assert await scene.told() == [(7, "launched", came, agreement)]


async def test_a_run_that_was_launched_before_we_saw_it_wait_is_told_apart_and_once(
    stage: stages.Stage, scene: Scene
) -> None:
    scene.running(1, J.RUNNING)
    assert await scene.told() == [], "what was launched before shadow mode began says nothing"
    scene.running(2, J.RUNNING)
    unseen = [(2, "launched", "launched, running, before we saw it wait", A.UNSEEN)]
    assert await scene.told(3600) == unseen
    again = Scene(stage)
    assert await again.told(3600) == unseen


async def test_a_status_that_cron_writes_after_us_is_agreed_on(stage: stages.Stage, scene: Scene) -> None:
    scene.running(7, J.RUNNING)
    assert await scene.told() == []
    stage.oozie.becomes("7-oozie-W", J.SUCCEEDED)
    assert await scene.told() == [(7, "completed", "", None)]
    scene.cron(7, R.COMPLETED, statusCmd="7-oozie-W", workflowEngine="oozie")
    assert await scene.told() == [(7, "completed", "completed", A.AGREED)]


async def test_a_status_that_cron_makes_up_differs(stage: stages.Stage, scene: Scene) -> None:
    scene.running(7, J.RUNNING, R.PENDING)
    assert await scene.told() == [(7, "running", "", None)]
    scene.cron(7, R.FAILED, statusCmd="7-oozie-W", workflowEngine="oozie")
    assert await scene.told() == [(7, "running", "failed", A.DIFFERS)]
    assert "shadow.differs" in stage.events


async def test_cron_may_be_a_step_ahead_of_our_last_look(stage: stages.Stage, scene: Scene) -> None:
    scene.running(7, J.RUNNING, R.PENDING)
    assert await scene.told() == [(7, "running", "", None)]
    stage.oozie.becomes("7-oozie-W", J.SUCCEEDED)
    scene.cron(7, R.COMPLETED, statusCmd="7-oozie-W", workflowEngine="oozie")
    assert await scene.told() == [(7, "running", "completed", A.AGREED)]
    assert "shadow.differs" not in stage.events


async def test_nothing_is_wanted_of_a_run_whose_job_another_user_has(stage: stages.Stage, scene: Scene) -> None:
    """As without shadow mode, where it is left alone."""
    scene.running(7, J.RUNNING, R.PENDING)
    stage.oozie.start("7-oozie-W", J.RUNNING, user="niassa-alice")
    assert await scene.told() == []


async def test_cron_may_be_a_step_behind_a_job_that_goes_on(stage: stages.Stage, scene: Scene) -> None:
    scene.running(7, J.RUNNING, R.PENDING)
    await scene.told()
    stage.oozie.becomes("7-oozie-W", J.SUCCEEDED)
    assert await scene.told() == [(7, "running,completed", "", None)]
    scene.cron(7, R.RUNNING, statusCmd="7-oozie-W", workflowEngine="oozie")
    assert await scene.told() == [(7, "running,completed", "running", A.AGREED), (7, "completed", "", None)]


async def test_a_cancel_of_a_user_is_decided_and_nothing_is_killed(stage: stages.Stage, scene: Scene) -> None:
    scene.running(7, J.RUNNING, R.SUBMITTED_CANCEL)
    assert await scene.told() == [(7, "cancelled", "", None)]
    assert not [asked for asked in stage.oozie.asked if asked.startswith("kill")]
    scene.cron(7, R.CANCELLED, statusCmd="7-oozie-W", workflowEngine="oozie")
    assert await scene.told() == [(7, "cancelled", "cancelled", A.AGREED)]


async def test_what_is_open_is_judged_after_a_restart_too(stage: stages.Stage, scene: Scene) -> None:
    stage.service.schedule(1)
    scene.running(2, J.RUNNING, R.PENDING)
    assert len(await scene.told()) == 2
    stage.restart()
    scene.cron(1, R.FAILED)
    scene.cron(2, R.RUNNING, statusCmd="2-oozie-W", workflowEngine="oozie")
    came = await Scene(stage).told()
    assert sorted(came) == [(1, "launched", "its launch failed", A.AGREED), (2, "running", "running", A.AGREED)]


async def test_a_web_service_that_does_not_answer_decides_nothing(stage: stages.Stage, scene: Scene) -> None:
    stage.service.schedule(7)
    await scene.told()
    scene.cron(7, R.PENDING, statusCmd="7-oozie-W", workflowEngine="oozie")
    stage.service.broken[7] = errors.WebServiceUnavailableError("no connection")
    with pytest.raises(errors.WebServiceUnavailableError):
        await scene.told()
    stage.service.broken.clear()
    assert (await scene.told())[0] == (7, "launched", "launched, pending", A.AGREED)


async def test_what_was_launched_before_shadow_mode_is_no_news(stage: stages.Stage, scene: Scene) -> None:
    stage.service.schedule(7)
    await stage.intend(7)
    await scene.told()
    assert [shadow for shadow in await stage.journal.shadows.all() if shadow.kind is shadows.Kind.LAUNCH] == []


async def test_a_shadow_is_read_as_it_was_written(stage: stages.Stage) -> None:
    fields = ("http://a/ws", runs.Accession(7), "bob", "bob@lab.net", "server2", shadows.Kind.STATUS, "pending")
    one = journal_shadows.Shadow(*fields, wanted="running", decided="2026-11-24T00:00:00.000+00:00")
    await stage.journal.shadows.decide([one])
    assert await stage.journal.shadows.all() == [one]
    assert await stage.journal.shadows.all("alice") == []
    other = dataclasses.replace(one, wanted="running,completed")
    await stage.journal.shadows.decide([other])
    assert await stage.journal.shadows.all("bob") == [other]


async def test_what_we_do_once_shadow_mode_is_off_is_not_said_to_be_the_work_of_others(
    stage: stages.Stage, scene: Scene
) -> None:
    shadow = stage.known
    stage.service.schedule(7)
    assert await scene.told() == [(7, "launched", "", None)]
    stage.known = stages.renamed(stage, "bob", paused="until it is launched")
    await scene.beat()
    for accession in (7, 8):  # which we launch now, the second one being scheduled meanwhile
        scene.running(accession, J.RUNNING)
    stage.clock.advance(3600)
    scene.watch.hurry()
    await scene.beat()
    stage.known = shadow
    off = [(7, "launched", "shadow mode was turned off before anything came", A.WITHDRAWN)]
    assert await scene.told() == off
    assert await scene.told(3600) == off


async def test_a_run_whose_record_has_no_status_for_a_moment_still_waits(stage: stages.Stage, scene: Scene) -> None:
    stage.service.schedule(7)
    await scene.told()
    stage.service.sets(7, status="")()
    assert await scene.told() == [(7, "launched", "", None)]


async def test_a_launch_of_ours_from_before_is_seen_through_and_is_no_work_of_others(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    await stage.intend(7, lines=calls.whole(*calls.launching(7, stages.DIRECTORY, "7-oozie-W")))
    stage.restart()
    scene = Scene(stage)
    stage.oozie.start("7-oozie-W", J.RUNNING)
    stage.service.broken[7] = errors.WebServiceUnavailableError("no connection")
    await scene.beat()
    nothing = "shadow: 0 would be launched; nothing is launched or written"
    assert stage.line.waiting == f"{nothing}, but for what becomes of 1 begun before"
    stage.service.broken.clear()
    stage.clock.advance(3600)
    scene.watch.hurry()
    await scene.beat()
    assert scene.statuses(7) == [R.PENDING], "its record had not what the engine had said"
    assert stage.service.run(7).status_cmd == "7-oozie-W"
    assert (stage.unsettled(), stage.called) == ({}, [])
    for _ in range(2):
        stage.clock.advance(3600)
        scene.watch.hurry()
        await scene.beat()
    launches = [one for one in await stage.journal.shadows.all() if one.kind is shadows.Kind.LAUNCH]
    assert (launches, stage.line.waiting) == ([], nothing)


async def test_a_launch_of_ours_that_came_to_nothing_is_decided_again_and_one_that_failed_is_not(
    stage: stages.Stage,
) -> None:
    for accession in (7, 8):
        stage.service.schedule(accession)
        await stage.intend(accession, lines=calls.whole())
    await stage.journal.tell(stage.unsettled()[8], records.Told.FAILED)
    stage.restart()
    scene = Scene(stage)
    for _ in range(3):
        scene.watch.hurry()
        await scene.beat()
        stage.clock.advance(30)
    assert stage.unsettled() == {}
    assert scene.statuses(7, 8) == [R.SUBMITTED, R.FAILED]
    assert [(one.accession, one.agreement) for one in await stage.journal.shadows.all()] == [(7, None)]
