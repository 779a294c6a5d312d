"""Where a benchmark of propagation plays: stand-ins in a process, accounts, active runs, and the real service.

All accounts are of our own Unix user unless told otherwise, and their profiles say everything, so that a thousand of
them need no sudo and no seqware settings. Nothing of the service's code is asked: what it does is read from the record
of requests.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import json
import os
import pathlib
import pwd
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import TypeVar

import aiohttp

from tests.acceptance import services
from tests.benchmarks import filling, requests_seen

HOST = "server2.lab.net"
_ROOT = pathlib.Path(__file__).parents[2]
_LOOK_SECONDS = 0.1
_Found = TypeVar("_Found")


@dataclasses.dataclass(frozen=True, slots=True)
class Addresses:
    """Of the stand-ins, and of the desk beside them."""

    web_service: str
    oozie: str
    desk: str

    @property
    def runs(self) -> str:
        """Base URL of the web service."""
        return f"{self.web_service}/SeqWareWebService"

    @property
    def jobs(self) -> str:
        """Base URL of Oozie."""
        return f"{self.oozie}/oozie"


def login(number: int) -> tuple[str, str]:
    """E-mail address and password of an account."""
    return f"user{number:04d}@lab.net", f"password {number}"


class Premises:
    """Stand-ins that are up, and accounts.

    Args:
        directory: Of everything; its own.
        addresses: Of the stand-ins.
        http: For the desk.
        accounts: How many.
        unix_users: Of all but the first account, in turn; empty: our own user. Nothing runs as any of them.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        addresses: Addresses,
        http: aiohttp.ClientSession,
        accounts: int,
        unix_users: Sequence[str] = (),
    ) -> None:
        self.directory = directory
        self.addresses = addresses
        self.accounts = accounts
        self.books = filling.Books(directory)
        self.making = filling.Making(HOST, pwd.getpwuid(os.geteuid()).pw_name, directory)
        self._unix_users = unix_users or [self.making.unix_user]
        #: Requests that were answered, since the start or since ``forget``; grows with ``look``.
        self.seen: list[requests_seen.Seen] = []
        self._forgotten = 0
        self._http = http
        self._services = 0

    def unix_user(self, number: int) -> str:
        """Of an account: our own for the first; for the others too, unless there are to be several."""
        return self._unix_users[number % len(self._unix_users)] if number else self.making.unix_user

    def fill(self, per_account: int, accounts: Collection[int] | None = None, **making: object) -> list[filling.Filled]:
        """Add active runs for every account, or for those of these numbers."""
        owners = [(number, login(number)[0]) for number in (range(self.accounts) if accounts is None else accounts)]
        chosen = dataclasses.replace(self.making, **making)  # type: ignore[arg-type]
        found = []
        for user, theirs in itertools.groupby(owners, lambda owner: self.unix_user(owner[0])):
            found += self.books.fill(list(theirs), per_account, dataclasses.replace(chosen, unix_user=user))
        return found

    def enrol(self) -> None:
        """Make the accounts known to the web service, and write profiles and settings of the service."""
        for folder in ("accounts.d", "secrets", "state", "run"):
            (self.directory / folder).mkdir(mode=0o700)
        for number in range(self.accounts):
            user, password = login(number)
            self.books.web_service.add_account(user, password)
            secret = self.directory / "secrets" / user
            secret.write_text(password, "utf-8")
            secret.chmod(0o600)
            profile = self.directory / "accounts.d" / f"user{number:04d}.toml"
            profile.write_text(self._profile(user, secret, self.unix_user(number)), "utf-8")
        config = f"""
accounts_dir = "{self.directory}/accounts.d"
state_dir = "{self.directory}/state"
runtime_dir = "{self.directory}/run"
allow_root = {str(os.geteuid() == 0).lower()}
"""
        (self.directory / "niassa-orch.toml").write_text(config, "utf-8")

    def _profile(self, user: str, secret: pathlib.Path, unix_user: str) -> str:
        return f"""unix_user = "{unix_user}"
host = "{HOST}"
[web_service]
url = "{self.addresses.runs}"
user = "{user}"
password_file = "{secret}"
[engine]
oozie_url = "{self.addresses.jobs}"
"""

    @contextlib.asynccontextmanager
    async def service(self, interval_seconds: float, **settings: object) -> AsyncIterator[services.Service]:
        """The service as an administrator starts it, with its defaults but for the beat; ended when left."""
        self._services += 1
        output = self.directory / f"service-{self._services}.log"
        settings = {"BEAT__INTERVAL_SECONDS": interval_seconds, "BEAT__JITTER": 0, **settings}
        with output.open("wb") as stream:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "niassa_orch", "--config", str(self.directory / "niassa-orch.toml"), "run"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=_ROOT,
                env={**os.environ, **{f"NIASSA_ORCH_{key}": str(value) for key, value in settings.items()}},
            )
        running = services.Service(process, output)
        try:
            yield running
        except BaseException as exc:
            exc.add_note(f"the service said:\n{running.text[-3000:]}")
            raise
        finally:
            with contextlib.suppress(TimeoutError):
                await running.drain()
            await running.kill()

    async def look(self) -> list[requests_seen.Seen]:
        """Every request that was answered since the start, or since ``forget``."""
        known = self._forgotten + len(self.seen)
        async with self._http.get(f"{self.addresses.desk}/requests", params={"from": known}) as answer:
            self.seen += [requests_seen.Seen(*one) for one in json.loads(await answer.read())]
        return self.seen

    async def forget(self) -> None:
        """Forget the requests so far, since looking through a hundred thousand of them costs the machine's time."""
        await self.look()
        self._forgotten += len(self.seen)
        self.seen = []

    async def end_jobs(self, job_ids: Sequence[str], status: str = "SUCCEEDED") -> tuple[float, list[str]]:
        """Let jobs end that still run; when that was, and which they were."""
        async with self._http.post(f"{self.addresses.desk}/ended", json={"ids": job_ids, "status": status}) as answer:
            said = await answer.json()
        return said["moment"], said["ids"]

    async def until(self, what: str, find: Callable[[], _Found | None], seconds: float) -> _Found:
        """What is found in the record of requests at last.

        Raises:
            TimeoutError: It was not, in so many seconds.
        """
        deadline = time.monotonic() + seconds
        while True:
            await self.look()
            found = find()
            if found is not None:
                return found
            if time.monotonic() > deadline:
                message = f"not within {seconds} s: {what}"
                raise TimeoutError(message)
            await asyncio.sleep(_LOOK_SECONDS)


@contextlib.asynccontextmanager
async def opened(accounts: int, unix_users: Sequence[str] = ()) -> AsyncIterator[Premises]:
    """Stand-ins in a process of their own and so many accounts; everything is taken away when left."""
    _allow_many_connections()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="niassa-orch-bench-"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.stand_ins", str(directory)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )
    try:
        async with aiohttp.ClientSession() as http:
            line = await process.stdout.readline() if process.stdout else b""
            place = Premises(directory, Addresses(*json.loads(line)), http, accounts, unix_users)
            with contextlib.closing(place.books):
                place.enrol()
                yield place
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        shutil.rmtree(directory)


def _allow_many_connections() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
