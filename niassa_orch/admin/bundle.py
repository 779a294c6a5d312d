"""Packs texts for somebody else's eyes into a ``tar.gz``: each without secrets, with a list of what is in it.

What is in the texts is for ``support``; here none leaves unredacted, whoever wrote it. Called by ``commands.support``.
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import re
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence

from niassa_orch import errors, redaction

_MANIFEST = "MANIFEST.txt"
_NAME_CHARACTERS = 120
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One file of the bundle.

    Args:
        name: Of the file; what no file name should hold is replaced.
        what: What it says, in words for the list.
        text: Its content; what is secret in it is taken out.
    """

    name: str
    what: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Absent:
    """Something that is not in the bundle, and why."""

    name: str
    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class Packed:
    """A bundle that was written, and its list in words."""

    file: pathlib.Path
    manifest: str


def pack(file: pathlib.Path, parts: Sequence[Part], absent: Sequence[Absent], redact: Callable[[str], str]) -> Packed:
    """Write a bundle, for nobody but who writes it.

    Args:
        file: Must not exist.
        parts: In the order of the list.
        absent: What is left out.
        redact: Knows all secrets.

    Raises:
        SupportError: It exists, or cannot be written; nothing is left of it then.
    """

    def clean(text: str) -> str:
        return redaction.masked(redact(text))

    named = _named(parts)
    texts = {name: clean(part.text).encode("utf-8", "backslashreplace") for name, part in named.items()}
    what = {name: part.what for name, part in named.items()}
    manifest = clean(_manifest(what, texts, absent))
    try:
        with _made(file) as descriptor, os.fdopen(descriptor, "wb", closefd=False) as stream:
            _write(stream, {_MANIFEST: manifest.encode("utf-8", "backslashreplace"), **texts}, _safe(_stem(file)))
    except FileExistsError as exc:
        raise _is_there(file) from exc
    except OSError as exc:
        message = f"{file} cannot be written: {exc.strerror}; name another place (--output)"
        raise errors.SupportError(message) from exc
    return Packed(file, manifest)


def check_new(file: pathlib.Path) -> None:
    """Look, before anything is gathered, whether a bundle can be of this name; raises SupportError."""
    if os.path.lexists(file):
        raise _is_there(file)


def _is_there(file: pathlib.Path) -> errors.SupportError:
    return errors.SupportError(f"{file} exists already: name another file (--output), or remove it")


@contextlib.contextmanager
def _made(file: pathlib.Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _write(stream: io.BufferedWriter, texts: dict[str, bytes], folder: str) -> None:
    with tarfile.open(fileobj=stream, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, content in texts.items():
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(content))


def _named(parts: Sequence[Part]) -> dict[str, Part]:
    """The parts by names that are safe, each another one."""
    found: dict[str, Part] = {}
    for part in parts:
        *folders, last = map(_safe, part.name.split("/")) if part.name.count("/") == 1 else [_safe(part.name)]
        name, number = "/".join((*folders, last)), 2
        while name in found:
            name, number = "/".join((*folders, f"{number}-{last}")), number + 1
        found[name] = part
    return found


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name).lstrip(".-")[-_NAME_CHARACTERS:] or "_"


def _stem(file: pathlib.Path) -> str:
    return file.name.removesuffix(".tar.gz").removesuffix(".tgz")


def _manifest(what: dict[str, str], texts: dict[str, bytes], absent: Sequence[Absent]) -> str:
    lines = ["In this bundle, each without passwords and without texts of runs:", ""]
    lines += [f"  {name} ({len(texts[name])} bytes): {one}" for name, one in what.items()]
    lines += ["", "Left out:", "", *(f"  {one.name}: {one.why}" for one in absent)]
    lines += ["", "It names users, hosts, runs and paths. Look through it before you hand it on."]
    return "\n".join(" ".join(line.split("\n")) for line in lines) + "\n"
