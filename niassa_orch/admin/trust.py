"""Who but root could change a file: its owner, mode and access list, and those of every folder above it, through links.

Whoever may change a folder may put another file in the place of one in it, whatever that file's own mode. The rules are
those of the mediator (``seqware.mediator.check_trusted``) without its leave for the account's own user: a folder that
everybody may write to but that is sticky, such as /tmp, passes further above. Called by the looks and before
installing; reads, and changes nothing.
"""

import contextlib
import grp
import os
import pathlib
import pwd
import shlex
import stat
import struct
from collections.abc import Iterator

from niassa_orch.admin import findings

_MOST_LINKS = 40
_WRITABLE = 0o022
# An access list as the kernel gives it (linux/posix_acl_xattr.h): a version, then kind, permissions, id of each entry.
_ACCESS_LIST = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")
_NAMED_USER, _NAMED_GROUP = 0x02, 0x08


def look(path: pathlib.Path) -> list[findings.Finding]:
    """What lets anybody but root change this file or folder, or put another in its place; a missing rest is no matter.

    Raises:
        OSError: Something above it cannot be looked at.
    """
    folder = pathlib.Path(os.path.realpath(path.parent))
    found = []
    for part, status in walk(path):
        strict = part in (folder, path) or part == folder / path.name
        found += _owner(part, status)
        if not stat.S_ISLNK(status.st_mode):
            found += _mode(part, status, sticky_will_do=not strict)
    return found


def walk(path: pathlib.Path) -> Iterator[tuple[pathlib.Path, os.stat_result]]:
    """Each name that the kernel passes on the way to ``path``, with its status, links and their targets included.

    Ends at the first name that is not there.

    Raises:
        OSError: A name cannot be looked at, or links lead in circles.
    """
    at = pathlib.Path("/")
    yield at, at.lstat()
    names, links = list(reversed(path.parts[1:])), 0
    while names:
        name = names.pop()
        here = at.parent if name == ".." else at / name
        try:
            status = here.lstat()
        except FileNotFoundError:
            return
        yield here, status
        if not stat.S_ISLNK(status.st_mode):
            at = here
            continue
        links += 1
        if links > _MOST_LINKS:
            message = "its links lead in circles"
            raise OSError(message)
        target = here.readlink()
        at = pathlib.Path("/") if target.is_absolute() else at
        names += reversed(target.parts[target.is_absolute() :])


def user_name(uid: int) -> str:
    """The name of a Unix user, or its number where it has none."""
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_name
    return f"uid {uid}"


def group_name(gid: int) -> str:
    """The name of a group, or its number where it has none."""
    with contextlib.suppress(KeyError):
        return grp.getgrgid(gid).gr_name
    return f"gid {gid}"


def _owner(path: pathlib.Path, status: os.stat_result) -> list[findings.Finding]:
    if status.st_uid == 0:
        return []
    wrong = f"belongs to {user_name(status.st_uid)}, who decides by it what runs as the accounts"
    return [findings.Finding(str(path), wrong, f"chown -h root:root {shlex.quote(str(path))}")]


def _mode(path: pathlib.Path, status: os.stat_result, *, sticky_will_do: bool) -> list[findings.Finding]:
    """With an access list the group's bits are its mask: what it lets through shows in them."""
    mode = stat.S_IMODE(status.st_mode)
    if not mode & _WRITABLE or (sticky_will_do and mode & stat.S_ISVTX):
        return []
    quoted = shlex.quote(str(path))
    listed = _named_writers(path)
    if listed:
        wrong = f"its access list lets {', '.join(listed)} change it, and so what runs as the accounts"
        # chmod alone narrows the mask, so that the list grants it no more; without setfacl that has to do.
        return [findings.Finding(str(path), wrong, f"setfacl -b {quoted}; chmod go-w {quoted}")]
    who = "everybody" if mode & stat.S_IWOTH else f"the group {group_name(status.st_gid)}"
    wrong = f"{who} may change it, and so what runs as the accounts"
    return [findings.Finding(str(path), wrong, f"chmod go-w {quoted}")]


def _named_writers(path: pathlib.Path) -> list[str]:
    """Whom an access list names and lets write; nobody where there is none, or it cannot be read."""
    try:
        packed = os.getxattr(path, _ACCESS_LIST, follow_symlinks=False)
        entries = list(_ENTRY.iter_unpack(packed[4:]))
    except (OSError, struct.error):
        return []
    writers = [(kind, number) for kind, permissions, number in entries if permissions & stat.S_IWOTH]
    users = [user_name(number) for kind, number in writers if kind == _NAMED_USER]
    return users + [f"the group {group_name(number)}" for kind, number in writers if kind == _NAMED_GROUP]
