"""What the journal does when it cannot be written or read: whole or not at all, and a clear word."""

import contextlib
import os
import pathlib
import resource
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Iterator

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs, settling, transitions
from niassa_orch.journal import opening, records, store
from tests.fakes import launches
from tests.integration.journal import conftest

A = runs.Accession(7)
WS, OOZIE = launches.WEB_SERVICE, launches.OOZIE
launch = launches.launch


@contextlib.contextmanager
def no_room_after(path: pathlib.Path) -> Iterator[None]:
    """No file of this process grows beyond what the journal's log has now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (pathlib.Path(f"{path}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextlib.contextmanager
def locked(other: sqlite3.Connection) -> Iterator[None]:
    """Another process writes, and does not end."""
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_BUSY_SECONDS", 0.05)


async def assert_nothing_is_written(journal: store.Journal) -> None:
    """Neither a launch, which is not fenced then, nor a verdict, nor an act."""
    with pytest.raises(errors.JournalError, match="nothing is launched until it can"):
        await journal.intend([launch(8, "second"), launch(9, "second")])
    assert launches.fenced(journal, WS) == {7}
    with pytest.raises(errors.JournalError):
        await journal.settle(launch(7), records.Settled(settling.Outcome.CLEAN, ""))
    with pytest.raises(errors.JournalError):
        await journal.note(launch(7), settling.Outcome.HELD, "held")
    with pytest.raises(errors.JournalError):
        await journal.started("call", launches.PROCESS)
    with pytest.raises(errors.JournalError):
        await journal.acts.intend(launches.act("1-W", transitions.Act.KILL, 0))
    assert journal.unsettled() == (launch(7),)
    assert journal.acts.done(OOZIE, "1-W") is None


async def assert_all_is_well(journal: store.Journal, again: store.Journal) -> None:
    """The same journal can be written again, and the disk says what it says."""
    await journal.intend([launch(8, "second"), launch(9, "second")])
    assert launches.fenced(journal, WS) == {7, 8, 9}
    await again.refresh()
    assert {one.accession for one in again.unsettled()} <= {7, 8, 9}


async def test_without_room_nothing_is_fenced_and_with_room_all_goes_on(
    journal: store.Journal, path: pathlib.Path, opens: conftest.Opens
) -> None:
    await journal.intend([launch(7)])
    with no_room_after(path):
        await assert_nothing_is_written(journal)
    await assert_all_is_well(journal, opens())


@pytest.mark.usefixtures("impatient")
async def test_while_another_process_writes_nothing_is_fenced(opens: conftest.Opens, path: pathlib.Path) -> None:
    journal = opens()
    await journal.intend([launch(7)])
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other, locked(other):
        await assert_nothing_is_written(journal)
        assert await journal.past.known_job(WS, A) is None, "reading goes on"
    await assert_all_is_well(journal, opens())


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mount"), reason="only root can mount a small file system")
async def test_on_a_full_file_system_nothing_is_fenced_and_with_room_all_goes_on(tmp_path: pathlib.Path) -> None:
    mounted = subprocess.run(  # noqa: ASYNC221 - a test's own preparation
        ["mount", "-t", "tmpfs", "-o", "size=256k", "niorch-journal", str(tmp_path)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("this machine does not let root mount")
    try:
        with contextlib.closing(store.Journal(tmp_path / "journal.sqlite")) as journal:
            await journal.intend([launch(7)])
            fill(tmp_path / "filler")
            await assert_nothing_is_written(journal)
            (tmp_path / "filler").unlink()
            with contextlib.closing(store.Journal(tmp_path / "journal.sqlite")) as again:
                await assert_all_is_well(journal, again)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)  # noqa: ASYNC221


def fill(path: pathlib.Path) -> None:
    """Leave no byte free."""
    with path.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))


def test_a_journal_of_a_newer_version_is_refused_and_left_as_it_is(path: pathlib.Path) -> None:
    store.Journal(path).close()
    newer = opening.VERSION + 1
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {newer}")
    with pytest.raises(
        errors.JournalError, match=f"has version {newer}, this is for version {newer - 1}: use the newer"
    ):
        store.Journal(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (newer,)


async def fill_and_close(path: pathlib.Path) -> None:
    """A journal of many pages."""
    with contextlib.closing(store.Journal(path)) as journal:
        await journal.intend([launch(accession, "call", reason="x" * 200) for accession in range(200)])


def overwrite(path: pathlib.Path, start: int, what: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(what)


def page_of(path: pathlib.Path, name: str) -> int:
    """Where the root page of a table or an index begins in the file."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        (root,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    return int((root - 1) * 4096)


@pytest.mark.parametrize(
    ("name", "offset", "length"),
    [("sqlite_schema", 0, 100), ("launches", 0, 4096), ("launches", 8, 2000), ("one_unsettled_attempt", 8, 2000)],
)
async def test_a_damaged_journal_is_refused_and_a_person_is_told_what_to_do(
    path: pathlib.Path, name: str, offset: int, length: int
) -> None:
    await fill_and_close(path)
    start = 0 if name == "sqlite_schema" else page_of(path, name)
    overwrite(path, start + offset, b"\xa5" * length)
    with pytest.raises(errors.JournalError, match=r"is damaged .*put the file aside, look what became of each launch"):
        store.Journal(path)


async def test_a_journal_that_lost_its_fence_is_refused(path: pathlib.Path) -> None:
    await fill_and_close(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute("DELETE FROM sqlite_schema WHERE name = 'one_unsettled_attempt'")
    with pytest.raises(errors.JournalError, match="damaged"):
        store.Journal(path)


async def test_a_cut_journal_is_refused(path: pathlib.Path) -> None:
    await fill_and_close(path)
    os.truncate(path, 3 * 4096)
    with pytest.raises(errors.JournalError, match="damaged"):
        store.Journal(path)


def test_a_journal_that_cannot_be_opened_is_refused_and_leaves_no_thread(path: pathlib.Path) -> None:
    path.mkdir()
    before = threading.active_count()
    with pytest.raises(errors.JournalError, match="cannot be used"):
        store.Journal(path)
    assert threading.active_count() == before
