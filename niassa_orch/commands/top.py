"""The command ``top``: the dashboard of a service that runs, over its control socket, from any terminal.

``Attached`` is what the dashboard looks at: a service that may be restarted meanwhile, or not run at all. Looks and
gives orders; what it shows is the business of ``faces.dashboard``.
"""

import asyncio
import contextlib
import pathlib
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final

import rich.console
import typer

from niassa_orch import errors, logs
from niassa_orch.commands import beginning, event_lines
from niassa_orch.config import settings
from niassa_orch.control import client, documents, place
from niassa_orch.core import board, explaining
from niassa_orch.domain import runs
from niassa_orch.faces.dashboard import showing

_AGAIN_SECONDS: Final = 1.0
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def top(context: typer.Context) -> None:
    """The dashboard of the running service, from any terminal, any number at once; the service is left undisturbed.

    ? tells the keys, q leaves. Whoever may use the control socket sees; root, the service's user and members of the
    group that [control] names give orders. A service that is restarted is shown again as soon as it answers. Off a
    terminal it prints one line an event, without an end.
    """
    folder = settings.load(context.obj, {}).effective_runtime_dir
    console = rich.console.Console()
    live = beginning.is_live(console, wanted=None)
    logs.install_hooks(logs.configure(beginning.event_lines(live=live), level="error"))
    ended_by = asyncio.run(_until_ended(_show(folder, console) if live else _print_events(folder)))
    if ended_by not in (None, signal.SIGINT):
        raise typer.Exit(128 + ended_by)


async def _until_ended(work: Coroutine[Any, Any, None]) -> signal.Signals | None:
    """Do it until a signal ends it, so that the terminal is given back; which one did."""
    loop, task, ended_by = asyncio.get_running_loop(), asyncio.ensure_future(work), None

    def end(number: signal.Signals) -> None:
        nonlocal ended_by
        ended_by = number
        task.cancel()

    for number in _ENDING:
        loop.add_signal_handler(number, end, number)
    try:
        await task
    except asyncio.CancelledError:
        if ended_by is None:
            raise
    return ended_by


async def _show(folder: pathlib.Path, console: rich.console.Console) -> None:
    async with attached(folder) as source:
        await showing.show(source, console)


async def _print_events(folder: pathlib.Path) -> None:
    """Events as they come; those that were printed before the service was lost are not printed again."""
    last, told = "", ""
    while True:
        try:
            async with client.connected(folder) as service:
                async for event in service.events(follow=True):
                    if event["time"] > last:
                        last, told = event["time"], ""
                        print(event_lines.of(event), flush=True)
        except errors.ControlError as exc:
            if str(exc) != told:
                told = str(exc)
                print(f"niassa-orch: {told}; trying again", file=sys.stderr, flush=True)
        await asyncio.sleep(_AGAIN_SECONDS)


class Attached:
    """A service that is asked over its socket; ``attached`` makes one.

    Args:
        folder: Where the socket is, when there is one.
        opened: Closes what was opened last.
    """

    farewell: Final = ""

    def __init__(self, folder: pathlib.Path, opened: contextlib.AsyncExitStack) -> None:
        self._folder = folder
        self._opened = opened
        self._client: client.Client | None = None

    async def snapshot(self) -> board.Snapshot:
        """The board as it is now; raises ControlError."""
        try:
            return await (await self._connected()).snapshot()
        except errors.NoServiceError as exc:
            # Its next start may make the folder anew.
            self._client = None
            await self._opened.aclose()
            message = f"no service answers at {self._folder / place.NAME}; trying again"
            raise errors.NoServiceError(message) from exc

    async def pause(self, account: str, reason: str) -> str:
        """Pause an account; raises ControlError."""
        return await self._order("pause", documents.OrderBody(account=account, reason=reason))

    async def resume(self, account: str) -> str:
        """Lift what an operator ordered of an account; raises ControlError."""
        return await self._order("resume", documents.OrderBody(account=account))

    async def poll_now(self, account: str) -> str:
        """Look at an account now; raises ControlError."""
        return await self._order("poll-now", documents.OrderBody(account=account))

    async def explain(self, accession: runs.Accession) -> AsyncIterator[explaining.Said]:
        """What is known of a run; raises ControlError."""
        async for said in (await self._connected()).explain(accession):
            yield explaining.Said(said["who"], said["text"])

    async def leave(self) -> str:
        """Nothing comes of it."""
        return ""

    async def _order(self, what: str, body: documents.OrderBody) -> str:
        return str((await (await self._connected()).order(what, body))["said"])

    async def _connected(self) -> client.Client:
        if self._client is None:
            self._client = await self._opened.enter_async_context(client.connected(self._folder))
        return self._client


@contextlib.asynccontextmanager
async def attached(folder: pathlib.Path) -> AsyncIterator[Attached]:
    """The service whose socket lies in a folder, or will."""
    async with contextlib.AsyncExitStack() as opened:
        yield Attached(folder, opened)
