"""A journal of an earlier version is brought up to date, and nothing that it says is lost."""

import contextlib
import pathlib
import sqlite3

from niassa_orch.domain import runs, settling, transitions
from niassa_orch.journal import opening, records, store
from tests.fakes import launches

A, B, C = (runs.Accession(number) for number in (7, 8, 9))
_COLUMNS = (
    *("call_id", "web_service", "accession", "owner", "host", "oozie", "account", "unix_user", "verb"),
    *("engine_family", "transcript", "boot_id", "created", "started", "outcome", "reason", "job_id"),
)


def write_version_1(path: pathlib.Path) -> None:
    """A journal as version 1 left it: one launch settled, one that a person told of, one just intended; one act."""
    statement = f"INSERT INTO launches ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executescript(opening.path_of_schema(1).read_text() + "PRAGMA user_version = 1;")
        for accession, outcome, job in ((A, "launched", "7-W"), (B, "in doubt", "8-W"), (C, "", None)):
            launch = launches.launch(accession, f"call-{accession}")
            known = [getattr(launch, name) for name in _COLUMNS[:14]]
            database.execute(statement, (*known, outcome, "why", job))
        database.execute("UPDATE launches SET settled = '2999-01-01' WHERE accession = 7")
        database.execute("INSERT INTO acts VALUES (?, '7-W', 'kill', 2, '2999-01-01')", (launches.OOZIE,))


async def test_what_version_1_knew_is_known(path: pathlib.Path) -> None:
    write_version_1(path)
    with contextlib.closing(store.Journal(path)) as journal:
        assert launches.fenced(journal) == {B, C}
        told, intended = journal.unsettled()
        assert (told.told, told.job_id, told.outcome) == (records.Told.LAUNCHED, "8-W", settling.Outcome.IN_DOUBT)
        assert intended == launches.launch(C, "call-9", reason="why")
        assert await journal.past.known_job(launches.WEB_SERVICE, A) == "7-W"
        assert journal.acts.done(launches.OOZIE, "7-W") == (transitions.Act.KILL, 2)
        await journal.settle(intended, records.Settled(settling.Outcome.CLEAN, "nothing"))
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (opening.VERSION,)


def test_a_journal_that_dies_while_it_is_brought_up_to_date_is_of_one_version_or_the_other(path: pathlib.Path) -> None:
    write_version_1(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        # As a process that ended in the midst of it: what it had begun is not committed.
        other.executescript(f"BEGIN IMMEDIATE;\n{opening.path_of_schema(2).read_text()}")
    with contextlib.closing(store.Journal(path)) as journal:
        assert launches.fenced(journal) == {B, C}


def test_a_new_journal_and_one_that_was_brought_up_to_date_have_the_same_tables(
    path: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    write_version_1(path)
    new = tmp_path / "new.sqlite"
    for one in (path, new):
        store.Journal(one).close()
    assert schema(path) == schema(new)


def schema(path: pathlib.Path) -> list[tuple[str, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()
