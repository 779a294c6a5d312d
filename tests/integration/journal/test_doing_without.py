"""A journal that cannot be opened, or not be written any more: everything is fenced, all is well again by itself."""

import contextlib
import os
import pathlib
import sqlite3
from collections.abc import Iterator

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs, settling
from niassa_orch.journal import opening, records, store
from tests.fakes import clock as clocks
from tests.fakes import launches
from tests.fakes import neighbours_in_memory as fakes

A = runs.Accession(7)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> clocks.Clock:
    stopped = clocks.Clock()
    monkeypatch.setattr(store, "time", stopped)
    return stopped


@pytest.fixture
def damaged(path: pathlib.Path) -> Iterator[store.Journal]:
    path.write_bytes(b"\xa5" * 8192)
    with contextlib.closing(store.Journal(path, patient=True)) as journal:
        yield journal


async def test_a_journal_that_cannot_be_opened_fences_every_run_and_takes_no_intent(damaged: store.Journal) -> None:
    assert "is damaged" in damaged.trouble
    assert damaged.is_fenced(fakes.BOB, A)
    assert not damaged.is_settled(fakes.BOB, A)
    assert damaged.unsettled() == ()
    with pytest.raises(errors.JournalError, match="is damaged"):
        await damaged.intend([launches.launch(7)])
    with pytest.raises(errors.JournalError, match="is damaged"):
        await damaged.past.known_job(launches.WEB_SERVICE, A)
    assert "is damaged" in damaged.trouble


async def test_it_is_opened_once_it_can_be_and_then_it_knows_its_launches(
    damaged: store.Journal, path: pathlib.Path, tmp_path: pathlib.Path, clock: clocks.Clock
) -> None:
    with contextlib.closing(store.Journal(tmp_path / "good.sqlite")) as good:
        await good.intend([launches.launch(7)])
    with pytest.raises(errors.JournalError, match="is damaged"):
        await damaged.refresh()
    (tmp_path / "good.sqlite").rename(path)
    with pytest.raises(errors.JournalError, match="is damaged"):
        await damaged.refresh()
    clock.advance(10)
    await damaged.refresh()
    assert damaged.trouble == ""
    assert damaged.is_fenced(fakes.BOB, A)
    assert not damaged.is_fenced(fakes.BOB, runs.Accession(8))
    await damaged.intend([launches.launch(8, "second")])


async def test_a_journal_that_cannot_be_written_says_so_until_it_can(
    journal: store.Journal, other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_BUSY_SECONDS", 0.05)
    other.execute("CREATE TRIGGER full BEFORE INSERT ON launches BEGIN SELECT RAISE(ABORT, 'no room'); END")
    with pytest.raises(errors.JournalError):
        await journal.intend([launches.launch(7)])
    assert "no room" in journal.trouble
    await journal.refresh()
    assert journal.trouble == "", "what can be written again is well"


async def test_a_journal_that_is_damaged_while_it_is_open_stays_in_trouble(
    journal: store.Journal, path: pathlib.Path
) -> None:
    await journal.intend([launches.launch(one, "call", reason="x" * 500) for one in range(1, 200)])
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with pytest.raises(errors.JournalError):
        await journal.settle(launches.launch(7), records.Settled(settling.Outcome.CLEAN, ""))
    assert journal.trouble
    for _ in range(2):
        with pytest.raises(errors.JournalError, match="is damaged"):
            await journal.refresh()
    assert "is damaged" in journal.trouble
    assert journal.is_fenced(fakes.BOB, A), "what is known to be open stays so"
