"""Asks the mediator short questions: an account's seqware settings, the texts of its runs' steps, who holds its locks.

These calls change nothing, so unlike launches they use pipes and end with us. Their answers hold secrets: nothing of
an answer is logged, put into an error, or shown by a repr. Each question has a deadline, a cap on the answer, and a
thread of its own, in which the answer is read as well: hanging questions of one account take a thread from nobody,
and a large answer does not stop the event loop. Called by the core (enrolling, propagating, engine_lock).
"""

import asyncio
import collections.abc
import contextlib
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
from niassa_orch.seqware import answers, call, identity

_TICK_SECONDS = 0.2
_DISMISSED_SECONDS = 2.0
_STDERR_BYTES = 2048
_SETTINGS_BYTES = 2 << 20  # the file has at most 1 MiB, in base64
_NAMES_BYTES = 1 << 20  # of the files of one run
_RUN_BYTES = 1 << 20  # what an earlier mediator sends of one run, whatever is asked for
_LOCKS_BYTES = 1 << 20
_REFUSED = 64
_Answer = typing.TypeVar("_Answer")


async def settings(argv: collections.abc.Sequence[str], *, deadline_seconds: float = 30) -> answers.SettingsFile:
    """The settings file of an account; ``argv`` is that of the verb ``settings``. Raises as ``ask`` does."""
    found = await question(argv, b"", deadline_seconds, _SETTINGS_BYTES, answers.parse_settings)
    return understood("settings", found)


async def texts(
    argv: collections.abc.Sequence[str],
    directories: collections.abc.Mapping[runs.Accession, str],
    *,
    file_bytes: int = 1 << 16,
    run_bytes: int = 1 << 20,
    deadline_seconds: float = 60,
) -> answers.Texts:
    """The steps' texts of some runs, by job number; ``None`` where the working directory is gone or closed to us.

    Ask for a few dozen runs at a time, and for no directory that no run can have (``domain.texts.directory_of``): the
    mediator would refuse all of them. ``argv`` is that of the verb ``texts``, ``file_bytes`` the most of one file,
    ``run_bytes`` the most of a run; the mediator has its own limits. Raises as ``ask`` does.
    """
    most = {"file_bytes": file_bytes, "run_bytes": run_bytes}
    orders = [{"accession": accession, "directory": path, **most} for accession, path in directories.items()]
    # Every byte of a text may become a character of three.
    most_bytes = (3 * max(run_bytes, _RUN_BYTES) + _NAMES_BYTES) * max(1, len(orders))
    found = await question(argv, json.dumps(orders).encode(), deadline_seconds, most_bytes, answers.parse_texts)
    known = understood("texts", found)
    return {accession: known.get(accession) for accession in directories}


async def locks(argv: collections.abc.Sequence[str], *, deadline_seconds: float = 30) -> tuple[answers.HeldLock, ...]:
    """The engine's locks that somebody holds, as the account's user sees them; ``argv`` is that of the verb ``lock``.

    Raises as ``ask`` does; MediatorRefusedError also from a mediator that is too old to know the verb.
    """
    found = await question(argv, b"", deadline_seconds, _LOCKS_BYTES, answers.parse_locks)
    return understood("lock", found)


def understood(verb: str, found: _Answer | None) -> _Answer:
    """The answer to a verb; raises EngineCallError when it was not understood."""
    if found is None:
        msg = f"the mediator's answer to {verb} is not what this version expects: install the mediator anew"
        raise errors.EngineCallError(msg)
    return found


async def ask(
    argv: collections.abc.Sequence[str],
    stdin: bytes = b"",
    *,
    deadline_seconds: float = 30,
    most_bytes: int = 4 << 20,
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
    return await question(argv, stdin, deadline_seconds, most_bytes, bytes)


async def question(
    argv: collections.abc.Sequence[str],
    stdin: bytes,
    deadline_seconds: float,
    most_bytes: int,
    read: collections.abc.Callable[[bytes], _Answer],
    *,
    outlives: bool = False,
) -> _Answer:
    """Hold a conversation in a thread of its own, not in the event loop's executor: that looks up hosts for everybody.

    Returns what ``read`` makes of the answer there; raises as ``ask``. What ``outlives`` us goes on to its own end.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[_Answer] = loop.create_future()
    report, given_up = call.Report(loop, answered), threading.Event()

    def attend() -> None:
        try:
            report(read(_converse(list(argv), stdin, deadline_seconds, most_bytes, given_up)))
        except OSError as error:
            msg = f"{' '.join(argv)}: {error.strerror or error}"
            report(errors.EngineCallError(msg))
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
            report(error)

    attendant = threading.Thread(target=attend, name=f"question-{identity.verb_of(argv)}", daemon=outlives)
    try:
        attendant.start()
    except RuntimeError as error:
        msg = f"{' '.join(argv)}: {error}"
        raise errors.EngineCallError(msg) from error
    try:
        return await answered
    finally:
        if not outlives:
            given_up.set()  # when we were cancelled, the thread ends soon


def _converse(
    argv: list[str], stdin: bytes, deadline_seconds: float, most_bytes: int, given_up: threading.Event
) -> bytes:
    deadline = time.monotonic() + deadline_seconds
    with tempfile.TemporaryFile() as written, tempfile.TemporaryFile() as complaints:
        written.write(stdin)
        written.seek(0)
        child = _start(argv, written, complaints)
        answer, trouble = _listen(child, deadline, most_bytes, given_up)
        if not trouble and not _ends(child, deadline, given_up):
            trouble = "no end in time"
        if trouble:
            _dismiss(child)
            msg = f"{' '.join(argv)}: {trouble}"
            raise errors.EngineCallError(msg)
        complaints.seek(0)
        said = complaints.read(_STDERR_BYTES).decode("utf-8", "replace").strip()
    _check(argv, child.returncode, answer, said)
    return answer


def _start(argv: list[str], written: typing.IO[bytes], complaints: typing.IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=written,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd="/",
            env=call.environment(),
            start_new_session=True,
        )
    except OSError as error:
        if error.filename is None:
            raise  # no descriptor, no process: not the program's fault
        raise errors.SudoRefusedError(_explain(argv, f"{error.filename}: {error.strerror}")) from error


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
    with child.stdout:
        while not given_up.is_set():
            if time.monotonic() >= deadline:
                return b"", "no answer in time"
            if not ready.poll(_TICK_SECONDS * 1000):
                continue
            piece = os.read(child.stdout.fileno(), 1 << 16)
            if not piece:
                return b"".join(pieces), ""
            pieces.append(piece)
            room -= len(piece)
            if room < 0:
                return b"", f"the answer is longer than {most_bytes} bytes"
    return b"", "nobody waits for the answer any more"


def _ends(child: subprocess.Popen[bytes], deadline: float, given_up: threading.Event) -> bool:
    """Whether a child that has said all ends in time; its exit code is known then."""
    # As a descriptor: subprocess itself would look again and again, and sleep in between.
    end = os.pidfd_open(child.pid)
    try:
        ended = select.poll()
        ended.register(end, select.POLLIN)
        while not ended.poll(_TICK_SECONDS * 1000):
            if given_up.is_set() or time.monotonic() >= deadline:
                return False
    finally:
        os.close(end)
    child.wait()
    return True


def _dismiss(child: subprocess.Popen[bytes]) -> None:
    """End a question (not a launch: nothing is lost with it). sudo passes a SIGTERM on to the mediator.

    Where sudo itself became the mediator we may not signal it; it ends by itself, soon.
    """
    with contextlib.suppress(PermissionError):
        child.terminate()
        if not _ends(child, time.monotonic() + _DISMISSED_SECONDS, threading.Event()):
            child.kill()
            child.wait()


def _check(argv: list[str], exit_code: int, answer: bytes, said: str) -> None:
    if exit_code == 0:
        return
    whose, _ = identity.parse_argv(argv)
    if exit_code == _REFUSED:
        why = answers.parse_refusal(answer) or "it does not say why"
        msg = f"the mediator refuses {identity.verb_of(argv)} as {whose.unix_user or 'our own user'}: {why}"
        raise errors.MediatorRefusedError(msg)
    if not answer and (said.startswith("sudo:") or (exit_code == 1 and not whose.own)):
        raise errors.SudoRefusedError(_explain(argv, said))
    msg = f"{' '.join(argv)}: exit code {exit_code}" + (f" ({said})" if said else "")
    raise errors.EngineCallError(msg)


def _explain(argv: list[str], said: str) -> str:
    whose, mediator = identity.parse_argv(argv)
    uid = os.geteuid()
    try:
        service_user = pwd.getpwuid(uid).pw_name
    except KeyError:
        service_user = f"#{uid}"
    return identity.explain_refusal(whose, mediator, said, service_user=service_user)
