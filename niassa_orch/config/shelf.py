"""accounts.d as a shelf: every look compares what lies there, and reads only what changed.

A file is known by what ``lstat`` says of it; one that changed is read once it has kept still, so that half-written
files, an editor's way of saving and a copy under way do no harm, and a burst is taken in one. What was read stays, as
do refusals. Blocks (files, the user database), so look in a thread, in one at a time. Called by ``core.drop_ins``, and
through ``load`` by the commands that show or check accounts.
"""

import dataclasses
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from niassa_orch import errors
from niassa_orch.config import entries, profiles, settings

#: A file that changed, or went, counts when it was seen the same for so long.
STILL_SECONDS = 0.5
#: What keeps still is not kept waiting longer than this by files that do not.
PATIENCE_SECONDS = 1.0
#: Who reads all of it once waits so long for files that do not keep still.
LOAD_SECONDS = 2.0
_LEAST_SECONDS = 0.02

_UNFINISHED = (
    "is being written again and again and may not be whole, so it was not read: ask once more, or write it under a "
    "name that begins with a dot and rename it (mv)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What a look brought.

    Args:
        profiles: All profiles, when a file was read or has gone; ``None`` when there was nothing to read.
        again_seconds: Look again after so long, since a file changed and has not kept still yet; ``None``: no hurry.
        restless: Names of files that changed, came or went, and have not kept still yet: what was read last counts.
        unread: Those of them of which nothing was read ever.
    """

    profiles: profiles.Profiles | None
    again_seconds: float | None
    restless: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    """A file as it was read."""

    signature: entries.Signature
    found: profiles.Profile | errors.ProfileError


class Shelf:
    """The profiles of a directory, from one look to the next.

    Args:
        directory: The settings' ``accounts_dir``; looked up anew by every look, so that it may be a symbolic link.
        service: For the host of profiles that name none, and for ``allow_root``.
        clock: In seconds, of a clock that is never set.
    """

    def __init__(
        self, directory: Path, service: settings.Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._directory = directory
        self._service = service
        self._taken: dict[str, _Taken] = {}
        self._restless: dict[str, tuple[entries.Signature | None, float]] = {}
        self._restless_since: float | None = None

    def read(self) -> Look:
        """Read every file anew that is at rest: at the start, and when a person asks for it.

        What was written a moment ago, by the clock, may still be written: it is left to the looks that follow, by
        which it has to keep still. So is what went a moment ago, and a file whose time is still to come.

        Raises:
            errors.SettingsError: The directory itself cannot be read; with the command to run.
        """
        with entries.opened(self._directory) as descriptor:
            began, seen = self._clock(), entries.seen(self._directory, descriptor)
            self._compare(seen, None)
            moving = self._restless.keys() - self._still(began)
            young = {name for name in moving if name not in seen or _is_young(seen[name])}
            self._take((seen.keys() | self._taken.keys()) - young, seen, descriptor)
        return self._looked(self.latest)

    def look(self, *, refused_too: bool = False, only: Collection[str] | None = None) -> Look:
        """Read what changed and keeps still, or has kept others waiting for long enough.

        Args:
            refused_too: Read what is refused anew, though its file is the same: its reason may lie elsewhere.
            only: Look at files of these names and no other.

        Raises:
            errors.SettingsError: The directory itself cannot be read; with the command to run.
        """
        with entries.opened(self._directory) as descriptor:
            began, seen = self._clock(), entries.seen(self._directory, descriptor)
            self._compare(seen, only)
            names = self._still(began)
            waited = began - self._restless_since if self._restless_since is not None else 0.0
            if len(names) < len(self._restless) and waited < PATIENCE_SECONDS:
                names = set()
            if refused_too:
                names |= {name for name in self._refused() if name not in self._restless}
            taken = self._take(names, seen, descriptor)
        return self._looked(self.latest if taken else None)

    @property
    def latest(self) -> profiles.Profiles:
        """What was read last of every file."""
        return profiles.together([taken.found for taken in self._taken.values()], self._service)

    def _compare(self, seen: Mapping[str, entries.Signature], only: Collection[str] | None) -> None:
        """Note what changed since it was read, and for how long each of it has been as it is."""
        now, names = self._clock(), seen.keys() | self._taken.keys()
        changed = [name for name in names if seen.get(name) != self._signature(name) and (only is None or name in only)]
        before, self._restless = self._restless, {}
        for name in changed:
            same = name in before and before[name][0] == seen.get(name)
            self._restless[name] = before[name] if same else (seen.get(name), now)
        if self._restless_since is None and changed:
            self._restless_since = now

    def _still(self, now: float) -> set[str]:
        """Names of what was seen the same for long enough, the last time not before ``now``."""
        return {name for name, (_, since) in self._restless.items() if now - since >= STILL_SECONDS}

    def _looked(self, found: profiles.Profiles | None) -> Look:
        now = self._clock()
        if found is not None or not self._restless:
            self._restless_since = now if self._restless else None
        waits = [since + STILL_SECONDS - now for _, since in self._restless.values()]
        again_seconds = max(_LEAST_SECONDS, min((wait for wait in waits if wait > 0), default=0.0)) if waits else None
        restless = frozenset(self._restless)
        return Look(found, again_seconds, restless, restless - self._taken.keys())

    def _signature(self, name: str) -> entries.Signature | None:
        return self._taken[name].signature if name in self._taken else None

    def _refused(self) -> set[str]:
        return {name for name, taken in self._taken.items() if isinstance(taken.found, errors.ProfileError)}

    def _take(self, names: Collection[str], seen: Mapping[str, entries.Signature], descriptor: int) -> bool:
        """Read these, or forget them where they went; whether anything came of it.

        What somebody wrote to while it was read is not taken.
        """
        is_any = False
        for name in names:
            found = self._found(name, descriptor) if name in seen else None
            signature = entries.signature_at(name, descriptor)
            if signature != seen.get(name):
                self._restless[name] = (signature, self._clock())
                continue
            is_any = True
            self._restless.pop(name, None)
            self._taken.pop(name, None)
            if signature is not None and found is not None:
                self._taken[name] = _Taken(signature, found)
        return is_any

    def _found(self, name: str, descriptor: int) -> profiles.Profile | errors.ProfileError:
        try:
            return profiles.read(self._directory / name, descriptor, self._service)
        except errors.ProfileError as exc:
            # Kept for long: without its traceback, which would keep what was read.
            return errors.ProfileError(exc.file, exc.key, exc.reason)


def load(directory: Path, service: settings.Settings) -> profiles.Profiles:
    """Read every profile of a directory, once; arguments and errors as those of ``Shelf`` and ``Shelf.read``.

    Blocks until what was written a moment ago keeps still, for ``LOAD_SECONDS`` at most; what does not is refused.
    """
    shelf = Shelf(directory, service)
    began = time.monotonic()
    look = shelf.read()
    while look.again_seconds is not None and time.monotonic() - began < LOAD_SECONDS:
        time.sleep(look.again_seconds)
        look = shelf.look()
    found = shelf.latest
    unfinished = tuple(errors.ProfileError(profiles.shown(name), "", _UNFINISHED) for name in look.unread)
    return dataclasses.replace(found, quarantined=(*found.quarantined, *unfinished)) if unfinished else found


def _is_young(signature: entries.Signature) -> bool:
    """Whether it changed within the time that a file has to keep still, or will have: then some clock is wrong."""
    return time.time_ns() - signature[0] < STILL_SECONDS * 1e9
