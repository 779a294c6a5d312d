"""What ``check`` says of a journal, whatever a service does to it meanwhile, and that it leaves it as it is."""

import contextlib
import pathlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest

from niassa_orch.admin import check_journal, links
from niassa_orch.core import state_directory
from niassa_orch.journal import opening
from tests.acceptance import checking

#: Writes two launches a commit, and works its log into the file every few commits, until it is told to end.
_WRITER = """
import pathlib, sys, threading
from niassa_orch.journal import opening
database = opening.connect(pathlib.Path(sys.argv[1]), str)
database.execute("PRAGMA wal_autocheckpoint = 8")
database.execute("PRAGMA synchronous = OFF")
columns = [row[1] for row in database.execute("PRAGMA table_info(launches)") if row[3] and row[4] is None]
statement = f"INSERT INTO launches ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
ending = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ending.set()), daemon=True).start()
number = 0
while not ending.is_set():
    with database:
        if number % 400 == 0:
            database.execute("DELETE FROM launches")
        for _ in range(2):
            number += 1
            database.execute(statement, [number if name == "accession" else f"{name} {number}" for name in columns])
    if number == 2:
        print("writes", flush=True)
"""


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where the journal of a state directory lies."""
    return state_directory.StateDirectory(tmp_path).journal


@contextlib.contextmanager
def written(file: pathlib.Path) -> Iterator[subprocess.Popen[str]]:
    """The journal is written as quickly as it can be."""
    argv = [sys.executable, "-c", _WRITER, str(file)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writes\n"
        try:
            yield writer
        finally:
            writer.kill()


def test_a_journal_that_is_written_all_the_time_is_seen_as_of_one_moment(file: pathlib.Path) -> None:
    with written(file) as writer:
        seen = [check_journal.look(file.parent) for _ in range(60)]
        assert writer.poll() is None
    assert {link.verdict for link in seen} <= {links.Verdict.OK, links.Verdict.SKIPPED}, seen
    counts = [int(link.seen.split()[1]) for link in seen if link.verdict is links.Verdict.OK]
    assert len(set(counts)) > 1, "it was looked at while it was written"
    assert {count % 2 for count in counts} == {0}, "no commit is seen half"


def test_what_a_killed_service_left_is_seen_and_everything_stays_as_it_is(file: pathlib.Path) -> None:
    with written(file):
        pass
    before = checking.everything([file.parent])
    assert before[f"{file}-wal"][3] > 0
    assert "launches are not settled" in check_journal.look(file.parent).seen
    assert checking.everything([file.parent]) == before


def test_a_journal_that_was_closed_stays_as_it_is(file: pathlib.Path) -> None:
    opening.connect(file, str).close()
    before = checking.everything([file.parent])
    assert check_journal.look(file.parent) == links.ok("journal", "whole; every launch is settled")
    assert checking.everything([file.parent]) == before


def test_a_journal_that_is_open_elsewhere_is_not_touched(file: pathlib.Path) -> None:
    with contextlib.closing(opening.connect(file, str)) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM launches")
        before = checking.everything([file.parent])
        assert check_journal.look(file.parent).verdict is links.Verdict.OK
        assert checking.everything([file.parent]) == before


def test_a_journal_that_is_just_being_made_is_not_begun(file: pathlib.Path) -> None:
    file.touch()
    assert check_journal.look(file.parent) == links.ok("journal", "not begun yet")


def test_a_journal_of_a_newer_version_is_bad_as_the_service_would_say(file: pathlib.Path) -> None:
    with contextlib.closing(opening.connect(file, str)) as database:
        database.execute(f"PRAGMA user_version = {opening.VERSION + 1}")
    found = check_journal.look(file.parent)
    assert (found.verdict, found.mend.partition("  #")[0]) == (links.Verdict.BAD, "niassa-orch version")


def test_an_index_that_lacks_a_launch_is_damage_since_the_fence_is_an_index(file: pathlib.Path) -> None:
    with written(file):
        pass
    _rule(file, "one_unsettled_attempt", "settled IS NULL AND accession > 1", "REINDEX one_unsettled_attempt")
    _rule(file, "one_unsettled_attempt", "settled IS NULL")
    found = check_journal.look(file.parent)
    assert found.verdict is links.Verdict.BAD
    assert "missing from index" in found.seen


def _rule(file: pathlib.Path, index: str, rows: str, then: str = "") -> None:
    """Write into the schema for which rows an index is, as a disk may that forgets."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA writable_schema = ON")
        statement = f"CREATE UNIQUE INDEX {index} ON launches (web_service, accession) WHERE {rows}"
        assert database.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", (statement, index)).rowcount == 1
        database.commit()
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute(then)
        database.commit()
