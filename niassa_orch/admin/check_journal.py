"""Whether the journal is whole, as the service would find it at its start.

Never the file itself is opened, but a copy of it: whoever opens a journal changes it or what SQLite has beside it, and
what a service that was killed left there is worked in. Blocks. Called by ``check_machine``, in a thread.
"""

import contextlib
import errno
import os
import pathlib
import shlex
import shutil
import sqlite3
import tempfile
from typing import BinaryIO, Final

from niassa_orch.admin import links, trust
from niassa_orch.core import state_directory
from niassa_orch.journal import opening

_LINK: Final = "journal"
#: A service that has much to write works its log in every few seconds.
_TRIES = 5
_PIECE_BYTES = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class _RestlessError(Exception):
    """The journal was written during each try."""


def look(directory: pathlib.Path) -> links.Link:
    """Whether the journal of a state directory is whole, and how much of it is not settled."""
    state = state_directory.StateDirectory(directory)
    file = state.journal
    if not file.exists():
        return _not_begun(state)
    if not os.access(file, os.R_OK | os.W_OK):
        owner, me = trust.user_name(file.stat().st_uid), trust.user_name(os.geteuid())
        chown = f"chown -R {me} {shlex.quote(str(directory))}  # as root"
        return links.bad(_LINK, f"{file} belongs to {owner} and cannot be written by {me}", chown)
    try:
        with tempfile.TemporaryDirectory(prefix="niassa-orch-check.") as place:
            return _look_at(_copied(file, pathlib.Path(place)), state)
    except _RestlessError:
        return links.skipped(_LINK, f"{file} is written so often that it could not be copied; try again later")
    except OSError as exc:
        return _not_copied(file, exc)
    except sqlite3.Error as exc:
        return links.bad(_LINK, f"{file} cannot be read: {exc}", _put_back(file))


def _look_at(copy: pathlib.Path, state: state_directory.StateDirectory) -> links.Link:
    with contextlib.closing(sqlite3.connect(copy)) as database:
        if damage := opening.damage(database):
            return links.bad(_LINK, f"{state.journal} is damaged: {damage}", _put_back(state.journal))
        version = opening.schema_version(database)
        if version > opening.VERSION:
            seen = f"{state.journal} has version {version}, and this is for version {opening.VERSION}"
            return links.bad(_LINK, seen, "niassa-orch version  # use the newer one that wrote it")
        if version == 0:  # a service makes it at this moment, or it was emptied
            return _not_begun(state)
        (unsettled,) = database.execute("SELECT count(*) FROM launches WHERE settled IS NULL").fetchone()
    told = f"{unsettled} launches are not settled (niassa-orch doubts)" if unsettled else "every launch is settled"
    return links.ok(_LINK, f"whole; {told}")


def _not_begun(state: state_directory.StateDirectory) -> links.Link:
    why_not = state.why_no_new_journal()
    return links.bad(_LINK, f"{state.journal} is missing", why_not) if why_not else links.ok(_LINK, "not begun yet")


def _copied(file: pathlib.Path, place: pathlib.Path) -> pathlib.Path:
    """The journal of one moment, whoever writes it meanwhile, and without a lock that the writer would meet.

    The file changes when the log beside it is worked in; before that is done for all of the log, none of the log is
    overwritten. So a log that was read while the file stayed as it was belongs to it, up to its last whole commit
    (https://www.sqlite.org/wal.html, sections 2.1 and 4).

    Raises:
        _RestlessError: It was written during each try.
        OSError: It cannot be read, or the copy not be written.
    """
    copy, log, log_copy = (place / file.name, *(folder / f"{file.name}-wal" for folder in (file.parent, place)))
    for _ in range(_TRIES):
        log_copy.unlink(missing_ok=True)
        shutil.copyfile(file, copy)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(log, log_copy)
        with file.open("rb") as now, copy.open("rb") as then:
            if _are_equal(now, then):
                return copy
    raise _RestlessError


def _are_equal(one: BinaryIO, other: BinaryIO) -> bool:
    while piece := one.read(_PIECE_BYTES):
        if piece != other.read(_PIECE_BYTES):
            return False
    return not other.read(1)


def _not_copied(file: pathlib.Path, exc: OSError) -> links.Link:
    if exc.errno in _NO_ROOM:
        seen = f"{file} is not looked at, since {tempfile.gettempdir()} has no room for a copy of it"
        return links.look(_LINK, seen, "TMPDIR=/var/tmp niassa-orch check  # or another folder with room")
    return links.bad(_LINK, f"{file} cannot be copied to be looked at: {exc.strerror}", "dmesg | tail")


def _put_back(file: pathlib.Path) -> str:
    quoted = shlex.quote(str(file))
    return (
        f"cp -a {quoted} {quoted}.bad  # with the service stopped; then put back one that is whole: docs/launching.md"
    )
