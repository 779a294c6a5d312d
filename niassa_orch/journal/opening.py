"""Opens the journal's file: how it is written, whether it is whole, which version it has.

Every error of sqlite3 leaves as a ``JournalError``. Called by ``journal.writing``, in the thread that has the
connection.
"""

import contextlib
import pathlib
import sqlite3
from collections.abc import Callable, Iterator

from niassa_orch import errors

#: ``schema_N.sql`` brings a journal from version N - 1 to version N.
VERSION = 4
_BUSY_SECONDS = 5.0


@contextlib.contextmanager
def translated(path: pathlib.Path) -> Iterator[None]:
    """Errors of sqlite3 and of the file system as a ``JournalError``."""
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        message = f"the journal {path} cannot be used: {exc}; nothing is launched until it can"
        raise errors.JournalError(message) from exc


def connect(path: pathlib.Path, why_not_new: Callable[[], str]) -> sqlite3.Connection:
    """The database, made when it is absent.

    Args:
        path: Of the file.
        why_not_new: Says why it must not be made when it is absent; ``""`` when it may.

    Raises:
        JournalError: It is absent, cannot be opened, is damaged, or was written by a newer version.
    """
    with translated(path), contextlib.ExitStack() as failed:
        if not path.exists() and (reason := why_not_new()):
            message = f"there is no journal {path}: {reason}"
            raise errors.JournalError(message)
        database = sqlite3.connect(path, timeout=_BUSY_SECONDS)
        failed.callback(database.close)
        _check_whole(path, database)
        _migrate(path, database)
        failed.pop_all()
        return database


def damage(database: sqlite3.Connection) -> str:
    """What is wrong with what it says, ``""`` when it is whole; sets how it is written.

    Raises:
        sqlite3.OperationalError: Locked, read-only, full: nothing that is wrong with what it says.
    """
    try:
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            database.execute(f"PRAGMA {pragma}")
        # Indexes too: one of them is the fence.
        said = " ".join(database.execute("PRAGMA integrity_check(1)").fetchone()[0].split())
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as exc:
        said = str(exc)
    return "" if said == "ok" else said


def schema_version(database: sqlite3.Connection) -> int:
    """Which ``schema_N.sql`` was the last; 0 for a file that was just made."""
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _check_whole(path: pathlib.Path, database: sqlite3.Connection) -> None:
    said = damage(database)
    if said:
        message = (
            f"the journal {path} is damaged ({said}): nothing is launched; put the file aside, look what became of "
            f"each launch whose transcript is in calls/open beside it, and move that to calls/settled"
        )
        raise errors.JournalError(message)


def _migrate(path: pathlib.Path, database: sqlite3.Connection) -> None:
    found = schema_version(database)
    if found > VERSION:
        message = f"the journal {path} has version {found}, this is for version {VERSION}: use the newer niassa-orch"
        raise errors.JournalError(message)
    for number in range(found + 1, VERSION + 1):
        statements = path_of_schema(number).read_text()
        database.executescript(f"BEGIN IMMEDIATE;\n{statements}\nPRAGMA user_version = {number};\nCOMMIT;")


def path_of_schema(number: int) -> pathlib.Path:
    """The statements that make version ``number`` of the version before."""
    return pathlib.Path(__file__).with_name(f"schema_{number}.sql")


def version(database: sqlite3.Connection) -> int:
    """Changes when another connection has written."""
    return int(database.execute("PRAGMA data_version").fetchone()[0])


def prove(path: pathlib.Path, database: sqlite3.Connection) -> None:
    """Look whether the database is whole, and write something that changes nothing.

    Raises:
        JournalError: It is damaged.
        sqlite3.Error: It cannot be written.
    """
    _check_whole(path, database)
    database.execute(f"PRAGMA user_version = {VERSION}")
