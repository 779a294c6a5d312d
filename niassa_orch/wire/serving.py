"""What we serve by HTTP ourselves: an application that is ready for connections, and says nothing of strangers.

Who may connect, where and how often, is for whoever opens the door: ``faces.web`` and ``control.connections``.
"""

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from aiohttp import web

#: Belongs to nothing and says nothing: aiohttp would log each request that is no HTTP as an error, with a traceback.
_SILENT: Final = logging.Logger("strangers", logging.CRITICAL + 1)  # noqa: LOG001 - so that nobody hears it


@contextlib.asynccontextmanager
async def ready(application: web.Application, *, ends_with_reader: bool) -> AsyncIterator[web.AppRunner]:
    """Have an application answer for as long as the context lasts.

    Args:
        application: What is answered.
        ends_with_reader: An answer ends when whoever asked for it has gone.
    """
    runner = web.AppRunner(
        application,
        access_log=None,
        logger=_SILENT,
        lingering_time=0.0,
        handle_signals=False,
        handler_cancellation=ends_with_reader,
        shutdown_timeout=1.0,
    )
    await runner.setup()
    try:
        yield runner
    finally:
        await runner.cleanup()
