"""Reads what an import needs: crontabs, the scripts that they call, users' seqware settings; each as its own user.

As root every file of a user is read by a process of that user, so that nobody is led by a link to what is not theirs,
and homes that root cannot enter are no trouble. As anybody else the own files are read, and others' seqware settings
through the mediator, as the service does. Nothing is changed, and no crontab is run. Called by ``commands.importing``.
"""

import asyncio
import os
import pathlib
import pwd
import subprocess
import typing

from niassa_orch.admin.shell import engine_calls, states
from niassa_orch.config import user_settings
from niassa_orch.seqware import identity, query

_SCRIPT_BYTES = 256 * 1024
_CRONTAB_BYTES = 1 << 20
_SECONDS = 30
_NOTHING = ("No such file or directory", "Not a directory", "Is a directory")
_HOSTNAME_OPTIONS: tuple[tuple[str, ...], ...] = ((), ("-f",), ("--fqdn",), ("--long",), ("-s",), ("--short",))
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Reader:
    """Reads as the users whose files they are. ``mediator`` is what sudo runs where we are not root."""

    def __init__(self, mediator: pathlib.Path) -> None:
        self._mediator = mediator
        self._own = pwd.getpwuid(os.geteuid()).pw_name
        self._scripts: dict[tuple[str, str], str | engine_calls.UnclearError | None] = {}

    def surroundings(self) -> states.Surroundings:
        """The host, for ``crontabs.look``."""
        printed = {options: _hostname(options) for options in _HOSTNAME_OPTIONS}
        hostnames = {options: name for options, name in printed.items() if name}
        return states.Surroundings(home_of, self.script, hostnames, _login_files)

    def crontab(self, user: str) -> str:
        """The crontab of a user, ``""`` where there is none.

        Raises:
            UnclearError: It cannot be read; with what to do.
        """
        if home_of(user) is None:
            reason = f"this machine has no Unix user {user!r}"
            raise engine_calls.UnclearError(reason)
        if os.geteuid() != 0 and user != self._own:
            reason = f"only root may read the crontab of {user}: call this as root, or name a file (--file {user}:PATH)"
            raise engine_calls.UnclearError(reason)
        argv = ["crontab", "-l", *(["-u", user] if os.geteuid() == 0 else [])]
        try:
            done = _run(argv)
        except (OSError, subprocess.TimeoutExpired) as exc:
            reason = (
                f"{' '.join(argv)} does not answer ({type(exc).__name__}): name a file instead (--file {user}:PATH)"
            )
            raise engine_calls.UnclearError(reason) from exc
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode and "no crontab for" not in said:
            reason = f"{' '.join(argv)} says: {said}"
            raise engine_calls.UnclearError(reason)
        return done.stdout.decode(errors="replace")

    def file(self, path: pathlib.Path) -> str:
        """A crontab in a file, read as ourselves.

        Raises:
            UnclearError: It cannot be read.
        """
        content = _content(self._own, str(path), _CRONTAB_BYTES)
        if content is None or b"\0" in content:
            reason = f"{path} is no text file"
            raise engine_calls.UnclearError(reason)
        return content.decode(errors="replace")

    def script(self, user: str, path: str) -> str | None:
        """A script as its user reads it, as ``Surroundings.read`` wants it."""
        key = (user, path)
        if key not in self._scripts:
            try:
                content = _content(self._reading_as(user), path, _SCRIPT_BYTES)
                is_text = content is not None and b"\0" not in content
                self._scripts[key] = content.decode(errors="replace") if content and is_text else None
            except engine_calls.UnclearError as exc:
                # Kept as well: a pipe that nobody writes into is waited for once, not at every line that names it.
                self._scripts[key] = exc
        found = self._scripts[key]
        if isinstance(found, engine_calls.UnclearError):
            raise found.with_traceback(None)
        return found

    def settings(self, user: str, path: str) -> user_settings.UserSettings:
        """The seqware settings of a user.

        Raises:
            UnclearError: They cannot be read; with what to do.
            UserSettingsError: They cannot be understood.
            EngineCallError: sudo or the mediator refused.
        """
        if os.geteuid() == 0 or user == self._own:
            content = _content(user, path, user_settings.LIMIT_BYTES)
        else:
            answer = asyncio.run(query.settings(identity.argv(identity.Identity(user), self._mediator, "settings")))
            content = answer.content if answer.path == path else None
        if content is None:
            reason = f"there are no seqware settings {path} that {user} can read: write them, or correct the crontab"
            raise engine_calls.UnclearError(reason)
        return user_settings.parse(content, f"{path} of {user}")

    def _reading_as(self, user: str) -> str:
        return user if os.geteuid() == 0 else self._own


def home_of(user: str) -> str | None:
    """The home directory of a Unix user; ``None`` where there is no such user."""
    try:
        return pwd.getpwnam(user).pw_dir
    except (KeyError, ValueError, UnicodeError):
        return None


def is_root(user: str) -> bool:
    """Whether a Unix user is root, under any name."""
    return pwd.getpwnam(user).pw_uid == 0


def is_own(user: str) -> bool:
    """Whether a Unix user is the one who imports."""
    return pwd.getpwnam(user).pw_uid == os.geteuid()


def _content(user: str, path: str, limit_bytes: int) -> bytes | None:
    """The bytes of a file as a user reads it; ``None`` where there is none.

    Raises:
        UnclearError: The user may not read it, it is too large, or it does not answer.
    """
    if "\0" in path:
        return None
    argv = ["head", "-c", str(limit_bytes + 1), "--", path]
    try:
        done = _run(argv, **_as_user(user))
    except (OSError, subprocess.TimeoutExpired) as exc:
        reason = f"{path} cannot be read as {user}: {type(exc).__name__}"
        raise engine_calls.UnclearError(reason) from exc
    said = done.stderr.decode(errors="replace").strip().rpartition(": ")[2]
    if done.returncode and said not in _NOTHING:
        reason = f"{path} cannot be read as {user}: {said}"
        raise engine_calls.UnclearError(reason)
    if len(done.stdout) > limit_bytes and b"\0" not in done.stdout:
        reason = f"{path} is larger than {limit_bytes} bytes"
        raise engine_calls.UnclearError(reason)
    return None if done.returncode else done.stdout


def _run(argv: list[str], **user: typing.Any) -> "subprocess.CompletedProcess[bytes]":
    """Run a program; raises OSError and TimeoutExpired.

    In a session of its own and without our stdin: a process of a user must have no terminal of root's, from which it
    could read, and into which that user could type.
    """
    return subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
        timeout=_SECONDS,
        **user,
    )


def _as_user(user: str) -> dict[str, typing.Any]:
    entry = pwd.getpwnam(user)
    if entry.pw_uid == os.geteuid():
        return {}
    groups = os.getgrouplist(user, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": groups}


def _hostname(options: tuple[str, ...]) -> str:
    try:
        done = _run(["hostname", *options])
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if done.returncode else done.stdout.decode(errors="replace").strip()


def _login_files(home: str) -> list[str]:
    """What a login shell of bash reads; of the user's three it reads the first that there is."""
    own = (f"{home}/{name}" for name in (".bash_profile", ".bash_login", ".profile"))
    first = next((path for path in own if os.path.lexists(path)), f"{home}/.profile")
    return ["/etc/profile", *map(str, sorted(pathlib.Path("/etc/profile.d").glob("*.sh"))), first]
