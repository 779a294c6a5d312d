"""The stand-in of the Niassa web service: HTTP on top of the books, with every quirk of the protocol, section 1.

An aiohttp application for the sandbox and for tests; product code never knows that it talks to it. Besides the
service's own addresses it serves ``/sandbox/...``: faults, the record of requests, accounts, runs and their history.
"""

import asyncio
import html
import pathlib

from aiohttp import typedefs, web

from niassa_orch.sandbox import (
    faults,
    webservice_books,
    webservice_documents,
    webservice_lists,
    webservice_logins,
)

BOOKS: web.AppKey[webservice_books.Books] = web.AppKey("books", webservice_books.Books)
FAULTS: web.AppKey[faults.Faults] = web.AppKey("faults", faults.Faults)

_LARGEST_BODY_BYTES = 64 * 1024 * 1024
_LARGEST_INTEGER = 2**31 - 1


def build(
    state_file: pathlib.Path,
    *,
    base_path: str = "/SeqWareWebService",
    verdict_cache_seconds: float = 60.0,
    overlap_seconds: float = 0.0,
    set_cookie: bool = False,
) -> web.Application:
    """Make a web service out of a state file, which is created when absent.

    Args:
        state_file: The books; ``app[BOOKS]`` while the application lives.
        base_path: What comes before ``/workflowruns``.
        verdict_cache_seconds: How long the verdict of a login is kept, good or bad.
        overlap_seconds: How long a PUT is inside the server between its reading and its writing of the row; of two
            that overlap there, one is answered 500.
        set_cookie: Whether a proxy hands out session cookies, and believes them more than the password.
    """
    books = webservice_books.Books(state_file)
    logins = webservice_logins.Logins(books, verdict_cache_seconds)
    orders = faults.Faults(identity=logins.who)
    base = base_path.rstrip("/")
    middlewares = [orders.middleware(), _login_middleware(logins, base, set_cookie=set_cookie)]
    app = web.Application(middlewares=middlewares, client_max_size=_LARGEST_BODY_BYTES)
    app[BOOKS], app[FAULTS] = books, orders
    orders.add_routes(app)
    _Runs(books, logins, overlap_seconds).add_routes(app, base)
    _Sandbox(books, logins).add_routes(app)
    app.on_cleanup.append(_close_books)
    return app


async def _close_books(app: web.Application) -> None:
    app[BOOKS].close()


def _login_middleware(logins: webservice_logins.Logins, base: str, *, set_cookie: bool) -> typedefs.Middleware:
    free = ("/metrics", f"{base}/metrics")

    @web.middleware
    async def admit(request: web.Request, handler: typedefs.Handler) -> web.StreamResponse:
        if request.path in free or request.path.startswith("/sandbox/"):
            return await handler(request)
        if logins.admit(request) is None:
            refusal = _failure(401, "The request requires user authentication")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="SeqWareWebService"'
            return refusal
        answer = await handler(request)
        token = logins.open_session(request) if set_cookie else None
        if token is not None:
            answer.headers.add("Set-Cookie", f"{webservice_logins.COOKIE}={token}; Path={base or '/'}; HttpOnly")
        return answer

    return admit


class _Runs:
    """The service's own addresses."""

    def __init__(self, books: webservice_books.Books, logins: webservice_logins.Logins, overlap_seconds: float) -> None:
        self._books = books
        self._logins = logins
        self._overlap_seconds = overlap_seconds

    def add_routes(self, app: web.Application, base: str) -> None:
        app.router.add_get(base + r"/{address:.+}/", self.redirect)
        app.router.add_get(f"{base}/workflowruns", self.list_runs, allow_head=False)
        app.router.add_post(f"{base}/workflowruns", self.schedule)
        app.router.add_get(f"{base}/workflowruns/{{accession}}", self.get, allow_head=False)
        app.router.add_put(f"{base}/workflowruns/{{accession}}", self.put)
        app.router.add_get(f"{base}/workflowruns/{{accession}}/workflow", self.workflow, allow_head=False)
        for address in {"/metrics", f"{base}/metrics"}:
            app.router.add_get(address, self.metrics)

    async def redirect(self, request: web.Request) -> web.Response:
        query = f"?{request.query_string}" if request.query_string else ""
        return web.Response(status=301, headers={"Location": request.path.rstrip("/") + query})

    async def list_runs(self, request: web.Request) -> web.Response:
        try:
            query = webservice_lists.read_query(request.query)
        except webservice_lists.QueryError as exc:
            return _failure(500, str(exc))
        if query.primary_key is not None:
            return self._one(query.primary_key + webservice_documents.ACCESSION_OFFSET)
        return web.Response(body=webservice_lists.RunList(self._books, query.wanted))

    async def get(self, request: web.Request) -> web.Response:
        accession = _accession(request)
        return _failure(400, "not a number") if accession is None else self._one(accession)

    async def workflow(self, request: web.Request) -> web.Response:
        accession = _accession(request)
        if accession is None:
            return _failure(400, "not a number")
        run = self._books.find(accession)
        if run is None or run.workflow_accession is None:
            return _failure(404, "not found")
        return _xml(webservice_documents.workflow(run.workflow_accession))

    async def put(self, request: web.Request) -> web.Response:
        """Write a run, found by the body's accession; the number in the address only has to be one."""
        body = await _read_body(request)
        if isinstance(body, web.Response):
            return body
        if _accession(request) is None:
            return _failure(400, "not a number")
        run = None if body.accession is None else self._books.find(body.accession)
        if run is None:
            return _failure(500, "NullPointerException")
        if self._overlap_seconds:
            await asyncio.sleep(self._overlap_seconds)
        written = self._books.write(run, body)
        if written is None:
            return _failure(500, "StaleObjectStateException: Row was updated or deleted by another transaction")
        return _xml(webservice_documents.document(written), status=201)

    async def schedule(self, request: web.Request) -> web.Response:
        """Make a run; without status, host and engine, which only the PUT that follows gives it."""
        body = await _read_body(request)
        if isinstance(body, web.Response):
            return body
        owner = self._logins.who() or ""
        if body.owner_email is not None and self._books.knows_account(body.owner_email):
            owner = body.owner_email
        texts = {name: text for name, text in body.texts.items() if name not in ("status", "host", "workflowEngine")}
        accession = self._books.add_run(owner, texts, workflow_accession=body.workflow_accession)
        answer = self._one(accession, status=201)
        answer.headers["Location"] = f"{request.path}/{accession}"
        return answer

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(text="# TYPE up gauge\nup 1\n")

    def _one(self, accession: int, *, status: int = 200) -> web.Response:
        run = self._books.find(accession)
        return _failure(404, "not found") if run is None else _xml(webservice_documents.document(run), status=status)


class _Sandbox:
    """What the real service does not have: a look into the books."""

    def __init__(self, books: webservice_books.Books, logins: webservice_logins.Logins) -> None:
        self._books = books
        self._logins = logins

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/sandbox/accounts", self.add_account)
        app.router.add_post("/sandbox/hiccups", self.hiccup)
        app.router.add_get("/sandbox/runs", self.runs)
        app.router.add_get("/sandbox/history", self.history)

    async def add_account(self, request: web.Request) -> web.Response:
        account = await request.json()
        self._books.add_account(account["email"], account["password"])
        return web.Response(status=204)

    async def hiccup(self, request: web.Request) -> web.Response:
        self._logins.hiccup((await request.json())["email"])
        return web.Response(status=204)

    async def runs(self, _: web.Request) -> web.Response:
        names = ("status", "host", "workflowEngine", "statusCmd", "currentWorkingDir", "iniFile", "name")
        return web.json_response(
            [
                {"accession": run.accession, "owner": run.owner}
                | {("engine" if name == "workflowEngine" else name): run.texts.get(name) for name in names}
                for run in self._books.runs()
            ]
        )

    async def history(self, _: web.Request) -> web.Response:
        histories = self._books.histories().items()
        return web.json_response(
            {
                str(accession): [[moment.seconds, moment.status, moment.status_cmd] for moment in moments]
                for accession, moments in histories
            }
        )


async def _read_body(request: web.Request) -> webservice_documents.Body | web.Response:
    """Read what a PUT or a POST brought, or the answer that refuses it."""
    if request.content_type != "application/xml":
        return _failure(415, "Unsupported Media Type")
    try:
        return webservice_documents.read(await request.read())
    except ValueError as exc:
        return _failure(400, str(exc))


def _accession(request: web.Request) -> int | None:
    text = request.match_info["accession"]
    return int(text) if text.isascii() and text.isdigit() and int(text[:11]) <= _LARGEST_INTEGER else None


def _xml(body: bytes, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": "application/xml; charset=UTF-8"})


def _failure(status: int, reason: str) -> web.Response:
    page = f"<html><head><title>Status page</title></head><body><h3>{html.escape(reason)}</h3></body></html>"
    return web.Response(status=status, text=page, content_type="text/html", charset="UTF-8")
