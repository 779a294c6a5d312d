#!/usr/bin/python3 -I
"""The mediator: the one program that sudo lets the service run as an account's Unix user.

It stands alone: standard library only, Python 3.6 or newer, installed as one root-owned file with ``mediator.json``
beside it (``seqware.installation``). Its caller is not trusted: whoever takes over the service user gets these verbs
and digits, nothing else. What runs, with which settings and for how long, comes from ``mediator.json`` alone.

Verbs: ``launch A B C``, ``launch-whitestar A``, ``propagate A B C``, ``settings``, ``texts`` and ``probe`` (JSON on
stdin), ``lock``, ``crontab``, ``version``. Every answer is a line of JSON that begins with
``{"niassa_orch_mediator": 1``. Exit codes: 0 done, 64 refused, 74 nothing could be read or written, 124 killed at the
deadline or for its endless output; a launch that ran ends with the engine's own code (128 + n for signal n), a
propagation says it in its answer. A question is over after two minutes, whatever becomes of its answer.
"""

import base64
import contextlib
import ctypes
import datetime
import errno
import fcntl
import json
import math
import os
import pwd
import re
import resource
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import typing

Record = typing.Dict[str, typing.Any]

DEFAULTS: Record = {
    "command": None,
    "settings_file": "~/.seqware/settings",
    "deadline_seconds": 900,
    "whitestar_deadline_seconds": 604800,
    "propagate_deadline_seconds": 300,
    "kill_grace_seconds": 10,
    "max_accessions": 50,
    "most_transcript_bytes": 268435456,
    "path": "/usr/local/bin:/usr/bin:/bin",
    "java_home": "",
    "allow_root": False,
}
MOST_BYTES = 1 << 20
# Of the texts of a run: what is sent when the order does not say, and the most that is sent whatever it says.
FILE_TAIL_BYTES, MOST_FILE_TAIL_BYTES = 1 << 16, 1 << 20
RUN_TEXT_BYTES, MOST_RUN_TEXT_BYTES = 1 << 20, 1 << 22
MOST_FILES = 1000
LEAST_FREE_BYTES = 1 << 20
QUESTION_SECONDS = 120
# All that sudo passes on and that ends who is not prepared, and the engine's deadline with it.
ENDINGS = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGALRM,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
WAITED_FOR = (*ENDINGS, signal.SIGCHLD)
PR_SET_CHILD_SUBREAPER = 36
TEXT_NAME = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.+@=,-]{0,199})\.([eo])([0-9]{1,18})")
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
FLOCK = "hhqqi0q"  # struct flock: kind, whence, start, length, pid
MOST_COMMAND = 200
MOST_SPOKEN_BYTES = 16 << 20
PROBE_SECONDS = 10
PROBE_BYTES = 64 * 1024
MOST_URL = 2000
MOST_VERSIONS = 100
LOCKED = b"AlreadyLockedException"
# A version as the seqware wrapper has it: in the name of its jar, or in a variable.
ENGINE_VERSION = re.compile(
    r"(?:seqware-distribution-|SEQWARE_VERSION *= *[\"']?)([0-9][0-9A-Za-z.]{0,30}(?:-[A-Z0-9]{1,20})?)"
)
CRONTAB_COMMANDS = ("/usr/bin/crontab", "/bin/crontab")
CRONTAB_SECONDS = 20
# What words of a shell are parted by (in a crontab by % too), and the folders into which a line goes before it calls
# something.
BETWEEN_WORDS = re.compile(r"""[\s;&|"'`()<>=%]+""")
QUOTES = re.compile("[\"']")
INTO_FOLDER = re.compile(r"""(?:^|[\s;&|("'])cd\s+["']?([^\s;&|"'`()<>]+)""")
INTO_A_FILE = re.compile(r"(?<![0-9&])[0-9&]*>>?\s*[^\s;&|]+")
# A variable that is set, also as crontabs do it, and one that is used; what another expansion leaves of a path.
ASSIGNMENT = re.compile(
    r"""(?:^[ \t]*|[\s;&|("'])([A-Za-z_]\w*)(?:=|[ \t]+=[ \t]*)("[^"\n]*"|'[^'\n]*'|[^\s;&|)]*)""", re.M
)
VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
UNKNOWN_FOLDER = re.compile(r"^.*[$}](?:[A-Za-z_]\w*|[0-9@*#])?(?=/)")
PATH_ITSELF = re.compile(r"\$(PATH|\{PATH\})$|$")
# Values of one variable; variables in one word, and walks until all are known; bytes of a path (Linux).
MOST_VALUES, MOST_ROUNDS, MOST_PATH = 8, 5, 4096
SYSTEM_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
ENGINE_WORDS = ("launch-scheduled", "propagate-statuses")
MOST_PATHS, MOST_SCRIPTS, MOST_SCRIPT_BYTES = 100000, 100, 1 << 16
BELOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class Refusal(Exception):  # noqa: N818 - not a fault of ours: the answer is no
    """The mediator says no, and why. Nothing irreversible was done."""


def refuse(why: str) -> "typing.NoReturn":
    """Say no."""
    raise Refusal(why)


def answer(record: Record) -> None:
    """Write one record as a line, whole and at once; raises OSError when that is not possible."""
    line = json.dumps(dict({"niassa_orch_mediator": 1}, **record), ensure_ascii=False) + "\n"
    rest = line.encode("utf-8", "replace")
    while rest:
        rest = rest[os.write(1, rest) :]


def check_trusted(status: os.stat_result, path: str, above: bool = False) -> None:
    """Only root and the user that we run as may own or change what decides over us.

    A sticky directory that everybody may write to, such as /tmp, passes further above: nobody can replace there what
    belongs to somebody else.
    """
    if status.st_uid not in (0, os.getuid()):
        refuse("%s belongs to uid %d: it must belong to root" % (path, status.st_uid))
    if status.st_mode & 0o022 and not (above and status.st_mode & stat.S_ISVTX):
        refuse("%s may be changed by its group or by everybody: chmod go-w %s" % (path, path))


def read_whole(descriptor: int, path: str) -> typing.Tuple[bytes, os.stat_result]:
    """The bytes of an open regular file of at most 1 MiB, and its status. Closes the descriptor."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        refuse("%s is not a regular file" % path)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        refuse("%s is larger than 1 MiB" % path)
    return content, status


def read_configuration(user: str) -> Record:
    """What ``mediator.json`` beside this file says for ``user``, once everything above it has proved trustworthy."""
    mediator = os.path.realpath(__file__)
    directory = os.path.dirname(mediator)
    path = os.path.join(directory, "mediator.json")
    check_trusted(os.lstat(mediator), mediator)
    check_trusted(os.lstat(directory), directory)
    above = directory
    while above != os.path.dirname(above):
        above = os.path.dirname(above)
        check_trusted(os.lstat(above), above, above=True)
    try:
        content, status = read_whole(os.open(path, BELOW), path)
        check_trusted(status, path)
        written = json.loads(content.decode("utf-8"))
        overrides = written.pop("users", {}).get(user, {})
        return checked(dict(dict(DEFAULTS, **written), **overrides), path)
    except OSError as error:
        refuse("%s cannot be read: %s" % (path, error.strerror))
    except (ValueError, TypeError, AttributeError, RecursionError):
        refuse("%s is not the JSON that it should be" % path)


def checked(configuration: Record, path: str) -> Record:
    """The configuration, when every value in it is of the right kind."""

    def is_text(value: object) -> bool:
        return isinstance(value, str) and "\0" not in value

    def is_positive(value: typing.Any) -> bool:
        return type(value) in (int, float) and 0 < value < 1e9

    command = configuration["command"]
    good = {
        "command": isinstance(command, list) and bool(command) and all(map(is_text, command)),
        "allow_root": isinstance(configuration["allow_root"], bool),
    }
    for key, value in configuration.items():
        if key not in DEFAULTS:
            refuse("%s: unknown key %s" % (path, json.dumps(key)))
        test = is_text if isinstance(DEFAULTS[key], str) else is_positive
        if not (good[key] if key in good else test(value)):
            refuse("%s: %s has a wrong value" % (path, key))
    if not os.path.isabs(command[0]):
        refuse("%s: command must begin with an absolute path" % path)
    return configuration


def check_groups(account: pwd.struct_passwd) -> None:
    """Refuse groups of the caller's: ``sudo -P`` keeps them, and the engine would have their rights.

    Where we run as the caller itself, sudo is not there, and neither is anything to be gained: logins and containers
    add groups that the user database does not know.
    """
    if os.environ.get("SUDO_UID", str(os.getuid())) == str(os.getuid()):
        return
    extra = {*os.getgroups(), *os.getresgid()}.difference(os.getgrouplist(account.pw_name, account.pw_gid))
    if extra:
        text = "the call has groups that %s is not in (%s): sudo kept the caller's; call it without -P, and take"
        text += " preserve_groups out of its rules"
        refuse(text % (account.pw_name, ", ".join(map(str, sorted(extra)))))


def check_limits() -> None:
    """Refuse limits of the caller's that could kill the engine between its job and its record."""
    limits = (
        ("RLIMIT_FSIZE", resource.RLIMIT_FSIZE, "LimitFSIZE"),
        ("RLIMIT_CPU", resource.RLIMIT_CPU, "LimitCPU"),
    )
    for name, number, option in limits:
        limit = resource.getrlimit(number)[0]
        if limit != resource.RLIM_INFINITY:
            text = "%s is %d and may kill the engine half-way: set %s=infinity in the unit of the service, or take the"
            text += " limit out of limits.conf"
            refuse(text % (name, limit, option))


def read_settings(configuration: Record, account: pwd.struct_passwd) -> typing.Tuple[str, bytes, os.stat_result]:
    """Path, content and status of the account's seqware settings.

    A link is followed: it is that user's own file, opened with nothing but that user's rights.
    """
    path = configuration["settings_file"]
    path = account.pw_dir + path[1:] if path.startswith("~/") else path
    if not os.path.isabs(path):
        refuse("settings_file must be an absolute path or begin with ~/")
    try:
        return (path, *read_whole(os.open(path, BELOW & ~os.O_NOFOLLOW), path))
    except OSError as error:
        text = "the settings file %s cannot be read as %s: %s"
        refuse(text % (path, account.pw_name, error.strerror))


def parse_accessions(words: typing.List[str], most: int) -> typing.List[int]:
    """The accessions among the arguments; refuses anything but 1 to ``most`` different plain numbers."""
    if not 1 <= len(words) <= most:
        refuse("from 1 to %d accessions are needed" % most)
    if not all(re.fullmatch("[1-9][0-9]{0,17}", word) for word in words):
        refuse("an accession is a plain number of 1 to 18 digits")
    if len(set(words)) < len(words):
        refuse("an accession is there twice")
    return [int(word) for word in words]


def engine_environment(configuration: Record, account: pwd.struct_passwd, settings_file: str) -> typing.Dict[str, str]:
    """The engine's whole environment. Nothing of the caller's survives but a time zone that looks like one."""
    environment = {
        "HOME": account.pw_dir,
        "USER": account.pw_name,
        "LOGNAME": account.pw_name,
        "SHELL": "/bin/sh",
        "PATH": configuration["path"],
        "LANG": "C.UTF-8",
        "SEQWARE_SETTINGS": settings_file,
        # The JDK repeats a POST by itself when a connection breaks: two jobs for one run.
        "SEQWARE_JVM_OPTS": "-Dsun.net.http.retryPost=false",
    }
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}", os.environ.get("TZ", "")):
        environment["TZ"] = os.environ["TZ"]
    if configuration["java_home"]:
        environment["JAVA_HOME"] = configuration["java_home"]
    return environment


def launch(configuration: Record, account: pwd.struct_passwd, verb: str, words: typing.List[str]) -> int:
    """Run the engine for these accessions, to its end or to the deadline; returns the exit code."""
    whitestar = verb == "launch-whitestar"
    accessions = parse_accessions(words, 1 if whitestar else configuration["max_accessions"])
    settings_file = read_settings(configuration, account)[0]
    command = engine_command(configuration, account, "launch-scheduled", accessions)
    check_limits()
    deadline_seconds = configuration["whitestar_deadline_seconds" if whitestar else "deadline_seconds"]
    begin = {"record": "begin", "verb": verb, "user": account.pw_name, "uid": os.getuid(), "pid": os.getpid()}
    begin.update(accessions=accessions, command=command, settings_file=settings_file)
    begin.update(deadline_seconds=deadline_seconds, time=datetime.datetime.now(datetime.timezone.utc).isoformat())
    signal.alarm(0)  # from here on the deadline counts
    guardian = fork_guardian()
    if guardian:
        return relay(guardian)
    transcript = Transcript(configuration["most_transcript_bytes"])
    call = Call(deadline_seconds, configuration["kill_grace_seconds"], transcript)
    return run_framed(call, transcript, begin, engine_environment(configuration, account, settings_file))


def propagate(configuration: Record, account: pwd.struct_passwd, words: typing.List[str]) -> int:
    """Let the engine ask Oozie about these accessions and write what it hears; the answer says how its call ended.

    Its output is not kept: nothing has to be settled by it, and it is long. Returns the mediator's exit code.
    """
    accessions = parse_accessions(words, configuration["max_accessions"])
    settings_file = read_settings(configuration, account)[0]
    command = engine_command(configuration, account, "propagate-statuses", accessions)
    check_limits()
    environment = engine_environment(configuration, account, settings_file)
    signal.alarm(0)  # from here on the deadline counts
    guardian = fork_guardian()
    if guardian:
        return relay(guardian)
    spoken = Spoken(MOST_SPOKEN_BYTES)
    call = Call(configuration["propagate_deadline_seconds"], configuration["kill_grace_seconds"], spoken)
    started = time.monotonic()
    call.run(command, environment, account.pw_dir)
    record = {"record": "propagated", "exit_code": call.exit_code, "timed_out": call.timed_out}
    record.update(signalled=call.signalled, locked=spoken.holds(LOCKED))
    answer(dict(record, seconds=round(time.monotonic() - started, 3)))
    return 0


def engine_command(
    configuration: Record, account: pwd.struct_passwd, subcommand: str, accessions: typing.List[int]
) -> typing.List[str]:
    """The engine's whole command line; refuses a command that cannot be run."""
    command: typing.List[str] = configuration["command"] + ["workflow-run", subcommand]
    for accession in accessions:
        command += ["--accession", str(accession)]
    if not (os.path.isfile(command[0]) and os.access(command[0], os.X_OK)):
        refuse("%s cannot be run as %s: set the engine's command" % (command[0], account.pw_name))
    return command


def run_framed(call: "Call", file: "Transcript", begin: Record, environment: typing.Dict[str, str]) -> int:
    """Run the engine between a first and a last record; returns the exit code.

    The records carry a nonce that the engine cannot know, so that nothing it prints passes for the last record, which
    says that the transcript is complete: it is not written when lines before it may be lost.
    """
    nonce = base64.b16encode(os.urandom(16)).decode("ascii").lower()
    answer(dict(begin, call=nonce))
    # On disk before the engine begins: a transcript without it says that there was no engine.
    sync_output()
    started = time.monotonic()
    call.run(begin["command"], environment, environment["HOME"])
    sync_output()
    file.look()
    if file.disk_full:
        raise OSError(errno.ENOSPC, "the disk of the transcript is full")
    os.write(1, b"\n")  # the engine may have left a line unfinished
    end = {"record": "end", "call": nonce, "exit_code": call.exit_code, "timed_out": call.timed_out}
    end.update(signalled=call.signalled, too_long=file.too_long, cut=file.cut)
    answer(dict(end, seconds=round(time.monotonic() - started, 3)))
    return 124 if call.timed_out or file.too_long else call.exit_code


def sync_output() -> None:
    """Wait until our output so far is on disk, if it goes to a file; raises OSError when it cannot get there."""
    if stat.S_ISREG(os.fstat(1).st_mode):
        os.fsync(1)


def fork_guardian() -> int:
    """Fork the process that runs the engine and holds its deadline; returns its pid, or 0 in it.

    sudo answers a SIGALRM of its caller's by killing the process that it started, after two seconds and for good: that
    must not be the one that holds the deadline.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    guardian = os.fork()
    if guardian == 0:
        os.setsid()
    return guardian


def relay(guardian: int) -> int:
    """Pass on to the guardian what sudo passes on to us, and end as it ends; returns its exit code."""
    while True:
        caught = signal.sigwait(WAITED_FOR)
        pid, status = os.waitpid(guardian, os.WNOHANG)
        if pid:
            return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        if caught != signal.SIGCHLD:
            send(os.kill, guardian, caught)


class Transcript:
    """What became of the file that our output goes to. Once noticed it stays so.

    ``descriptor`` is where the engine writes to; ``None`` is where we write to.
    """

    descriptor: typing.Optional[int] = None

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.seen_bytes = 0
        self.too_long = False
        self.cut = False
        self.disk_full = False

    def look(self) -> None:
        """Look at the file and its disk; a pipe is always well. Raises OSError."""
        status = os.fstat(1)
        if stat.S_ISREG(status.st_mode):
            self.cut = self.cut or status.st_size < self.seen_bytes
            self.seen_bytes = max(self.seen_bytes, status.st_size)
            self.too_long = self.too_long or status.st_size > self.most_bytes
            room = os.fstatvfs(1)
            self.disk_full = self.disk_full or room.f_bavail * room.f_frsize < LEAST_FREE_BYTES

    def has_to_end(self) -> bool:
        """Whether the file is too long, or its disk full."""
        with contextlib.suppress(OSError):  # we must live on: the deadline is ours
            self.look()
        return self.too_long or self.disk_full


class Spoken:
    """Where an engine writes to whose words nobody keeps: a file without a name, emptied when it gets too long.

    No pipe: nobody has to read it, so that the engine never waits. Without room for it the words are lost.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.descriptor = open_nameless()

    def has_to_end(self) -> bool:
        """Never; but what is too long is forgotten."""
        with contextlib.suppress(OSError):
            if os.fstat(self.descriptor).st_size > self.most_bytes:
                os.ftruncate(self.descriptor, 0)
        return False

    def holds(self, mark: bytes) -> bool:
        """Whether what it said last has these words."""
        with contextlib.suppress(OSError):
            size = os.fstat(self.descriptor).st_size
            return mark in os.pread(self.descriptor, MOST_BYTES, max(0, size - MOST_BYTES))
        return False


def open_nameless() -> int:
    """A file without a name to which everybody appends, or where there is no room for one, the null device."""
    try:
        with tempfile.TemporaryFile(dir="/tmp", buffering=0) as file:
            descriptor = os.dup(file.fileno())
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_APPEND)
        return descriptor
    except OSError:
        return os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)


class Call:
    """The engine with all its descendants, in a session of its own."""

    def __init__(
        self, deadline_seconds: float, kill_grace_seconds: float, transcript: typing.Union[Transcript, Spoken]
    ) -> None:
        self.transcript = transcript
        self.deadline = time.monotonic() + deadline_seconds
        self.grace_seconds = kill_grace_seconds
        self.kill_at = math.inf
        self.exit_code = 127
        self.timed_out = False
        self.signalled: typing.Optional[int] = None

    def run(self, command: typing.List[str], environment: typing.Dict[str, str], home: str) -> None:
        """Start the engine and come back when nothing of it is left."""
        self.transcript.has_to_end()  # from this size on it may only grow
        # Descendants whose parents die become our children, so that none can slip away from the deadline. Where that
        # does not work, the process group alone is what we can hold.
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        cwd = home if os.access(home, os.R_OK | os.X_OK) and os.path.isdir(home) else "/"
        try:
            engine = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self.transcript.descriptor,
                stderr=self.transcript.descriptor,
                cwd=cwd,
                env=environment,
                start_new_session=True,
                preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, ()),
            )
        except (OSError, subprocess.SubprocessError):
            return  # it did not start: 127, as a shell would say
        while self.reap(engine):
            self.wait_a_while()
            self.enforce(engine.pid)

    def reap(self, engine: "subprocess.Popen[bytes]") -> bool:
        """Collect who has ended; true while any process of the call lives."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                return True
            if pid == engine.pid:
                number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
                self.exit_code = engine.returncode = 128 + number if number else os.WEXITSTATUS(status)
        return send(os.killpg, engine.pid, 0)

    def wait_a_while(self) -> None:
        """Sleep until a child ends, somebody wants us to end, or a time limit is near; at most a second."""
        limit = self.kill_at if self.kill_at < math.inf else self.deadline
        # While we kill, orphans keep coming to us without a signal: look often.
        pause_seconds = 0.05 if time.monotonic() >= self.kill_at else min(1.0, max(0.0, limit - time.monotonic()))
        caught = signal.sigtimedwait(WAITED_FOR, pause_seconds)
        if caught is not None and caught.si_signo in ENDINGS:
            self.signalled = self.signalled or caught.si_signo

    def enforce(self, group: int) -> None:
        """SIGTERM to everything of the call when it has to end; later SIGKILL."""
        now = time.monotonic()
        if self.kill_at == math.inf and (self.transcript.has_to_end() or self.signalled or now >= self.deadline):
            self.timed_out = now >= self.deadline and not self.signalled
            self.kill_at = now + self.grace_seconds
            signal_all(group, signal.SIGTERM)
        elif now >= self.kill_at:
            signal_all(group, signal.SIGKILL)


def signal_all(group: int, number: int) -> None:
    """Signal the group, and those of our children that left it: their parents died, so that they became ours."""
    send(os.killpg, group, number)
    with contextlib.suppress(OSError), open("/proc/self/task/%d/children" % os.getpid(), "rb") as file:
        for child in map(int, file.read().split()):
            if os.getpgid(child) != group:  # a second SIGTERM may hit somebody who is about to end well
                send(os.kill, child, number)


def send(kill: typing.Callable[[int, int], None], target: int, number: int) -> bool:
    """Signal a process or a group; false when there is none, or none that is ours."""
    try:
        kill(target, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class Order(typing.NamedTuple):
    """Whose texts are asked for, and how much of them at most."""

    accession: int
    directory: str
    file_bytes: int
    run_bytes: int


def read_input() -> bytes:
    """What stdin holds, up to a byte more than we take. Python has no ``sys.stdin`` where it came closed."""
    with open(0, "rb", closefd=False) as file:
        return file.read(MOST_BYTES + 1)


def read_orders() -> typing.List[Order]:
    """What stdin asks for: a JSON list of orders, of at most 1 MiB.

    An order is ``{"accession": n, "directory": "/..."}``, and perhaps ``file_bytes`` and ``run_bytes``: how much of one
    file and of all files of the run is sent.
    """
    content = read_input()
    if len(content) > MOST_BYTES:
        refuse("stdin holds more than 1 MiB")
    try:
        # Of a very long number the first digits are enough to refuse it; all of them would cost minutes.
        listed = json.loads(content.decode("utf-8"), parse_int=lambda digits: int(digits[:20]))
        orders = [read_order(order) for order in listed]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        refuse("stdin must hold a JSON list of accession and directory")
    for order in orders:
        if not 1 <= order.accession < 10**18 or not is_run_directory(order.directory):
            refuse("stdin names an accession or a directory that no run can have")
    return orders


def read_order(order: Record) -> Order:
    """One order; raises ValueError where a number is none."""
    wanted = (order.get("file_bytes", FILE_TAIL_BYTES), order.get("run_bytes", RUN_TEXT_BYTES))
    if not all(type(number) is int and number > 0 for number in (order["accession"], *wanted)):
        raise ValueError
    most = min(wanted[0], MOST_FILE_TAIL_BYTES), min(wanted[1], MOST_RUN_TEXT_BYTES)
    return Order(order["accession"], order["directory"], *most)


def is_run_directory(path: object) -> bool:
    """Whether a path looks like a run's working directory: absolute, plain, ending in ``oozie-UUID``."""
    return (
        isinstance(path, str)
        and re.fullmatch(r"(/[^/\0]+)+/oozie-[0-9A-Za-z-]{8,64}", path) is not None
        and not {".", ".."} & set(path.split("/"))
    )


def read_texts(order: Order) -> Record:
    """The record of one run: the ends of its step logs by job number, or that its directory is gone.

    Only what lies right inside ``generated-scripts`` of the run's own directory is read, and only if both belong to the
    user that we are; from the run's directory on no link is followed.
    """
    record = {"accession": order.accession, "directory": order.directory}
    opened = []
    try:
        # What lies above need not be ours to list, only to pass through.
        opened.append(os.open(os.path.dirname(order.directory), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        for name in (os.path.basename(order.directory), "generated-scripts"):
            opened.append(os.open(name, BELOW | os.O_DIRECTORY, dir_fd=opened[-1]))
            if os.fstat(opened[-1]).st_uid != os.getuid():
                refuse("belongs to another user")
        return dict(record, **list_texts(opened[-1], order))
    except (FileNotFoundError, NotADirectoryError):
        return dict(record, gone=True)
    except Refusal as refusal:
        return dict(record, error=str(refusal))
    except UnicodeError:
        return dict(record, error="a name that no file can have")
    except OSError as error:
        return dict(record, error=error.strerror)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def list_texts(scripts: int, order: Order) -> Record:
    """The step logs right inside one directory: ``NAME.o<digits>`` and ``NAME.e<digits>``, and how many were left out.

    The newest have the first claim on the room that there is: what failed is among them.
    """
    found = [match for match in map(TEXT_NAME.fullmatch, os.listdir(scripts)) if match]
    found.sort(key=lambda match: (int(match.group(3)), match.group()))
    files, room = [], order.run_bytes
    for match in reversed(found[-MOST_FILES:]):
        file = read_text(scripts, match, min(room, order.file_bytes))
        if file is not None:
            files.append(file)
            room -= file["kept"]
    return {"files": files[::-1], "left_out": max(0, len(found) - MOST_FILES)}


def read_text(scripts: int, match: "typing.Match[str]", most_bytes: int) -> typing.Optional[Record]:
    """One step log's last ``most_bytes``, or why it is not read; None when it vanished."""
    record = {"name": match.group(), "step": match.group(1), "stream": match.group(2), "number": int(match.group(3))}
    record.update(mtime=0, size=0, kept=0, cut=False, text="")
    try:
        descriptor = os.open(match.group(), BELOW, dir_fd=scripts)
    except FileNotFoundError:
        return None
    except OSError as error:
        # Of a link O_NOFOLLOW says ELOOP, of a socket ENXIO.
        told = error.strerror if error.errno not in (errno.ELOOP, errno.ENXIO) else "no plain file"
        return dict(record, error=told)
    try:
        return dict(record, **read_end(descriptor, most_bytes))
    except Refusal as refusal:
        return dict(record, error=str(refusal))
    except OSError as error:
        return dict(record, error=error.strerror)
    finally:
        os.close(descriptor)


def read_end(descriptor: int, most_bytes: int) -> Record:
    """The last bytes of a step log, as text, and what must be said of them."""
    status = os.fstat(descriptor)
    check_text(status)
    start = os.lseek(descriptor, max(0, status.st_size - most_bytes), os.SEEK_SET)
    pieces, room = [], most_bytes
    while room:
        piece = os.read(descriptor, room)
        if not piece:
            break
        pieces.append(piece)
        room -= len(piece)
    content = b"".join(pieces)
    # What the cut left of a character of UTF-8 is none.
    whole = re.sub(b"^[\x80-\xbf]{1,3}", b"", content) if start else content
    # A file that grew meanwhile is at least as large as what was read of it.
    found = {"mtime": status.st_mtime, "size": max(status.st_size, start + len(content)), "kept": len(content)}
    return dict(found, cut=start > 0, text=NOT_XML.sub("", whole.decode("utf-8", "replace")))


def check_text(status: os.stat_result) -> None:
    """Refuse what is no plain file of ours with this one name.

    A file with a second name may be another file of ours, which somebody who may write to this folder linked into it
    (where the system allows that, ``fs.protected_hardlinks`` 0).
    """
    if not stat.S_ISREG(status.st_mode):
        refuse("no plain file")
    if status.st_uid != os.getuid():
        refuse("belongs to another user")
    if status.st_nlink > 1:
        refuse("has another name elsewhere (a hard link)")


def list_locks(home: str) -> typing.List[Record]:
    """Who holds the engine's locks. JUnique keeps one file a lock in ``.junique`` of the home that passwd says.

    Raises OSError when that cannot be known: a lock that we cannot look at is not a lock that is free.
    """
    try:
        folder = os.open(os.path.join(home, ".junique"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return []
    try:
        names = sorted(name for name in os.listdir(folder) if name.endswith(".lock"))[:MOST_FILES]
        return [held for held in (read_lock(folder, name) for name in names) if held is not None]
    finally:
        os.close(folder)


def read_lock(folder: int, name: str) -> typing.Optional[Record]:
    """Who holds the POSIX lock of one file, or None when nobody does, or it is no plain file of ours. Takes no lock."""
    try:
        descriptor = os.open(name, BELOW, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):
            return None
        raise  # unknown is not free
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            return None
        question = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))
    finally:
        os.close(descriptor)
    if kind == fcntl.F_UNLCK:
        return None
    # The kernel names nobody (0, -1) for a process of another pid namespace, or a lock of an open file description.
    known = pid > 0
    return {"name": plain(name), "pid": pid if known else None, "command": read_command(pid) if known else ""}


def read_command(pid: int) -> str:
    """A short picture of what a process is, "" when it cannot be seen.

    No argument that may hold a secret is in it: of seqware the subcommand and its host, without java's options and
    class path; of any other program its name, and that of the script that it runs.
    """
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            words = file.read(MOST_BYTES).decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    # What follows a "=" may be a secret: a process may call itself anything.
    shown = [os.path.basename(words[0].split(" ")[0].split("=")[0])]
    if "workflow-run" in words:
        rest = words[words.index("workflow-run") :]
        shown += (["..."] if len(words) - len(rest) > 1 else []) + [word for word in rest[:2] if word[:1] != "-"]
        shown += rest[rest.index("--host") :][:2] if "--host" in rest else []
    elif any(words[1:]):
        shown.append(os.path.basename(words[1]) if words[1].startswith("/") else "...")
    return plain(" ".join(shown))[:MOST_COMMAND]


def read_crontab(home: str) -> Record:
    """The user's crontab and the scripts that it calls, as far as they can be read; nothing is run but ``crontab -l``.

    Raises OSError when the crontab cannot be known: one that we cannot read is not one that launches nothing.
    """
    command = next((path for path in CRONTAB_COMMANDS if os.path.isfile(path)), None)
    if command is None:
        return {"installed": False, "text": "", "scripts": []}
    environment = {"HOME": home, "LANG": "C", "PATH": "/usr/bin:/bin"}
    with tempfile.TemporaryFile(dir="/tmp") as said, tempfile.TemporaryFile(dir="/tmp") as complaints:
        try:
            code = subprocess.call(
                [command, "-l"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=complaints,
                cwd="/",
                env=environment,
                timeout=CRONTAB_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise OSError(errno.ETIMEDOUT, "crontab -l did not end") from None
        said.seek(0)
        complaints.seek(0)
        if code and b"no crontab for" not in complaints.read(MOST_BYTES):
            raise OSError(errno.EACCES, "crontab -l ended with exit code %d" % code)
        content = said.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(errno.E2BIG, "the crontab is larger than what is looked through")
    text = content.decode("utf-8", "replace")
    return {"installed": True, "text": text, "scripts": read_scripts(text, home)}


def read_scripts(text: str, home: str) -> typing.List[Record]:
    """The texts of the scripts by which lines may launch or propagate, and of those that lead to them; no others.

    Raises OSError when there is more than we look through: what is not looked at is not harmless.
    """
    seen: typing.Dict[str, typing.Optional[str]] = {}
    callers: typing.Dict[str, typing.List[str]] = {}
    known, before = {"HOME": [home]}, 0
    # Once more when variables were found: what is sourced may set what was used before it was read.
    for _ in range(MOST_ROUNDS):
        if before == sum(map(len, known.values())):
            break
        before = sum(map(len, known.values()))
        walk(text, home, known, seen, callers)
    return told_scripts({path: script for path, script in seen.items() if script is not None}, callers)


def walk(
    text: str,
    home: str,
    known: typing.Dict[str, typing.List[str]],
    seen: typing.Dict[str, typing.Optional[str]],
    callers: typing.Dict[str, typing.List[str]],
) -> None:
    """From the crontab through all scripts that it leads to; notes scripts, who names them, and variables."""
    texts, reached = [("", text, home)], set()
    while texts:
        caller, code, folder = texts.pop(0)
        for path in called(code, folder, known):
            if path not in seen:
                seen[path] = read_script(path)
            script = seen[path]
            if script is not None:
                callers.setdefault(path, []).append(caller)
                if path not in reached:
                    reached.add(path)
                    texts.append((path, script, os.path.dirname(path)))
            if len(seen) > MOST_PATHS or len(callers) > MOST_SCRIPTS:
                raise OSError(errno.E2BIG, "the crontab names more than is looked through")


def told_scripts(scripts: typing.Dict[str, str], callers: typing.Dict[str, typing.List[str]]) -> typing.List[Record]:
    """Those of the scripts that the engine's words are in, and whatever calls them: the rest is nobody's business."""
    waiting = [path for path, script in scripts.items() if any(word in script for word in ENGINE_WORDS)]
    told = set()
    while waiting:
        path = waiting.pop()
        if path in scripts and path not in told:
            told.add(path)
            waiting += callers[path]
    if sum(len(scripts[path]) for path in told) > MOST_BYTES:
        raise OSError(errno.E2BIG, "the crontab's scripts are larger than what is looked through")
    return [{"path": path, "text": scripts[path]} for path in sorted(told)]


def called(text: str, folder: str, known: typing.Dict[str, typing.List[str]]) -> typing.Iterator[str]:
    """Every path that a word in lines of a shell may mean, in their order; comments and what is written into left out.

    A word without a folder is looked for where a crontab and its scripts may find it: beside the script, in the home,
    in the folders that the line goes to, and where programs of users are. ``known`` are values of variables; those that
    are set here are added.
    """
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    code = INTO_A_FILE.sub(" ", "\n".join(lines))
    note_variables(code, known)
    gone_to = [meant for word in INTO_FOLDER.findall(code) for meant in meanings(word, known)]
    named = [folder, "", *gone_to, "bin", "/usr/local/bin", *program_folders(known)]
    folders = list(dict.fromkeys(os.path.join(home, place) for place in named for home in known["HOME"]))
    # A quote may begin a word or stand in its midst.
    written = dict.fromkeys(BETWEEN_WORDS.split(code) + BETWEEN_WORDS.split(QUOTES.sub("", code)))
    for word in dict.fromkeys(meant for one in written for meant in meanings(one, known)):
        # "$(dirname $0)/inner.sh" and "./inner.sh" mean a script beside.
        tail = word.lstrip("./") if word[:1] in "/." and not os.path.isfile(word) else word
        if os.path.isabs(word):
            yield word
        for place in folders if tail else ():
            yield os.path.normpath(os.path.join(place, tail))


def note_variables(code: str, known: typing.Dict[str, typing.List[str]]) -> None:
    """Note what variables are set to, wherever that is: a few values each, the latest first, none longer than a path,
    none that is what a command says."""
    for name, value in ASSIGNMENT.findall(code):
        value = QUOTES.sub("", value)
        if len(value) <= MOST_PATH and not set("(`") & set(value):
            others = [other for other in known.get(name, []) if other != value]
            known[name] = [value, *others][:MOST_VALUES]


def program_folders(known: typing.Dict[str, typing.List[str]]) -> typing.List[str]:
    """The folders of every ``PATH`` that is set, but for those of the system, where no user's script is."""
    named = [part for value in known.get("PATH", ()) for part in value.split(":") if not PATH_ITSELF.match(part)]
    found = [meant for part in named for meant in meanings(part, known)]
    return [path for path in found if os.path.isabs(path) and path not in SYSTEM_FOLDERS]


def meanings(word: str, known: typing.Dict[str, typing.List[str]]) -> typing.List[str]:
    """What a word may mean by the values of its variables; of a folder that nobody sets is left what follows it."""
    word = "$HOME" + word[1:] if word[:2] in ("~", "~/") else word
    found = [word] if len(word) <= MOST_PATH else []
    for _ in range(MOST_ROUNDS if "$" in word else 0):
        told = dict.fromkeys(new for old in found for new in replaced(old, known) if len(new) <= MOST_PATH)
        found = list(told)[:MOST_VALUES]
    return [UNKNOWN_FOLDER.sub("", one) for one in found]


def replaced(word: str, known: typing.Dict[str, typing.List[str]]) -> typing.List[str]:
    """The word with its first variable that is known replaced by each of its values."""
    for match in VARIABLE.finditer(word):
        values = known.get(match.group(1) or match.group(2), [])
        if values:
            return [word[: match.start()] + value + word[match.end() :] for value in values]
    return [word]


def read_script(path: str) -> typing.Optional[str]:
    """The text of a script, None for what is no script that we can read."""
    if not os.path.isfile(path):
        return None  # to open a pipe or a device may already change something: who waits to write would go on
    try:
        content = read_whole(os.open(path, BELOW & ~os.O_NOFOLLOW), path)[0]
    except (OSError, Refusal, ValueError):
        return None
    if len(content) > MOST_SCRIPT_BYTES or b"\0" in content:
        return None
    return content.decode("utf-8", "replace")


def read_version(configuration: Record) -> Record:
    """Whether the user can run the engine's command, and the version that its wrapper says. The engine is not run."""
    command = configuration["command"][0]
    runs = os.path.isfile(command) and os.access(command, os.X_OK)
    found = ENGINE_VERSION.search(read_script(command) or "") if runs else None
    return {"engine_runs": runs, "engine_version": found.group(1) if found else None}


def read_url() -> str:
    """The URL of an Oozie server on stdin, ``{"url": "http://..."}``: http or https, without a login or a query."""
    content = read_input()
    try:
        url = json.loads(content.decode("utf-8"), parse_int=lambda digits: int(digits[:20]))["url"]
        good = re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?(/[!-~]*)?", url)
    except (ValueError, TypeError, KeyError, RecursionError):
        refuse("stdin must hold JSON with a url")
    if not good or len(url) > MOST_URL or set("@?#\\\"'<>") & set(url):
        refuse("stdin names a URL that no Oozie server can have")
    return str(url)


def probe(url: str) -> Record:
    """Ask an Oozie server for its versions; the record of what it answers, with no word of its own."""
    # Here, since no other verb pays for loading them.
    import http.client
    import urllib.error
    import urllib.request

    class Staying(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: typing.Any, **__: typing.Any) -> None:
            """Another server is not the one that was asked for."""

    def too_late(*_: object) -> "typing.NoReturn":
        raise TimeoutError(errno.ETIMEDOUT, "no answer within %d s" % PROBE_SECONDS)

    began, whole_question = time.monotonic(), signal.getsignal(signal.SIGALRM)
    left_seconds, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, too_late)
    signal.setitimer(signal.ITIMER_REAL, PROBE_SECONDS, 1)
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Staying)
        with opener.open(url.rstrip("/") + "/versions", timeout=PROBE_SECONDS) as response:
            return judged(response.status, response.read(PROBE_BYTES + 1))
    except urllib.error.HTTPError as error:
        return {"record": "probe", "status": error.code, "error": "HTTP status %d" % error.code}
    except (OSError, ValueError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        why = getattr(cause, "strerror", None) or type(cause).__name__
        return {"record": "probe", "status": None, "error": plain(str(why))[:MOST_COMMAND]}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, whole_question)
        # Nobody may hear the answer either.
        signal.setitimer(signal.ITIMER_REAL, max(0.001, left_seconds - (time.monotonic() - began)))


def judged(status: int, body: bytes) -> Record:
    """The record of an answer: versions are a short list of small numbers, and anything else is not Oozie's."""
    record: Record = {"record": "probe", "status": status}
    try:
        versions = json.loads(body[:PROBE_BYTES].decode("utf-8")) if len(body) <= PROBE_BYTES else None
    except (ValueError, RecursionError):
        versions = None
    listed = versions if isinstance(versions, list) and len(versions) <= MOST_VERSIONS else []
    if status == 200 and listed and all(type(version) is int and 0 <= version < 1000 for version in listed):
        return dict(record, versions=listed)
    return dict(record, error="the answer is not that of an Oozie server")


def plain(text: str) -> str:
    """A text whose every character is a printable one of ASCII."""
    return re.sub("[^ -~]", "?", text)


def serve(words: typing.List[str]) -> int:
    """Do what the verb says; returns the exit code."""
    verb, rest = (words[0], words[1:]) if words else ("", [])
    account = pwd.getpwuid(os.getuid())
    configuration = read_configuration(account.pw_name)
    if os.getuid() != os.geteuid() or (os.getuid() == 0 and not configuration["allow_root"]):
        refuse("the mediator does not run as root: give the account a Unix user of its own")
    check_groups(account)
    if verb in ("launch", "launch-whitestar"):
        return launch(configuration, account, verb, rest)
    if verb == "propagate":
        return propagate(configuration, account, rest)
    if rest or verb not in ("settings", "texts", "lock", "crontab", "probe", "version"):
        text = "the verbs are: launch A B C, launch-whitestar A, propagate A B C, settings, texts, lock, crontab, probe"
        refuse(text + ", version")
    respond(configuration, account, verb)
    return 0


def respond(configuration: Record, account: pwd.struct_passwd, verb: str) -> None:
    """Answer a question."""
    if verb == "version":
        record = {"record": "version", "version": 1, "user": account.pw_name, "command": configuration["command"]}
        answer(dict(record, **read_version(configuration)))
    elif verb == "settings":
        path, content, status = read_settings(configuration, account)
        record = {"record": "settings", "path": path, "mode": stat.S_IMODE(status.st_mode)}
        record.update(owner_uid=status.st_uid, size=len(content))
        answer(dict(record, content_base64=base64.b64encode(content).decode("ascii")))
    elif verb == "lock":
        answer({"record": "lock", "held": list_locks(account.pw_dir)})
    elif verb == "crontab":
        answer(dict({"record": "crontab"}, **read_crontab(account.pw_dir)))
    elif verb == "probe":
        answer(probe(read_url()))
    else:
        for order in read_orders():
            answer(read_texts(order))


def open_streams() -> None:
    """Give us and the engine a stdin and a stderr where the caller closed them: else a file that the engine opens next
    would be its stderr. A stdout that is missing stays so: nobody would hear the answer."""
    for number in (0, 2):
        try:
            os.fstat(number)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null == number:
                os.set_inheritable(null, True)
            else:
                os.dup2(null, number)
                os.close(null)


def main() -> int:
    """Set aside what the caller may have arranged (umask, streams, ignored and blocked signals); serve one verb."""
    os.umask(0o022)
    open_streams()
    for number in WAITED_FOR:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.alarm(QUESTION_SECONDS)
    try:
        try:
            return serve(sys.argv[1:])
        except Refusal as refusal:
            answer({"record": "refused", "refused": str(refusal)})
            return 64
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(2, ("niassa-orch mediator: %s\n" % error.strerror).encode("utf-8", "replace"))
        return 74


if __name__ == "__main__":
    sys.exit(main())
