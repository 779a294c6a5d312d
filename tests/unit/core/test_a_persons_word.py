"""What a person says of a launch (``niassa-orch resolve``) counts whenever it comes, also said again."""

import asyncio
import contextlib
import typing
from collections.abc import Awaitable, Callable

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs, settling
from niassa_orch.journal import records, store
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R, Outcome, Told = runs.RunStatus, settling.Outcome, records.Told
A = runs.Accession(7)
JOB, DIRECTORY = stages.JOB, stages.DIRECTORY
COPIED = calls.whole(*calls.launching(7, DIRECTORY))
CUT = [calls.BEGIN, *calls.launching(7, DIRECTORY)]
Says = Callable[[store.Journal, records.Launch], Awaitable[None]]


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    stage.service.schedule(7)
    return launches.Scene(stage)


async def person(stage: stages.Stage, says: Says) -> None:
    """What ``resolve`` does: opens the journal for itself, reads the launch of run 7, and says something of it."""
    with contextlib.closing(store.Journal(stage.state.journal)) as own:
        (launch,) = [one for one in own.unsettled() if one.accession == A]
        await says(own, launch)


def names(job_id: str) -> Says:
    return lambda journal, launch: journal.tell(launch, Told.LAUNCHED, job_id)


async def fails(journal: store.Journal, launch: records.Launch) -> None:
    await journal.tell(launch, Told.FAILED)


async def relaunches(journal: store.Journal, launch: records.Launch) -> None:
    await journal.settle(launch, records.Settled(Outcome.CLEAN, "a person said so", told=Told.RELAUNCH))


async def in_doubt(scene: launches.Scene, lines: list[str]) -> None:
    """An earlier process launched run 7; this one has looked at it once."""
    scene.stage.intents.leave(await scene.stage.intend(7, lines=lines))
    await looks(scene)


async def looks(scene: launches.Scene, seconds: float = 1000) -> None:
    """A later beat, in which nothing is offered."""
    scene.stage.clock.advance(seconds)
    await scene.stage.journal.refresh()
    scene.launcher.take_up(scene.stage.known)
    await scene.launcher.settle_doubts()


async def while_oozie_is_asked_for_the_last_time(scene: launches.Scene, says: Says) -> None:
    """The verdict "no job was made" is about to be given when the person speaks."""
    oozie, clock = scene.stage.oozie, scene.stage.oozie.clock
    spoken = asyncio.Event()

    async def slow() -> object:
        if not spoken.is_set():
            spoken.set()
            await person(scene.stage, says)
        return await clock()

    oozie.clock = slow  # type: ignore[assignment,method-assign]  # an Oozie that takes its time
    scene.stage.clock.advance(1000)
    await scene.launcher.settle_doubts()
    assert spoken.is_set()


async def test_a_job_that_is_named_while_no_job_is_the_verdict_is_not_launched_a_second_time(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await in_doubt(scene, COPIED)
    await while_oozie_is_asked_for_the_last_time(scene, names("55-oozie-W"))
    assert 7 in stage.unsettled(), "the verdict did not count"
    stage.oozie.start("55-oozie-W", app_path="/apps/oozie-1")
    stage.says(*launches.WELL)
    await looks(scene)
    await scene.beat()
    assert stage.called == []
    assert (stage.service.run(7).status, stage.service.run(7).status_cmd) == (R.PENDING, "55-oozie-W")
    assert scene.is_settled(7)


async def test_a_relaunch_that_is_said_during_a_verdict_counts_and_the_journal_is_well(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await in_doubt(scene, COPIED)
    await while_oozie_is_asked_for_the_last_time(scene, relaunches)
    stage.says(*launches.WELL)
    await looks(scene)
    assert (stage.unsettled(), stage.journal.trouble, scene.launcher.trouble) == ({}, "", "")
    await scene.beat()
    assert stage.called == ["launch 7"], "once"


async def test_the_same_word_said_again_is_heeded_when_what_kept_it_from_counting_is_mended(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await in_doubt(scene, COPIED)
    stage.service.sets(7, status=R.FAILED, statusCmd="9-oozie-W")()
    await person(stage, fails)
    await looks(scene)
    assert "9-oozie-W" in stage.line.held[A]
    stage.service.rows[A].pop("statusCmd")
    await looks(scene)
    assert 7 in stage.unsettled(), "nobody said anything since"
    await person(stage, fails)
    await looks(scene)
    assert (stage.unsettled(), dict(stage.line.held)) == ({}, {})


async def test_a_second_job_that_a_person_names_takes_the_place_of_the_first(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await in_doubt(scene, CUT)
    stage.oozie.start("55-oozie-W", app_path="/apps/oozie-1")
    await person(stage, names("54-oozie-W"))
    await looks(scene)
    assert "Oozie knows none" in stage.line.held[A]
    stage.oozie.down = True
    for job_id in ("53-oozie-W", "55-oozie-W"):
        await person(stage, names(job_id))
        await looks(scene)
        assert stage.line.in_doubt == (7,)
    stage.oozie.down = False
    await looks(scene)
    assert stage.service.run(7).status_cmd == "55-oozie-W"
    assert not stage.unsettled()


async def test_a_launch_that_is_resolved_while_it_is_being_settled_is_no_defect(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.says(*CUT, gate=True)
    scene.offer()
    reading, go_on = asyncio.Event(), asyncio.Event()
    read = stage.service.get_run

    async def slowly(accession: runs.Accession) -> object:
        reading.set()
        await go_on.wait()
        return await read(accession)

    async with stage.at_gate(7):
        stage.service.get_run = slowly  # type: ignore[assignment,method-assign]  # one that takes its time
    await reading.wait()
    await person(stage, relaunches)
    await stage.journal.refresh()
    scene.launcher.take_up(stage.known)
    go_on.set()
    await scene.launcher.join()
    await looks(scene)
    assert (scene.launcher.trouble, stage.unsettled(), dict(stage.line.held)) == ("", {}, {})
    assert stage.line.in_flight == stage.line.in_doubt == ()


async def test_a_call_that_lives_is_not_put_away_when_its_launch_is_resolved(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.bar(7)
    stage.says(*launches.WELL, gate=True)
    scene.offer()
    async with stage.at_gate(7):
        await person(stage, relaunches)
        await stage.journal.refresh()
        scene.launcher.take_up(stage.known)
        (attempt,) = scene.launcher._attended
        assert attempt.transcript.exists(), "it is still written to"
    await scene.launcher.join()
    assert stage.service.run(7).status_cmd == JOB, "what it came to was looked at"
    await looks(scene)
    assert (stage.called, scene.launcher.trouble) == (["launch 7"], "")
    assert not attempt.transcript.exists()
    assert list(scene.launcher._attended) == []


@pytest.mark.parametrize("says", [names(JOB), fails, relaunches])
async def test_a_word_on_a_launch_that_is_settled_by_then_is_refused(
    stage: stages.Stage, scene: launches.Scene, says: Says
) -> None:
    await in_doubt(scene, COPIED)

    async def slowly(own: store.Journal, launch: records.Launch) -> None:
        await stage.journal.settle(stage.unsettled()[7], records.Settled(Outcome.LAUNCHED, "it was", JOB))
        with pytest.raises(errors.OvertakenError, match="run 7 was settled meanwhile"):
            await says(own, launch)

    await person(stage, slowly)
    assert await stage.journal.past.known_job("http://ws", A) == JOB


async def test_a_launch_that_was_set_aside_is_let_go_only_by_who_has_its_claim(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await in_doubt(scene, COPIED)
    await stage.journal.note(stage.unsettled()[7], Outcome.SET_ASIDE, "3 launches came to nothing")
    await scene.again()
    assert list(stage.line.held) == [7]
    elsewhere = stages.renamed(stage, "bob", host="server3")
    await scene.launcher.let_go(elsewhere, [])
    assert 7 in stage.unsettled(), "the list is of other runs"
    await scene.launcher.let_go(stage.known, [])
    assert not stage.unsettled()


@pytest.mark.parametrize(
    ("job", "why"),
    [
        ({"app_path": "/apps/oozie-8"}, "is of /apps/oozie-8"),
        ({"app_path": "/apps/oozie-1", "user": "niassa-eve"}, "belongs to niassa-eve"),
        (None, "Oozie knows none"),
    ],
)
async def test_a_named_job_that_cannot_be_of_the_launch_is_held_and_nothing_is_written(
    stage: stages.Stage, scene: launches.Scene, job: dict[str, typing.Any] | None, why: str
) -> None:
    await in_doubt(scene, CUT)
    if job is not None:
        stage.oozie.start("8-oozie-W", **job)
    await person(stage, names("8-oozie-W"))
    await looks(scene)
    assert why in stage.line.held[A]
    assert "PUT 7" not in stage.service.asked
    assert not scene.is_available(7)


async def test_a_named_job_of_another_run_is_held_and_nothing_is_written(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    stage.service.schedule(8, R.RUNNING, statusCmd="8-oozie-W")
    stage.oozie.start("8-oozie-W", app_path="/apps/oozie-1")
    eight = await stage.intend(8)
    await stage.journal.settle(
        eight.launches[runs.Accession(8)], records.Settled(Outcome.LAUNCHED, "it was", "8-oozie-W")
    )
    await in_doubt(scene, [calls.BEGIN, "Number of submitted workflows: 1"])
    await person(stage, names("8-oozie-W"))
    await looks(scene)
    assert "is that of run 8" in stage.line.held[A]
    assert "PUT 7" not in stage.service.asked
