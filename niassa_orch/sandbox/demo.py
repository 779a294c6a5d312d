"""The demo: the main job on the embedded sandbox, worked off by the real service in a process of its own.

Starts the sandbox, schedules the plan as users do, starts ``niassa-orch run``, cancels and retries as users do, and
looks in the end at what became of every run: in the web service's history, in Oozie's books, on the disk. Called by
the command line.
"""

import asyncio
import contextlib
import dataclasses
import functools
import os
import pathlib
import pwd
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence

import aiohttp

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.sandbox import demo_plan, demo_report, layout, offspring, up, users

_MOST_SECONDS = 50.0
_LOOK_SECONDS = 0.3
_DRAIN_SECONDS = 10.0


class DemoError(errors.NiassaOrchError):
    """The demo could not be played; the message says what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays.

    Args:
        directory: The sandbox directory, new.
        unix_users: Of the accounts of the plan, by account.
        service_argv: What starts the service, without its options.
        service_user: The Unix user that the service runs as, or ``None`` for our own.
        service_environment: Added to the environment of the service.
    """

    directory: pathlib.Path
    unix_users: dict[str, str]
    service_argv: tuple[str, ...]
    service_user: str | None = None
    service_environment: dict[str, str] = dataclasses.field(default_factory=dict)


def own_stage(directory: pathlib.Path) -> Stage:
    """Every account maps to the current user."""
    own = pwd.getpwuid(os.geteuid()).pw_name
    argv = (sys.executable, "-m", "niassa_orch")
    return Stage(directory, dict.fromkeys(demo_plan.SERVED, own), argv)


async def play(stage: Stage) -> tuple[demo_report.Row, ...]:
    """Play the demo to its end; the caller prints the rows.

    Raises:
        DemoError: The service ended by itself.
    """
    host = socket.getfqdn()
    accounts = [
        layout.SandboxAccount(name, unix_user, f"{name}@lab.net", _settings_password(name), host)
        for name, unix_user in stage.unix_users.items()
    ]
    async with _sandbox(stage, accounts) as addresses, aiohttp.ClientSession() as http:
        play_of = _Play(stage, addresses, http, host)
        await play_of.set_the_scene()
        async with _service(stage) as service:
            await play_of.watch(service)
        return await play_of.report()


@contextlib.asynccontextmanager
async def _sandbox(stage: Stage, accounts: Sequence[layout.SandboxAccount]) -> AsyncIterator[up.Addresses]:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[up.Addresses] = loop.create_future()
    serving = asyncio.create_task(
        up.serve(
            stage.directory,
            accounts,
            ready=ready.set_result,
            home_settings=stage.service_user is not None,
            service_user=stage.service_user,
        )
    )
    try:
        serving.add_done_callback(lambda _: ready.done() or ready.cancel())
        await asyncio.wait({ready})
        if serving.done():
            serving.result()
        yield ready.result()
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@contextlib.asynccontextmanager
async def _service(stage: Stage) -> AsyncIterator[asyncio.subprocess.Process]:
    """``niassa-orch run``, on our terminal; drained in the end.

    In a session of its own, so that Ctrl-C and a terminal that goes away are ours to deal with; it does not outlive us.
    """
    place = layout.Layout(stage.directory)
    who = pwd.getpwnam(stage.service_user) if stage.service_user else None
    service = await asyncio.create_subprocess_exec(
        *stage.service_argv,
        "--config",
        str(place.config_file),
        "run",
        cwd="/",
        env={**os.environ, **stage.service_environment},
        user=who.pw_uid if who else None,
        group=who.pw_gid if who else None,
        extra_groups=[] if who else None,
        start_new_session=True,
        preexec_fn=functools.partial(offspring.die_with_parent, os.getpid()),
    )
    try:
        yield service
    finally:
        with contextlib.suppress(ProcessLookupError):
            service.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await service.wait()
        except TimeoutError:
            service.kill()
            await service.wait()


class _Play:
    """One performance: what was scheduled, and who does what when."""

    def __init__(self, stage: Stage, addresses: up.Addresses, http: aiohttp.ClientSession, host: str) -> None:
        self._stage = stage
        self._addresses = addresses
        self._http = http
        self._host = host
        self._root = addresses.web_service_url.removesuffix("/SeqWareWebService")
        self._oozie_root = addresses.oozie_url.removesuffix("/oozie")
        self._scheduled: dict[int, demo_plan.Planned] = {}
        self._acted: set[int] = set()

    async def set_the_scene(self) -> None:
        """The broken profile, who has none, who changed a password and told nobody, and every run of the plan."""
        place = layout.Layout(self._stage.directory)
        name, text = demo_plan.BROKEN_PROFILE
        (place.accounts_dir / name).write_text(text)
        for account in (demo_plan.WITHOUT_PROFILE, demo_plan.WRONG_PASSWORD):
            await self._register(account, _password(account))
        for planned in demo_plan.PLAN:
            accession = await users.schedule(
                self._addresses.web_service_url,
                f"{planned.account}@lab.net",
                _password(planned.account),
                host=demo_plan.OTHER_HOST if planned.other_host else self._host,
                engine=planned.engine,
                ini=planned.ini,
                name=planned.name,
            )
            self._scheduled[accession] = planned

    async def watch(self, service: asyncio.subprocess.Process) -> None:
        """Cancel and retry as users do, until every run came to its end or the time is up.

        Raises:
            DemoError: The service ended by itself.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_MOST_SECONDS):
                while not self._is_over(statuses := await self._statuses()):
                    if service.returncode is not None:
                        message = f"the service ended by itself, with exit code {service.returncode}; see above"
                        raise DemoError(message)
                    await self._act(statuses)
                    await asyncio.sleep(_LOOK_SECONDS)

    async def report(self) -> tuple[demo_report.Row, ...]:
        """What became of every run."""
        listed = {run["accession"]: run for run in await self._ask(self._root, "runs")}
        history = await self._ask(self._root, "history")
        jobs = await self._ask(self._oozie_root, "jobs")
        return tuple(
            demo_report.row(
                accession, planned, listed[accession], history[str(accession)], jobs, self._stage.unix_users
            )
            for accession, planned in self._scheduled.items()
        )

    def _is_over(self, statuses: dict[int, str]) -> bool:
        return all(statuses[accession] == planned.expected for accession, planned in self._scheduled.items())

    async def _act(self, statuses: dict[int, str]) -> None:
        for accession, planned in self._scheduled.items():
            wanted = {"cancel": runs.RunStatus.RUNNING, "retry": runs.RunStatus.FAILED}.get(planned.user_act)
            if accession in self._acted or wanted is None or statuses[accession] != wanted:
                continue
            act = users.cancel if planned.user_act == "cancel" else users.retry
            self._acted.add(accession)
            user = f"{planned.account}@lab.net"
            await act(self._addresses.web_service_url, user, _password(planned.account), accession)

    async def _statuses(self) -> dict[int, str]:
        return {run["accession"]: run["status"] for run in await self._ask(self._root, "runs")}

    async def _ask(self, root: str, what: str) -> demo_report.Books:
        async with self._http.get(f"{root}/sandbox/{what}") as answer:
            return await answer.json()

    async def _register(self, name: str, password: str) -> None:
        account = {"email": f"{name}@lab.net", "password": password}
        async with self._http.post(f"{self._root}/sandbox/accounts", json=account) as answer:
            answer.raise_for_status()


def _password(name: str) -> str:
    """What the web service takes."""
    return f"sandbox of {name}"


def _settings_password(name: str) -> str:
    """What the seqware settings say."""
    return "outdated" if name == demo_plan.WRONG_PASSWORD else _password(name)
