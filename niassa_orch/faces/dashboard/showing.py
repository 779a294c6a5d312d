"""Drives the dashboard: looks four times a second, draws, and lets the source do what keys ask for.

Nothing here keeps the service waiting, and nothing that happens here ends it. Called by the composition root, and by
the command ``top``.
"""

import asyncio
import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator
from typing import Final

import rich.console
import structlog

from niassa_orch import errors
from niassa_orch.core import board
from niassa_orch.domain import runs
from niassa_orch.faces.dashboard import cells, drawing, keys, pressing, screen, seat
from niassa_orch.faces.dashboard.source import Source
from niassa_orch.faces.dashboard.view import Action, Seen, Verb, View

_LOOK_SECONDS: Final = 0.25
#: After a look that failed.
_AGAIN_SECONDS: Final = 1.0
_LAST_WRITE_SECONDS: Final = 1.0


@contextlib.asynccontextmanager
async def shown(source: Source, console: rich.console.Console) -> AsyncIterator[None]:
    """Show the service on the terminal for as long as the context lasts; a fault of ours is logged and ends nothing."""
    task = asyncio.create_task(_guarded(source, console), name="dashboard")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _guarded(source: Source, console: rich.console.Console) -> None:
    try:
        await show(source, console)
    except Exception:  # noqa: BLE001 - the service works on without its picture, and says so
        structlog.get_logger("niassa_orch").error("dashboard.crashed", exc_info=True)


async def show(source: Source, console: rich.console.Console) -> None:
    """Show the service until the reader leaves, or we are cancelled."""
    writer = drawing.Writer(console.file)
    try:
        await Showing(source, console, writer).show()
    finally:
        writer.close(_LAST_WRITE_SECONDS)


class Showing:
    """What is looked at now.

    Args:
        source: The service.
        console: For the size of the terminal, and what it can.
        writer: Writes to it.
    """

    def __init__(self, source: Source, console: rich.console.Console, writer: drawing.Writer) -> None:
        self._source = source
        self._console = console
        self._writer = writer
        self._drawing = drawing.Drawing(cells.palette(console.color_system, no_color=console.no_color))
        self._seat = seat.Seat(writer, self._press, self._redraw)
        self._view = View()
        self._seen = Seen(farewell=source.farewell)
        self._snapshot: board.Snapshot | None = None
        self._changed = asyncio.Event()
        self._has_left = False
        self._doing: asyncio.Task[None] | None = None

    async def show(self) -> None:
        """Look and draw until the reader leaves."""
        looking = asyncio.create_task(self._look(), name="dashboard-look")
        try:
            with self._seat.held():
                while not self._has_left:
                    self._draw()
                    await self._changed.wait()
                    self._changed.clear()
                    if looking.done():
                        looking.result()
        finally:
            tasks = [task for task in (looking, self._doing) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> None:
        try:
            while True:
                pause_seconds = _LOOK_SECONDS if await self._look_once() else _AGAIN_SECONDS
                await asyncio.sleep(pause_seconds)
        finally:
            self._changed.set()

    async def _look_once(self) -> bool:
        trouble = ""
        try:
            self._snapshot = await self._source.snapshot()
        except errors.NiassaOrchError as exc:
            trouble = str(exc)
        if trouble != self._view.trouble:
            self._view = dataclasses.replace(self._view, trouble=trouble)
        self._changed.set()
        return not trouble

    def _draw(self) -> None:
        """Unless the terminal is not ours, or has not taken the last picture yet."""
        if not self._seat.is_taken or self._writer.is_busy:
            return
        size = self._size()
        drawn = screen.picture(self._snapshot, self._view, *size, self._source.farewell, has_keys=self._seat.has_keys)
        self._seen = drawn.seen
        if changes := self._drawing.changes(drawn.lines, size):
            self._writer.write(changes)

    def _size(self) -> drawing.Size:
        """As it is now: what the environment says of it is as old as the environment."""
        with contextlib.suppress(OSError, ValueError):
            return os.get_terminal_size(self._console.file.fileno())
        return self._console.size

    def _redraw(self) -> None:
        self._drawing.forget()
        self._changed.set()

    def _press(self, key: str) -> None:
        if key == keys.Key.REDRAW:
            self._redraw()
            return
        self._view, action = pressing.press(self._view, key, self._seen)
        self._changed.set()
        if action is not None:
            self._begin(action)

    def _begin(self, action: Action) -> None:
        is_busy = self._doing is not None and not self._doing.done()
        if action.verb is Verb.QUIT and not self._source.farewell:
            self._has_left = True
        elif is_busy and action.verb is not Verb.EXPLAIN:
            self._tell("what was asked for last is not done yet", is_refused=True)
        else:
            if is_busy and self._doing is not None:
                self._doing.cancel()
            self._doing = asyncio.create_task(self._do(action), name=f"dashboard-{action.verb.name.lower()}")

    async def _do(self, action: Action) -> None:
        try:
            if action.accession is not None:
                await self._explain(action.accession)
            else:
                self._tell(await self._order(action))
        except errors.NiassaOrchError as exc:
            self._tell(str(exc), is_refused=True)
        except Exception as exc:  # noqa: BLE001 - a key ends nothing
            structlog.get_logger("niassa_orch").error("dashboard.crashed", exc_info=True)
            self._tell(f"that failed: {type(exc).__name__}", is_refused=True)

    async def _order(self, action: Action) -> str:
        match action.verb:
            case Verb.PAUSE:
                return await self._source.pause(action.account, action.reason)
            case Verb.RESUME:
                return await self._source.resume(action.account)
            case Verb.POLL:
                return await self._source.poll_now(action.account)
            case _:
                return await self._source.leave()

    async def _explain(self, accession: runs.Accession) -> None:
        async for said in self._source.explain(accession):
            self._view = dataclasses.replace(self._view, said=(*self._view.said, (said.who, said.text)))
            self._changed.set()

    def _tell(self, message: str, *, is_refused: bool = False) -> None:
        self._view = dataclasses.replace(self._view, message=message, is_refused=is_refused)
        self._changed.set()
