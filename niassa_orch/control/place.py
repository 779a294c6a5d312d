"""Where the control socket lies, and how it is made so that nobody connects to it before its mode and group are right.

A path of a Unix socket may have some hundred bytes; by way of the open folder it may be as long as paths may be. Called
by ``server`` and ``client``.
"""

import contextlib
import fcntl
import grp
import os
import pathlib
import socket
import stat
from collections.abc import Iterator

from niassa_orch import errors
from niassa_orch.config import guarded

NAME = "control.sock"
_LOCK = "control.lock"
_FOLDER_MODE = 0o750


@contextlib.contextmanager
def short(folder: pathlib.Path) -> Iterator[str]:
    """A short name of the socket in a folder, however long the folder's own is; raises OSError."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{NAME}"
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def bound(folder: pathlib.Path, mode: int, group: str) -> Iterator[socket.socket]:
    """The service's socket, bound and not listening yet; taken away at the end.

    Args:
        folder: Made when it is absent.
        mode: Of the socket.
        group: Of folder and socket; ``""`` leaves it.

    Raises:
        ControlError: It cannot be made, or another service has it; with what to do.
    """
    with contextlib.ExitStack() as opened:
        try:
            listening = _bind(folder, mode, group, opened)
        except OSError as exc:
            member = f" and be a member of the group {group}" if group else ""
            message = (
                f"the control socket {folder / NAME} cannot be made: {exc.strerror or exc}; let the service's user "
                f"write to {folder}{member}, or set runtime_dir"
            )
            raise errors.ControlError(message) from exc
        yield listening


def _bind(folder: pathlib.Path, mode: int, group: str, opened: contextlib.ExitStack) -> socket.socket:
    group_id = _group_id(group)
    if not folder.is_dir():
        folder.mkdir(parents=True, mode=_FOLDER_MODE)
        os.chown(folder, -1, group_id)
    _check_guarded(folder)
    _lock(folder, opened)
    path = folder / NAME
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()  # of an earlier process: we have the lock
    made = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    made.setblocking(False)
    with short(folder) as name:
        made.bind(name)
    opened.callback(path.unlink, missing_ok=True)
    # Nobody is let in before it listens.
    os.chown(path, -1, group_id)
    path.chmod(mode)
    return made


def _check_guarded(folder: pathlib.Path) -> None:
    """Who may write into the folder could put a socket of his own into our place."""
    try:
        guarded.check_owner_and_mode(folder, folder.stat(), guarded.WRITABLE_BY_OTHERS)
    except guarded.FileRefusedError as exc:
        message = f"the control socket is not made: {exc}"
        raise errors.ControlError(message) from exc


def _lock(folder: pathlib.Path, opened: contextlib.ExitStack) -> None:
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    opened.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        message = f"another service has the control socket {folder / NAME}: give this one a runtime_dir of its own"
        raise errors.ControlError(message) from exc


def _group_id(group: str) -> int:
    try:
        return grp.getgrnam(group).gr_gid if group else -1
    except KeyError as exc:
        message = f"this machine has no group {group!r}: make it (groupadd --system {group}), or mend [control] group"
        raise errors.ControlError(message) from exc
