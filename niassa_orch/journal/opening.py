"""Opens the journal's file: how it is written, whether it is whole, which version it has.

Every error of sqlite3 leaves as a ``JournalError``. Called by ``journal.store``, in the thread that has the connection.
"""

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

from niassa_orch import errors

_VERSION = 1
_SCHEMA = pathlib.Path(__file__).with_name("schema.sql")
_BUSY_SECONDS = 5.0


@contextlib.contextmanager
def translated(path: pathlib.Path) -> Iterator[None]:
    """Errors of sqlite3 and of the file system as a ``JournalError``."""
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        message = f"the journal {path} cannot be used: {exc}; nothing is launched until it can"
        raise errors.JournalError(message) from exc


def connect(path: pathlib.Path) -> sqlite3.Connection:
    """The database, made when it is absent.

    Raises:
        JournalError: It cannot be opened, is damaged, or was written by a newer version.
    """
    with translated(path), contextlib.ExitStack() as failed:
        database = sqlite3.connect(path, timeout=_BUSY_SECONDS)
        failed.callback(database.close)
        try:
            for pragma in ("journal_mode = WAL", "synchronous = FULL"):
                database.execute(f"PRAGMA {pragma}")
            # Indexes too: one of them is the fence.
            said = " ".join(database.execute("PRAGMA integrity_check(1)").fetchone()[0].split())
        except sqlite3.OperationalError:
            raise  # locked, read-only, full: nothing that is wrong with what it says
        except sqlite3.DatabaseError as exc:
            said = str(exc)
        if said != "ok":
            message = f"the journal {path} is damaged ({said}): put it aside, and look at every run in {path.parent}"
            raise errors.JournalError(message)
        _migrate(path, database)
        failed.pop_all()
        return database


def _migrate(path: pathlib.Path, database: sqlite3.Connection) -> None:
    found = int(database.execute("PRAGMA user_version").fetchone()[0])
    if found > _VERSION:
        message = f"the journal {path} has version {found}, this is for version {_VERSION}: use the newer niassa-orch"
        raise errors.JournalError(message)
    if found == 0:
        database.executescript(f"BEGIN;\n{_SCHEMA.read_text()}\nPRAGMA user_version = {_VERSION};\nCOMMIT;")


def version(database: sqlite3.Connection) -> int:
    """Changes when another connection has written."""
    return int(database.execute("PRAGMA data_version").fetchone()[0])
