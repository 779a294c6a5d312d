"""Puts several files of root's in place, all or none, and keeps what was there and said something else.

All are written beside their places first, then renamed in the order in which they are named; where one cannot be, those
before it are put back. What differed is kept beside, under a name with a dot, which sudo skips. Knows nothing of sudo
or of the mediator. Called by ``sudoers_install``.
"""

import contextlib
import dataclasses
import difflib
import hashlib
import os
import pathlib
import shlex
import stat
import tempfile
from collections.abc import Callable, Sequence

from niassa_orch import errors
from niassa_orch.seqware import installation

_MOST_LINES, _MOST_LETTERS = 10, 160
#: Comparing line by line takes the longer the more there is; ours have some 50 kB.
_MOST_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """One file as it shall be: its place, its text and its mode; root's."""

    path: pathlib.Path
    text: str
    mode: int

    @property
    def is_there(self) -> bool:
        """Whether it is just so already."""
        return installation.is_written(self.path, self.text, self.mode)


def replace(files: Sequence[File], approve: Callable[[File, pathlib.Path], None]) -> dict[pathlib.Path, list[str]]:
    """Put these files in place, the first first; what was kept of those that differed, in lines by place.

    Args:
        files: In folders that are there, each no folder itself.
        approve: Given each file and where its text lies written, before anything is changed; raises to refuse.

    Raises:
        InstallationError: What was there could not be put back.
        OSError: A file could not be written, kept or renamed; all is as it was.
    """
    told = {}
    with contextlib.ExitStack() as always, contextlib.ExitStack() as unless_whole:
        rooms = [pathlib.Path(always.enter_context(_room(file))) for file in files]
        for file, room in zip(files, rooms, strict=True):
            installation.put(room / "draft", file.text, file.mode)
            os.chown(room / "draft", 0, 0)
            approve(file, room / "draft")
        for file, room in zip(files, rooms, strict=True):
            told[file.path] = _keep(file, room, unless_whole)
        for file, room in zip(files, rooms, strict=True):
            _remember(file, room, unless_whole)
            (room / "draft").replace(file.path)
        for folder in {file.path.parent for file in files}:
            _write_through(folder)
        unless_whole.pop_all()
    return told


def _room(file: File) -> "tempfile.TemporaryDirectory[str]":
    """A closed folder on the same file system, under a name that sudo skips."""
    return tempfile.TemporaryDirectory(dir=file.path.parent, prefix=f".{file.path.name}.")


def _remember(file: File, room: pathlib.Path, unless_whole: contextlib.ExitStack) -> None:
    """What is there, as it is, for the case that a later file cannot be put in place."""
    try:
        os.link(file.path, room / "former", follow_symlinks=False)
    except FileNotFoundError:
        unless_whole.callback(_put_back, None, file.path)
    else:
        unless_whole.callback(_put_back, room / "former", file.path)


def _put_back(former: pathlib.Path | None, path: pathlib.Path) -> None:
    try:
        if former is None:
            path.unlink(missing_ok=True)
        else:
            former.replace(path)
    except OSError as exc:
        message = f"{path}: half installed, and could not be put back as it was ({exc.strerror}): install again"
        raise errors.InstallationError(message) from exc


def _keep(file: File, room: pathlib.Path, unless_whole: contextlib.ExitStack) -> list[str]:
    """Keep what is there and says something else, and tell where, and what differs."""
    try:
        status = file.path.lstat()
    except FileNotFoundError:
        return []
    if stat.S_ISLNK(status.st_mode):
        return [f"{file.path}: was a link to {_shown(str(file.path.readlink()))}, which is as it was"]
    content = file.path.read_bytes()
    if content == file.text.encode():
        return []
    # By its content: what is there twice is kept once.
    digest = hashlib.sha256(content).hexdigest()[:12]
    kept = file.path.with_name(f"{file.path.name}.replaced-{digest}")
    copy = room / "kept"
    copy.write_bytes(content)
    copy.chmod(0o400)
    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
    _write_through(copy)
    _link_once(copy, kept, unless_whole)
    diff = f"diff {shlex.quote(str(kept))} {shlex.quote(str(file.path))}"
    return [f"{file.path}: what was there differed and is kept: {diff}", *_differences(content, file.text)]


def _link_once(copy: pathlib.Path, kept: pathlib.Path, unless_whole: contextlib.ExitStack) -> None:
    try:
        os.link(copy, kept)
    except FileExistsError:
        if kept.is_symlink() or kept.read_bytes() != copy.read_bytes():
            raise
    else:
        unless_whole.callback(kept.unlink, missing_ok=True)


def _differences(was: bytes, now: str) -> list[str]:
    """The first lines that went (-) and came (+), fit for a terminal."""
    if len(was) > _MOST_BYTES:
        return [f"  - {len(was)} bytes, too many to be compared here"]
    lines = was.decode("utf-8", "replace").splitlines()
    pairs = difflib.unified_diff(lines, now.splitlines(), lineterm="", n=0)
    changed = [line for line in list(pairs)[2:] if not line.startswith("@@")]
    shown = [f"  {line[0]} {_shown(line[1:])}" for line in changed[:_MOST_LINES]]
    more = len(changed) - len(shown)
    return [*shown, f"  and {more} lines more"] if more else shown


def _shown(text: str) -> str:
    """What stood in a file of anybody's does nothing to a terminal."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= _MOST_LETTERS else f"{plain[:_MOST_LETTERS]}..."


def _write_through(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
