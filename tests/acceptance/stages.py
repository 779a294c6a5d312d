"""Where an acceptance test plays: a sandbox that is up, and the real service that works on it.

The servers run in the test's event loop, the service as a process. When a service has ended, no password of the stage
is in anything that it wrote; when a stage is left, no process of it is left.
"""

import asyncio
import base64
import contextlib
import dataclasses
import os
import pathlib
import pwd
import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from xml.etree import ElementTree

import aiohttp

from niassa_orch.sandbox import layout, staging, unix_users, up, users
from niassa_orch.seqware import installation
from tests.acceptance import books, machine, services, spawning

HOST = "server2.lab.net"
QUICK = "align:0.1,sort:0.1"
#: An engine that starts quickly and does not wait for its lock.
PROMPT = up.Behaviour(engine=layout.EngineOptions(jvm_seconds=0.1, lock_tries=2, lock_pause_seconds=0.1))


@dataclasses.dataclass(frozen=True, slots=True)
class Crew:
    """Who runs the service: what starts it, as whom (``None``: ourselves), and what its environment says more.

    ``commands`` starts commands, where that is something else.
    """

    argv: tuple[str, ...] = (sys.executable, "-m", "niassa_orch")
    user: str | None = None
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    commands: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class People:
    """Real Unix users, and an installation that all of them can run."""

    made: unix_users.UnixUsers
    staged: staging.Staged

    def install(self, command: pathlib.Path, **configuration: float) -> pathlib.Path:
        """Put the mediator where sudo expects it, as an administrator does."""
        wanted = installation.MediatorConfiguration(command=(str(command),), **configuration)  # type: ignore[arg-type]
        return installation.install(self.made.owned, wanted)

    def crew(self) -> Crew:
        """The service as its own Unix user."""
        environment = {"HOME": str(self.made.service.home), "NIASSA_ORCH_ENGINE__MEDIATOR": str(self.made.mediator)}
        return Crew(self.staged.argv, self.made.service.name, {**self.staged.environment, **environment})


class Stage:
    """A sandbox that is up.

    Args:
        place: Its directory.
        accounts: By name.
        addresses: Of its servers.
        http: Without cookies.
        crew: Who runs the service.
    """

    def __init__(
        self,
        place: layout.Layout,
        accounts: Sequence[layout.SandboxAccount],
        addresses: up.Addresses,
        http: aiohttp.ClientSession,
        crew: Crew,
    ) -> None:
        self.place = place
        self.accounts = {account.name: account for account in accounts}
        self.web = books.WebServiceBooks(http, addresses.web_service_url)
        self.oozie = books.OozieBooks(http, addresses.oozie_url)
        self._http = http
        self.crew = crew
        self.ending = contextlib.AsyncExitStack()
        self._started = 0
        self._forked: spawning.Forked | None = None

    async def schedule(
        self,
        name: str,
        steps: str = QUICK,
        *,
        launch: str = "",
        pause: str = "",
        engine: str = "oozie",
        host: str = HOST,
    ) -> int:
        """Schedule a run as this account's user does."""
        ini = f"steps={steps}\nsandbox.launch={launch}\nsandbox.pause={pause}"
        return await users.schedule(*self._login(name), host=host, engine=engine, ini=ini, name="acceptance")

    async def cancel(self, name: str, accession: int) -> None:
        """Cancel a run as this account's user does."""
        await users.cancel(*self._login(name), accession)

    async def retry(self, name: str, accession: int) -> None:
        """Retry a run as this account's user does."""
        await users.retry(*self._login(name), accession)

    async def record(self, name: str, accession: int) -> dict[str, str]:
        """The whole record of a run, as this account's user sees it; texts by element name."""
        url, user, password = self._login(name)
        headers = {"Authorization": aiohttp.encode_basic_auth(user, password)}
        async with self._http.get(f"{url}/workflowruns/{accession}", headers=headers) as answer:
            document = ElementTree.fromstring(await answer.read())  # noqa: S314 - the sandbox wrote it
        return {child.tag: child.text or "" for child in document}

    async def launched_once(self, *accessions: int) -> None:
        """Each of these runs has exactly one job, which its record names."""
        runs = await self.web.runs()
        for accession in accessions:
            job = await self.oozie.job(accession)
            run = runs[accession]
            assert run["statusCmd"] == job["id"]
            assert pathlib.PurePath(run["currentWorkingDir"]).name == pathlib.PurePath(job["appPath"]).name

    def profile(self, name: str) -> pathlib.Path:
        """The account's profile."""
        return self.place.accounts_dir / f"{name}.toml"

    def transcripts(self, where: str = "*") -> list[pathlib.Path]:
        """Of engine calls, ``open``, ``settled`` or both."""
        return sorted(self.place.state_dir.glob(f"calls/{where}/*.transcript"))

    @contextlib.asynccontextmanager
    async def service(self, *words: str, **environment: object) -> AsyncIterator[services.Service]:
        """The service, started as an administrator does; drained at the end if it still runs.

        Args:
            words: Command and options, ``run`` when there are none.
            environment: Settings, such as ``BEAT__INTERVAL_SECONDS=5``.
        """
        running = await self.start(*words, **environment)
        try:
            yield running
            if running.process.returncode is None:
                assert await running.drain() == 0, running.text
            self.assert_secrets_kept()
        except BaseException as exc:
            exc.add_note(f"the service said:\n{running.text}")
            raise
        finally:
            await running.kill()

    async def start(self, *words: str, **environment: object) -> services.Service:
        """Start the service; who calls this ends it."""
        output, crew = self._output(), self.crew
        argv = (*crew.argv, "--config", str(self.place.config_file), *(words or ("run",)))
        with output.open("wb") as stream:
            streams = {"stdin": asyncio.subprocess.DEVNULL, "stdout": stream, "stderr": stream}
            process = await spawning.spawn(crew.user, argv, self._settings(environment), **streams)
        return services.Service(process, output)

    async def command(self, *words: str, **environment: object) -> tuple[int, str]:
        """The exit code of a command and what it said; quicker than ``start``: see ``forking``."""
        if self._forked is None:
            crew = self.crew
            self._forked = await self.ending.enter_async_context(
                spawning.forked(crew.user, crew.commands or crew.argv, crew.environment)
            )
        config = ("--config", str(self.place.config_file))
        exit_code, text = await self._forked.command([*config, *words], self._settings(environment))
        self._output().write_text(text, "utf-8")
        return exit_code, text

    def _output(self) -> pathlib.Path:
        self._started += 1
        return self.place.directory.with_name(f"{self.place.directory.name}-service-{self._started}.log")

    def _settings(self, environment: Mapping[str, object]) -> dict[str, str]:
        patience = environment.get("HTTP__TIMEOUT_SECONDS", 10)
        defaults = {"HTTP__TIMEOUT_SECONDS": patience, "HTTP__LIST_TIMEOUT_SECONDS": patience}
        settings = {"BEAT__INTERVAL_SECONDS": 0.3, **defaults, **environment}
        return {**self.crew.environment, **{f"NIASSA_ORCH_{key}": str(value) for key, value in settings.items()}}

    def secrets(self) -> list[str]:
        """Every password of the stage, plain and as in an Authorization header."""
        found = []
        for account in self.accounts.values():
            login = f"{account.web_user}:{account.password}".encode()
            found += [account.password, base64.b64encode(login).decode()]
        return found

    def assert_secrets_kept(self) -> None:
        """No password is in what any service of this stage said, nor in its state directory."""
        outputs = self.place.directory.parent.glob(f"{self.place.directory.name}-service-*.log")
        states = [path for path in self.place.state_dir.rglob("*") if path.is_file()]
        for file in (*outputs, *states):
            content = file.read_bytes()
            assert not [secret for secret in self.secrets() if secret.encode() in content], file

    def _login(self, name: str) -> tuple[str, str, str]:
        account = self.accounts[name]
        return str(self.web.url), account.web_user, account.password


@contextlib.asynccontextmanager
async def own(
    directory: pathlib.Path, *names: str, behaviour: up.Behaviour = PROMPT, crew: Crew | None = None
) -> AsyncIterator[Stage]:
    """A stage on which every account maps to our own Unix user, and so does the service, however ``crew`` starts it."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    who = [_account(name, user) for name in names or ("alice",)]
    async with _up(directory / "sandbox", who, crew or Crew(), behaviour=behaviour) as stage:
        yield stage


@contextlib.asynccontextmanager
async def of_people(
    directory: pathlib.Path,
    people: People,
    *,
    behaviour: up.Behaviour = PROMPT,
    crew: Crew | None = None,
    **configuration: float,
) -> AsyncIterator[Stage]:
    """A stage on which each account has a real Unix user, and the service one of its own.

    Args:
        directory: New, below a directory that everybody may enter.
        people: Whose accounts there are.
        behaviour: Of the neighbours.
        crew: Who runs the service, and how; ``people.crew()`` otherwise.
        configuration: Of the mediator, such as ``deadline_seconds``.
    """
    who = [_account(name, user.name) for name, user in people.made.by_name.items()]
    people.install(layout.Layout(directory).engine, **configuration)
    service_user = people.made.service.name
    options = {"behaviour": behaviour, "home_settings": True, "service_user": service_user}
    async with _up(directory, who, crew or people.crew(), **options) as stage:
        yield stage


def _account(name: str, user: str) -> layout.SandboxAccount:
    # Characters that a Java properties file must escape are among them; tests side by side have none in common.
    password = f"{secrets.token_hex(4)} Mk7 {name} \\ = : marker"
    return layout.SandboxAccount(name, user, f"{name}@lab.net", password, HOST)


@contextlib.asynccontextmanager
async def _up(
    directory: pathlib.Path, who: Sequence[layout.SandboxAccount], crew: Crew, **options: object
) -> AsyncIterator[Stage]:
    ready: asyncio.Future[up.Addresses] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(up.serve(directory, who, ready=ready.set_result, **options))  # type: ignore[arg-type]
    try:
        waiting: list[asyncio.Future[object]] = [serving, ready]  # type: ignore[list-item]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            stage = Stage(layout.Layout(directory), who, ready.result(), http, crew)
            async with stage.ending:
                yield stage
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        machine.end_processes_of(directory)
