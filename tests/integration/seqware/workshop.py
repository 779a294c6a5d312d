"""A mediator of our own user with an engine made for the test, and a way to look at processes."""

import collections.abc
import contextlib
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import time
import typing

from niassa_orch.domain import runs
from niassa_orch.seqware import call, installation

Made = typing.TypeVar("Made")

#: Prints what the engine was given, as JSON after a mark.
SHOW = """
import json, os, sys, signal
blocked = sorted(int(s) for s in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
ignored = [int(s) for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD) if signal.getsignal(s) == signal.SIG_IGN]
print("SEEN " + json.dumps({"argv": sys.argv[1:], "env": dict(os.environ), "cwd": os.getcwd(), "uid": os.getuid(),
    "gid": os.getgid(), "stdin": os.readlink("/proc/self/fd/0"), "umask": os.umask(0), "sid": os.getsid(0),
    "pid": os.getpid(), "fds": sorted(os.listdir("/proc/self/fd")), "blocked": blocked, "ignored": ignored}))
"""

#: Ignores SIGTERM, and so does its child, which leaves the group and outlives its own parent. All say their pids.
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
print("PID", os.getpid(), flush=True)
if os.fork() == 0:
    print("PID", os.getpid(), flush=True)
    if os.fork() == 0:
        os.setsid()
        print("PID", os.getpid(), flush=True)
        print("STANDING", flush=True)
        time.sleep(600)
    os._exit(0) if os.environ.get("NEVER") else time.sleep(600)
time.sleep(600)
"""


#: Holds the lock of a file as JUnique does, or otherwise; says so, and ends with its standard input.
HOLD = """
import fcntl, os, struct, sys
file = open(sys.argv[1], "a+")
if sys.argv[2] == "description":
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi0q", fcntl.F_WRLCK, 0, 0, 0, 0))
else:
    fcntl.lockf(file, fcntl.LOCK_SH if sys.argv[2] == "shared" else fcntl.LOCK_EX)
print("HELD", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holder(path: pathlib.Path, how: str = "exclusive") -> collections.abc.Iterator[int]:
    """A process of ours that holds a lock; its pid."""
    argv = [sys.executable, "-c", HOLD, str(path), how]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "HELD\n"
        yield process.pid


def write_engine(path: pathlib.Path, code: str) -> pathlib.Path:
    """An executable Python program that stands for the seqware command."""
    path.write_text(f"#!{sys.executable} -I\n{code}", "utf-8")
    path.chmod(0o755)
    return path


@dataclasses.dataclass(frozen=True, slots=True)
class Workshop:
    """A directory with an engine, a settings file and an installed mediator, all our own user's."""

    directory: pathlib.Path

    @property
    def settings_file(self) -> pathlib.Path:
        return self.directory / "settings"

    def install(self, code: str = SHOW, **options: typing.Any) -> pathlib.Path:
        """The mediator, with an engine that runs ``code``."""
        if not self.settings_file.exists():
            self.settings_file.write_text("SW_REST_PASS=canary-secret\n", "utf-8")
        engine = write_engine(self.directory / "seqware", code)
        fields = {"command": (str(engine),), "settings_file": str(self.settings_file), "allow_root": True, **options}
        return installation.install(self.directory / "mediator.d", installation.MediatorConfiguration(**fields))

    def run_directory(self, name: str = "oozie-0b7c1c1e-0000-4000-8000-000000000001") -> pathlib.Path:
        """A run's working directory."""
        directory = self.directory / name
        (directory / "generated-scripts").mkdir(parents=True)
        return directory

    def run(self, mediator: pathlib.Path, *words: str, stdin: str = "", **options: typing.Any) -> "Ran":
        """Run the mediator to its end and split its output into records and other lines."""
        done = subprocess.run(
            [mediator, *words], input=stdin, capture_output=True, text=True, timeout=60, **options, check=False
        )
        return Ran(done.returncode, done.stdout, done.stderr)


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """How one run of the mediator ended."""

    exit_code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, typing.Any]]:
        return [json.loads(line) for line in self.out.split("\n") if line.startswith('{"niassa_orch_mediator"')]

    @property
    def refused(self) -> str:
        assert self.exit_code == 64, (self.out, self.err)
        (record,) = self.records
        return str(record["refused"])

    @property
    def seen(self) -> dict[str, typing.Any]:
        (line,) = (line for line in self.out.splitlines() if line.startswith("SEEN "))
        seen = json.loads(line[5:])
        assert isinstance(seen, dict)
        return seen


def hurried(mediator: pathlib.Path) -> pathlib.Path:
    """The same mediator, whose questions are over after a second."""
    source = mediator.read_text("utf-8")
    assert "QUESTION_SECONDS = 120\n" in source
    mediator.write_text(source.replace("QUESTION_SECONDS = 120\n", "QUESTION_SECONDS = 1\n"), "utf-8")
    return mediator


def header(*accessions: int) -> call.CallHeader:
    return call.CallHeader.now(
        "bob", "niassa-bob", "launch", [runs.Accession(accession) for accession in accessions], runs.EngineFamily.OOZIE
    )


def pids(text: str) -> list[int]:
    """The processes that said who they are."""
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith("PID ")]


def lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        status = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def in_time(
    make: collections.abc.Callable[[float], Made], is_sound: collections.abc.Callable[[Made], bool] = bool
) -> Made:
    """What a call with a deadline came to, where its engine had got far enough by then.

    Where the machine stood still meanwhile that was no test of anything: another call gets a longer deadline.

    Args:
        make: Makes a call with this deadline, in seconds.
        is_sound: Whether its engine got far enough.
    """
    for deadline_seconds in (0.7, 4.0, 20.0):
        made = make(deadline_seconds)
        if is_sound(made):
            return made
    message = "no engine got far enough before its deadline"
    raise AssertionError(message)


def until(holds: collections.abc.Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that will be so; fails when it is not in time."""
    limit = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < limit, "it never came to pass"
        os.sched_yield()
        time.sleep(0.01)


def read(path: pathlib.Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""
