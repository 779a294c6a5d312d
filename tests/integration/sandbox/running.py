"""Running sandboxes and stand-ins for the tests of this folder: real HTTP on loopback, real processes."""

import asyncio
import contextlib
import dataclasses
import getpass
import os
import pathlib
import time
import typing
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import IO, Any

import aiohttp
import yarl

from niassa_orch.sandbox import layout, up, users

PASSWORD = "sesame \\ = :"  # characters that a properties file must escape
HOST = "server2"

Found = typing.TypeVar("Found")


@dataclasses.dataclass(slots=True)
class Call:
    """How an engine call ended."""

    exit_code: int
    lines: list[str]
    errors: str

    def told(self, words: str) -> list[str]:
        """What follows these words, for every line that begins with them."""
        return [line.removeprefix(words).strip() for line in self.lines if line.startswith(words)]


@dataclasses.dataclass(slots=True)
class Sandbox:
    """A sandbox that is up."""

    place: layout.Layout
    addresses: up.Addresses
    session: aiohttp.ClientSession
    accounts: Sequence[layout.SandboxAccount]

    async def schedule(self, ini: str = "", *, engine: str = "oozie-sge", host: str = HOST, account: int = 0) -> int:
        who = self.accounts[account]
        return await users.schedule(
            self.addresses.web_service_url,
            who.web_user,
            who.password,
            host=host,
            engine=engine,
            ini=ini,
            name="test",
        )

    async def run(self, accession: int) -> dict[str, Any]:
        """The web service's run."""
        found = await self.get(self.addresses.web_service_url, "/sandbox/runs")
        return next(one for one in found if one["accession"] == accession)

    async def jobs(self) -> list[dict[str, Any]]:
        return list(await self.get(self.addresses.oozie_url, "/sandbox/jobs"))

    async def job(self, job_id: str) -> dict[str, Any]:
        async with self.session.get(f"{self.addresses.oozie_url}/v1/job/{job_id}?show=info") as answer:
            return dict(await answer.json())

    async def job_reaches(self, job_id: str, *statuses: str) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            job = await self.job(job_id)
            return job if job["status"] in statuses else None

        return await until(look)

    async def get(self, url: str, path: str) -> Any:
        async with self.session.get(yarl.URL(url).with_path(path)) as answer:
            return await answer.json()

    async def order(self, url: str, **order: object) -> None:
        async with self.session.post(yarl.URL(url).with_path("/sandbox/faults"), json=order) as answer:
            assert answer.status == 200

    async def seqware(self, *words: str, account: int = 0, environment: Mapping[str, str] | None = None) -> Call:
        process = await self.start(*words, account=account, environment=environment)
        out, err = await process.communicate()
        assert process.returncode is not None
        return Call(process.returncode, out.decode().splitlines(), err.decode())

    async def start(
        self,
        *words: str,
        account: int = 0,
        environment: Mapping[str, str] | None = None,
        out: IO[bytes] | int = asyncio.subprocess.PIPE,
    ) -> asyncio.subprocess.Process:
        """Begin a call. Give it a file when a child may outlive it: a pipe would then keep ``wait`` waiting."""
        settings = str(self.place.settings_file(self.accounts[account].name))
        return await asyncio.create_subprocess_exec(
            str(self.place.engine),
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=asyncio.subprocess.PIPE if out == asyncio.subprocess.PIPE else out,
            start_new_session=True,
            env={"PATH": os.defpath, "HOME": str(self.place.directory), "SEQWARE_SETTINGS": settings}
            | dict(environment or {}),
        )


def accounts(*names: str) -> list[layout.SandboxAccount]:
    """Accounts of our own Unix user."""
    return [layout.SandboxAccount(name, getpass.getuser(), f"{name}@lab.net", PASSWORD, HOST) for name in names]


def group_of(leader: int) -> list[str]:
    """The command lines of a process group's members."""
    found = []
    for pid in members_of(leader):
        with contextlib.suppress(OSError):  # gone meanwhile
            found.append(pathlib.Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
    return found


def members_of(leader: int) -> list[int]:
    """The living members of a process group."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            state, _, group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader and state != "Z":
                found.append(int(entry.name))
    return found


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def until(look: Callable[[], Awaitable[Found | None]], seconds: float = 60) -> Found:
    """What a neighbour shows at last; the test fails when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("never came: " + look.__qualname__)


@contextlib.asynccontextmanager
async def sandbox(
    directory: pathlib.Path,
    who: Sequence[layout.SandboxAccount] = (),
    behaviour: up.Behaviour | None = None,
    **options: Any,
) -> AsyncIterator[Sandbox]:
    """A sandbox that is up inside the block. Its engine starts at once and does not wait for locks."""
    who = who or accounts("bob")
    behaviour = behaviour or up.Behaviour(engine=layout.EngineOptions(0.0, 2, 0.05))
    ready: asyncio.Future[up.Addresses] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(up.serve(directory, who, ready=ready.set_result, behaviour=behaviour, **options))
    try:
        waiting: list[asyncio.Future[Any]] = [task, ready]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield Sandbox(layout.Layout(directory), ready.result(), session, who)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def statuses(actions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The steps of a job with their statuses, without Oozie's control nodes."""
    return {one["name"]: one["status"] for one in actions if not one["type"].startswith(":")}
