"""One question to the mediator from its start to its end, in the thread of whoever calls: argv and stdin in, bytes out.

Nothing of an answer is in an error. Who does not end in time is ended; so is who is not waited for any more. What an
answer means is for ``answers`` to say. Called by ``query``.
"""

import contextlib
import os
import pwd
import select
import subprocess
import tempfile
import threading
import time
import typing

from niassa_orch import errors
from niassa_orch.seqware import answers, call, identity

_TICK_SECONDS = 0.2
_DISMISSED_SECONDS = 2.0
_STDERR_BYTES = 2048
_REFUSED = 64


def hold(argv: list[str], stdin: bytes, deadline_seconds: float, most_bytes: int, given_up: threading.Event) -> bytes:
    """Ask the mediator and wait for its whole answer.

    Args:
        argv: From ``identity.argv``.
        stdin: What the verb reads; no secrets.
        deadline_seconds: For all of it.
        most_bytes: A longer answer is given up.
        given_up: Once set nobody waits any more.

    Raises as ``query.ask``; OSError and RuntimeError when the machine gives no descriptor or process.
    """
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
    if child.poll() is not None:
        return True  # reaped, perhaps before we came: its number may be another's by now
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
