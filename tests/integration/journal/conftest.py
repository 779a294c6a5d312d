import contextlib
import pathlib
import sqlite3
from collections.abc import Callable, Iterator

import pytest

from niassa_orch.journal import store

Opens = Callable[[], store.Journal]


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def opens(path: pathlib.Path) -> Iterator[Opens]:
    """Opens the journal, again and again if need be; everything is closed in the end."""
    with contextlib.ExitStack() as opened:

        def open_journal() -> store.Journal:
            journal = store.Journal(path)
            opened.callback(journal.close)
            return journal

        yield open_journal


@pytest.fixture
def journal(opens: Opens) -> store.Journal:
    return opens()


@pytest.fixture
def other(path: pathlib.Path, journal: store.Journal) -> Iterator[sqlite3.Connection]:  # noqa: ARG001
    """Another process's connection to the same file."""
    connection = sqlite3.connect(path, timeout=0.1, isolation_level=None)
    yield connection
    connection.close()
