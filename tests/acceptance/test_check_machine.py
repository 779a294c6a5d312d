"""``niassa-orch check`` of what all accounts share: state directory, journal, room on disk, mediator, host name."""

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from niassa_orch.core import state_directory
from tests.acceptance import broken_links, checking, disks, stages

STATE, JOURNAL, ROOM, MEDIATOR = (("", name) for name in ("state directory", "journal", "room", "mediator"))


@pytest.mark.real_users
async def test_a_state_directory_that_the_service_cannot_use_is_bad(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        state, me, other = stage.place.state_dir, people.made.service.name, people.made["bob"]
        ways = (
            (broken_links.closed(state, 0o500), "cannot be written by", f"chmod 700 {state}"),
            (broken_links.closed(state, 0o700, 0), f"belongs to root, and you are {me}", f"chown -R {me} {state}"),
            (broken_links.closed(state, 0o700, other.uid), "belongs to", f"sudo -u {other.name} niassa-orch check"),
            (
                broken_links.moved(state),
                f"does not exist, and {me} cannot make it",
                f"install -d -m 700 -o {me} {state}",
            ),
        )
        for broken, seen, mend in ways:
            with broken:
                found = await checking.check(stage, "alice")
            assert (found.exit_code, found.wrong()) == (1, {STATE: "bad"}), seen
            assert found.skipped() == {JOURNAL, ROOM}
            assert seen in found.links[STATE].seen
            assert found.links[STATE].mend.startswith(mend)
        with broken_links.closed(state, 0o755):
            found = await checking.check(stage, "alice")
        assert (found.exit_code, found.wrong()) == (0, {STATE: "look"})
        assert found.links[STATE].mend == f"chmod 700 {state}"


async def test_a_service_that_runs_is_told_and_neither_it_nor_its_journal_is_disturbed(stage: stages.Stage) -> None:
    unused = await checking.check(stage)
    assert "no service uses it now" in unused.links[STATE].seen
    assert unused.links[JOURNAL].seen == "not begun yet"
    assert list(stage.place.state_dir.iterdir()) == [], "the mediator of our own user is installed elsewhere for a look"
    async with stage.service() as service:
        mine = await stage.schedule("alice", launch="lose-post")
        await service.tells("launch.called", account="alice")
        found = await checking.check(stage)
        assert "a service uses it now" in found.links[STATE].seen
        assert found.links[JOURNAL].seen.startswith("whole")
        assert found.wrong().keys() <= {(who, "engine lock") for who in ("alice", "bob")}
        later = await stage.schedule("bob")
        await stage.web.reach("completed", later)
    assert mine != later
    assert (await checking.check(stage)).links[STATE].seen.endswith("no service uses it now")


async def test_while_a_service_runs_nothing_is_changed_anywhere(stage: stages.Stage) -> None:
    """One that has nothing to do for an hour: whatever is changed meanwhile, the check changed."""
    async with stage.service(BEAT__INTERVAL_SECONDS=3600) as service:
        for name in ("alice", "bob"):
            await service.tells("account.started", account=name)
        await stage.web.swept()
        await service.tells("accounts.watched")
        looked_at = [path for path in stage.place.directory.iterdir() if path.name != "servers"]
        assert {stage.place.state_dir, stage.place.accounts_dir} <= set(looked_at)
        before, runs = checking.everything(looked_at), await stage.web.runs()
        assert str(stage.place.state_dir / "journal.sqlite-shm") in before
        found = await checking.check(stage)
        assert checking.everything(looked_at) == before
        assert await stage.web.runs() == runs
    assert found.wrong() == {}
    assert found.links[STATE].seen.endswith("a service uses it now")


async def test_a_journal_that_a_killed_service_left_is_looked_at_and_stays_as_it_is(stage: stages.Stage) -> None:
    async with stage.service() as service:
        await stage.web.reach("completed", await stage.schedule("alice"))
        service.signal(signal.SIGKILL)
        await service.ended()
    journal = state_directory.StateDirectory(stage.place.state_dir).journal
    assert journal.with_name(f"{journal.name}-wal").stat().st_size, "what was written last is beside it"
    before = checking.everything([stage.place.state_dir])
    found = await checking.check(stage)
    assert found.wrong() == {}
    assert found.links[JOURNAL].seen == "whole; every launch is settled"
    assert checking.everything([stage.place.state_dir]) == before


def _scribble(journal: pathlib.Path) -> None:
    journal.write_bytes(b"not a database, but long enough to be looked at as one" * 100)


def _tear(journal: pathlib.Path) -> None:
    """A page of an index in the middle was overwritten."""
    with contextlib.closing(sqlite3.connect(journal)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'launches'").fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with journal.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x0d" + b"\xff" * (size - 1))


@pytest.mark.parametrize("damage", [_scribble, _tear])
async def test_a_damaged_journal_is_bad(stage: stages.Stage, damage: Callable[[pathlib.Path], None]) -> None:
    async with stage.service() as service:
        await service.tells("account.started", account="bob")
    journal = state_directory.StateDirectory(stage.place.state_dir).journal
    assert (await checking.check(stage)).wrong() == {}
    damage(journal)
    found = await checking.check(stage)
    assert (found.exit_code, found.wrong()) == (1, {JOURNAL: "bad"})
    assert found.links[JOURNAL].mend.startswith(f"cp -a {journal} {journal}.bad")


async def test_a_journal_that_is_gone_while_its_transcripts_are_there_is_bad(stage: stages.Stage) -> None:
    transcripts = stage.place.state_dir / "calls" / "open"
    transcripts.mkdir(parents=True)
    (transcripts / "alice--1.transcript").touch()
    found = await checking.check(stage)
    assert found.wrong() == {JOURNAL: "bad"}
    assert "is missing" in found.links[JOURNAL].seen


async def test_too_little_room_is_bad_and_little_room_is_told(stage: stages.Stage) -> None:
    with _disk(stage) as disk:
        assert (await checking.check(stage)).wrong() == {ROOM: "look"}
        disk.fill(state_directory.LEAST_FREE_BYTES - (1 << 20))
        found = await checking.check(stage)
    assert (found.exit_code, found.wrong()) == (1, {ROOM: "bad"})
    assert "nothing is launched below 32 MiB" in found.links[ROOM].seen
    assert found.links[ROOM].mend.startswith(f"df -h {stage.place.state_dir}")


async def test_a_disk_that_is_read_only_is_bad(stage: stages.Stage) -> None:
    with _disk(stage) as disk:
        assert disks.mount("-o", "remount,ro", disk.directory).returncode == 0
        found = await checking.check(stage)
    assert found.wrong() == {STATE: "bad"}
    assert "read-only" in found.links[STATE].seen


@contextlib.contextmanager
def _disk(stage: stages.Stage) -> Iterator[disks.Disk]:
    if os.geteuid() != 0:
        pytest.skip("needs to mount a small file system (as root)")
    shutil.rmtree(stage.place.state_dir)
    with disks.small(stage.place.state_dir) as disk:
        yield disk


@pytest.mark.real_users
async def test_a_mediator_that_is_not_as_it_was_installed_is_bad_and_told_once(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        file, who = people.made.mediator, people.made.service.name
        install = f"niassa-orch sudoers --install --service-user {who} --mediator {file}  # as root"
        with broken_links.rewritten(file, lambda text: f"{text}# of another version\n"):
            found = await checking.check(stage, "alice")
        assert (found.exit_code, found.wrong()) == (1, {MEDIATOR: "bad"})
        assert "another version, or changed by somebody" in found.links[MEDIATOR].seen
        assert found.links[MEDIATOR].mend == install
        ways = (
            (broken_links.closed(file, 0o775), "may change it", f"chmod go-w {file}  # as root", "engine"),
            (broken_links.moved(file), "is not there", install, "sudo"),
            (broken_links.moved(file.with_name("mediator.json")), "is not there", install, "engine"),
        )
        for broken, seen, mend, link in ways:
            with broken:
                found = await checking.check(stage, "alice")
            assert found.wrong() == {MEDIATOR: "bad", ("alice", link): "bad"}, seen
            assert seen in found.links[MEDIATOR].seen
            assert found.links[MEDIATOR].mend == mend
            assert {("alice", name) for name in ("settings", "engine lock", "crontab", "login")} <= found.skipped()
        assert (await checking.check(stage, "alice")).wrong() == {}


async def test_the_host_of_the_settings_is_told_where_a_profile_names_none(stage: stages.Stage) -> None:
    told = (await checking.check(stage)).links["", "host"]
    assert told.seen == f"every profile names its own: {stages.HOST}"
    with broken_links.rewritten(stage.profile("bob"), lambda text: text.replace("host =", "# host =")):
        told = (await checking.check(stage, HOST="server7.lab.net")).links["", "host"]
        assert told.seen.startswith("runs are launched that were scheduled for server7.lab.net")
        assert told.verdict == "ok"
        found = await checking.check(stage, "bob", HOST="server7.lab.net")
        assert found.links["bob", "scheduled for"].seen.startswith("no run of anybody for server7.lab.net")
