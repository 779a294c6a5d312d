"""Files that decide whose work runs and with which password: opened with care.

No symbolic link in the last place, a regular file, owned by root or the service, closed to others, of a bounded size;
all looked at on the open file, so that nobody can swap it in between. Called by whoever reads such, who
turns ``FileRefusedError`` into an error of its own.
"""

import errno
import os
import shlex
import stat
import struct
from pathlib import Path

from niassa_orch import errors

#: Nobody but the owner may write.
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH
#: Nobody but the owner may do anything.
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO

# O_NONBLOCK: opening a FIFO must not hang the service.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_REASONS = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist: a part of its path is no directory",
    errno.ELOOP: "is a symbolic link; put the file itself there",
    errno.ENXIO: "is not a regular file",
}


class FileRefusedError(errors.NiassaOrchError):
    """A file is not there, or not guarded as it must be; the message says which and what to run."""


def read_bytes(path: Path, *, forbidden_mode: int, limit_bytes: int, directory: int | None = None) -> bytes:
    """Read a guarded file.

    Args:
        path: The file; its whole path stands in messages.
        forbidden_mode: Permission bits that must not be set, ``WRITABLE_BY_OTHERS`` or ``OPEN_TO_OTHERS``.
        limit_bytes: The most that such a file may hold.
        directory: An open directory to look in for the last part of ``path``.

    Raises:
        FileRefusedError: It cannot be opened, or is not guarded.
    """
    try:
        descriptor = os.open(path if directory is None else path.name, _FLAGS, dir_fd=directory)
        try:
            check(path, os.fstat(descriptor), forbidden_mode & ~_mask_bits(descriptor))
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(limit_bytes + 1)
        finally:
            os.close(descriptor)
    except OSError as exc:
        raise FileRefusedError(_os_reason(path, exc)) from exc
    if len(content) > limit_bytes:
        reason = f"{path} is larger than {limit_bytes} bytes"
        raise FileRefusedError(reason)
    return content


def check(path: Path, status: os.stat_result, forbidden_mode: int) -> None:
    """Look at type, owner and mode of an open file.

    Raises:
        FileRefusedError: One of them is wrong.
    """
    if not stat.S_ISREG(status.st_mode):
        reason = f"{path} is not a regular file"
        raise FileRefusedError(reason)
    check_owner_and_mode(path, status, forbidden_mode)


def check_owner_and_mode(path: Path, status: os.stat_result, forbidden_mode: int) -> None:
    """Look at owner and mode of an open file or directory.

    Raises:
        FileRefusedError: It belongs to somebody else, or is open to others; with the command to run.
    """
    quoted = shlex.quote(str(path))
    if status.st_uid not in (0, os.geteuid()):
        reason = f"{path} belongs to neither root nor the service's user: chown root {quoted}"
        raise FileRefusedError(reason)
    if status.st_mode & forbidden_mode == 0:
        return
    if forbidden_mode & stat.S_IROTH == 0:
        reason = f"{path} can be written by others: chmod go-w {quoted}"
    else:
        reason = f"{path} is open to others than its owner: chmod 600 {quoted}"
    raise FileRefusedError(reason)


def _mask_bits(descriptor: int) -> int:
    """The bits of the group that are the mask of an access list which lets in nobody but root and ourselves.

    systemd leaves a credential to root and gives us a right of our own, so that its mode reads 0440 though no group can
    read it. Entries of Linux: tag, permissions, id; 2 is a user, 4 the file's group, 8 another group, 32 all others.
    """
    try:
        listed = os.getxattr(descriptor, "system.posix_acl_access")
    except OSError:
        return 0  # there is none
    entries = struct.iter_unpack("<HHI", listed[4:])
    others = [
        tag
        for tag, right, who in entries
        if right and (tag in (4, 8, 32) or (tag == 2 and who not in (0, os.geteuid())))
    ]
    return 0 if others else stat.S_IRWXG


def _os_reason(path: Path, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        quoted = shlex.quote(str(path))
        return f"{path} cannot be read by the service's user: make it the owner with chown, then chmod 600 {quoted}"
    return f"{path} {_REASONS.get(error.errno or 0, f'cannot be read: {error.strerror}')}"
