"""Asks the mediator short questions: an account's seqware settings, the texts of its runs' steps.

These calls change nothing, so unlike launches they use pipes and end with us. Their answers hold secrets: nothing of
an answer is logged, put into an error, or shown by a repr. Each question has a thread, a deadline and a cap on the
answer. Called by the core (enrolling, propagating) and by the administrator's checks.
"""

import asyncio
import base64
import collections.abc
import contextlib
import dataclasses
import json
import os
import pwd
import select
import subprocess
import tempfile
import threading
import time
import typing

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.seqware import call, identity

_TICK_MILLISECONDS = 200
_STDERR_BYTES = 2048
_REFUSED = 64
_Answer = typing.TypeVar("_Answer")


@dataclasses.dataclass(frozen=True, slots=True)
class SettingsFile:
    """An account's seqware settings as its Unix user reads them. ``content`` holds a password and stays out of repr."""

    path: str
    mode: int
    owner_uid: int
    content: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class StepText:
    """What one step of a run wrote to one stream (``o`` or ``e``), or when ``cut`` its end. ``number`` is the job's."""

    name: str
    step: str
    stream: str
    number: int
    mtime: float
    size: int
    cut: bool
    text: str = dataclasses.field(repr=False)


async def settings(argv: collections.abc.Sequence[str], *, deadline_seconds: float = 30) -> SettingsFile:
    """The settings file of an account; ``argv`` is that of the verb ``settings``. Raises as ``ask`` does."""
    answer = await ask(argv, deadline_seconds=deadline_seconds)
    return _understood("settings", answer, _settings_file)


def _settings_file(answer: bytes) -> SettingsFile:
    record = json.loads(answer)
    content = base64.b64decode(record["content_base64"], validate=True)
    return SettingsFile(str(record["path"]), int(record["mode"]), int(record["owner_uid"]), content)


async def texts(
    argv: collections.abc.Sequence[str],
    directories: collections.abc.Mapping[runs.Accession, str],
    *,
    deadline_seconds: float = 60,
) -> dict[runs.Accession, tuple[StepText, ...] | None]:
    """The steps' texts of some runs, by job number; ``None`` where the working directory is gone or closed to us.

    At most 1 MiB of text comes for a run, so ask for a few dozen runs at a time. ``argv`` is that of the verb
    ``texts``. Raises as ``ask`` does.
    """
    orders = [{"accession": accession, "directory": directory} for accession, directory in directories.items()]
    answer = await ask(argv, json.dumps(orders).encode(), deadline_seconds=deadline_seconds)
    found = _understood("texts", answer, _step_texts)
    return {accession: found.get(accession) for accession in directories}


def _step_texts(answer: bytes) -> dict[runs.Accession, tuple[StepText, ...] | None]:
    records = [json.loads(line) for line in answer.decode().split("\n") if line]
    return {
        runs.Accession(record["accession"]): tuple(map(_step_text, record["files"])) if "files" in record else None
        for record in records
    }


def _step_text(file: dict[str, typing.Any]) -> StepText:
    return StepText(**{field.name: file[field.name] for field in dataclasses.fields(StepText)})


def _understood(verb: str, answer: bytes, read: collections.abc.Callable[[bytes], _Answer]) -> _Answer:
    """What ``read`` makes of an answer, or an error that knows nothing of the answer.

    The error is raised after the one of ``read`` is gone: as its context it would keep the answer within reach.
    """
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        return read(answer)
    msg = f"the mediator's answer to {verb} is not what this version expects: install the mediator anew"
    raise errors.EngineCallError(msg)


async def ask(
    argv: collections.abc.Sequence[str],
    stdin: bytes = b"",
    *,
    deadline_seconds: float = 30,
    most_bytes: int = 64 << 20,
) -> bytes:
    """The mediator's whole answer.

    Args:
        argv: From ``identity.argv``.
        stdin: What the verb reads; no secrets.
        deadline_seconds: For the whole question.
        most_bytes: A longer answer is given up.

    Raises SudoRefusedError (sudo did not run the mediator), MediatorRefusedError (it said no), else EngineCallError
    (no answer in time, too long, or an exit code other than 0). No message holds anything of the answer.
    """
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(_converse, list(argv), stdin, deadline_seconds, most_bytes, given_up)
    finally:
        given_up.set()  # when we were cancelled, the thread ends soon


def _converse(
    argv: list[str], stdin: bytes, deadline_seconds: float, most_bytes: int, given_up: threading.Event
) -> bytes:
    with tempfile.TemporaryFile() as written, tempfile.TemporaryFile() as complaints:
        written.write(stdin)
        written.seek(0)
        try:
            child = subprocess.Popen(
                argv,
                stdin=written,
                stdout=subprocess.PIPE,
                stderr=complaints,
                cwd="/",
                env=call.environment(),
                start_new_session=True,
            )
        except OSError as error:
            raise errors.SudoRefusedError(_explain(argv, f"{error.filename}: {error.strerror}")) from error
        with child:
            answer, trouble = _listen(child, time.monotonic() + deadline_seconds, most_bytes, given_up)
            exit_code = _dismiss(child) if trouble else child.wait()
        complaints.seek(0)
        said = complaints.read(_STDERR_BYTES).decode("utf-8", "replace").strip()
    if trouble:
        msg = f"{' '.join(argv)}: {trouble}"
        raise errors.EngineCallError(msg)
    _check(argv, exit_code, answer, said)
    return answer


def _listen(
    child: subprocess.Popen[bytes], deadline: float, most_bytes: int, given_up: threading.Event
) -> tuple[bytes, str]:
    """The answer to its end, or what kept us from it."""
    if child.stdout is None:  # pragma: no cover - it is a pipe
        return b"", "has no output"
    pieces: list[bytes] = []
    room = most_bytes
    ready = select.poll()
    ready.register(child.stdout, select.POLLIN)
    while not given_up.is_set():
        if time.monotonic() >= deadline:
            return b"", "no answer in time"
        if not ready.poll(_TICK_MILLISECONDS):
            continue
        piece = os.read(child.stdout.fileno(), 1 << 16)
        if not piece:
            return b"".join(pieces), ""
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            return b"", f"the answer is longer than {most_bytes} bytes"
    return b"", "nobody waits for the answer any more"


def _dismiss(child: subprocess.Popen[bytes]) -> int:
    """End a question (not a launch: nothing is lost with it). sudo passes a SIGTERM on to the mediator."""
    child.terminate()
    try:
        return child.wait(2)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def _check(argv: list[str], exit_code: int, answer: bytes, said: str) -> None:
    if exit_code == 0:
        return
    whose, _ = identity.parse_argv(argv)
    if exit_code == _REFUSED:
        msg = f"the mediator refuses {argv[-1]} as {whose.unix_user or 'our own user'}: {_refusal(answer)}"
        raise errors.MediatorRefusedError(msg)
    if not answer and (said.startswith("sudo:") or (exit_code == 1 and not whose.own)):
        raise errors.SudoRefusedError(_explain(argv, said))
    msg = f"{' '.join(argv)}: exit code {exit_code}" + (f" ({said})" if said else "")
    raise errors.EngineCallError(msg)


def _refusal(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["refused"])
    except (ValueError, TypeError, KeyError):
        return "it does not say why"


def _explain(argv: list[str], said: str) -> str:
    whose, mediator = identity.parse_argv(argv)
    uid = os.geteuid()
    try:
        service_user = pwd.getpwuid(uid).pw_name
    except KeyError:
        service_user = f"#{uid}"
    return identity.explain_refusal(whose, mediator, said, service_user=service_user)
