"""When accounts.d is looked into, and what a look that fails means. Files and the clock are real."""

import asyncio
import pathlib

import pytest

from niassa_orch import errors
from niassa_orch.config import settings, shelf
from niassa_orch.core import board, drop_ins, unfinished, unreadable
from tests.fakes import neighbours_in_memory as fakes
from tests.unit.core import accounts_d


class Desk:
    """A directory with one profile, and somebody who waits for what is dropped in."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.told = fakes.board_of()
        directory.mkdir(mode=0o755)
        self.write("bob")
        self.drop_ins = self.new(settings.AccountsWatch.AUTO)

    def new(self, watch: settings.AccountsWatch) -> drop_ins.DropIns:
        """Of a process that begins now."""
        service = settings.Settings(accounts_dir=self.directory, accounts_watch=watch, allow_root=True)
        return drop_ins.DropIns(service, self.told)

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
    assert (await made.drop_ins.first()).unfinished == {"bob.toml"}
    brought = await made.drop_ins.next()
    assert [profile.name for profile in brought.profiles.profiles] == ["bob"]
    assert not brought.unfinished
    return made


def test_a_directory_that_is_away_for_a_moment_is_told_to_nobody() -> None:
    told = fakes.board_of()
    away = unreadable.Unreadable(told)
    wrong = errors.SettingsError("accounts_dir: /nowhere does not exist")
    for at in (10.0, 10.5, 10.9):
        away.fail(wrong, at, asked=False)
    away.recover()
    for at in (11.5, 12.0, 12.4):  # long after the first time, and not for long
        away.fail(wrong, at, asked=False)
    assert fakes.names(told) == []
    for at in (12.5, 13.0):
        away.fail(wrong, at, asked=False)
    away.recover()
    assert fakes.names(told) == ["accounts.unreadable", "accounts.readable"]


async def test_a_directory_that_stays_away_is_told_once_and_so_is_its_return(desk: Desk) -> None:
    waiting = asyncio.create_task(desk.drop_ins.next())
    desk.directory.rename(desk.away)
    desk.drop_ins.alarm()
    await desk.until("accounts.unreadable")
    told = desk.told.snapshot().events[-1]
    assert told.level is board.Level.ERROR
    assert "go on by what was read last" in str(told.fields["reason"])
    desk.away.rename(desk.directory)
    await desk.until("accounts.readable")
    assert desk.events == ["accounts.unfinished", "accounts.unreadable", "accounts.readable"]
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


async def test_where_nobody_looks_unasked_a_young_file_that_was_asked_for_is_brought_and_no_other(desk: Desk) -> None:
    desk.write("bob")
    desk.drop_ins = desk.new(settings.AccountsWatch.OFF)
    assert (await desk.drop_ins.first()).unfinished == {"bob.toml"}
    desk.write("eve", accounts_d.GOOD.replace("server2", "server3"))
    brought = await asyncio.wait_for(desk.drop_ins.next(), 30)
    assert [profile.name for profile in brought.profiles.profiles] == ["bob"]
    desk.drop_ins.ask()
    while len(brought.profiles.profiles) < 2:
        brought = await asyncio.wait_for(desk.drop_ins.next(), 30)
    assert [profile.name for profile in brought.profiles.profiles] == ["bob", "eve"]


async def test_a_young_file_that_goes_again_is_not_shown_any_more(desk: Desk) -> None:
    desk.write("eve")
    desk.drop_ins.ask()
    assert (await asyncio.wait_for(desk.drop_ins.next(), 30)).unfinished == {"eve.toml"}
    (desk.directory / "eve.toml").unlink()
    assert not (await asyncio.wait_for(desk.drop_ins.next(), 30)).unfinished


def test_a_file_that_does_not_keep_still_is_told_once_when_that_has_lasted() -> None:
    told = fakes.board_of()
    waits = unfinished.Unfinished(told)
    look = shelf.Look(None, 0.5, frozenset({"bob.toml", "eve.toml"}), frozenset({"eve.toml"}))
    assert not waits.note(look, 10.0, at_once=False)
    assert waits.note(look, 11.0, at_once=True)
    assert waits.names == {"eve.toml"}
    assert not waits.overdue
    assert not waits.note(look, 19.9, at_once=True)
    assert waits.note(look, 20.0, at_once=False)
    assert not waits.note(look, 30.0, at_once=True)
    assert waits.overdue == waits.names == {"bob.toml", "eve.toml"}
    first, second = told.snapshot().events
    assert (first.level, first.fields["files"]) == (board.Level.INFO, "eve.toml")
    assert (second.level, second.fields["files"]) == (board.Level.WARNING, "bob.toml, eve.toml")
    assert waits.note(shelf.Look(None, None), 31.0, at_once=False)
    assert not waits.names | waits.overdue
    last = told.snapshot().events[-1]
    assert (last.name, last.fields["files"]) == ("accounts.finished", "bob.toml, eve.toml")


def test_many_names_are_told_as_the_first_and_a_number() -> None:
    told = fakes.board_of()
    drop_ins.tell(told, {"added": [f"user{number:02}" for number in range(12)], "changed": [], "removed": ["bob"]})
    (event,) = told.snapshot().events
    assert event.fields.keys() == {"added", "removed"}
    assert str(event.fields["added"]).endswith("user09 and 2 more")
    drop_ins.tell(told, {"added": [], "changed": [], "removed": []})
    assert len(told.snapshot().events) == 1
