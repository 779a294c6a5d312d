"""What a journal must know to be ours, how long it keeps what is over, and what of it is kept in memory.

Called by ``journal.store``, in the thread that has the connection.
"""

import sqlite3
from collections.abc import Iterable

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.journal import acts, moments, opening, orders, records, shadows

Run = tuple[str, runs.Accession]
Loaded = tuple[dict[Run, records.Launch], acts.Counting, orders.Standing, int]
KEPT_DAYS = 90


def check_knows(database: sqlite3.Connection, transcripts: Iterable[str]) -> None:
    """Look whether the journal knows these transcripts: an intent is on disk before there is a transcript.

    Raises:
        JournalError: It does not: it is older than they are, such as one that was put back from a backup.
    """
    asked = set(transcripts)
    # Mostly there is none, and many launches.
    known = {str(row[0]) for row in database.execute("SELECT transcript FROM launches")} if asked else set()
    unknown = sorted(asked - known)
    if unknown:
        message = (
            f"the journal does not know the launch of transcript {unknown[0]} in calls/open: it is an older one; put "
            f"the right one in its place, or look what became of that launch, and move its transcript to calls/settled"
        )
        raise errors.JournalError(message)


def prune(database: sqlite3.Connection) -> None:
    """Remove what was settled, acts that were begun, and what was decided in shadow mode, longer ago than is kept.

    A clock that is far ahead must not forget everything: it is not later than the newest row of a kind says.
    """
    launches = "SELECT max(max(created, coalesce(settled, ''))) FROM launches"
    with database:
        if oldest := _oldest_kept(database, launches):
            database.execute("DELETE FROM launches WHERE settled < ?", (oldest,))
            acts.prune(database, oldest)
            orders.prune(database, oldest)
        if oldest := _oldest_kept(database, shadows.NEWEST):
            shadows.prune(database, oldest)


def _oldest_kept(database: sqlite3.Connection, newest: str) -> str:
    """The moment before which things are too old, by a statement that asks for the newest; ``""`` without any."""
    found = database.execute(newest).fetchone()[0]
    return moments.before(min(found, moments.now()), days=KEPT_DAYS) if found else ""


def load(database: sqlite3.Connection) -> Loaded:
    """What is kept in memory: unsettled launches by run, acts that count, standing orders, and up to which change."""
    # Before the rows: what is written between the two is read again next time.
    seen = opening.version(database)
    columns = ", ".join(records.COLUMNS)
    rows = database.execute(f"SELECT {columns} FROM launches WHERE settled IS NULL")  # noqa: S608 - our own names
    opened = {launch.key: launch for launch in map(records.of_row, rows)}
    return opened, acts.load(database), orders.load(database), seen
