"""The links of the machine, which all accounts share: host name, state directory, room, mediator; the journal's too.

Looks and changes nothing. Blocks (files, a process), so that it is called in threads, by ``check``.
"""

import contextlib
import functools
import os
import pathlib
import shlex
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Collection

from niassa_orch import errors
from niassa_orch.admin import check_journal, links, mediator_files, placing, trust
from niassa_orch.config import profiles, settings
from niassa_orch.core import enrolling, state_directory
from niassa_orch.seqware import call

_HOSTNAME_SECONDS = 20

Look = Callable[[], list[links.Link]]


def looks(service: settings.Settings, served: Collection[profiles.Profile]) -> list[tuple[str, Look]]:
    """Every look with its name, in the order in which a person would mend what it finds.

    Args:
        service: The settings of the process.
        served: The profiles that are looked at, since not every one needs every link.
    """
    hosts = [profile.host for profile in served]
    is_needed = any(profile.unix_user != enrolling.own_user() for profile in served)
    return [
        ("host", functools.partial(_host, service, hosts)),
        ("state directory", functools.partial(_state, service.state_dir)),
        ("mediator", functools.partial(_mediator, service.engine.mediator, is_needed=is_needed)),
    ]


def _host(service: settings.Settings, hosts: Collection[str | None]) -> list[links.Link]:
    link, ours = "host", service.effective_host
    if hosts and None not in hosts:
        return [links.ok(link, f"every profile names its own: {', '.join(sorted({host for host in hosts if host}))}")]
    names = {"getfqdn": socket.getfqdn(), "hostname --long": _long_name()}
    other = {what: name for what, name in names.items() if name not in ("", ours)}
    whence = "host of the settings" if service.host else "this machine's full name, since host is not set"
    launched = f"runs are launched that were scheduled for {ours} ({whence})"
    seen = "; ".join([launched, *(f"{what} says {name}" for what, name in other.items())])
    if not other or service.host or not hosts:
        return [links.ok(link, seen)]
    mend = f'host = "{next(iter(other.values()))}"  # or "{ours}": in the settings, as users write it after --host'
    return [links.look(link, seen, mend)]


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


def _state(path: pathlib.Path) -> list[links.Link]:
    found = _state_directory(path)
    if found.verdict is links.Verdict.BAD:
        return [found, *(links.skipped(name, f"{path} cannot be used") for name in ("journal", "room"))]
    return [found, check_journal.look(path), _room(path)]


def _state_directory(path: pathlib.Path) -> links.Link:
    link, quoted, me = "state directory", shlex.quote(str(path)), trust.user_name(os.geteuid())
    make = f"install -d -m 700 -o {me} {quoted}  # as root"
    try:
        status = path.stat()
    except FileNotFoundError:
        if os.access(_nearest(path), os.W_OK | os.X_OK):
            return links.ok(link, f"{path} is not there yet; the service makes it")
        return links.bad(link, f"{path} does not exist, and {me} cannot make it", make)
    except OSError as exc:
        return links.bad(link, f"{path} cannot be looked at by {me}: {exc.strerror}", f"namei -l {quoted}  # as root")
    if not stat.S_ISDIR(status.st_mode):
        return links.bad(link, f"{path} is no directory", f"mv {quoted} {quoted}.old && {make}")
    if status.st_uid != os.geteuid():
        return _not_ours(path, status, me)
    return _ours(path, status, me)


def _ours(path: pathlib.Path, status: os.stat_result, me: str) -> links.Link:
    link, quoted = "state directory", shlex.quote(str(path))
    if os.statvfs(path).f_flag & os.ST_RDONLY:
        return links.bad(link, f"{path} is on a file system that is read-only", f"findmnt -T {quoted}; dmesg | tail")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return links.bad(link, f"{path} cannot be written by {me}", f"chmod 700 {quoted}")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return links.look(link, f"{path} is open to others (the service closes it at its start)", f"chmod 700 {quoted}")
    using = "a service uses it now" if state_directory.is_used(path) else "no service uses it now"
    return links.ok(link, f"{path} can be written by {me}; {using}")


def _not_ours(path: pathlib.Path, status: os.stat_result, me: str) -> links.Link:
    """The service makes it its own, so that somebody else's is the service's, and we look through other eyes."""
    owner = trust.user_name(status.st_uid)
    seen = f"{path} belongs to {owner}, and you are {me}"
    if status.st_uid == 0:
        return links.bad("state directory", seen, f"chown -R {me} {shlex.quote(str(path))}  # as root")
    mend = f"sudo -u {owner} niassa-orch check  # what is said here of sudo and of files is not what the service meets"
    made = links.look if os.geteuid() == 0 else links.bad
    return made("state directory", seen, mend)


def _nearest(path: pathlib.Path) -> pathlib.Path:
    """The folder above that is there."""
    return next((folder for folder in path.parents if folder.exists()), pathlib.Path("/"))


def _room(path: pathlib.Path) -> links.Link:
    link, above = "room", path if path.exists() else _nearest(path)
    mend = f"df -h {shlex.quote(str(above))}; df -i {shlex.quote(str(above))}  # make room there"
    try:
        room = os.statvfs(above)
    except OSError as exc:
        return links.bad(link, f"the disk of {path} cannot be looked at: {exc.strerror}", mend)
    free_bytes, least_bytes = room.f_bavail * room.f_frsize, state_directory.LEAST_FREE_BYTES
    seen = f"{free_bytes >> 20} MiB are free at {above}, and {room.f_favail} files may be made"
    nothing = f"nothing is launched below {least_bytes >> 20} MiB"
    # Of file systems that count no files both are 0.
    if free_bytes < least_bytes or (room.f_files and not room.f_favail):
        return links.bad(link, f"{seen}; {nothing}", mend)
    if free_bytes < 10 * least_bytes:
        return links.look(link, f"{seen}; {nothing}", mend)
    return links.ok(link, seen)


def _mediator(path: pathlib.Path, *, is_needed: bool) -> list[links.Link]:
    """Whether it is as it was installed; whether sudo runs it, each account's ``sudo`` tells."""
    name = "mediator"
    if not is_needed:
        return [links.ok(name, "is not needed: every account is of the service's own Unix user")]
    try:
        place = placing.of_service(enrolling.own_user(), path)
    except errors.SettingsError as exc:
        return [links.bad(name, str(exc), 'mediator = "/.../mediator"  # under [engine] in the settings')]
    if not os.path.lexists(path):
        seen = f"{path} is not there: no account of another Unix user can be served"
        return [links.bad(name, seen, f"{place.command('--install')}  # as root")]
    try:
        found = mediator_files.look(place)
    except OSError as exc:
        seen = f"{path} cannot be looked at: {exc.strerror}"
        return [links.look(name, seen, f"{place.command('--check')}  # as root")]
    if found:
        return [links.bad(name, f"{one.subject}: {one.wrong}", f"{one.mend}  # as root") for one in found]
    return [links.ok(name, f"{path} is of this version, and nobody but root can change it")]
