"""The audit trail: who did what, when, as whom, and what came of it; a line of JSON each, in a file an account.

What cannot be taken back (a launch, a kill, a resume, a rerun, an order) is on disk before it is done: ``begin``. What
came of it, and writes to the web service, follow: ``note``. A file is opened anew for each entry, so that it may be
moved away at any time; entries are appended and never changed. Opened by the composition root; carried to where things
are done by ``enrolling.Enrolled``.
"""

import asyncio
import concurrent.futures
import dataclasses
import datetime
import functools
import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

from niassa_orch import errors
from niassa_orch.domain import accounts, runs
from niassa_orch.journal import records

SERVICE = "service"
#: Of entries that concern no single account; no profile may have this name.
FILE_OF_ALL = "_service"
#: So many entries may wait for a disk that hangs, before those that nothing waits for are left out.
_MOST_WAITING = 20_000
#: What is about to be done waits for its entry no longer than this, and is not done then.
_SLOW_SECONDS = 15.0


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail.

    Args:
        what: ``launch``, ``kill``, ``resume``, ``rerun``, ``propagate``, ``write``, or what an operator ordered.
        account: Whom it concerns; ``""``: all, or none.
        unix_user: As whom it is done.
        operator: Who wants it; ``service`` when no person does.
        accession: Of the run, if there is one.
        details: More of it; holds no secret.
        result: What came of it; ``""``: it is about to be done.
    """

    what: str
    account: str = ""
    unix_user: str = ""
    operator: str = SERVICE
    accession: runs.Accession | None = None
    details: Mapping[str, object] = dataclasses.field(default_factory=dict)
    result: str = ""


def of_launch(launch: records.Launch, result: str = "", job_id: str | None = None) -> Entry:
    """A launch as the journal has it, and what came of it."""
    details: dict[str, object] = {"call": launch.call_id, "verb": launch.verb, "web_service": launch.web_service}
    details |= {"job": job_id} if job_id else {}
    who = (launch.account, launch.unix_user)
    return Entry("launch", *who, accession=launch.accession, details=details, result=result)


def of_propagation(account: accounts.Account, accessions: Sequence[runs.Accession]) -> Entry:
    """A call of the engine's own propagation."""
    return Entry("propagate", account.name, account.unix_user, details={"accessions": " ".join(map(str, accessions))})


class Trail:
    """Writes the trail, in a thread of its own, in the order in which it was asked to.

    Args:
        directory: ``audit_dir`` of the settings; ``None``: nobody acts, and nothing is written.
        redact: Takes secrets out of a text.
        tell: Told, on the event loop, why the trail cannot be written, and ``""`` when it can again.
    """

    def __init__(
        self,
        directory: pathlib.Path | None,
        redact: Callable[[str], str] = str,
        tell: Callable[[str], None] = lambda _trouble: None,
    ) -> None:
        self._directory = directory
        self._redact = redact
        self._tell = tell
        self._troubles: dict[str, str] = {}
        self._slow: set[str] = set()
        self._waiting = 0
        self._thread = concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="audit")

    @property
    def trouble(self) -> str:
        """Why an entry could not be written last, or ``""``."""
        return next(iter(self._troubles.values()), "")

    async def begin(self, *entries: Entry) -> None:
        """Write what is about to be done; on disk when this returns. All of them concern the same account.

        Raises:
            AuditError: It is not written; do not do it.
        """
        if self._directory is None:
            return
        account, asked = entries[0].account, self._ask(entries, sync=True)
        if not (await asyncio.wait({asked}, timeout=_SLOW_SECONDS))[0]:
            raise self._too_slow(entries)
        try:
            asked.result()
        except OSError as exc:
            raise errors.AuditError(_in_words(self._file(account), exc)) from exc

    def _too_slow(self, entries: tuple[Entry, ...]) -> errors.AuditError:
        """A disk that hangs keeps nobody waiting, and nothing is done in silence; the trail says so once it can."""
        account = entries[0].account
        slow = f"its disk has not taken an entry for {_SLOW_SECONDS:.0f} s"
        self._slow.add(account)
        self._learn(account, _in_words(self._file(account), slow))
        self.note(*(dataclasses.replace(entry, result=f"not done: {slow}") for entry in entries))
        return errors.AuditError(self._troubles[account])

    def note(self, *entries: Entry) -> None:
        """Write what came of something, soon; where that cannot be done, every face says so, and the work goes on."""
        if self._directory is None:
            return
        if self._waiting >= _MOST_WAITING:
            self._learn(entries[0].account, f"its disk is too slow: an entry of {entries[0].what} was left out")
            return
        self._ask(entries, sync=False)

    async def check(self, account: str) -> None:
        """Look again whether the trail of an account, and that of all, can be written; nothing to do while they could.

        Raises:
            AuditError: It still cannot.
        """
        for name in {account, ""} & self._troubles.keys():
            if name in self._slow:
                raise errors.AuditError(self._troubles[name])
            await self.begin(Entry("audit", name, result="the trail can be written again"))

    def close(self) -> None:
        """Write what is still to be written; blocks."""
        self._thread.shutdown()

    def _ask(self, entries: tuple[Entry, ...], *, sync: bool) -> asyncio.Future[None]:
        """Have entries written, whether or not somebody waits for that; what comes of it is learned."""
        account = entries[0].account
        text = "".join(self._line(entry) for entry in entries)
        work = functools.partial(_append, self._file(account), text.encode(), sync=sync)
        self._waiting += 1
        asked: asyncio.Future[None] = asyncio.get_running_loop().run_in_executor(self._thread, work)
        asked.add_done_callback(functools.partial(self._heard, account))
        return asked

    def _heard(self, account: str, asked: asyncio.Future[None]) -> None:
        self._waiting -= 1
        self._slow.discard(account)
        failure = None if asked.cancelled() else asked.exception()
        self._learn(account, "" if failure is None else _in_words(self._file(account), failure))

    def _learn(self, account: str, trouble: str) -> None:
        before = self.trouble
        self._troubles.pop(account, None)
        if trouble:
            self._troubles[account] = self._redact(trouble)
        if self.trouble != before:
            self._tell(self.trouble)

    def _file(self, account: str) -> pathlib.Path:
        return (self._directory or pathlib.Path()) / f"{account or FILE_OF_ALL}.jsonl"

    def _line(self, entry: Entry) -> str:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        shown = {"time": now} | {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
        return json.dumps(self._clean(shown), ensure_ascii=False, separators=(",", ":")) + "\n"

    def _clean(self, value: object) -> object:
        """A value as JSON has it, without secrets; what is no text, number or table becomes a text."""
        if isinstance(value, Mapping):
            return {str(key): self._clean(one) for key, one in value.items()}
        return value if value is None or isinstance(value, int | float) else self._redact(str(value))


def _append(file: pathlib.Path, text: bytes, *, sync: bool) -> None:
    if not file.parent.exists():
        file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        _give(file.parent, file.parent.parent)
    opened = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    try:
        size = os.fstat(opened).st_size
        # A line that was cut, by a full disk or a crash, must not swallow the next one.
        if size and os.pread(opened, 1, size - 1) != b"\n":
            text = b"\n" + text
        if os.write(opened, text) != len(text):
            message = "the disk took a part of a line only"
            raise OSError(message)
        if not size:
            _give(opened, file.parent)
        if sync:
            os.fsync(opened)
            if not size:
                _sync_directory(file.parent)
    finally:
        os.close(opened)


def _give(made: int | pathlib.Path, where: pathlib.Path) -> None:
    """An order that root gives by a command must not keep the service's user from writing its own trail."""
    if os.geteuid() == 0:
        owner = where.stat()
        os.chown(made, owner.st_uid, owner.st_gid)


def _sync_directory(directory: pathlib.Path) -> None:
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _in_words(file: pathlib.Path, exc: BaseException | str) -> str:
    return (
        f"the audit trail {file} cannot be written: {exc}; nothing is launched, killed, resumed or rerun until it can"
    )
