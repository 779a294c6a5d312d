"""Real Unix users for demo and tests: a service user, accounts' users, a group, a sudoers rule, all gone afterwards.

Everything has a name of its own that begins with ``niorch-``, so that several runs do not meet. Needs root and
sudo; ``skip_reason`` says what is missing. Homes and the root-owned folder lie in a temporary directory that everybody
may enter, as they would on a host.
"""

import collections.abc
import contextlib
import dataclasses
import functools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import typing

from niassa_orch.seqware import sudo_rules

_SUDOERS = pathlib.Path("/etc/sudoers.d")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclasses.dataclass(frozen=True, slots=True)
class UnixUser:
    """One user that was made."""

    name: str
    uid: int
    gid: int
    home: pathlib.Path


@dataclasses.dataclass(frozen=True, slots=True)
class UnixUsers:
    """What was made. ``by_name`` has the accounts' users under the short names that were asked for.

    Args:
        root: World-readable directory of root's; homes are below it.
        owned: World-readable, empty directory of root's, for the mediator and the like.
        service: The service user.
        by_name: The accounts' users; ``users["bob"]`` for short.
        group: The run-as group, of which the accounts' users are members.
        sudoers: The drop-in.
    """

    root: pathlib.Path
    owned: pathlib.Path
    service: UnixUser
    by_name: collections.abc.Mapping[str, UnixUser]
    group: str
    sudoers: pathlib.Path

    def __getitem__(self, name: str) -> UnixUser:
        return self.by_name[name]

    @property
    def mediator(self) -> pathlib.Path:
        """Where the sudoers rule expects the mediator, unless another rule was allowed."""
        return self.owned / "mediator"

    def allow(self, command: pathlib.Path) -> None:
        """Make this the one command that the service user may run as the accounts' users."""
        draft = self.root / "sudoers"
        draft.write_text(sudo_rules.Rules(self.service.name, self.group, command).text(), "utf-8")
        draft.chmod(0o440)
        subprocess.run(["visudo", "-cqf", draft], check=True, process_group=0)
        # Beside the rules it would be read half written; a rename within one file system is whole.
        staged = self.sudoers.with_name(f"{self.sudoers.name}.new")
        shutil.copy(draft, staged)
        staged.replace(self.sudoers)
        draft.unlink()

    def forbid(self) -> None:
        """Take the rule away."""
        self.sudoers.unlink(missing_ok=True)

    def popen(
        self, user: UnixUser, argv: collections.abc.Sequence[str | pathlib.Path], **options: typing.Any
    ) -> "subprocess.Popen[str]":
        """A process of ``user``, in a session of its own, with texts for streams and hardly an environment."""
        environment = {"PATH": _PATH, "LANG": "C.UTF-8", "HOME": str(user.home), **options.pop("env", {})}
        options = {"cwd": "/", "text": True, "start_new_session": True, "umask": 0o022, **options}
        return subprocess.Popen(
            argv,
            user=user.uid,
            group=user.gid,
            extra_groups=os.getgrouplist(user.name, user.gid),
            env=environment,
            **options,
        )

    def run(
        self, user: UnixUser, argv: collections.abc.Sequence[str | pathlib.Path], **options: typing.Any
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command as ``user`` to its end (at most a minute); its output is captured."""
        text = options.pop("input", None)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self.popen(user, argv, **{**pipes, **options}) as process:
            try:
                out, err = process.communicate(text, timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def python(self, code: str, *arguments: str | pathlib.Path) -> list[str]:
        """The argument list that runs Python code, which may import ours, whoever runs it."""
        return [sys.executable, "-B", "-c", code, *map(str, arguments)]


@functools.cache
def skip_reason() -> str | None:
    """Why this machine cannot make and use real Unix users, or None when it can."""
    if os.geteuid() != 0:
        return "real Unix users need root"
    for command in ("sudo", "visudo", "useradd", "userdel", "groupadd"):
        if shutil.which(command) is None:
            return f"real Unix users need the command {command}"
    if not _SUDOERS.is_dir():
        return f"real Unix users need the directory {_SUDOERS}"
    return None


@functools.cache
def closed_reason() -> str | None:
    """Why other users cannot run this very interpreter and package, or None when they can; ``staging`` helps."""
    closed = f"other users may not enter {sys.prefix} or the directory of the package"
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-c", "import niassa_orch.seqware.call"],
            user=65534,
            group=65534,
            extra_groups=[],
            cwd="/",
            env={"PATH": _PATH},
            capture_output=True,
        )
    except OSError:
        return closed
    return closed if done.returncode != 0 else None


@contextlib.contextmanager
def unix_users(*names: str) -> collections.abc.Iterator[UnixUsers]:
    """Make a service user and one user for each name, with a rule for ``owned/mediator``; remove all in the end."""
    with contextlib.ExitStack() as undo:
        yield make_users(names, undo)


def make_users(names: collections.abc.Iterable[str], undo: contextlib.ExitStack) -> UnixUsers:
    """The same, removed when ``undo`` closes; also what had been made when something failed half-way."""
    root = pathlib.Path(tempfile.mkdtemp(prefix="niorch-"))
    undo.callback(shutil.rmtree, root, ignore_errors=True)
    root.chmod(0o755)
    tag = f"niorch-{os.getpid():x}{time.monotonic_ns() % 0xFFFF:04x}"
    for name in ("owned", "homes"):
        (root / name).mkdir()
        (root / name).chmod(0o755)
    group = f"{tag}-accounts"
    _administer("groupadd", group)
    undo.callback(_administer, "groupdel", group)
    service = _make_user(f"{tag}-svc", root / "homes" / "svc", None, undo)
    by_name = {name: _make_user(f"{tag}-{name}", root / "homes" / name, group, undo) for name in names}
    sudoers = _SUDOERS / tag
    for file in (sudoers, sudoers.with_name(f"{tag}.new")):
        undo.callback(file.unlink, missing_ok=True)
    users = UnixUsers(root, root / "owned", service, by_name, group, sudoers)
    users.allow(users.mediator)
    return users


def _make_user(name: str, home: pathlib.Path, group: str | None, undo: contextlib.ExitStack) -> UnixUser:
    options = ["--groups", group] if group else []
    shell = "/usr/sbin/nologin"
    undo.callback(_remove_user, name)
    _administer(
        "useradd", "--no-create-home", "--home-dir", str(home), "--shell", shell, "--user-group", *options, name
    )
    entry = pwd.getpwnam(name)
    home.mkdir()
    os.chown(home, entry.pw_uid, entry.pw_gid)
    home.chmod(0o755)
    return UnixUser(name, entry.pw_uid, entry.pw_gid, home)


def _remove_user(name: str) -> None:
    try:
        uid = pwd.getpwnam(name).pw_uid
    except KeyError:
        return
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        # The user was made by us, and so was every process of it.
        with contextlib.suppress(OSError):
            if process.stat().st_uid == uid:
                os.kill(int(process.name), signal.SIGKILL)
    _administer("userdel", "--force", name)


def _administer(*argv: str) -> None:
    """Run a command of the user database, again while another one holds its lock; Ctrl-C is not for it."""
    for _ in range(50):
        done = subprocess.run(argv, capture_output=True, text=True, process_group=0)
        if "lock" not in done.stderr:
            break
        # Another tool has the lock of the user database, which cannot be waited for; at most as often as above.
        time.sleep(0.1)
    if done.returncode != 0:
        msg = f"{' '.join(argv)}: {done.stderr.strip()}"
        raise RuntimeError(msg)
