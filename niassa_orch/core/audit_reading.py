"""Reads the audit trail back, newest entry first, with files that were moved aside (``bob.jsonl.1``, ``.gz``).

Whatever lies there is read with care: no symbolic link, nothing but plain files, and no more of them than is asked for.
Called by ``core.post_mortem``; ``core.audit`` writes.
"""

import dataclasses
import gzip
import itertools
import json
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from niassa_orch.core import audit, plain_files

#: Of a file that was compressed, which can be read forwards only.
_COMPRESSED_BYTES = 256 << 20
_NAME = re.compile(r"(?P<account>.+)\.jsonl(?P<aside>[-.].*)?")


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """An entry, and when it was written: ISO 8601, UTC."""

    time: str
    entry: audit.Entry


@dataclasses.dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file was not read, or not all of it; for people."""

    text: str


def accounts(directory: pathlib.Path) -> list[str]:
    """Whose files there are, ``""`` for those of all accounts, by name."""
    names = (found["account"] for file in _listed(directory) if (found := _NAME.fullmatch(file.name)))
    return sorted({"" if name == audit.FILE_OF_ALL else name for name in names})


def files(directory: pathlib.Path, account: str) -> list[pathlib.Path]:
    """The files of an account, the one that is written first, then those that were moved aside, newest first."""
    name = account or audit.FILE_OF_ALL
    mine = [file for file in _listed(directory) if (found := _NAME.fullmatch(file.name)) and found["account"] == name]
    return sorted(mine, key=lambda file: (file.name != f"{name}.jsonl", -file.lstat().st_mtime))


def entries(
    directory: pathlib.Path, account: str, words: tuple[bytes, ...] = (), since: str = ""
) -> Iterator[Told | Trouble]:
    """What was written of an account, newest first.

    Args:
        directory: ``audit_dir``.
        account: ``""``: of all, or none.
        words: Only lines that hold one of these, if there are any.
        since: Nothing that was written before.
    """
    for file in files(directory, account):
        try:
            with plain_files.opened(file) as opened:
                told = _told(_lines(file, opened), words)
                yield from itertools.takewhile(lambda one: one.time >= since, told)
        except (OSError, EOFError) as exc:
            yield Trouble(f"{file} was not read: {getattr(exc, 'strerror', None) or exc}")


def _listed(directory: pathlib.Path) -> list[pathlib.Path]:
    try:
        return list(directory.iterdir())
    except FileNotFoundError:
        return []


def _lines(file: pathlib.Path, opened: BinaryIO) -> Iterable[bytes]:
    if file.suffix == ".gz":
        with gzip.GzipFile(fileobj=opened) as unpacked:
            return reversed(unpacked.read(_COMPRESSED_BYTES).split(b"\n"))
    return plain_files.backwards(opened)


def _told(lines: Iterable[bytes], words: tuple[bytes, ...]) -> Iterator[Told]:
    for line in lines:
        if (not words or any(word in line for word in words)) and (told := parse(line)) is not None:
            yield told


def parse(line: bytes) -> Told | None:
    """The entry of a line; ``None`` of one that was cut, or is nothing of ours."""
    try:
        said = json.loads(line)
        return Told(str(said["time"]), _entry(said))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _entry(said: Mapping[str, Any]) -> audit.Entry:
    names = ("what", "account", "unix_user", "operator", "result")
    texts = {name: str(said[name]) for name in names}
    accession = said["accession"]
    return audit.Entry(**texts, accession=None if accession is None else int(accession), details=dict(said["details"]))  # type: ignore[arg-type]
