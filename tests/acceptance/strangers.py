"""A server of somebody else, to which a bad neighbour sends whoever asks it. Used by tests of redirects and secrets."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web


@contextlib.asynccontextmanager
async def stranger() -> AsyncIterator[tuple[str, list[dict[str, str]]]]:
    """A server that nobody should ever visit, and the headers of those who did."""
    visits: list[dict[str, str]] = []

    async def visited(request: web.Request) -> web.Response:
        visits.append(dict(request.headers))
        return web.Response(text="<WorkflowRunList2/>", content_type="application/xml")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", visited)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/workflowruns", visits
    finally:
        await runner.cleanup()
