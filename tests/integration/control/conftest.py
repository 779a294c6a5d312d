"""A server on a control socket, for the tests beside."""

import contextlib
import pathlib
from collections.abc import AsyncIterator

import pytest

from niassa_orch.control import server
from niassa_orch.core import account_line, audit, board, operating, orders, resolving, state_directory
from niassa_orch.journal import store
from tests.fakes import neighbours_in_memory as fakes


@pytest.fixture
def told() -> board.Board:
    made = fakes.board_of()
    made.line("bob").state = account_line.State.OK
    made.line("alice")
    return made


@pytest.fixture
async def serving() -> AsyncIterator[contextlib.AsyncExitStack]:
    """What the service holds open; a test may end it."""
    async with contextlib.AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def folder(tmp_path: pathlib.Path, told: board.Board, serving: contextlib.AsyncExitStack) -> pathlib.Path:
    """Where a server listens that has a journal and an audit trail, and no workers."""
    journal = store.Journal(tmp_path / "journal.sqlite")
    serving.callback(journal.close)
    trail = audit.Trail(tmp_path / "audit", str, told.tell_audit)
    serving.callback(trail.close)
    words = resolving.Resolving(state_directory.StateDirectory(tmp_path), trail)
    standing = orders.StandingOrders(journal, told)
    operates = operating.Operating(standing, trail, lambda: ["alice", "bob"], words=words)
    answers = server.Server(told, operates, "")
    await serving.enter_async_context(server.served(answers, tmp_path / "run", 0o666, ""))
    return tmp_path / "run"
