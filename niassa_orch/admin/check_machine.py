"""The links of the machine, which all accounts share: profiles, host name, state directory, journal, room, mediator.

Looks and changes nothing: a journal is opened for reading only. Blocks (files, a process), so that it is called in
threads, by ``check``.
"""

import contextlib
import os
import pathlib
import pwd
import shlex
import shutil
import socket
import sqlite3
import stat
import subprocess
from collections.abc import Iterator

from niassa_orch import errors
from niassa_orch.admin import links, mediator_files, placing
from niassa_orch.config import settings
from niassa_orch.core import state_directory
from niassa_orch.seqware import call, sudo_rules

_HOSTNAME_SECONDS = 20


def look(service: settings.Settings) -> list[links.Link]:
    """Everything, in the order in which a person would mend it."""
    found = [_host(service), _state_directory(service.state_dir), _journal(service.state_dir), _room(service.state_dir)]
    return [*found, *_mediator(service.engine.mediator)]


def _host(service: settings.Settings) -> links.Link:
    link, ours = "host", service.effective_host
    names = {"getfqdn": socket.getfqdn()}
    long = _long_name()
    if long:
        names["hostname --long"] = long
    differing = [f"{what} says {name}" for what, name in names.items() if name != ours]
    if not differing:
        return links.ok(link, f"runs are launched that were scheduled for {ours}")
    seen = f"runs are launched that were scheduled for {ours}; {', '.join(differing)}"
    if service.host:
        return links.ok(link, seen)
    return links.look(link, seen, 'say which of them users schedule for: host = "..." in the settings')


def _long_name() -> str:
    """What ``hostname --long`` says, which is what users often paste; ``""`` where it says nothing."""
    program = shutil.which("hostname")
    if program is None:
        return ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            [program, "--long"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_HOSTNAME_SECONDS,
            env=call.environment(),
            check=False,
        )
        return "".join(letter for letter in done.stdout.strip() if letter.isprintable())
    return ""


def _state_directory(path: pathlib.Path) -> links.Link:
    link, quoted = "state directory", shlex.quote(str(path))
    me = pwd.getpwuid(os.geteuid()).pw_name
    make = f"install -d -m 700 -o {me} {quoted}"
    try:
        status = path.stat()
    except FileNotFoundError:
        if os.access(path.parent, os.W_OK | os.X_OK):
            return links.ok(link, f"{path} is not there yet; the service makes it")
        return links.bad(link, f"{path} does not exist, and {me} cannot make it", make)
    except OSError as exc:
        return links.bad(link, f"{path} cannot be looked at: {exc.strerror}", make)
    if not stat.S_ISDIR(status.st_mode):
        return links.bad(link, f"{path} is no directory", f"take it away, then: {make}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return links.bad(link, f"{path} cannot be written by {me}", f"chown -R {me} {quoted}; chmod 700 {quoted}")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return links.look(link, f"{path} is open to others (the service closes it)", f"chmod 700 {quoted}")
    using = "a service uses it now" if _is_used(path) else "no service uses it now"
    return links.ok(link, f"{path} can be written by {me}; {using}")


def _is_used(path: pathlib.Path) -> bool:
    """Whether an instance holds the lock, as the kernel lists it: taking it, though for a moment, would disturb one."""
    with contextlib.suppress(OSError):
        status = (path / "lock").stat()
        name = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        held = pathlib.Path("/proc/locks").read_text("ascii").splitlines()
        return any("FLOCK" in (words := line.split()) and name in words for line in held)
    return False


def _journal(path: pathlib.Path) -> links.Link:
    link, file = "journal", state_directory.StateDirectory(path).journal
    mend = f"stop the service, keep a copy of {file}, and put back one that is whole; nothing is launched meanwhile"
    if not file.exists():
        why_not = state_directory.StateDirectory(path).why_no_new_journal()
        return links.bad(link, f"{file} is missing", why_not) if why_not else links.ok(link, "not begun yet")
    try:
        with _opened(file, shared=_is_used(path)) as database:
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
            (unsettled,) = database.execute("SELECT count(*) FROM launches WHERE settled IS NULL").fetchone()
    except sqlite3.Error as exc:
        return links.bad(link, f"{file} cannot be read: {exc}", mend)
    if said != "ok":
        return links.bad(link, f"{file} is damaged: {said}", mend)
    if unsettled:
        return links.ok(link, f"whole; {unsettled} launches are not settled (niassa-orch doubts)")
    return links.ok(link, "whole; every launch is settled")


@contextlib.contextmanager
def _opened(file: pathlib.Path, *, shared: bool) -> Iterator[sqlite3.Connection]:
    """The journal for reading; where nobody writes it meanwhile, without making the files that SQLite has beside it."""
    how = "mode=ro" if shared or file.with_name(f"{file.name}-wal").exists() else "mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(f"{file.as_uri()}?{how}", uri=True, timeout=5)) as database:
        yield database


def _room(path: pathlib.Path) -> links.Link:
    link = "room"
    above = next((folder for folder in (path, *path.parents) if folder.exists()), pathlib.Path("/"))
    try:
        room = os.statvfs(above)
    except OSError as exc:
        return links.bad(link, f"the disk of {path} cannot be looked at: {exc.strerror}", "mend the disk")
    free_bytes, least_bytes = room.f_bavail * room.f_frsize, state_directory.LEAST_FREE_BYTES
    seen = f"{free_bytes >> 20} MiB are free at {above}, {room.f_favail} files may be made"
    # Of file systems that count no files both are 0.
    if free_bytes < least_bytes or (room.f_files and not room.f_favail):
        return links.bad(link, f"{seen}; nothing is launched below {least_bytes >> 20} MiB", "make room there")
    if free_bytes < 10 * least_bytes:
        return links.look(link, seen, f"make room: nothing is launched below {least_bytes >> 20} MiB")
    return links.ok(link, seen)


def _mediator(path: pathlib.Path) -> list[links.Link]:
    """Only needed by accounts whose Unix user is another one; whether sudo runs it, each account's ``sudo`` tells."""
    name = "mediator"
    if not os.path.lexists(path):
        seen = f"{path} is not installed: no account of another Unix user can be served"
        return [links.look(name, seen, "as root: niassa-orch sudoers --install")]
    try:
        found = mediator_files.look(placing.Placing(sudo_rules.Rules(mediator=path)))
    except errors.SettingsError as exc:
        return [links.bad(name, str(exc), "set engine.mediator")]
    except OSError as exc:
        return [links.look(name, f"{path} cannot be looked at: {exc.strerror}", "as root: niassa-orch sudoers --check")]
    if found:
        return [links.bad(name, f"{one.subject}: {one.wrong}", one.mend) for one in found]
    return [links.ok(name, f"{path} is of this version, and nobody but root can change it")]
