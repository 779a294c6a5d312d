"""Asks the mediator short questions: an account's seqware settings, the texts of its runs' steps, who holds its locks.

These calls change nothing, so unlike launches they use pipes and end with us. Their answers hold secrets: nothing of
an answer is logged, put into an error, or shown by a repr. Each question has a deadline, a cap on the answer, and a
thread of its own, in which the answer is read as well: hanging questions of one account take a thread from nobody,
and a large answer does not stop the event loop. Called by the core (enrolling, propagating, engine_lock).
"""

import asyncio
import collections.abc
import json
import threading
import typing

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.seqware import answers, call, conversation, identity

_SETTINGS_BYTES = 2 << 20  # the file has at most 1 MiB, in base64
_NAMES_BYTES = 1 << 20  # of the files of one run
_RUN_BYTES = 1 << 20  # what an earlier mediator sends of one run, whatever is asked for
_LOCKS_BYTES = 1 << 20
_CRONTAB_BYTES = 13 << 20  # a crontab and its scripts of 1 MiB each, each byte of which may become six
_VERSION_BYTES = 1 << 16
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


async def crontab(argv: collections.abc.Sequence[str], *, deadline_seconds: float = 40) -> answers.Crontab:
    """A user's crontab and the scripts that it calls; ``argv`` is that of the verb ``crontab``. Raises as ``ask``."""
    found = await question(argv, b"", deadline_seconds, _CRONTAB_BYTES, answers.parse_crontab)
    return understood("crontab", found)


async def version(argv: collections.abc.Sequence[str], *, deadline_seconds: float = 30) -> answers.Version:
    """As whom the mediator runs which engine; ``argv`` is that of the verb ``version``. Raises as ``ask`` does."""
    found = await question(argv, b"", deadline_seconds, _VERSION_BYTES, answers.parse_version)
    return understood("version", found)


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
            report(read(conversation.hold(list(argv), stdin, deadline_seconds, most_bytes, given_up)))
        except OSError as error:
            failed = errors.EngineCallError(f"{' '.join(argv)}: {error.strerror or error}")
            failed.__cause__ = error  # tells whether it may pass
            report(failed)
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
