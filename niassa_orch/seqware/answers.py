"""Reads the mediator's answers: an account's seqware settings and crontab, the texts of its runs' steps, who holds its
locks, how a propagation of the engine's ended, what an Oozie server said, which engine there is.

Pure: bytes in, records out. An answer is the account's to forge, so the kind and range of every field is checked, and
nothing of an answer is in an error: what is not understood is ``None``. Called by ``query``, in a question's thread.
"""

import base64
import collections.abc
import contextlib
import dataclasses
import json
import typing

from niassa_orch.domain import runs, texts

_YEAR_10000 = 253_402_300_800  # in seconds since the epoch; no datetime can hold it
_SHOWN_LETTERS = 255
_MOST_SCRIPTS, _MOST_CRONTAB_LETTERS = 100, 1 << 20  # as the mediator; more, forged, would take hours to look through
_Value = typing.TypeVar("_Value")


@dataclasses.dataclass(frozen=True, slots=True)
class SettingsFile:
    """An account's seqware settings as its Unix user reads them. ``content`` holds a password and stays out of repr."""

    path: str
    mode: int
    owner_uid: int
    content: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class HeldLock:
    """A lock of the engine that a process holds.

    Args:
        name: Of the lock's file in ``.junique``.
        pid: The holder's, or ``None`` when the kernel does not say (another pid namespace, another machine).
        command: A short picture of what the holder runs, ``""`` when it cannot be seen; no secret is in it.
    """

    name: str
    pid: int | None
    command: str


@dataclasses.dataclass(frozen=True, slots=True)
class Propagated:
    """How an engine call ended that propagated statuses.

    Args:
        exit_code: The engine's; 0 says nothing about any run.
        timed_out: It was killed at its deadline.
        locked: It gave up on the engine's lock.
        seconds: How long it took.
    """

    exit_code: int
    timed_out: bool
    locked: bool
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """What an Oozie server answered when it was asked for its versions: those, or why it did not (``error``)."""

    versions: tuple[int, ...]
    error: str


@dataclasses.dataclass(frozen=True, slots=True)
class Version:
    """What the mediator says of itself: as whom it runs which engine, whose version is "" when nothing tells it."""

    version: int
    user: str
    command: str
    engine_runs: bool
    engine_version: str


@dataclasses.dataclass(frozen=True, slots=True)
class Crontab:
    """A user's crontab, and the scripts that it calls by path; they may hold secrets and stay out of repr.

    ``installed``: whether this machine has a ``crontab`` command at all.
    """

    installed: bool
    text: str = dataclasses.field(repr=False)
    scripts: collections.abc.Mapping[str, str] = dataclasses.field(repr=False)


Texts = dict[runs.Accession, texts.StepFiles | None]


def parse_settings(answer: bytes) -> SettingsFile | None:
    """The answer to ``settings``."""
    return _understood(answer, _settings_file)


def parse_texts(answer: bytes) -> Texts | None:
    """The answer to ``texts``: by accession; ``None`` for a run whose directory is gone or closed to us."""
    return _understood(answer, _step_texts)


def parse_locks(answer: bytes) -> tuple[HeldLock, ...] | None:
    """The answer to ``lock``: every lock of the engine that somebody holds."""
    return _understood(answer, lambda answer: tuple(map(_held_lock, _of(list, json.loads(answer)["held"]))))


def parse_propagated(answer: bytes) -> Propagated | None:
    """The answer to ``propagate``."""
    return _understood(answer, _propagated)


def parse_probe(answer: bytes) -> Probe | None:
    """The answer to ``probe``."""
    return _understood(answer, _probe)


def parse_version(answer: bytes) -> Version | None:
    """The answer to ``version``."""
    return _understood(answer, _version)


def parse_crontab(answer: bytes) -> Crontab | None:
    """The answer to ``crontab``."""
    return _understood(answer, _crontab)


def parse_refusal(answer: bytes) -> str | None:
    """Why the mediator refuses, at most 500 characters."""
    return _understood(answer, lambda answer: _text(json.loads(answer)["refused"])[:500])


def _understood(answer: bytes, read: collections.abc.Callable[[bytes], _Value]) -> _Value | None:
    """What ``read`` makes of an answer; its errors end here, since they would keep the answer within reach."""
    with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return read(answer)
    return None


def _settings_file(answer: bytes) -> SettingsFile:
    record = json.loads(answer)
    content = base64.b64decode(_of(str, record["content_base64"]), validate=True)
    return SettingsFile(_text(record["path"]), _count(record["mode"]), _count(record["owner_uid"]), content)


def _step_texts(answer: bytes) -> Texts:
    records = [json.loads(line) for line in answer.split(b"\n") if line]
    return {
        runs.Accession(_count(record["accession"])): (
            texts.StepFiles(tuple(map(_step_file, record["files"])), _count(record.get("left_out", 0)))
            if "files" in record
            else None
        )
        for record in records
    }


def _step_file(file: dict[str, object]) -> texts.StepFile:
    stream, mtime = file["stream"], file["mtime"]
    if stream not in ("o", "e"):
        msg = "not a stream"
        raise ValueError(msg)
    text = _text(file["text"])
    return texts.StepFile(
        name=_text(file["name"]),
        step=_text(file["step"]),
        stream=_text(stream),
        number=_count(file["number"]),
        mtime=float(mtime) if isinstance(mtime, int | float) and 0 <= mtime < _YEAR_10000 else 0.0,
        size=_count(file["size"], below=1 << 63),
        # A mediator of an earlier version does not say it.
        kept=_count(file["kept"], below=1 << 63) if "kept" in file else len(text.encode()),
        cut=_of(bool, file["cut"]),
        text=text,
        error=_shown(file.get("error", "")),
    )


def _held_lock(held: dict[str, object]) -> HeldLock:
    pid = None if held["pid"] is None else _count(held["pid"], below=1 << 31)
    return HeldLock(_shown(held["name"]), pid, _shown(held["command"]))


def _propagated(answer: bytes) -> Propagated:
    record = json.loads(answer)
    return Propagated(
        exit_code=_count(record["exit_code"], below=1 << 16),
        timed_out=_of(bool, record["timed_out"]),
        locked=_of(bool, record["locked"]),
        seconds=_of(float, record["seconds"]),
    )


def _probe(answer: bytes) -> Probe:
    record = json.loads(answer)
    if "versions" in record:
        return Probe(tuple(_count(version) for version in _of(list, record["versions"])), "")
    return Probe((), _shown(record["error"]))


def _version(answer: bytes) -> Version:
    record = json.loads(answer)
    return Version(
        version=_count(record["version"]),
        user=_shown(record["user"]),
        command=_shown(_of(list, record["command"])[0]),
        engine_runs=_of(bool, record["engine_runs"]),
        engine_version=_shown(record["engine_version"] or ""),
    )


def _crontab(answer: bytes) -> Crontab:
    record = json.loads(answer)
    scripts = {_text(script["path"]): _text(script["text"]) for script in _of(list, record["scripts"])}
    text, letters = _text(record["text"]), sum(map(len, scripts.values()))
    _count(len(scripts), below=_MOST_SCRIPTS + 1)
    _count(max(len(text), letters), below=_MOST_CRONTAB_LETTERS + 1)
    return Crontab(_of(bool, record["installed"]), text, scripts)


def _of(kind: type[_Value], value: object) -> _Value:
    if type(value) is not kind:
        msg = f"not a {kind.__name__}"
        raise TypeError(msg)
    return value


def _text(value: object) -> str:
    """A text without the halves of characters that JSON can smuggle in and UTF-8 cannot hold."""
    return _of(str, value).encode("utf-8", "replace").decode()


def _shown(value: object) -> str:
    """A short text for people, whatever the account made of it: nothing in it moves a cursor or hides a word."""
    return "".join(letter if letter.isprintable() else "?" for letter in _text(value)[:_SHOWN_LETTERS])


def _count(value: object, *, below: int = 10**18) -> int:
    number = _of(int, value)
    if not 0 <= number < below:
        msg = "not a count"
        raise ValueError(msg)
    return number
