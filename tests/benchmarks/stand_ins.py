"""The stand-ins of the web service and of Oozie in a process of their own, and a record of what they were asked.

``python -m tests.benchmarks.stand_ins DIRECTORY`` prints one line of JSON with the addresses and serves until SIGTERM.
The stand-ins are the sandbox's, as they are. Beside them is a desk for the benchmark: the record of requests, and jobs
that end by themselves, only as long as nobody killed them. Started by ``premises``.
"""

import asyncio
import json
import pathlib
import signal
import sys
import time

from aiohttp import typedefs, web

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from niassa_orch.domain import jobs
from niassa_orch.sandbox import basic_login, oozie, oozie_books, webservice
from tests.benchmarks import requests_seen

WEB_SERVICE_FILE = "webservice.sqlite"
OOZIE_FILE = "oozie.sqlite"
_LAST_ANSWERS_SECONDS = 1.0


class Desk:
    """What the benchmark asks of the stand-ins behind everybody's back.

    Args:
        books: Oozie's, on a connection of its own.
    """

    def __init__(self, books: oozie_books.Books) -> None:
        self._books = books
        self._seen: list[requests_seen.Seen] = []

    def middleware(self, server: str) -> typedefs.Middleware:
        """Notes every request of one stand-in; the outermost, so that the answer is out when it is noted."""

        @web.middleware
        async def note(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
            began = time.time()
            kind, key = requests_seen.kind(server, request.method, request.path, request.query)
            wrote = requests_seen.status_in(await request.read()) if kind == requests_seen.PUT_RUN else ""
            login = basic_login.read(request.headers.get("Authorization"))
            ours = request.headers.get("User-Agent", "").startswith("niassa-orch")
            status = 0
            try:
                answer = await handler(request)
                status = answer.status
                return answer
            finally:
                user = login[0] if login else ""
                noted = requests_seen.Seen(began, time.time(), server, kind, key, user, ours, wrote, status)
                self._seen.append(noted)

        return note

    def build(self) -> web.Application:
        """The desk's own server."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/requests", self._requests)
        app.router.add_post("/ended", self._end)
        return app

    async def _requests(self, request: web.Request) -> web.Response:
        """Those from a number on, in the order in which their answers were out."""
        return web.json_response(self._seen[int(request.query["from"]) :])

    async def _end(self, request: web.Request) -> web.Response:
        """Let jobs end that still run; answers when, and which."""
        asked = await request.json()
        # Between the look and the change nobody else has a turn, since a kill is done in this event loop too.
        alive = [job_id for job_id in asked["ids"] if self._runs(job_id)]
        self._books.set_statuses(alive, jobs.JobStatus(asked["status"]))
        return web.json_response({"moment": time.time(), "ids": alive})

    def _runs(self, job_id: str) -> bool:
        job = self._books.job(job_id)
        return job is not None and job.status is jobs.JobStatus.RUNNING


async def serve(directory: pathlib.Path) -> None:
    """Serve until SIGTERM."""
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    web_app = webservice.build(directory / WEB_SERVICE_FILE)
    oozie_app = oozie.build(directory / OOZIE_FILE)
    books = oozie_books.Books(directory / OOZIE_FILE)
    desk = Desk(books)
    web_app.middlewares.insert(0, desk.middleware(requests_seen.WEB_SERVICE))
    oozie_app.middlewares.insert(0, desk.middleware(requests_seen.OOZIE))
    runners = [
        web.AppRunner(app, shutdown_timeout=_LAST_ANSWERS_SECONDS, access_log=None)
        for app in (web_app, oozie_app, desk.build())
    ]
    try:
        urls = [await _run(runner) for runner in runners]
        print(json.dumps(urls), flush=True)
        await stopping.wait()
    finally:
        for runner in runners:
            await runner.cleanup()
        books.close()


async def _run(runner: web.AppRunner) -> str:
    await runner.setup()
    # Not the default backlog of 128: a hundred accounts of ten threads may knock at once.
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


if __name__ == "__main__":
    asyncio.run(serve(pathlib.Path(sys.argv[1])))
