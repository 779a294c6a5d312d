"""Starts an engine call, and tells later whether anything of it still lives.

The call's output goes to a file of its own, the transcript, never to a pipe. We take a lock on that open file and hand
it to the child with the file: the lock lives exactly as long as any process of the call does, through our death and
sudo's. The first line, our header, is on disk before anything is started: it is the intent. Nothing here ends a call:
killing sudo would only orphan the engine, and the mediator has a deadline of its own. Called by the core.

Each call has a thread: it starts the child and waits for it. So cancelling who waits loses nothing, no child stays
unreaped, no event loop has a say in it, and when no thread can be had, nothing was started.
"""

import asyncio
import collections.abc
import contextlib
import dataclasses
import datetime
import errno
import fcntl
import functools
import json
import os
import pathlib
import subprocess
import threading
import typing
import uuid

from niassa_orch import errors
from niassa_orch.domain import runs

_HEADER_BYTES = 64 * 1024
_Outcome = typing.TypeVar("_Outcome")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True, slots=True)
class CallHeader:
    """The intent of one engine call, as written in the transcript's first line. Holds no secret.

    Args:
        call_id: Ours, unique; other than the nonce of the mediator's records.
        account: The account's name.
        unix_user: Who the call runs as.
        verb: ``launch`` or ``launch-whitestar``.
        accessions: The runs of the call.
        engine_family: Of all the runs of the call.
        created: When, in ISO 8601, UTC.
        boot_id: The kernel's, so that a reboot since then can be told.
    """

    call_id: str
    account: str
    unix_user: str
    verb: str
    accessions: tuple[runs.Accession, ...]
    engine_family: runs.EngineFamily
    created: str
    boot_id: str

    @classmethod
    def now(
        cls,
        account: str,
        unix_user: str,
        verb: str,
        accessions: collections.abc.Iterable[runs.Accession],
        engine_family: runs.EngineFamily,
    ) -> "CallHeader":
        """A header for a call that is about to start."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        return cls(uuid.uuid4().hex, account, unix_user, verb, tuple(accessions), engine_family, now, current_boot_id())

    def to_line(self) -> bytes:
        """The transcript's first line, with its line break."""
        return json.dumps({"niassa_orch_call": 1, **dataclasses.asdict(self)}).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "CallHeader":
        """The header in a transcript's first line; raises ValueError when there is none, or half of one."""
        try:
            fields = json.loads(line if line.endswith(b"\n") else b"")
            fields.pop("niassa_orch_call")
            fields["accessions"] = tuple(runs.Accession(int(accession)) for accession in fields["accessions"])
            fields["engine_family"] = runs.EngineFamily(fields["engine_family"])
            return cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            msg = "the transcript does not begin with a header of ours"
            raise ValueError(msg) from error


@functools.cache
def current_boot_id() -> str:
    """The kernel's id of this boot."""
    return pathlib.Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()


def read_header(transcript: pathlib.Path) -> CallHeader:
    """The header of a transcript. Raises OSError when it cannot be read, ValueError when it holds no whole header."""
    with transcript.open("rb") as file:
        return CallHeader.from_line(file.readline(_HEADER_BYTES))


@dataclasses.dataclass(frozen=True, slots=True)
class EngineCall:
    """A call that was started. It outlives us; ``wait_until_free`` is for those of an earlier life of the service."""

    header: CallHeader
    transcript: pathlib.Path
    pid: int
    _exited: asyncio.Future[int] = dataclasses.field(repr=False)

    async def wait(self) -> int:
        """Wait until nothing of the call lives; returns the exit code, a hint (-n: sudo died of signal n).

        May be cancelled and called again; the call goes on.
        """
        exit_code = await asyncio.shield(self._exited)
        await wait_until_free(self.transcript)
        return exit_code


async def start(argv: collections.abc.Sequence[str], transcript: pathlib.Path, header: CallHeader) -> EngineCall:
    """Start a call, ``argv`` of ``identity.argv``, with its output going to a new file in an existing directory.

    Raises errors.EngineCallError. When the transcript exists afterwards, whether the call was started is *unknown*:
    settle it like a call of which we lost sight. When it does not exist, nothing was started. The same holds after a
    cancellation: the start goes on.
    """
    loop = asyncio.get_running_loop()
    started: asyncio.Future[int] = loop.create_future()
    exited: asyncio.Future[int] = loop.create_future()
    attendant = threading.Thread(
        target=_attend,
        args=(list(argv), transcript, header.to_line(), Report(loop, started), Report(loop, exited)),
        name=f"engine-call-{header.call_id}",
        daemon=True,  # the call outlives us: the end of the process does not wait for it
    )
    try:
        attendant.start()
        return EngineCall(header, transcript, await started, exited)
    except (OSError, RuntimeError, MemoryError, subprocess.SubprocessError) as error:
        msg = f"engine call {header.call_id} of {header.account} as {header.unix_user}: {error}"
        raise errors.EngineCallError(msg) from error


class Report(typing.Generic[_Outcome]):
    """Lets a thread settle a future of an event loop that may be gone by then."""

    def __init__(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[_Outcome]) -> None:
        self._loop = loop
        self._future = future

    def __call__(self, outcome: _Outcome | Exception) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: _Outcome | Exception) -> None:
        if self._future.done():
            return
        if isinstance(outcome, Exception):
            self._future.set_exception(outcome)
        else:
            self._future.set_result(outcome)


def _attend(
    argv: list[str], transcript: pathlib.Path, header: bytes, started: Report[int], exited: Report[int]
) -> None:
    """The whole life of a call, in its thread: intent, start, wait."""
    try:
        child = _spawn(argv, transcript, header)
    except Exception as error:  # noqa: BLE001 - it is raised where the start is awaited
        started(error)
        return
    started(child.pid)
    exited(child.wait())


def _spawn(argv: list[str], transcript: pathlib.Path, header: bytes) -> subprocess.Popen[bytes]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    descriptor = os.open(transcript, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # waits for who just looks whether it is held
        try:
            _write_whole(descriptor, header)
            _sync_directory(transcript.parent)
        except OSError:
            # Nothing is started without a header on disk: no transcript says so.
            transcript.unlink()
            raise
        return _popen(argv, descriptor)
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, header: bytes) -> None:
    if os.write(descriptor, header) < len(header):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)


def _popen(argv: list[str], descriptor: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd="/",
            env=environment(),
            start_new_session=True,  # without a terminal, so that sudo makes no pty between us and the engine
        )
    except OSError as error:
        # For whoever settles the call, and for the person who reads the transcript.
        os.write(descriptor, f"niassa-orch: {argv[0]} could not be started: {error.strerror}\n".encode())
        raise


def environment() -> dict[str, str]:
    """All that a call of ours gets to see of our environment. English words of sudo are what ``identity`` reads."""
    return {"PATH": _PATH, "LANG": "C.UTF-8"} | ({"TZ": os.environ["TZ"]} if "TZ" in os.environ else {})


def _sync_directory(directory: pathlib.Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_held(transcript: pathlib.Path) -> bool:
    """Whether any process of the call lives. Raises OSError when the transcript cannot be opened."""
    descriptor = os.open(transcript, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # Shared, so that two who look at once do not see each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


async def wait_until_free(transcript: pathlib.Path) -> None:
    """Wait until no process of the call lives, ours or one of an earlier life. Raises OSError as ``is_held``."""
    pause_seconds = 0.01
    while is_held(transcript):
        await asyncio.sleep(pause_seconds)
        pause_seconds = min(pause_seconds * 2, 1.0)
