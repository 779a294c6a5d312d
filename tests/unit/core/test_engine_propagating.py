"""Propagation by the engine: which runs, how often, never while Oozie does not answer, and what is believed of it."""

import asyncio
import threading

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import engine_rounds_of_bob, launches

R = runs.RunStatus


@pytest.fixture
def scene(stage: stages.Stage) -> engine_rounds_of_bob.Scene:
    return engine_rounds_of_bob.Scene(stage)


async def test_all_active_runs_go_to_the_engine_in_batches_and_what_users_ask_for_goes_first(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    for accession, status in enumerate((R.RUNNING, R.PENDING, R.RUNNING, R.SUBMITTED_RETRY, R.SUBMITTED_CANCEL), 1):
        scene.run(accession, status)
    await scene.propagate()
    assert scene.propagated == ["4 5", "1 2", "3"]


async def test_only_runs_on_oozie_with_a_job_and_without_a_launch_in_doubt_are_given_to_it(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    scene.run(1)
    scene.run(2, workflowEngine="whitestar")
    scene.run(3, workflowEngine="nextflow")
    scene.run(4, statusCmd="")
    scene.run(5, R.SUBMITTED_CANCEL)
    scene.run(6, R.SUBMITTED)
    scene.run(7, R.COMPLETED)
    await scene.stage.intend(5)
    await scene.propagate()
    assert scene.propagated == ["1"]


async def test_without_an_active_run_nobody_is_asked_anything(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(7, R.COMPLETED)
    assert await scene.propagate() == {}
    assert scene.stage.called == []


async def test_a_run_is_propagated_once_a_minute_and_what_a_user_asks_for_at_once_and_once(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    scene.run(1)
    scene.run(2)
    for _ in range(3):
        await scene.propagate()
        scene.stage.clock.advance(19)
    assert scene.propagated == ["1 2"]
    scene.stage.service.sets(2, status=R.SUBMITTED_CANCEL)()
    await scene.propagate()
    await scene.propagate()
    assert scene.propagated == ["1 2", "2"]
    scene.stage.service.sets(2, status=R.RUNNING)()
    await scene.propagate()
    scene.stage.service.sets(2, status=R.SUBMITTED_CANCEL)()
    await scene.propagate()
    assert scene.propagated == ["1 2", "2", "2"], "a second request is a new one"
    scene.stage.clock.advance(3)
    await scene.propagate()
    assert scene.propagated == ["1 2", "2", "2", "2 1"]


async def test_the_records_are_read_after_the_call_and_what_moved_is_told(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    scene.run(2)
    scene.engine_writes(1, status=R.COMPLETED)
    found = await scene.propagate()
    assert {accession: run.status for accession, run in found.items()} == {1: R.COMPLETED, 2: R.RUNNING}
    assert [event["accession"] for event in scene.events("run.moved")] == [1]
    assert scene.stage.line.ended == {R.COMPLETED: 1}
    assert scene.propagator.take() == {}
    assert not [asked for asked in scene.stage.service.asked if asked.startswith("PUT")]


async def test_oozie_is_asked_right_before_the_call_and_right_after(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    await scene.propagate()
    assert scene.stage.called == ["probe", "propagate 1", "probe"]


async def test_the_engine_is_never_called_while_oozie_does_not_answer_the_accounts_user(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    scene.run(1)
    scene.run(2, R.SUBMITTED_CANCEL)
    calls.oozie(scene.stage.mediator, "HTTP status 503")
    with pytest.raises(errors.OozieUnavailableError, match="does not answer niassa-bob: HTTP status 503"):
        await scene.propagate()
    await scene.propagate()
    assert scene.stage.called == ["probe"], "nor is it asked again in each beat"
    scene.stage.clock.advance(60)
    calls.oozie(scene.stage.mediator)
    await scene.propagate()
    assert scene.propagated == ["2 1"]


async def test_what_a_call_failed_is_put_back_when_oozie_had_gone_by_its_end(scene: engine_rounds_of_bob.Scene) -> None:
    scene = engine_rounds_of_bob.Scene(scene.stage, batch=4)
    for accession, status in ((1, R.RUNNING), (2, R.SUBMITTED_CANCEL), (3, R.PENDING)):
        scene.run(accession, status)
    calls.oozie(scene.stage.mediator, "Connection refused", later=True)

    def engine_writes() -> None:
        scene.stage.service.sets(1, status=R.FAILED)()
        scene.stage.service.sets(2, status=R.FAILED)()
        scene.stage.service.sets(3, status=R.COMPLETED)()

    scene.stage.service.before_get = [engine_writes]
    found = await scene.propagate()
    assert [scene.stage.service.run(one).status for one in (1, 2, 3)] == [R.RUNNING, R.SUBMITTED_CANCEL, R.COMPLETED]
    assert [found[runs.Accession(one)].status for one in (1, 2, 3)] == [R.RUNNING, R.SUBMITTED_CANCEL, R.COMPLETED]
    (doubt,) = scene.events("propagation.doubtful")
    assert doubt["accessions"] == "2 1 3"
    assert "Connection refused" in str(doubt["reason"])
    assert sorted(str(event["accession"]) for event in scene.events("run.put_back")) == ["1", "2"]


async def test_what_a_user_does_to_a_run_that_is_to_be_put_back_stands(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    calls.oozie(scene.stage.mediator, "Connection refused", later=True)
    service = scene.stage.service
    service.before_get = [service.sets(1, status=R.FAILED), service.sets(1, status=R.SUBMITTED_RETRY)]
    found = await scene.propagate()
    assert (service.run(1).status, found[runs.Accession(1)].status) == (R.SUBMITTED_RETRY, R.SUBMITTED_RETRY)


async def test_a_failure_between_two_answers_of_oozie_is_believed(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    scene.engine_writes(1, status=R.FAILED)
    await scene.propagate()
    assert scene.stage.service.run(1).status is R.FAILED
    assert scene.events("propagation.doubtful") == []


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"exit_code": 91}, "ended with exit code 91; run it by hand as niassa-bob"),
        ({"exit_code": 137, "timed_out": True}, "was ended at its deadline"),
    ],
)
async def test_a_call_that_ends_badly_is_told_and_what_it_wrote_is_read(
    scene: engine_rounds_of_bob.Scene, ended: dict[str, int], said: str
) -> None:
    scene.run(1)
    calls.propagated(scene.stage.mediator, **ended)  # type: ignore[arg-type]
    scene.engine_writes(1, status=R.COMPLETED)
    with pytest.raises(errors.EngineCallError, match=said):
        await scene.propagate()
    assert scene.propagator.take()[runs.Accession(1)].status is R.COMPLETED
    assert scene.stage.called == ["probe", "propagate 1", "probe"]


async def test_a_mediator_that_does_not_know_the_verb_is_told_and_nothing_is_asked_after_it(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    scene.run(1)
    scene.stage.mediator.write_text(
        f"#!/bin/sh\necho $1 >> {scene.stage.mediator}.log\n[ $1 = probe ] && exec cat {scene.stage.mediator}.probe\n"
        f"echo '{calls.REFUSED}'\nexit 64\n"
    )
    with pytest.raises(errors.MediatorRefusedError, match="refuses propagate"):
        await scene.propagate()
    assert scene.stage.called == ["probe", "propagate"]


async def test_an_answer_that_is_lost_is_a_call_that_may_have_written(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    pathless = "exit 74\n"
    script = scene.stage.mediator.read_text().replace("cat <<'END'", pathless + "cat <<'END'")
    scene.stage.mediator.write_text(script)
    scene.stage.directory.joinpath("mediator.propagated").unlink()
    scene.engine_writes(1, status=R.COMPLETED)
    with pytest.raises(errors.EngineCallError, match="exit code 74"):
        await scene.propagate()
    assert scene.propagator.take()[runs.Accession(1)].status is R.COMPLETED


async def test_the_engines_lock_is_waited_for_without_starting_an_engine(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    calls.propagated(scene.stage.mediator, 91, locked=True)
    calls.locks(scene.stage.mediator, ("seqware-server2.lock", 1234, "java ... workflow-run propagate-statuses"))
    for _ in range(3):
        with pytest.raises(errors.EngineLockedError, match="held by pid 1234"):
            await scene.propagate()
        scene.stage.clock.advance(60)
    assert scene.propagated == ["1"]
    assert scene.stage.service.asked == [], "a call that never had the lock wrote nothing"
    calls.locks(scene.stage.mediator)
    calls.propagated(scene.stage.mediator)
    await scene.propagate()
    assert scene.propagated == ["1", "1"]


async def test_a_call_waits_for_the_users_turn_visibly_and_looks_again_at_the_launches_then(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    scene.run(1)
    scene.run(2)
    async with scene.stage.turns.turn("niassa-bob", what="bob launches 9"):
        waiting = asyncio.create_task(scene.propagate())
        await scene.stage.until(lambda: scene.propagator.waiting != "")
        assert scene.propagator.waiting == "2 to propagate wait for the turn of niassa-bob: bob launches 9"
        await scene.stage.intend(2)
    await waiting
    assert (scene.propagated, scene.propagator.waiting) == (["1"], "")


async def test_launches_that_wait_go_first(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    turns, order = scene.stage.turns, list[str]()

    async def launch() -> None:
        async with turns.turn("niassa-bob", what="bob launches 8"):
            order.extend(scene.propagated)
            order.append("launched")

    async with turns.turn("niassa-bob", what="bob launches 9"):
        waiting = asyncio.create_task(scene.propagate())
        await scene.stage.until(lambda: scene.propagator.waiting != "")
        launching = asyncio.create_task(launch())
        await asyncio.sleep(0)  # it waits now, too
    await asyncio.gather(waiting, launching)
    assert order == ["launched"]


async def test_a_call_is_a_place_among_the_engine_calls_and_its_users_turn(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    scene.stage.says(gate=True)
    scene.stage.bar(1)
    going = asyncio.create_task(scene.propagate())
    async with scene.stage.at_gate(1):
        assert scene.stage.turns.holder("niassa-bob") == "bob propagates 1 runs"
        assert scene.stage.turns.calls.busy == 1
    await going
    assert scene.stage.turns.calls.busy == 0


async def test_who_is_cancelled_leaves_the_engine_at_work(scene: engine_rounds_of_bob.Scene) -> None:
    scene.run(1)
    scene.stage.says(gate=True)
    scene.stage.bar(1)
    calls.oozie(scene.stage.mediator, later=True)
    going = asyncio.create_task(scene.propagate())
    async with scene.stage.at_gate(1):
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        (attendant,) = (thread for thread in threading.enumerate() if thread.name == "question-propagate")
        # Whoever is not to outlive us is ended within a moment.
        await asyncio.to_thread(attendant.join, 1)
        assert attendant.is_alive()
    later = scene.stage.directory / "mediator.probe-later"
    await scene.stage.until(lambda: not later.exists())


async def test_a_run_that_cannot_be_read_after_the_call_costs_only_the_record(
    scene: engine_rounds_of_bob.Scene,
) -> None:
    scene.run(1)
    scene.run(2)
    scene.stage.service.broken[1] = errors.RunNotFoundError("1")
    assert set(await scene.propagate()) == {2}
    scene.stage.clock.advance(60)
    scene.stage.service.broken[2] = errors.WebServiceUnavailableError("down")
    with pytest.raises(errors.WebServiceUnavailableError):
        await scene.propagate()


async def test_launches_of_such_an_account_ask_its_oozie_through_its_user_too(stage: stages.Stage) -> None:
    scene = engine_rounds_of_bob.Scene(stage)
    stage.service.schedule(7)
    stage.says(*launches.WELL)
    calls.oozie(stage.mediator, "Connection refused")
    launcher = stage.launcher()
    launcher.offer(scene.known, stages.rows(stage))
    await launcher.join()
    assert (stage.called, "Connection refused" in launcher.trouble) == (["probe"], True)
    calls.oozie(stage.mediator)
    launcher.forgive()
    launcher.offer(scene.known, stages.rows(stage))
    await launcher.join()
    assert stage.called == ["probe", "probe", "launch 7"]
    assert stage.service.run(7).status_cmd == launches.JOB
