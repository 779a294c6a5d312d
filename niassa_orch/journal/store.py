"""The journal: SQLite, WAL, synchronous FULL, one connection in one thread of its own.

A call of this class returns when its commit is on disk; a commit that was asked for is carried out, and remembered,
also when who waits for it is cancelled. What is unsettled is mirrored in memory, so that asking for the fence costs
nothing; another process (``niassa-orch resolve``) may settle too, which ``refresh`` notices. Its other doors: ``acts``,
``orders``, ``past``, ``shadows``. Opened by the composition root; used by ``core``.
"""

import dataclasses
import pathlib
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from niassa_orch import errors
from niassa_orch.domain import accounts, runs, settling
from niassa_orch.journal import acts, keeping, moments, opening, orders, past, records, shadows, writing

_OPEN_AGAIN_SECONDS = 10.0
_COLUMNS = ", ".join(records.COLUMNS)
#: A launch that nobody settled, and of which nobody said anything, since it was read.
_OPEN = "call_id = ? AND accession = ? AND settled IS NULL AND told = ? AND job_id IS ?"


class Journal:
    """Launches, and the fence. Invariant: what is fenced in memory is on disk, or its commit is under way.

    What is in memory changes on the event loop only, in the order of the commits. A journal that is not open, so that
    what it says is not known, fences everything.

    Args:
        path: The database file.
        why_not_new: Says why it must not be made when it is absent; ``""`` when it may.
        must_know: Names the transcripts that a journal of ours knows; one that does not is older than they are.
        patient: Of the service: when it cannot be opened, do without it for now, ``refresh`` tries again; and what is
            older than is kept is removed.

    Raises:
        JournalError: It cannot be opened, is damaged, too old, or of a newer version; not if ``patient``.
    """

    def __init__(
        self,
        path: pathlib.Path,
        why_not_new: Callable[[], str] = str,
        *,
        must_know: Callable[[], Iterable[str]] = tuple,
        patient: bool = False,
    ) -> None:
        self._writer = writing.Writer(path, why_not_new)
        self._open: dict[keeping.Run, records.Launch] = {}
        self._urls: set[str] = set()
        self._seen, self._open_again = 0, 0.0
        self._must_know = must_know
        self._prunes = patient
        self.is_open = False
        self.acts = acts.Acts(self._writer)
        self.past = past.Past(self._writer)
        self.shadows = shadows.Shadows(self._writer)
        self.orders = orders.Orders(self._writer)
        try:
            self._take(self._writer.open(self._load))
        except errors.JournalError:
            if not patient:
                self.close()
                raise

    @property
    def trouble(self) -> str:
        """Why the journal cannot be written, as far as is known; ``""`` when it can."""
        return self._writer.trouble

    def close(self) -> None:
        """Close the database; what was asked for is committed first."""
        self._writer.close()

    def is_fenced(self, account: accounts.Account, accession: runs.Accession) -> bool:
        """Whether a run must not be launched for an account: a launch of it is in flight, in doubt, held or set aside.

        So is one of the account's login and host under another URL, which may be another name of the same web service.
        A false hit waits, and a person is told; a miss would launch twice.
        """
        return not self.is_open or next(self._launches_of(account, accession), None) is not None

    def is_settled(self, account: accounts.Account, accession: runs.Accession) -> bool:
        """Whether a run may be cancelled or retried: a launch of it that was set aside surely made no job."""
        aside = settling.Outcome.SET_ASIDE
        return self.is_open and all(launch.outcome is aside for launch in self._launches_of(account, accession))

    def unsettled(self) -> tuple[records.Launch, ...]:
        """Every launch that nobody settled, oldest first."""
        return tuple(sorted(self._open.values(), key=lambda launch: launch.created))

    async def intend(self, launches: Sequence[records.Launch]) -> None:
        """Write down launches that are about to begin; nothing may begin before this returned.

        Raises:
            JournalError: They are not written, or one of the runs has an unsettled attempt; launch none of them.
        """
        rows = [records.to_row(launch) for launch in launches]
        marks = ", ".join("?" * len(records.COLUMNS))
        statement = f"INSERT INTO launches ({_COLUMNS}) VALUES ({marks})"  # noqa: S608 - our own names
        for launch in launches:
            if launch.key in self._open:
                message = f"run {launch.accession} has a launch that is not settled; it is not launched again"
                raise errors.JournalError(message)
        self._open |= {launch.key: launch for launch in launches}
        self._urls |= {launch.web_service for launch in launches}

        def undo() -> None:
            for launch in launches:
                self._open.pop(launch.key, None)

        await self._writer.write(lambda database: database.executemany(statement, rows), otherwise=undo)

    async def started(self, call_id: str, process: records.Process) -> None:
        """The call was started, or may have been."""

        def remember() -> None:
            argv, pid, ticks = process.argv, process.pid, process.pid_started
            for key, launch in self._open.items():
                if launch.call_id == call_id:
                    self._open[key] = dataclasses.replace(launch, started=True, argv=argv, pid=pid, pid_started=ticks)

        statement = "UPDATE launches SET started = 1, argv = ?, pid = ?, pid_started = ? WHERE call_id = ?"
        values = (process.argv, process.pid, process.pid_started, call_id)
        await self._writer.write(lambda database: database.execute(statement, values), remember)

    async def note(
        self,
        launch: records.Launch,
        outcome: settling.Outcome,
        reason: str,
        none_since: float | None = None,
        evidence: str = "",
    ) -> None:
        """What is known of a launch that is not settled: in doubt, held, or set aside; raises as ``settle``."""

        def remember() -> None:
            known = self._open.get(launch.key)
            if known is not None and known.call_id == launch.call_id:
                noted = dataclasses.replace(
                    known, outcome=outcome, reason=reason, none_since=none_since, evidence=evidence
                )
                self._open[launch.key] = noted

        statement = f"UPDATE launches SET outcome = ?, reason = ?, none_since = ?, evidence = ? WHERE {_OPEN}"  # noqa: S608 - ours
        await self._alter(launch, statement, (outcome, reason, none_since, evidence), remember)

    async def settle(self, launch: records.Launch, settled: records.Settled) -> None:
        """The verdict; the fence is taken away. Of two words, such as a person's and ours, the first counts.

        Raises:
            OvertakenError: Somebody settled it, or said what became of it, since ``launch`` was read.
            JournalError: It is not written.
        """

        def remember() -> None:
            if self._open.get(launch.key, launch).call_id == launch.call_id:
                self._open.pop(launch.key, None)

        statement = (
            "UPDATE launches SET outcome = ?, reason = ?, job_id = ?, evidence = ?, tried = ?, told = ?, settled = ? "  # noqa: S608 - ours
            f"WHERE {_OPEN}"
        )
        said = (settled.outcome, settled.reason, settled.job_id, settled.evidence, settled.tried, settled.told or "")
        await self._alter(launch, statement, (*said, moments.now()), remember)

    async def tell(self, launch: records.Launch, told: records.Told, job_id: str | None = None) -> None:
        """A person says what became of a launch, and which job it made; the service looks at the run and settles.

        Raises as ``settle``.
        """
        said = "it failed" if job_id is None else f"its job is {job_id}"
        values = (told, job_id, settling.Outcome.IN_DOUBT, f"a person says that {said}")
        statement = f"UPDATE launches SET told = ?, job_id = ?, outcome = ?, reason = ? WHERE {_OPEN}"  # noqa: S608 - ours
        await self._alter(launch, statement, values)

    async def _alter(
        self, launch: records.Launch, statement: str, values: tuple[object, ...], then: Callable[[], object] = int
    ) -> None:
        where = (launch.call_id, launch.accession, launch.told or "", launch.job_id)

        def write(database: sqlite3.Connection) -> None:
            if database.execute(statement, (*values, *where)).rowcount == 0:
                message = (
                    f"the launch of run {launch.accession} was settled meanwhile, or somebody said what became of it"
                )
                raise errors.OvertakenError(message)

        await self._writer.write(write, then)

    async def refresh(self) -> None:
        """Take in what another process settled, if one wrote since the last look; open what could not be opened.

        Raises:
            JournalError: It cannot be read, or, after a failure, still not be written.
        """
        if not self.is_open:
            await self._open_late()
            return
        if self.trouble:
            await self._writer.prove()
        seen = await self._writer.read(opening.version)
        if seen != self._seen:
            # Whatever is intended from here on is not on disk when that is read: only these can be missing there.
            before = dict(self._open)
            found, _, self.orders.standing, self._seen = await self._writer.read(keeping.load)
            self._compare(before, found)

    async def _open_late(self) -> None:
        now = time.monotonic()
        if now < self._open_again:
            raise errors.JournalError(self.trouble)
        self._open_again = now + _OPEN_AGAIN_SECONDS
        self._take(await self._writer.reopen(self._load))

    def _load(self, database: sqlite3.Connection) -> keeping.Loaded:
        keeping.check_knows(database, self._must_know())
        if self._prunes:
            keeping.prune(database)
        return keeping.load(database)

    def _take(self, loaded: keeping.Loaded) -> None:
        """On the event loop, all at once: nothing is known to be open before what is open is known."""
        self.is_open = True
        self._open, self.acts.counting, self.orders.standing, self._seen = loaded
        self._urls = {url for url, _ in self._open}

    def _compare(self, before: dict[keeping.Run, records.Launch], found: dict[keeping.Run, records.Launch]) -> None:
        for key, launch in before.items():
            now = self._open.get(key, launch)
            if now.call_id != launch.call_id:
                continue
            if key not in found:
                self._open.pop(key, None)
            elif found[key].told is not None and _word(found[key]) != _word(now):
                self._open[key] = found[key]

    def _launches_of(self, account: accounts.Account, accession: runs.Accession) -> Iterator[records.Launch]:
        mine = (account.web_user, account.host)
        for url in self._urls:
            launch = self._open.get((url, accession))
            if launch is not None and (url == account.web_service_url or (launch.owner, launch.host) == mine):
                yield launch


def _word(launch: records.Launch) -> tuple[object, ...]:
    """What a person said, and whether that was heeded: the same may be said again."""
    return launch.told, launch.job_id, launch.outcome
