"""Making the folders and files of a sandbox directory, as the Unix user whose they are.

A file that holds a secret is written by its owner's own process, so that root is never led through a link that this
user laid. No knowledge of what stands in the files. Called by ``layout`` only.
"""

import os
import pathlib
import pwd
import subprocess

_WRITE_PRIVATELY = 'umask 077; mkdir -p -- "${1%/*}" && cat >"$1.new" && mv -f -- "$1.new" "$1"'


def make_folder(folder: pathlib.Path, mode: int, owner: str | None = None) -> None:
    """Make a folder, or set right the mode and (when we are root) the owner of one that is there.

    Raises:
        OSError: It cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
    if owner is not None and os.geteuid() == 0:
        user = pwd.getpwnam(owner)
        os.chown(folder, user.pw_uid, user.pw_gid)


def write_if_absent(file: pathlib.Path, text: str) -> None:
    """Write a file that people may edit: one that is there stays."""
    if not file.exists():
        replace(file, text, 0o644)


def replace(file: pathlib.Path, text: str, mode: int) -> None:
    """Write a file whole or not at all."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text, "utf-8")
    new.chmod(mode)
    new.replace(file)


def write_secret(unix_user: str, file: pathlib.Path, text: str) -> None:
    """Write a file with mode 0600 as its owner; the text travels by standard input.

    Raises:
        PermissionError: The user cannot write it; the message says why.
    """
    user = pwd.getpwnam(unix_user)
    own = user.pw_uid == os.geteuid()
    done = subprocess.run(
        ["/bin/sh", "-c", _WRITE_PRIVATELY, "sh", str(file)],
        input=text.encode("latin-1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd="/",
        check=False,
        user=None if own else user.pw_uid,
        group=None if own else user.pw_gid,
        extra_groups=None if own else os.getgrouplist(unix_user, user.pw_gid),
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()
        message = f"{unix_user} cannot write {file}: {reason}"
        raise PermissionError(message)
