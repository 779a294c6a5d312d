"""The journal's one writer: a thread with the one connection, and commits that a cancellation cannot part from memory.

Knows nothing of what is written. Used by ``journal.store``, ``journal.acts`` and ``journal.past``.
"""

import asyncio
import concurrent.futures
import pathlib
import sqlite3
from collections.abc import Callable, Iterable
from typing import TypeVar

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.journal import opening

_Result = TypeVar("_Result")


class Writer:
    """The database, used in its own thread only.

    Attributes:
        trouble: Why the journal cannot be written, as far as is known; ``""`` when it can.

    Args:
        path: The database file.
        why_not_new: Says why it must not be made when it is absent; ``""`` when it may.
    """

    def __init__(self, path: pathlib.Path, why_not_new: Callable[[], str]) -> None:
        self.trouble = ""
        self._path = path
        self._why_not_new = why_not_new
        self._database: sqlite3.Connection | None = None
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="journal")

    def open(self, load: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Open the database and load from it; blocks.

        Raises:
            JournalError: It is absent, cannot be opened, is damaged, or was written by a newer version.
        """
        return self._thread.submit(self._open, load).result()

    async def reopen(self, load: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """As ``open``, for who cannot block."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._open, load)

    def close(self) -> None:
        """Close the database; what was asked for is committed first."""
        self._thread.submit(self._close).result()
        self._thread.shutdown()

    async def write(
        self,
        write: Callable[[sqlite3.Connection], object],
        then: Callable[[], object] = int,
        otherwise: Callable[[], object] = int,
    ) -> None:
        """Write, and remember what was written; who is cancelled meanwhile leaves both to go on.

        Args:
            write: Makes the statements of one transaction.
            then: Remembers, once the commit is on disk.
            otherwise: When there was no commit.

        Raises:
            JournalError: Nothing was written.
        """

        def committed() -> None:
            with opening.translated(self._path), self._opened() as database:
                write(database)

        def remember(done: asyncio.Future[None]) -> None:
            failure = done.exception()
            self.trouble = "" if failure is None or isinstance(failure, errors.OvertakenError) else str(failure)
            (then if failure is None else otherwise)()

        writing = asyncio.get_running_loop().run_in_executor(self._thread, committed)
        writing.add_done_callback(remember)
        await asyncio.shield(writing)

    async def read(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        """Ask the database.

        Raises:
            JournalError: It cannot be asked.
        """

        def asked() -> _Result:
            with opening.translated(self._path):
                return work(self._opened())

        return await asyncio.get_running_loop().run_in_executor(self._thread, asked)

    async def which(
        self, statement: str, web_service: str, accessions: Iterable[runs.Accession]
    ) -> set[runs.Accession]:
        """For which of these runs of a web service a statement finds anything; raises as ``read``."""
        asked = tuple(accessions)

        def found(database: sqlite3.Connection) -> set[runs.Accession]:
            # A look into an index each: there may be more runs than a statement takes values.
            return {one for one in asked if database.execute(statement, (web_service, one)).fetchone()}

        return await self.read(found)

    async def prove(self) -> None:
        """Look whether a journal that could not be written is whole and can be written again.

        Raises:
            JournalError: It still is not.
        """
        await self.write(lambda database: opening.prove(self._path, database))

    def _opened(self) -> sqlite3.Connection:
        if self._database is None:
            raise errors.JournalError(self.trouble)
        return self._database

    def _open(self, load: Callable[[sqlite3.Connection], _Result]) -> _Result:
        try:
            database = self._database or opening.connect(self._path, self._why_not_new)
            with opening.translated(self._path):
                loaded = load(database)
        except errors.JournalError as exc:
            self.trouble = str(exc)
            raise
        self._database, self.trouble = database, ""
        return loaded

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
