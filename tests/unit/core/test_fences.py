"""One launch of a run at a time, whatever an account is called and whoever owns the run by now."""

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
JOB, DIRECTORY, WELL = launches.JOB, launches.DIRECTORY, launches.WELL


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    return launches.Scene(stage)


async def test_a_renamed_profile_does_not_launch_what_is_in_flight_and_settles_it_when_the_call_is_over(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.service.schedule(7)
    stage.says(*WELL, gate=True)
    scene.offer()
    async with stage.at_gate(7):
        await scene.launcher.stop()
        renamed, known = stage.launcher("robert"), stages.renamed(stage, "robert")
        scene.offer(renamed, known)
        assert not renamed.is_settled(known, runs.Accession(7))
        renamed.take_up(known)
        scene.offer(renamed, known)
        assert stage.told.line("robert").in_flight == (7,)
    await renamed.join()
    assert stage.called == ["launch 7"]
    assert stage.service.run(7).status_cmd == JOB
    assert renamed.is_settled(known, runs.Accession(7))


async def test_a_profile_beside_the_one_that_launches_takes_nothing_up(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.service.schedule(7)
    stage.says(*WELL, gate=True)
    scene.offer()
    async with stage.at_gate(7):
        other, known = stage.launcher("robert"), stages.renamed(stage, "robert")
        other.take_up(known)
        scene.offer(other, known)
        assert not stage.told.line("robert").in_flight
    await scene.launcher.join()
    await other.join()
    assert stage.called == ["launch 7"]


async def test_the_runs_new_owner_does_not_launch_what_the_old_ones_call_has_in_doubt(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole(*calls.launching(7, DIRECTORY)))
    await scene.beat()
    assert stage.line.in_doubt == (7,)
    stage.service.sets(7, ownerUserName="eve@lab.net")()
    heir, known = stage.launcher("eve"), stages.renamed(stage, "eve", web_user="eve@lab.net", unix_user="niassa-eve")
    scene.offer(heir, known)
    await heir.join()
    assert stage.called == ["launch 7"]
    assert not heir.is_settled(known, runs.Accession(7))


async def test_what_is_held_is_launched_by_no_account_and_shown_by_the_one_that_owns_it(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(calls.BEGIN, "Number of submitted workflows: 1")
    await scene.beat()
    assert list(stage.line.held) == [7]
    await scene.launcher.stop()
    renamed, known = stage.launcher("robert"), stages.renamed(stage, "robert")
    renamed.take_up(known)
    scene.offer(renamed, known)
    await renamed.join()
    assert stage.called == ["launch 7"]
    assert list(stage.told.line("robert").held) == [7]


async def test_the_same_accession_of_another_web_service_and_login_is_another_run(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    await stage.intend(7)
    assert not scene.is_settled(7)
    known = stages.renamed(stage, "eve", web_service_url="http://other", web_user="eve@lab.net")
    assert scene.launcher.is_settled(known, runs.Accession(7))


async def test_another_url_of_the_same_login_and_host_may_be_another_name_of_the_web_service(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    await stage.intend(7)
    known = stages.renamed(stage, "bob", web_service_url="http://other.name")
    assert not scene.launcher.is_settled(known, runs.Accession(7))
    assert not scene.launcher.is_available(known, runs.Accession(7))


async def test_a_second_intent_of_an_unsettled_run_is_refused(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    attempt = await stage.intend(7)
    with pytest.raises(errors.JournalError, match="not settled"):
        await stage.intend(7)
    assert attempt.header.call_id == stage.unsettled()[7].call_id


async def test_a_person_who_settles_in_another_process_is_heeded_at_the_next_beat(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(calls.BEGIN)
    await scene.beat()
    assert list(stage.line.held) == [7]
    stage.alter("UPDATE launches SET settled = '2026-01-01', outcome = 'clean'")
    await stage.journal.refresh()
    stage.says(*WELL)
    await scene.beat()
    assert not stage.line.held
    assert stage.called == ["launch 7", "launch 7"]


async def test_a_changed_profile_makes_no_further_call_of_the_batches_that_are_left(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    for accession in (7, 8, 9):
        stage.service.schedule(accession)
    stage.says(
        *calls.whole(*(line for a in (7, 8) for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-W"))), gate=True
    )
    scene.offer()
    async with stage.at_gate(7):
        scene.launcher.revoke()
    await scene.launcher.join()
    assert stage.called == ["launch 7 8"]
    assert [stage.service.run(accession).status_cmd for accession in (7, 8, 9)] == ["7-W", "8-W", None]


@pytest.mark.parametrize("ends", ["revoke", "drain"])
async def test_who_waits_for_the_users_turn_makes_no_call_once_its_profile_changed(
    stage: stages.Stage, scene: launches.Scene, ends: str
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    async with stage.turns.turn("niassa-bob", what="somebody else"):
        scene.offer()
        await stage.until(lambda: "somebody else" in stage.line.waiting)
        getattr(scene.launcher, ends)()
    await scene.launcher.join()
    assert stage.called == []
    assert not stage.unsettled()
    assert stage.line.waiting == ""


@pytest.mark.parametrize("ends", ["revoke", "drain"])
async def test_who_waits_for_an_engine_place_makes_no_call_once_its_profile_changed(
    stage: stages.Stage, scene: launches.Scene, ends: str
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    async with stage.turns.calls.slot("x"), stage.turns.calls.slot("x"):
        scene.offer()
        await stage.until(lambda: stage.turns.calls.waiting == 1)
        getattr(scene.launcher, ends)()
    await scene.launcher.join()
    assert stage.called == []
    assert not stage.unsettled()


async def test_who_waited_long_for_an_engine_place_looks_at_its_runs_again(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    async with stage.turns.calls.slot("x"), stage.turns.calls.slot("x"):
        scene.offer()
        await stage.until(lambda: stage.turns.calls.waiting == 1)
        stage.clock.advance(60)
        stage.service.sets(7, status=R.SUBMITTED_CANCEL)()
    await scene.launcher.join()
    assert stage.called == []


async def test_a_drain_settles_no_further_accession_and_the_next_start_does(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    for accession in (7, 8, 9):
        stage.service.schedule(accession)
    launching = [line for a in (7, 8, 9) for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-W")]
    await stage.intend(7, 8, 9, lines=calls.whole(*launching))
    await scene.again()
    stage.service.before_get.append(scene.launcher.drain)
    await scene.launcher.settle_doubts()
    assert [stage.service.run(accession).status_cmd for accession in (7, 8, 9)] == ["7-W", None, None]
    await scene.again()
    await scene.beat()
    assert [stage.service.run(accession).status_cmd for accession in (7, 8, 9)] == ["7-W", "8-W", "9-W"]


async def test_a_launcher_that_is_stopped_while_a_call_is_being_started_leaves_it_to_be_taken_up(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    scene.offer()
    await stage.told_of("launch.called")
    await scene.launcher.stop()
    heir = stage.launcher()
    heir.take_up(stage.known)
    scene.offer(heir)
    await heir.join()
    await heir.settle_doubts()
    assert stage.called == ["launch 7"]
    assert stage.service.run(7).status_cmd == JOB
