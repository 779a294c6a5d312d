"""When accounts.d is looked into, and what a look that fails means. Files and the clock are real."""

import asyncio
import pathlib
import time

import pytest

from niassa_orch.config import settings
from niassa_orch.core import board, drop_ins
from tests.fakes import neighbours_in_memory as fakes
from tests.unit.core import accounts_d


class Desk:
    """A directory with one profile, and somebody who waits for what is dropped in."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.told = fakes.board_of()
        directory.mkdir(mode=0o755)
        self.write("bob")
        service = settings.Settings(accounts_dir=directory, allow_root=True)
        self.drop_ins = drop_ins.DropIns(service, self.told)

    @property
    def away(self) -> pathlib.Path:
        return self.directory.with_name("away")

    @property
    def events(self) -> list[str]:
        return fakes.names(self.told)

    def write(self, name: str, text: str = accounts_d.GOOD) -> None:
        path = self.directory / f"{name}.toml"
        path.write_text(text)
        path.chmod(0o644)

    async def until(self, event: str) -> None:
        async with asyncio.timeout(30):
            while event not in self.events:  # noqa: ASYNC110 - the board has no bell
                await asyncio.sleep(0.01)


@pytest.fixture
async def desk(tmp_path: pathlib.Path) -> Desk:
    made = Desk(tmp_path / "accounts.d")
    await made.drop_ins.first()
    # What was so young that it was read once more.
    await made.drop_ins.next()
    return made


async def test_a_directory_that_is_away_for_a_moment_is_told_to_nobody(desk: Desk) -> None:
    for _ in range(10):
        waiting = asyncio.create_task(desk.drop_ins.next())
        began = time.monotonic()
        desk.directory.rename(desk.away)
        desk.drop_ins.alarm()
        await asyncio.sleep(0.3)  # long enough to be looked for, and on a machine that keeps up with it no second
        desk.away.rename(desk.directory)
        was_short = time.monotonic() - began < 0.9
        told = list(desk.events)
        desk.drop_ins.ask()
        await waiting
        if was_short:
            assert told == []
            return
    pytest.fail("this machine is too loaded to do anything quickly")


async def test_a_directory_that_stays_away_is_told_once_and_so_is_its_return(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.drop_ins.next())
    desk.directory.rename(desk.away)
    desk.drop_ins.alarm()
    await desk.until("accounts.unreadable")
    (told,) = desk.told.snapshot().events
    assert told.level is board.Level.ERROR
    assert "go on by what was read last" in str(told.fields["reason"])
    desk.away.rename(desk.directory)
    await desk.until("accounts.readable")
    assert desk.events == ["accounts.unreadable", "accounts.readable"]
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_what_a_person_asked_for_while_nothing_could_be_read_is_done_when_it_can(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.drop_ins.next())
    desk.directory.rename(desk.away)
    desk.drop_ins.ask()
    await desk.until("accounts.unreadable")
    desk.away.rename(desk.directory)
    brought = await asyncio.wait_for(waiting, 30)
    assert brought.asked
    assert [profile.name for profile in brought.profiles.profiles] == ["bob"]


async def test_a_change_that_was_heard_is_brought_when_it_keeps_still_without_another_alarm(desk: Desk) -> None:
    desk.write("bob", accounts_d.GOOD + "enabled = false\n")
    desk.drop_ins.alarm()
    brought = await asyncio.wait_for(desk.drop_ins.next(), 30)
    assert not brought.asked
    assert [profile.enabled for profile in brought.profiles.profiles] == [False]


def test_many_names_are_told_as_the_first_and_a_number() -> None:
    told = fakes.board_of()
    drop_ins.tell(told, {"added": [f"user{number:02}" for number in range(12)], "changed": [], "removed": ["bob"]})
    (event,) = told.snapshot().events
    assert event.fields.keys() == {"added", "removed"}
    assert str(event.fields["added"]).endswith("user09 and 2 more")
    drop_ins.tell(told, {"added": [], "changed": [], "removed": []})
    assert len(told.snapshot().events) == 1
