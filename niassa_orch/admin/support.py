"""What a support bundle says of this installation: versions, settings, journal, audit trail, log, transcripts' names.

Reads with care, since root may read here what the service's user wrote; what cannot be read is named with the reason.
No text of a run, no transcript and no file of a user is read. Blocks. Called by ``commands.support``.
"""

import contextlib
import dataclasses
import datetime
import importlib.metadata
import itertools
import json
import os
import pathlib
import platform
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from niassa_orch import __version__, errors
from niassa_orch.admin import asking_sudo, bundle
from niassa_orch.config import settings
from niassa_orch.core import audit_reading, plain_files, state_directory
from niassa_orch.journal import reading
from niassa_orch.seqware import installation

_ROWS = 2000
_LINES_OF_LOG = 5000
_LINES_OF_AUDIT = 500
_LINES_OF_ALL_AUDIT = 20_000
_NAMES_OF_TRANSCRIPTS = 5000
_Gather = Callable[[settings.Settings, str], Iterable[bundle.Part | bundle.Absent]]

#: What may hold anything, or is nobody's business.
ALWAYS_ABSENT = (
    bundle.Absent("transcripts", "an engine's own words may hold anything; transcripts.json has names and sizes"),
    bundle.Absent("texts of runs", "ini files, stdOut, stdErr and bodies of answers are the users' own"),
    bundle.Absent("profiles as files", "accounts.json has their effective values, passwords masked"),
    bundle.Absent("seqware settings, password files, environment", "they hold passwords"),
)


def parts(service: settings.Settings, since: datetime.datetime) -> list[bundle.Part | bundle.Absent]:
    """Everything that files say.

    Args:
        service: Whose installation.
        since: Of journal and audit trail nothing that was over before.
    """
    moment = since.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
    gather: Sequence[_Gather] = (_versions, _settings, _journal, _audit, _transcripts)
    return [part for one in gather for part in one(service, moment)]


def log_tail(file: pathlib.Path) -> bundle.Part | bundle.Absent:
    """The last lines of the log."""
    try:
        with plain_files.opened(file) as stream:
            lines = list(itertools.islice(plain_files.backwards(stream), _LINES_OF_LOG))
    except OSError as exc:
        return bundle.Absent("log.txt", f"{file} was not read: {exc.strerror or exc}")
    return bundle.Part("log.txt", f"the last {_LINES_OF_LOG} lines of {file} at most", _text(reversed(lines)))


def as_json(value: object) -> str:
    """For people and machines; what JSON does not know becomes a text."""
    return json.dumps(value, indent=2, default=str, ensure_ascii=False) + "\n"


def _versions(service: settings.Settings, _since: str) -> Iterable[bundle.Part]:
    known = {
        "niassa-orch": __version__,
        "python": sys.version,
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
        "release": _release(),
        "sudo": asking_sudo.version(),
        "libraries": _libraries(),
        "mediator": _mediator(service.engine.mediator),
        "uid": os.geteuid(),
        "written": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    yield bundle.Part(
        "versions.json", "versions of niassa-orch, Python, its libraries, SQLite, sudo, the system", as_json(known)
    )


def _settings(service: settings.Settings, _since: str) -> Iterable[bundle.Part]:
    known = {
        key: {"value": value, "said_by": service.origin(key) or "default"}
        for key, value in _leaves(service.model_dump(mode="json"))
    }
    yield bundle.Part("settings.json", "the service's settings that count, and who said each", as_json(known))


def _journal(service: settings.Settings, since: str) -> Iterable[bundle.Part | bundle.Absent]:
    wanted = reading.Wanted(since=since, most=_ROWS)
    try:
        with reading.opened(state_directory.StateDirectory(service.state_dir).journal) as opened:
            launches = [_launch(one) for one in opened.launches(wanted)]
            found: dict[str, Sequence[Any]] = {
                "launches": launches,
                "acts": opened.acts(wanted),
                "orders": opened.orders(wanted),
            }
    except errors.JournalError as exc:
        yield bundle.Absent("journal", str(exc))
        return
    for name, rows in found.items():
        shown = [row if isinstance(row, dict) else dataclasses.asdict(row) for row in rows]
        what = f"of the journal, newest first, since {since}, {_ROWS} at most"
        yield bundle.Part(f"journal-{name}.json", f"{len(shown)} {name} {what}", as_json(shown))


def _launch(one: reading.PastLaunch) -> dict[str, object]:
    """A row without what was seen of the record."""
    shown = dataclasses.asdict(one.launch) | {"settled": one.settled or None}
    shown.pop("seen")
    return shown


def _audit(service: settings.Settings, since: str) -> Iterable[bundle.Part | bundle.Absent]:
    directory, left = service.effective_audit_dir, _LINES_OF_ALL_AUDIT
    try:
        names = audit_reading.accounts(directory)
    except OSError as exc:
        yield bundle.Absent("audit trail", f"{directory} was not read: {exc.strerror}")
        return
    for name in names:
        read = itertools.islice(audit_reading.entries(directory, name, since=since), min(left, _LINES_OF_AUDIT))
        lines: list[str] = []
        for told in read:
            if isinstance(told, audit_reading.Trouble):
                yield bundle.Absent(f"audit trail of {name or 'all'}", told.text)
            else:
                lines.append(json.dumps(dataclasses.asdict(told), ensure_ascii=False, default=str))
        left -= len(lines)
        what = f"the audit trail of {name or 'all'}, newest first, since {since}, {_LINES_OF_AUDIT} entries at most"
        yield bundle.Part(f"audit/{name or '_service'}.jsonl", what, "\n".join(lines) + "\n")


def _transcripts(service: settings.Settings, _since: str) -> Iterable[bundle.Part]:
    found = []
    for folder in ("open", "settled"):
        with contextlib.suppress(OSError):
            entries = sorted((service.state_dir / "calls" / folder).iterdir())[-_NAMES_OF_TRANSCRIPTS:]
            found += [shown for entry in entries if (shown := _listed(entry, folder)) is not None]
    yield bundle.Part("transcripts.json", "names and sizes of the transcripts of engine calls", as_json(found))


def _listed(entry: pathlib.Path, folder: str) -> Mapping[str, object] | None:
    try:
        status = entry.lstat()
    except OSError:
        return None
    written = datetime.datetime.fromtimestamp(status.st_mtime, datetime.UTC).isoformat(timespec="seconds")
    is_plain = stat.S_ISREG(status.st_mode)
    return {"name": entry.name, "folder": folder, "bytes": status.st_size, "written": written, "is_plain": is_plain}


def _release() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError as exc:
        return f"not known: {exc}"


def _libraries() -> dict[str, str]:
    return dict(sorted((one.metadata["Name"], one.version) for one in importlib.metadata.distributions()))


def _mediator(file: pathlib.Path) -> str:
    try:
        with plain_files.opened(file) as stream:
            content = stream.read(1 << 20)
    except OSError as exc:
        return f"{file} was not read: {exc.strerror or exc}"
    return f"{file} is {'' if content == installation.script().encode() else 'NOT '}that of this version"


def _leaves(table: Mapping[str, object], above: str = "") -> Iterable[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _text(lines: Iterable[bytes]) -> str:
    return b"\n".join(lines).decode("utf-8", "backslashreplace")
