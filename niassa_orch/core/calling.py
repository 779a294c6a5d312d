"""An attempt's engine call: made once, and watched until nothing of it lives. Called by ``core.launching``.

Trouble with looking that may pass (no file descriptor left) is not an end: it is looked again. What can never be looked
at is nothing to wait for: settling holds it for a person.
"""

import asyncio
import contextlib
import dataclasses
import errno
import json
import pathlib
from collections.abc import Callable

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import attempts, audit, intents
from niassa_orch.journal import records, store
from niassa_orch.seqware import call, identity

_LOOK_AGAIN_SECONDS = 1.0
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EINTR, errno.EAGAIN, errno.ENOLCK})


async def make(attempt: attempts.Attempt, verb: identity.Verb, journal: store.Journal) -> None:
    """Start the call that was intended.

    What goes wrong is kept in ``attempt.failure``. Without a transcript nothing was started, for sure; with one it is
    unknown, and the call is waited for and settled like any other. What is not in the audit trail is not started.
    """
    enrolled, header = attempt.enrolled, attempt.header
    try:
        await enrolled.trail.begin(*(audit.of_launch(launch) for launch in attempt.launches.values()))
    except errors.AuditError as exc:
        attempt.failure = exc
        return
    argv = identity.argv(enrolled.identity, enrolled.mediator, verb, header.accessions)
    # Who stops waiting must know whether there is a transcript: a start that was begun is waited for in any case.
    starting = asyncio.ensure_future(call.start(argv, attempt.transcript, header))
    process = records.Process(json.dumps(argv))
    try:
        attempt.made = made = await asyncio.shield(starting)
        process = dataclasses.replace(process, pid=made.pid, pid_started=_started_ticks(made.pid))
    except asyncio.CancelledError:
        # However often: who serves next would find no transcript, and take the call for one that was never made.
        while not starting.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({starting})
        raise
    except errors.EngineCallError as exc:
        attempt.failure = exc
        if not attempt.transcript.exists():
            return
    attempt.started = True
    # For a person who finds the transcript gone; safety does not need it.
    with contextlib.suppress(errors.JournalError):
        await journal.started(header.call_id, process)


def may_pass(exc: BaseException | None) -> bool:
    """Whether what keeps us from starting a call, or from looking at its transcript, may pass by itself."""
    # RuntimeError is Python's word for a kernel that gives no thread.
    return isinstance(exc, RuntimeError) or (isinstance(exc, OSError) and exc.errno in _PASSING)


def is_alive(attempt: attempts.Attempt) -> bool:
    """Whether anything of the call may live, as far as can be known."""
    return _is_held(attempt.transcript)


async def see_through(
    attempt: attempts.Attempt,
    place: contextlib.AsyncExitStack,
    engine: settings.Engine,
    overdue: Callable[[attempts.Attempt], None],
) -> None:
    """Wait until nothing of the call lives; past its deadline it keeps the user's turn, and gives its place back.

    Args:
        attempt: Whose call it is.
        place: Its place among the engine calls.
        engine: The deadlines.
        overdue: Called when the call has outlived its deadline.
    """
    deadline_seconds = engine.whitestar_deadline_seconds if attempt.is_whitestar else engine.deadline_seconds
    most_seconds = deadline_seconds + engine.kill_grace_seconds + 60
    try:
        async with asyncio.timeout(most_seconds):
            await wait_until_over(attempt)
    except TimeoutError:
        await place.aclose()
        overdue(attempt)
        await wait_until_over(attempt)


async def wait_until_over(attempt: attempts.Attempt) -> None:
    """Wait until nothing of the call lives; a transcript that is gone, or cannot be looked at, is over."""
    if attempt.failure is not None and not attempt.started:
        return  # it has no transcript, which takes a file descriptor to see
    while True:
        try:
            if attempt.made is not None:
                # So that its end is noticed at once.
                await attempt.made.wait()
            else:
                await call.wait_until_free(attempt.transcript)
            return
        except OSError as exc:
            if not may_pass(exc):
                return
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)


def _is_held(transcript: pathlib.Path) -> bool:
    try:
        return call.is_held(transcript)
    except (OSError, ValueError) as exc:
        return may_pass(exc)


def check_turn(intended: intents.Intents, unix_user: str) -> None:
    """Look for a living call of the user that nobody waits for, such as one of an account that is not served any more.

    Raises:
        EngineBusyError: There is one; the engine's lock would refuse another.
    """
    for launch in intended.unattended():
        if launch.unix_user == unix_user and _is_held(intended.directory.open_transcript(launch.transcript)):
            call_of = f"the engine call for run {launch.accession} of account {launch.account}"
            message = f"{call_of} still lives as {unix_user}; launches of that user wait for it"
            raise errors.EngineBusyError(message)


def _started_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; ``None`` when it is not to be seen (any more)."""
    try:
        # After the last ")", since a program's name may hold anything.
        return int(pathlib.Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None
