"""Two accounts whose profiles name one web service differently: what one began meanwhile the other does not launch."""

import asyncio

import pytest

from niassa_orch.core import launching
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

OTHER_NAME = "http://ws.lab.net"
COPIED = calls.whole(*calls.launching(7, launches.DIRECTORY))


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    stage.service.schedule(7)
    return launches.Scene(stage)


async def ended(*launchers: launching.Launcher) -> None:
    await asyncio.gather(*(launcher.join() for launcher in launchers))
    for launcher in launchers:
        await launcher.stop()


@pytest.mark.parametrize("unix_user", ["niassa-bob", "niassa-bob2"])
async def test_a_run_that_both_are_offered_in_the_same_moment_is_launched_by_one(
    stage: stages.Stage, scene: launches.Scene, unix_user: str
) -> None:
    stage.says(*COPIED)
    known = stages.renamed(stage, "bob2", web_service_url=OTHER_NAME, unix_user=unix_user)
    second = stage.launcher("bob2")
    scene.offer()
    scene.offer(second, known)
    await ended(scene.launcher, second)
    assert stage.called == ["launch 7"]


@pytest.mark.parametrize("lines", [COPIED, launches.WELL], ids=["in doubt", "launched"])
async def test_what_the_first_began_while_the_second_waited_for_a_place_is_not_launched_by_the_second(
    stage: stages.Stage, scene: launches.Scene, lines: list[str]
) -> None:
    stage.says(*lines)
    known = stages.renamed(stage, "bob2", web_service_url=OTHER_NAME, unix_user="niassa-bob2")
    second, place = stage.launcher("bob2"), stage.turns.calls
    over = asyncio.Event()

    async def between() -> None:
        async with place.slot("y"):
            await over.wait()

    async with place.slot("x"):
        async with place.slot("z"):
            scene.offer()
            await stage.until(lambda: place.waiting == 1)
            third = asyncio.create_task(between())
            await stage.until(lambda: place.waiting == 2)
            scene.offer(second, known)
            await stage.until(lambda: place.waiting == 3)
        # One place is free: the first has it to the end of its call, then somebody else, then the second.
        await scene.launcher.join()
        over.set()
        await third
        await ended(scene.launcher, second)
    assert stage.called == ["launch 7"]
