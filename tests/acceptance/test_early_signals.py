"""Signals that come while the service starts: SIGHUP does not end it, SIGTERM ends it with nothing launched."""

import asyncio
import contextlib
import os
import pathlib
import signal
import sqlite3
from collections.abc import Iterator

import pytest

from tests.acceptance import books, killed_calls, services, stages

#: Takes the place of a library: who imports it waits until somebody has opened the gate and shut it again.
_SLOW = """
import pathlib, sys
here = pathlib.Path(__file__).parent
(here / "gate").read_text()
sys.path.remove(str(here))
del sys.modules["typer"]
import typer
"""


def slow_to_import(directory: pathlib.Path) -> tuple[stages.Crew, pathlib.Path]:
    """The service, which waits in the middle of its imports, and the gate that it waits at: a FIFO."""
    folder = directory / "slow"
    folder.mkdir()
    (folder / "typer.py").write_text(_SLOW, "utf-8")
    os.mkfifo(folder / "gate")
    return stages.Crew(environment={"PYTHONPATH": str(folder)}), folder / "gate"


@contextlib.contextmanager
def journal_in_use(stage: stages.Stage) -> Iterator[None]:
    """Somebody holds the journal, so that a start takes as long as this block, or until it has waited enough."""
    journal = sqlite3.connect(stage.place.state_dir / "journal.sqlite", isolation_level=None)
    try:
        journal.execute("PRAGMA locking_mode = EXCLUSIVE")
        journal.execute("BEGIN EXCLUSIVE")
        yield
    finally:
        journal.close()


def masks(process_id: int) -> dict[str, int]:
    """``SigBlk``, ``SigCgt`` and the others of a process."""
    status = pathlib.Path(f"/proc/{process_id}/status").read_text("utf-8")
    lines = (line.split() for line in status.splitlines() if line.startswith("Sig") and "/" not in line)
    return {name.rstrip(":"): int(mask, 16) for name, mask in lines}


async def opens_journal(service: services.Service) -> None:
    """Wait until it has a handler for SIGHUP: what follows is the state directory, then the journal."""

    async def look() -> bool | None:
        return bool(masks(service.process.pid)["SigCgt"] & 1 << (signal.SIGHUP - 1)) or None

    await books.until("a handler for SIGHUP", look)


async def test_a_sighup_while_it_is_imported_does_not_end_it(tmp_path: pathlib.Path) -> None:
    crew, gate = slow_to_import(tmp_path)
    async with stages.own(tmp_path, "alice", crew=crew) as stage:
        mine = await stage.schedule("alice")
        async with stage.service() as service:
            with await asyncio.to_thread(gate.open, "w"):
                service.signal(signal.SIGHUP)
            await stage.web.reach("completed", mine)


async def test_a_sigterm_while_it_is_imported_ends_it_cleanly_before_anything_is_launched(
    tmp_path: pathlib.Path,
) -> None:
    crew, gate = slow_to_import(tmp_path)
    async with stages.own(tmp_path, "alice", crew=crew) as stage:
        mine = await stage.schedule("alice")
        async with stage.service() as service:
            with await asyncio.to_thread(gate.open, "w"):
                service.signal(signal.SIGTERM)
            assert await service.ended(60) == 0
            assert service.events("service.stopped")
            assert "Traceback" not in service.text
        assert await stage.web.statuses(mine) == ["submitted"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
async def test_a_signal_while_the_journal_is_opened_is_heeded_when_that_is_over(
    stage: stages.Stage, number: signal.Signals
) -> None:
    async with stage.service() as service:
        await service.tells("service.started")  # there is a journal now
    mine = await stage.schedule("alice")
    async with contextlib.AsyncExitStack() as meanwhile:
        with journal_in_use(stage):
            service = await meanwhile.enter_async_context(stage.service())
            await opens_journal(service)
            service.signal(number)
        if number is signal.SIGTERM:
            assert await service.ended(60) == 0
        else:
            await stage.web.reach("completed", mine)
    if number is signal.SIGTERM:
        assert await stage.web.statuses(mine) == ["submitted"]


async def test_no_signal_waits_in_a_service_that_runs_nor_in_its_engine_calls(stage: stages.Stage) -> None:
    calls = killed_calls.Killer(stage)
    mine = await stage.schedule("alice", pause="1")  # the engine works as long as this test likes
    async with stage.service() as service:
        engine = (await books.until("an engine that stopped", calls.any_stopped))[mine]["engine"]
        for process_id in (service.process.pid, engine):
            waiting = masks(process_id)["SigBlk"] & (1 << (signal.SIGHUP - 1) | 1 << (signal.SIGTERM - 1))
            assert waiting == 0, process_id
        os.kill(engine, signal.SIGCONT)
        await stage.web.reach("completed", mine)
