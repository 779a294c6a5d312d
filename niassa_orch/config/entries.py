"""What lies in accounts.d: the directory held open, the files that may be profiles, how a change of one is seen.

Reads no file. Called by ``shelf``.
"""

import contextlib
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from niassa_orch import errors

# Hidden and editors' files, and what administrators and package tools park beside a file that is read.
_IGNORED = re.compile(
    r"\..*|.*~|#.*#|README.*|.*\.(example|disabled|bak|orig|rpm(new|orig|save)|dpkg-[a-z]+)", re.DOTALL
)
#: What ``lstat`` says of a file and of the directory around it, as far as it decides whether the file is read anew.
#: The first is ``st_ctime_ns``: it moves with mode, owner and content, also where somebody sets the other times back.
Signature = tuple[int, ...]


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[int]:
    """The directory, open, so that nobody can swap it while its files are read.

    Raises:
        errors.SettingsError: It cannot be opened; with the command to run.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        reason = f"accounts_dir: {directory} does not exist: mkdir -p -m 755 {shlex.quote(str(directory))}"
        raise errors.SettingsError(reason) from exc
    except OSError as exc:
        raise _unreadable(directory, exc) from exc
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def seen(path: Path, directory: int) -> dict[str, Signature]:
    """What lies in an open directory and may be meant as a profile, with its signature.

    Raises:
        errors.SettingsError: The directory, by its ``path``, cannot be read.
    """
    around = os.fstat(directory)
    found = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if not _IGNORED.fullmatch(entry.name):
                    with contextlib.suppress(FileNotFoundError):
                        status = entry.stat(follow_symlinks=False)
                        if entry.name.endswith(".toml") or not entry.is_dir(follow_symlinks=False):
                            found[entry.name] = _signature_of(status, around)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    return found


def signature_at(name: str, directory: int) -> Signature | None:
    """As one file is now; ``None`` when there is none, or none that can be seen."""
    try:
        return _signature_of(os.stat(name, dir_fd=directory, follow_symlinks=False), os.fstat(directory))
    except OSError:
        return None


def _signature_of(file: os.stat_result, directory: os.stat_result) -> Signature:
    times = (file.st_ctime_ns, file.st_mtime_ns)
    return (*times, file.st_dev, file.st_ino, file.st_size, directory.st_mode, directory.st_uid)


def _unreadable(directory: Path, exc: OSError) -> errors.SettingsError:
    return errors.SettingsError(f"accounts_dir: {directory} cannot be read: {exc.strerror}")
