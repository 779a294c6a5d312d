"""accounts.d as a shelf: every look compares what lies there, and reads only what changed.

A file is known by what ``lstat`` says of it; one that changed is read once it has kept still, so that half-written
files, an editor's way of saving and a copy under way do no harm, and a burst is taken in one. What was read stays, as
do refusals. Blocks (files, the user database), so look in a thread, in one at a time. Called by ``core.drop_ins``, and
through ``load`` by the commands that show or check accounts.
"""

import contextlib
import dataclasses
import os
import re
import shlex
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from niassa_orch import errors
from niassa_orch.config import profiles, settings

#: A file that changed, or went, counts when it was seen the same for so long.
STILL_SECONDS = 0.5
#: What keeps still is not kept waiting longer than this by files that do not.
PATIENCE_SECONDS = 1.0
_LEAST_SECONDS = 0.02

# Hidden and editors' files, and what administrators and package tools park beside a file that is read.
_IGNORED = re.compile(
    r"\..*|.*~|#.*#|README.*|.*\.(example|disabled|bak|orig|rpm(new|orig|save)|dpkg-[a-z]+)", re.DOTALL
)
#: What ``lstat`` says of a file and of the directory around it, as far as it decides whether the file is read anew.
_Signature = tuple[int, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What a look brought.

    Args:
        profiles: All profiles, when a file was read or has gone; ``None`` when there was nothing to read.
        again_seconds: Look again after so long, since a file changed and has not kept still yet; ``None``: no hurry.
    """

    profiles: profiles.Profiles | None
    again_seconds: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    """A file as it was read; without a signature if it was so young that it may have changed unseen since."""

    signature: _Signature | None
    found: profiles.Profile | errors.ProfileError


class Shelf:
    """The profiles of a directory, from one look to the next.

    Args:
        directory: The settings' ``accounts_dir``; looked up anew by every look, so that it may be a symbolic link.
        service: For the host of profiles that name none, and for ``allow_root``.
    """

    def __init__(self, directory: Path, service: settings.Settings) -> None:
        self._directory = directory
        self._service = service
        self._taken: dict[str, _Taken] = {}
        self._restless: dict[str, tuple[_Signature | None, float]] = {}
        self._restless_since: float | None = None

    def read(self) -> Look:
        """Read every file now: at the start, and when a person asks for it.

        Raises:
            errors.SettingsError: The directory itself cannot be read; with the command to run.
        """
        with _opened(self._directory) as descriptor:
            seen = self._seen(descriptor)
            self._taken, self._restless, self._restless_since = {}, {}, None
            self._take(seen, seen, descriptor)
        young = any(taken.signature is None for taken in self._taken.values())
        return Look(self._all(), STILL_SECONDS if young else None)

    def look(self, now: float, *, refused_too: bool = False) -> Look:
        """Read what changed and keeps still, or has kept others waiting for long enough.

        Args:
            now: In seconds of a clock that is never set; the same in all looks.
            refused_too: Read what is refused anew, though its file is the same: its reason may lie elsewhere.

        Raises:
            errors.SettingsError: The directory itself cannot be read; with the command to run.
        """
        with _opened(self._directory) as descriptor:
            seen = self._seen(descriptor)
            names = self._still(seen, now)
            if refused_too:
                names |= {name for name in self._refused() if name not in self._restless}
            self._take(names, seen, descriptor)
        self._restless = {name: state for name, state in self._restless.items() if name not in names}
        if names or not self._restless:
            self._restless_since = now if self._restless else None
        return Look(self._all() if names else None, self._again(now))

    def _still(self, seen: Mapping[str, _Signature], now: float) -> set[str]:
        """Which of those that changed are to be read now; notes how long each of them has been as it is."""
        changed = [name for name in seen.keys() | self._taken.keys() if seen.get(name) != self._signature(name)]
        before, self._restless = self._restless, {}
        for name in changed:
            same = name in before and before[name][0] == seen.get(name)
            self._restless[name] = before[name] if same else (seen.get(name), now)
        if self._restless_since is None and changed:
            self._restless_since = now
        still = {name for name, (_, since) in self._restless.items() if now - since >= STILL_SECONDS}
        waited = now - self._restless_since if self._restless_since is not None else 0.0
        return still if len(still) == len(changed) or waited >= PATIENCE_SECONDS else set()

    def _again(self, now: float) -> float | None:
        """When the first of those that are left will have kept still."""
        waits = [since + STILL_SECONDS - now for _, since in self._restless.values()]
        return max(_LEAST_SECONDS, min(wait for wait in waits if wait > 0)) if waits else None

    def _signature(self, name: str) -> _Signature | None:
        return self._taken[name].signature if name in self._taken else None

    def _refused(self) -> set[str]:
        return {name for name, taken in self._taken.items() if isinstance(taken.found, errors.ProfileError)}

    def _take(self, names: Collection[str], seen: Mapping[str, _Signature], descriptor: int) -> None:
        for name in names:
            if name not in seen:
                self._taken.pop(name, None)
                continue
            kept_still = name in self._restless
            signature = seen[name] if kept_still or not _is_young(seen[name]) else None
            self._taken[name] = _Taken(signature, self._found(name, descriptor))

    def _found(self, name: str, descriptor: int) -> profiles.Profile | errors.ProfileError:
        try:
            return profiles.read(self._directory / name, descriptor, self._service)
        except errors.ProfileError as exc:
            # Kept for long: without its traceback, which would keep what was read.
            return errors.ProfileError(exc.file, exc.key, exc.reason)

    def _all(self) -> profiles.Profiles:
        return profiles.together([taken.found for taken in self._taken.values()], self._service)

    def _seen(self, descriptor: int) -> dict[str, _Signature]:
        """What lies there and may be meant as a profile, with its signature."""
        directory = os.fstat(descriptor)
        seen = {}
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    if not _IGNORED.fullmatch(entry.name):
                        with contextlib.suppress(FileNotFoundError):
                            status = entry.stat(follow_symlinks=False)
                            if entry.name.endswith(".toml") or not entry.is_dir(follow_symlinks=False):
                                seen[entry.name] = _signature_of(status, directory)
        except OSError as exc:
            reason = f"accounts_dir: {self._directory} cannot be read: {exc.strerror}"
            raise errors.SettingsError(reason) from exc
        return seen


def load(directory: Path, service: settings.Settings) -> profiles.Profiles:
    """Read every profile of a directory, once; arguments and errors as those of ``Shelf`` and ``Shelf.read``."""
    found = Shelf(directory, service).read().profiles
    return found or profiles.Profiles((), ())


@contextlib.contextmanager
def _opened(directory: Path) -> Iterator[int]:
    """The directory, open, so that nobody can swap it while its files are read."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError as exc:
        reason = f"accounts_dir: {directory} does not exist: mkdir -p -m 755 {shlex.quote(str(directory))}"
        raise errors.SettingsError(reason) from exc
    except OSError as exc:
        reason = f"accounts_dir: {directory} cannot be read: {exc.strerror}"
        raise errors.SettingsError(reason) from exc
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _signature_of(file: os.stat_result, directory: os.stat_result) -> _Signature:
    """``st_ctime_ns`` moves with mode, owner and content, also where somebody sets the other times back."""
    times = (file.st_ctime_ns, file.st_mtime_ns)
    return (*times, file.st_dev, file.st_ino, file.st_size, directory.st_mode, directory.st_uid)


def _is_young(signature: _Signature) -> bool:
    """Whether a later change could bear the same times: clocks of file systems tick a few hundred times a second."""
    return time.time_ns() - signature[0] < STILL_SECONDS * 1e9
