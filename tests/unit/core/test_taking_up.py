"""Launches that an earlier process, or another profile, began."""

import os
import pathlib
from collections.abc import Callable

import pytest

from niassa_orch.domain import runs
from niassa_orch.seqware import call
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
JOB, DIRECTORY, WELL = launches.JOB, launches.DIRECTORY, launches.WELL


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    return launches.Scene(stage)


async def test_a_drain_leaves_the_call_alive_and_the_next_start_adopts_it(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.service.schedule(7)
    stage.says(*WELL, gate=True)
    scene.offer()
    async with stage.at_gate(7):
        await scene.launcher.stop()
        (launch,) = stage.unsettled().values()
        assert call.is_held(stage.state.open_transcript(launch.transcript))
        await scene.again()
        assert stage.line.in_flight == (7,)
        scene.offer()
        assert not scene.is_settled(7)
    await scene.launcher.finish()
    assert stage.called == ["launch 7"]
    assert stage.service.run(7).status_cmd == JOB
    assert not stage.unsettled()
    assert "recovery.adopted" in stage.events


async def test_a_call_that_ended_while_nobody_was_there_is_settled_at_the_next_start(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole())
    await stage.intend(7, lines=WELL)
    await scene.again()
    await scene.beat()
    assert stage.called == []
    assert stage.service.run(7).status_cmd == JOB
    assert {"recovery.to_settle", "launch.repaired"} <= set(stage.events)


async def test_an_intent_without_a_transcript_was_never_begun_and_is_launched_at_once(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    await stage.intend(7)
    await scene.again()
    assert not scene.is_settled(7)
    await scene.launcher.settle_doubts()
    assert scene.is_settled(7)
    await scene.beat()
    assert stage.called == ["launch 7"]


@pytest.mark.parametrize("again", [True, False], ids=["in a new process", "in this one, for another worker"])
async def test_a_call_that_was_started_and_whose_transcript_is_gone_is_held_and_never_launched_again(
    stage: stages.Stage, scene: launches.Scene, *, again: bool
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    attempt = await stage.intend(7, lines=WELL)
    attempt.transcript.unlink()
    stage.intents.leave(attempt)
    if again:
        await scene.again()
    for _ in range(3):
        await scene.beat()
        stage.clock.advance(7200)
    assert stage.called == []
    assert "is gone" in stage.line.held[runs.Accession(7)]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: (path.unlink(), path.symlink_to(path)), "unreadable"),
        (lambda path: (path.unlink(), path.mkdir()), "unreadable"),
        (lambda path: path.write_text("something else\n"), "overwritten"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b'"call_id": "', b'"call_id": "0')), "overwritten"),
        (lambda path: os.truncate(path, 0), "overwritten"),
    ],
    ids=["a loop of links", "a directory", "overwritten", "of another call", "truncated"],
)
async def test_a_transcript_that_proves_nothing_is_held_and_its_run_never_launched_again(
    stage: stages.Stage, scene: launches.Scene, spoil: Callable[[pathlib.Path], object], why: str
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    attempt = await stage.intend(7, lines=WELL)
    spoil(attempt.transcript)
    await scene.again()
    for _ in range(3):
        await scene.beat()
        stage.clock.advance(7200)
    assert stage.called == []
    assert why in stage.line.held[runs.Accession(7)]


async def test_a_transcript_that_was_not_written_before_the_machine_went_down_is_held(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*WELL)
    await stage.intend(7, lines=[])
    stage.alter("UPDATE launches SET boot_id = 'of another boot'")
    await scene.again()
    await scene.beat()
    assert stage.called == []
    assert "machine went down" in stage.line.held[runs.Accession(7)]


async def test_a_call_that_began_before_the_machine_went_down_is_judged_by_what_it_said(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    await stage.intend(7, lines=WELL[:-1])
    stage.alter("UPDATE launches SET boot_id = 'of another boot'")
    await scene.again()
    await scene.beat()
    assert stage.service.run(7).status_cmd == JOB


async def test_without_a_file_descriptor_left_a_call_is_taken_for_alive_until_it_can_be_looked_at(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(7)
    stage.says(*calls.whole())
    await stage.intend(7, lines=WELL)
    scene.start()
    with stages.no_descriptor_left():
        scene.launcher.take_up(stage.known)
    assert stage.line.in_flight == (7,)
    await scene.launcher.join()
    assert stage.called == []
    assert stage.service.run(7).status_cmd == JOB


async def test_a_defect_over_one_call_that_is_taken_up_keeps_no_other_waiting(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    for accession in (7, 8):
        stage.service.schedule(accession)
        await stage.intend(accession, lines=calls.whole(*calls.launching(accession, DIRECTORY, f"{accession}-W")))
    stage.alter("UPDATE launches SET transcript = 'a' || char(0) || 'b' WHERE accession = 7")
    await scene.again()
    await scene.beat()
    assert list(stage.line.held) == [7]
    assert stage.service.run(8).status_cmd == "8-W"


async def test_launches_of_an_owner_or_a_host_that_the_account_does_not_serve_are_left_alone(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await stage.intend(7, lines=WELL)
    for other in (stages.renamed(stage, "x", web_user="eve@lab.net"), stages.renamed(stage, "x", host="server3")):
        stage.restart()
        launcher = stage.launcher("x")
        launcher.take_up(other)
        await launcher.settle_doubts()
        assert [launch.accession for launch in stage.intents.unattended()] == [7]
    await scene.launcher.stop()


async def test_a_whitestar_call_that_lives_is_no_reason_not_to_wait_for_what_is_launched_beside_it(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.service.schedule(7, workflowEngine="whitestar")
    stage.says(*calls.whole(*calls.launching(8, DIRECTORY, JOB)), gate=True)
    scene.offer(known=stages.renamed(stage, "bob", unix_user="niassa-before"))
    async with stage.at_gate(7):
        await scene.again()
        assert stage.line.in_flight == (7,)
        stage.service.schedule(8)
        scene.offer()
        await scene.launcher.join()
        assert stage.service.run(8).status_cmd == JOB
        assert list(stage.unsettled()) == [7]
    await scene.launcher.stop()
