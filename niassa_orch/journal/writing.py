"""The journal's one writer: a thread with the one connection, and commits that a cancellation cannot part from memory.

Knows nothing of what is written. Called by ``journal.store``.
"""

import asyncio
import concurrent.futures
import pathlib
from collections.abc import Callable
from typing import TypeVar

from niassa_orch import errors
from niassa_orch.journal import opening

_Result = TypeVar("_Result")


class Writer:
    """The database, used in its own thread only.

    Args:
        path: The database file.
        create: Make it when it is absent; else that is an error.

    Raises:
        JournalError: It cannot be opened, is damaged, or was written by a newer version.
    """

    def __init__(self, path: pathlib.Path, *, create: bool = True) -> None:
        self._path = path
        if not create and not path.exists():
            message = f"there is no journal {path}: no service ever ran with this state_dir"
            raise errors.JournalError(message)
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="journal")
        try:
            self._database = self._thread.submit(opening.connect, path).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def close(self) -> None:
        """Close the database; what was asked for is committed first."""
        self._thread.submit(self._database.close).result()
        self._thread.shutdown()

    async def _commit(
        self, write: Callable[[], object], then: Callable[[], object] = int, otherwise: Callable[[], object] = int
    ) -> None:
        """Write, and remember what was written; who is cancelled meanwhile leaves both to go on."""

        def committed() -> None:
            with self._database:
                write()

        def remember(done: asyncio.Future[None]) -> None:
            (then if done.exception() is None else otherwise)()

        writing = asyncio.get_running_loop().run_in_executor(self._thread, committed)
        writing.add_done_callback(remember)
        with opening.translated(self._path):
            await asyncio.shield(writing)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        with opening.translated(self._path):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
