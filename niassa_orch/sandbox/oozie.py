"""The stand-in of an Oozie server: its HTTP, as protocol section 3 tells it, quirks included.

A kill in the wrong state is answered 200, an unknown job is 400 with E0604 or E0605, the list has no application
paths, and older versions know fewer filters. Jobs really run (``oozie_jobs``). No knowledge of the service under test.
Built by ``up`` and by tests; ``GET /sandbox/jobs`` shows the books, ``/sandbox/faults`` orders trouble.
"""

import getpass
import pathlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping

from aiohttp import web

from niassa_orch.domain import jobs
from niassa_orch.sandbox import (
    faults,
    oozie_answers,
    oozie_books,
    oozie_filters,
    oozie_jobs,
    oozie_login,
    oozie_submissions,
)

_MOST_BODY_BYTES = 64 << 20


def build(
    state_file: pathlib.Path,
    *,
    version: str = "5.3",
    users: Collection[str] | None = None,
    kill_delay_seconds: float = 0.0,
    kill_grace_seconds: float = 2.0,
    authorization: bool = False,
    step_environment: Mapping[str, str] | None = None,
    base_path: str = "/oozie",
) -> web.Application:
    """An Oozie server.

    Args:
        state_file: Its SQLite file.
        version: ``4.1`` and older know no created times in filters, before ``4.3`` no ``sortby``, before ``4.4`` no
            ``text``.
        users: Unix users that jobs may run as; by default only the user of this process.
        kill_delay_seconds: How long a kill stays queued after its 200.
        kill_grace_seconds: How long a step may ignore SIGTERM before it gets SIGKILL.
        authorization: Whether acting on another user's job is refused.
        step_environment: More variables for the steps.
        base_path: Where it lives in the URL.
    """
    books = oozie_books.Books(state_file)
    yard = oozie_jobs.Yard(
        books,
        users={getpass.getuser()} if users is None else users,
        environment=step_environment or {},
        kill_delay_seconds=kill_delay_seconds,
        kill_grace_seconds=kill_grace_seconds,
    )
    orders = faults.Faults()
    app = web.Application(middlewares=[orders.middleware(), oozie_login.speak], client_max_size=_MOST_BODY_BYTES)
    orders.add_routes(app)
    major, minor = version.split(".")[:2]
    _Server(books, yard, (int(major), int(minor)), authorization).add_routes(app, base_path)
    app.cleanup_ctx.append(_life(books, yard))
    return app


def _life(books: oozie_books.Books, yard: oozie_jobs.Yard) -> Callable[[web.Application], AsyncIterator[None]]:
    async def live(_: web.Application) -> AsyncIterator[None]:
        yard.go_on()
        yield
        await yard.stop()
        books.close()

    return live


class _Server:
    """The routes, over the books and the yard."""

    def __init__(
        self, books: oozie_books.Books, yard: oozie_jobs.Yard, version: tuple[int, int], authorization: bool
    ) -> None:
        self._books = books
        self._yard = yard
        self._version = version
        self._authorization = authorization

    def add_routes(self, app: web.Application, base_path: str) -> None:
        app.router.add_get(f"{base_path}/versions", self._versions)
        app.router.add_get(f"{base_path}/v1/admin/build-version", self._build_version)
        app.router.add_get(f"{base_path}/v1/job/{{id}}", self._info)
        app.router.add_put(f"{base_path}/v1/job/{{id}}", self._act)
        app.router.add_get(f"{base_path}/v1/jobs", self._list)
        app.router.add_post(f"{base_path}/v1/jobs", self._submit)
        app.router.add_get("/sandbox/jobs", self._show_books)
        app.router.add_delete("/sandbox/jobs/{id}", self._purge)

    async def _versions(self, _: web.Request) -> web.Response:
        return web.json_response([0, 1, 2])

    async def _build_version(self, _: web.Request) -> web.Response:
        return web.json_response({"buildVersion": ".".join(map(str, (*self._version, 0)))})

    async def _info(self, request: web.Request) -> web.Response:
        if request.query.get("show", "info") != "info":
            raise oozie_answers.RefusedError(
                oozie_answers.Code.BAD_PARAMETER, f"Invalid parameter value, [show] = [{request.query['show']}]"
            )
        job = self._job(request, oozie_answers.Code.JOB_UNKNOWN)
        return web.json_response(oozie_answers.detail(job, self._books.actions(job.id)))

    async def _list(self, request: web.Request) -> web.Response:
        if request.query.get("jobtype", "wf") != "wf":
            raise oozie_answers.RefusedError(oozie_answers.Code.BAD_PARAMETER, "Invalid parameter value, [jobtype]")
        selection = oozie_filters.parse(request.query.get("filter", ""), self._version, time.time())
        offset = max(_number(request, "offset", 1), 1)
        length = _number(request, "len", 50)
        length = length if length > 0 else 50
        total, found = self._books.find(selection.where, selection.parameters, selection.order, offset - 1, length)
        rows = [oozie_answers.row(job) for job in found]
        return web.json_response({"total": total, "offset": offset, "len": length, "workflows": rows})

    async def _act(self, request: web.Request) -> web.Response:
        actions = {"kill": self._kill, "suspend": self._suspend, "resume": self._resume, "rerun": self._rerun}
        name = request.query.get("action", "")
        if name not in actions:
            raise oozie_answers.RefusedError(
                oozie_answers.Code.BAD_PARAMETER, f"Invalid parameter value, [action] = [{name}]"
            )
        job = self._job(request, oozie_answers.Code.ACTION_UNKNOWN)
        caller = oozie_login.caller(request)
        if self._authorization and caller != job.user:
            raise oozie_answers.RefusedError(
                oozie_answers.Code.NOT_AUTHORIZED, f"User [{caller}] not authorized for WF job [{job.id}]", 401
            )
        await actions[name](request, job)
        return web.Response()

    async def _kill(self, _: web.Request, job: oozie_books.Job) -> None:
        self._yard.kill(job.id)

    async def _suspend(self, _: web.Request, job: oozie_books.Job) -> None:
        if job.status is jobs.JobStatus.RUNNING:
            self._books.set_status(job.id, jobs.JobStatus.SUSPENDED)

    async def _resume(self, _: web.Request, job: oozie_books.Job) -> None:
        if job.status is jobs.JobStatus.SUSPENDED:
            self._books.set_status(job.id, jobs.JobStatus.RUNNING)
            self._yard.begin(job.id)

    async def _rerun(self, request: web.Request, job: oozie_books.Job) -> None:
        given = await _configuration(request)
        if "user.name" not in given and oozie_login.caller(request) is None:
            raise oozie_answers.RefusedError(
                oozie_answers.Code.MISSING_PROPERTY, "Missing configuration property [user.name]"
            )
        if job.status not in oozie_books.ENDED:
            raise oozie_answers.RefusedError(
                oozie_answers.Code.NOT_COMPLETED, f"Workflow job not completed, status [{job.status}]"
            )
        failed_only = given.get("oozie.wf.rerun.failnodes")
        skipped = given.get("oozie.wf.rerun.skip.nodes")
        if (failed_only is None) == (skipped is None):
            raise oozie_answers.RefusedError(
                oozie_answers.Code.MISSING_PROPERTY, "Missing configuration property [oozie.wf.rerun.failnodes]"
            )
        succeeded = {action.name for action in self._books.actions(job.id) if action.status == "OK"} & {*job.steps}
        kept = succeeded if failed_only == "true" else succeeded & {*(skipped or "").split(",")}
        merged = oozie_submissions.parse(job.conf) | given
        self._books.rerun(job.id, oozie_submissions.write(merged), kept)
        self._yard.begin(job.id)

    async def _submit(self, request: web.Request) -> web.Response:
        if request.query.get("action", "start") != "start":
            raise oozie_answers.RefusedError(oozie_answers.Code.BAD_PARAMETER, "Invalid parameter value, [action]")
        new = self._new_job(await _configuration(request), oozie_login.caller(request))
        job_id = self._books.add(new)
        self._yard.begin(job_id)
        return web.json_response({"id": job_id}, status=201)

    def _new_job(self, conf: dict[str, str], caller: str | None) -> oozie_books.NewJob:
        """The job that a configuration asks for; whoever is logged in wins over its ``user.name``."""
        user = caller or conf.get("user.name", "")
        if not self._yard.may_run_as(user):
            raise oozie_answers.RefusedError(
                oozie_answers.Code.USER_REFUSED, f"Could not perform authorization operation, User: [{user}]", 401
            )
        app_path = conf.get("oozie.wf.application.path", "")
        name, steps = oozie_submissions.workflow(app_path)
        accession = conf.get("niassa.accession", "")
        return oozie_books.NewJob(
            accession=int(accession) if accession.isdecimal() else None,
            user=user,
            engine=conf.get("niassa.engine", "oozie"),
            app_name=name,
            app_path=app_path,
            working_dir=conf.get("niassa.workdir", ""),
            conf=oozie_submissions.write(conf | {"user.name": user}),
            steps=steps,
        )

    async def _show_books(self, _: web.Request) -> web.Response:
        shown = [
            {
                "id": job.id,
                "accession": job.accession,
                "user": job.user,
                "uid": job.uid,
                "appPath": job.app_path,
                "created": job.created,
                "run": job.run,
                "status": job.status,
            }
            for job in self._books.every()
        ]
        return web.json_response(shown)

    async def _purge(self, request: web.Request) -> web.Response:
        self._books.forget(self._job(request, oozie_answers.Code.JOB_UNKNOWN).id)
        return web.Response()

    def _job(self, request: web.Request, code: oozie_answers.Code) -> oozie_books.Job:
        job = self._books.job(request.match_info["id"])
        if job is None:
            what = "Job" if code is oozie_answers.Code.JOB_UNKNOWN else "Action"
            raise oozie_answers.RefusedError(code, f"{what} does not exist [{request.match_info['id']}]")
        return job


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    try:
        return int(text)
    except ValueError as error:
        raise oozie_answers.RefusedError(
            oozie_answers.Code.BAD_PARAMETER, f"Invalid parameter value, [{name}] = [{text}]"
        ) from error


async def _configuration(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/xml":
        raise oozie_answers.RefusedError(
            oozie_answers.Code.BAD_CONTENT_TYPE, f"Invalid content-type [{request.content_type}]"
        )
    return oozie_submissions.parse(await request.text())
