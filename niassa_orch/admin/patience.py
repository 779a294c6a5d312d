"""Waits for something that blocks, as long as a person would: a home on a file server that is gone blocks for ever.

Each wait has a thread of its own that is left behind when it does not end, so that neither other looks nor the end of
the command wait for it. For looks that change nothing. Called by ``commands.check`` and ``check_account``.
"""

import asyncio
import threading
import typing
from collections.abc import Callable

from niassa_orch.seqware import call

_Seen = typing.TypeVar("_Seen")


async def look(blocks: Callable[[], _Seen], seconds: float) -> _Seen:
    """What ``blocks`` returns, or raises.

    Raises:
        TimeoutError: It did not end within ``seconds``.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[_Seen] = loop.create_future()
    report = call.Report(loop, answered)

    def attend() -> None:
        try:
            report(blocks())
        except Exception as exc:  # noqa: BLE001 - it is raised where it is awaited
            report(exc)

    threading.Thread(target=attend, name="look", daemon=True).start()
    async with asyncio.timeout(seconds):
        return await answered
