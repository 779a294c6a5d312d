"""Keeps a sandbox running: the web service and Oozie on loopback, over one sandbox directory.

``serve`` runs until it is cancelled and then ends cleanly, steps of workflows included. A directory that was a sandbox
before goes on with its state, at the same ports when they are free. What the directory looks like is the business of
``layout``; what the servers do is theirs. Called by the command line, the demo and tests.
"""

import asyncio
import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import socket
from collections.abc import Callable, Iterator, Sequence
from urllib import parse

from aiohttp import web

from niassa_orch import errors
from niassa_orch.sandbox import layout, oozie, webservice

_LOOPBACK = "127.0.0.1"
_WEB_SERVICE_PATH = "/SeqWareWebService"
_OOZIE_PATH = "/oozie"
#: How long requests that are being answered may hold up the end, e.g. those that a fault lets hang.
_LAST_ANSWERS_SECONDS = 1.0


class SandboxError(errors.NiassaOrchError):
    """The sandbox cannot be brought up; the message says what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers of a sandbox are, and who runs them."""

    web_service_url: str
    oozie_url: str
    pid: int


@dataclasses.dataclass(frozen=True, slots=True)
class Behaviour:
    """How the neighbours behave; the defaults are those of the real ones, but for times.

    Args:
        engine: Delays of the engine stand-in.
        oozie_version: Older ones know fewer filters.
        kill_delay_seconds: How long a kill stays queued in Oozie.
        verdict_cache_seconds: How long the web service remembers who may log in.
        overlap_seconds: The window in which two PUTs clash.
        set_cookie: Whether a proxy before the web service sets a cookie.
    """

    engine: layout.EngineOptions = dataclasses.field(default_factory=layout.EngineOptions)
    oozie_version: str = "5.3"
    kill_delay_seconds: float = 0.0
    verdict_cache_seconds: float = 60.0
    overlap_seconds: float = 0.0
    set_cookie: bool = False


def read_addresses(directory: pathlib.Path) -> Addresses:
    """Where the sandbox in this directory listens, or listened last.

    Raises:
        layout.LayoutError: There is no sandbox.
    """
    file = layout.Layout(directory).addresses_file
    try:
        return Addresses(**json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        message = f"no sandbox in {directory}: start one with: niassa-orch sandbox up"
        raise layout.LayoutError(message) from error


async def serve(
    directory: pathlib.Path,
    accounts: Sequence[layout.SandboxAccount],
    *,
    web_service_port: int = 0,
    oozie_port: int = 0,
    ready: Callable[[Addresses], None],
    behaviour: Behaviour | None = None,
    home_settings: bool = False,
    service_user: str | None = None,
) -> None:
    """Run a sandbox until cancelled.

    Args:
        directory: The sandbox directory, new or used before.
        accounts: Written to the directory and registered with the web service.
        web_service_port: 0 for the one of last time, or any.
        oozie_port: Likewise.
        ready: Called once, when both servers answer.
        behaviour: How the neighbours behave.
        home_settings: As for ``layout.prepare``.
        service_user: Likewise.

    Raises:
        layout.LayoutError: The directory cannot be made.
        SandboxError: Another process keeps a sandbox running there, or a port that was asked for cannot be had.
    """
    behaviour = behaviour or Behaviour()
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_occupied(directory))
        last_web_service, last_oozie = _last_ports(directory)
        web_service_socket = stack.enter_context(_listen(web_service_port, last_web_service))
        oozie_socket = stack.enter_context(_listen(oozie_port, last_oozie))
        urls = (_url(web_service_socket, _WEB_SERVICE_PATH), _url(oozie_socket, _OOZIE_PATH))
        place = layout.prepare(
            directory,
            accounts,
            web_service_url=urls[0],
            oozie_url=urls[1],
            engine=behaviour.engine,
            home_settings=home_settings,
            service_user=service_user,
        )
        await _run(stack, _web_service(place, accounts, behaviour), web_service_socket)
        await _run(stack, _oozie(place, accounts, behaviour), oozie_socket)
        addresses = Addresses(*urls, pid=os.getpid())
        place.addresses_file.write_text(json.dumps(dataclasses.asdict(addresses)) + "\n", "utf-8")
        ready(addresses)
        await asyncio.Event().wait()


@contextlib.contextmanager
def _occupied(directory: pathlib.Path) -> Iterator[None]:
    """The directory is ours for as long as the context lasts: two servers over one state would undo each other."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / "sandbox.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        message = f"the sandbox {directory} cannot be made: {error.strerror}; name another with --directory"
        raise layout.LayoutError(message) from error
    with os.fdopen(lock, "r+", encoding="ascii") as file:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = file.read().strip() or "unknown"
            message = f"the sandbox in {directory} is up already, by process {pid}: end that, or name another directory"
            raise SandboxError(message) from error
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _last_ports(directory: pathlib.Path) -> tuple[int, int]:
    """The ports of last time, 0 where unknown."""
    try:
        last = read_addresses(directory)
    except layout.LayoutError:
        return 0, 0
    return parse.urlsplit(last.web_service_url).port or 0, parse.urlsplit(last.oozie_url).port or 0


def _listen(port: int, last: int) -> socket.socket:
    try:
        return socket.create_server((_LOOPBACK, port or last))
    except OSError as error:
        if port or not last:
            reason = os.strerror(error.errno) if error.errno else str(error)
            message = f"port {port} of {_LOOPBACK} cannot be had: {reason}; name another, or 0 for any that is free"
            raise SandboxError(message) from error
        return socket.create_server((_LOOPBACK, 0))


def _url(listener: socket.socket, path: str) -> str:
    return f"http://{_LOOPBACK}:{listener.getsockname()[1]}{path}"


def _web_service(
    place: layout.Layout, accounts: Sequence[layout.SandboxAccount], behaviour: Behaviour
) -> web.Application:
    app = webservice.build(
        place.web_service_state,
        base_path=_WEB_SERVICE_PATH,
        verdict_cache_seconds=behaviour.verdict_cache_seconds,
        overlap_seconds=behaviour.overlap_seconds,
        set_cookie=behaviour.set_cookie,
    )
    for account in accounts:
        app[webservice.BOOKS].add_account(account.web_user, account.password)
    return app


def _oozie(place: layout.Layout, accounts: Sequence[layout.SandboxAccount], behaviour: Behaviour) -> web.Application:
    return oozie.build(
        place.oozie_state,
        base_path=_OOZIE_PATH,
        version=behaviour.oozie_version,
        kill_delay_seconds=behaviour.kill_delay_seconds,
        users={account.unix_user for account in accounts},
    )


async def _run(stack: contextlib.AsyncExitStack, app: web.Application, listener: socket.socket) -> None:
    runner = web.AppRunner(app, shutdown_timeout=_LAST_ANSWERS_SECONDS, access_log=None)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    await web.SockSite(runner, listener).start()
