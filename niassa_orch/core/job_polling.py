"""One Oozie server, read so that the cost follows change.

A tick reads which jobs changed since the last one, newest change first; a sweep in bulk now and then finds what that
missed, in slices, so that changes do not wait for it. An Oozie older than 4.3 cannot tell what changed: it is read in
bulk every time. Watchers are told of jobs that moved; what to do about it is theirs. No loop and no task in here: one
is made a server, its ticker calls ``poll``, one call at a time, and faces read ``state``.
"""

import dataclasses
import datetime
import enum
import itertools
import math
import time
from collections.abc import Collection, Iterable

from niassa_orch import errors
from niassa_orch.core import job_banks, job_marks, job_watches
from niassa_orch.domain import jobs, runs
from niassa_orch.oozie import documents, lists, pages

#: About what fits into the URL of one request.
_IDS_AT_ONCE = 80
_USERS_AT_ONCE = 150


class Mode(enum.StrEnum):
    """How a server is read."""

    INCREMENTAL = "incremental"
    BULK = "bulk"


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """What is known of one server, for faces.

    Args:
        mode: ``None`` before the first clear answer.
        read_at: When the last good poll ended (``time.monotonic()``); it took ``latency_seconds``, a slice of a sweep
            included.
        trouble: Why the last poll failed; ``""``: it did not.
        skew_seconds: How far the server's clock is ahead of ours, to a second; ``None`` when it does not tell.
        sweeping: Whether a sweep, or another reading in bulk, is under way; ``watched``: how many jobs are.
    """

    mode: Mode | None
    read_at: float | None
    latency_seconds: float | None
    trouble: str
    skew_seconds: float | None
    sweeping: bool
    watched: int


@dataclasses.dataclass(slots=True)
class _Round:
    """A reading in bulk that goes on from poll to poll: lists first, then by id what was in none of them."""

    listings: list[pages.Listing]
    remaining: set[str]
    is_sweep: bool


class JobPoller:
    """Watches jobs of one server. What a watcher was told last is true as of the last good poll.

    Args:
        oozie: The server's lists; ``oozie.client.Oozie`` has them.
        sweep_seconds: Between the end of one sweep and the beginning of the next.
        overlap_seconds: How far each reading of changes goes back before the newest change that was seen: changes may
            become visible late, and clocks of several servers behind one name differ.
        slice_seconds: After that long a poll leaves the rest of a sweep to the next one.
    """

    def __init__(
        self,
        oozie: lists.JobLists,
        *,
        sweep_seconds: float = 900.0,
        overlap_seconds: float = 15.0,
        slice_seconds: float = 2.0,
    ) -> None:
        self._oozie = oozie
        self._sweep_seconds = sweep_seconds
        self._slice_seconds = slice_seconds
        self._watches = job_watches.Watches()
        self._marks = job_marks.Marks(overlap_seconds)
        self._young = job_marks.YoungRows()
        self._banks = job_banks.Banks(self._watches)
        self._swept_at: float | None = None
        self._round: _Round | None = None
        #: When the poll that is under way told changes last (``time.monotonic()``): whom more concerns will be told.
        self.told_at: float | None = None
        self._state = State(None, None, None, "", None, sweeping=False, watched=0)

    @property
    def state(self) -> State:
        """What is known of the server now."""
        return dataclasses.replace(self._state, sweeping=self._round is not None, watched=len(self._watches))

    def watch(self, job_id: str, unix_user: str, accession: runs.Accession, watcher: job_watches.Watcher) -> None:
        """Tell a watcher, from the next poll on, what a job is, and whenever that changes.

        Args:
            job_id: Oozie's; several runs may name the same one.
            unix_user: Whose job it should be: jobs are read in bulk by user.
            accession: The run's, handed back.
            watcher: Told anew, also if it watched the job for this run before.
        """
        self._watches.watch(job_id, unix_user, accession, watcher)

    def unwatch(self, job_id: str, accession: runs.Accession, watcher: job_watches.Watcher) -> None:
        """Tell nothing more of a job to this watcher of this run."""
        self._watches.unwatch(job_id, accession, watcher)
        if job_id not in self._watches:
            self._settle(job_id)

    @property
    def is_behind(self) -> bool:
        """Whether the next poll has more to read than what changed."""
        return self._round is not None or bool(self._watches.unknown)

    async def poll(self) -> None:
        """One tick: one request when nothing changed and no sweep is due.

        Raises:
            errors.OozieUnavailableError: No clear answer, or a refusal. What was not read is read at the next poll.
        """
        begun = time.monotonic()
        try:
            await self._read_changes()
            self._begin_what_is_due()
            await self._ask_for_new()
            await self._go_on()
        except errors.OozieError as exc:
            self._round = None
            self._note(trouble=str(exc))
            if isinstance(exc, errors.OozieUnavailableError):
                raise
            raise errors.OozieUnavailableError(str(exc)) from exc
        finally:
            self.told_at = None
        ended = time.monotonic()
        self._note(trouble="", read_at=ended, latency_seconds=ended - begun)

    async def _read_changes(self) -> None:
        if self._state.mode is Mode.BULK and not self._sweep_is_due():
            return
        begun = time.monotonic()
        try:
            changes = await self._oozie.changed_since(self._marks.floor(), self._changed, self._banks)
        except errors.OozieRefusedError as exc:
            if exc.code not in lists.FILTER_REFUSED:
                raise
            changes = None
        if changes is None or changes.newest is None:
            self._note(mode=Mode.BULK, skew_seconds=None)
            self._marks.forget()
            return
        if self._marks.jumped_back(changes):
            self._marks.forget()
            self._round = self._swept_at = None
        self._note(mode=Mode.INCREMENTAL, skew_seconds=changes.skew_seconds)
        for row in self._young.grown(changes.server_time):
            self._watches.found(row, again=True)
        self._marks.note(begun, time.monotonic(), changes)

    def _changed(self, rows: Iterable[jobs.JobRow], server_time: datetime.datetime | None) -> None:
        """Tell page by page, so that nobody waits for the many changes of a neighbour, nor for a page that fails."""
        self.told_at = time.monotonic()
        for row in rows:
            self._found(row)
            if row.id in self._watches:
                self._young.note(row, server_time)
                self._banks.told = True

    def _begin_what_is_due(self) -> None:
        is_due = self._sweep_is_due()
        if self._round is None and (is_due or self._state.mode is Mode.BULK):
            self._begin(self._watches.job_ids, self._watches.unix_users, is_sweep=is_due)

    async def _ask_for_new(self) -> None:
        """What was watched since the last poll, unless it waits for the lists in bulk."""
        if not (new := self._watches.unknown - (self._round.remaining if self._round else frozenset())):
            return
        watched = self._watches.watched_of_users(new)
        if not is_cheaper_in_bulk(len(new), len(watched), sum(watched.values())):
            await self._ask_by_id(new, again=False)
        elif self._round is None:
            self._begin(new, watched, is_sweep=False)

    async def _go_on(self) -> None:
        """With the lists in bulk, to their end where nothing else can be read meanwhile."""
        until = time.monotonic() + self._slice_seconds
        while self._round is not None:
            await self._step(self._round)
            if self._state.mode is Mode.INCREMENTAL and time.monotonic() >= until:
                return

    async def _step(self, current: _Round) -> None:
        if current.listings:
            page = await current.listings[0].page()
            for row, _ in page.rows:
                self._found(row)
            if current.listings[0].ended:
                del current.listings[0]
        elif current.remaining:
            await self._ask_by_id(set(itertools.islice(current.remaining, _IDS_AT_ONCE)), again=current.is_sweep)
        else:
            self._round = None
            if current.is_sweep:
                self._swept_at = time.monotonic()

    def _begin(self, job_ids: Collection[str], unix_users: Collection[str], *, is_sweep: bool) -> None:
        self._round = _Round(self._oozie.alive_jobs(list(unix_users)), set(job_ids), is_sweep)

    async def _ask_by_id(self, job_ids: Collection[str], *, again: bool) -> None:
        rows = await self._oozie.jobs_by_id(job_ids)
        for row in rows:
            self._found(row)
        for job_id in set(job_ids).difference(row.id for row in rows):
            self._watches.missing(job_id, again=again)
            self._settle(job_id)

    def _found(self, row: jobs.JobRow) -> None:
        self._watches.found(row)
        self._settle(row.id)

    def _settle(self, job_id: str) -> None:
        if self._round is not None:
            self._round.remaining.discard(job_id)

    def _sweep_is_due(self) -> bool:
        return self._swept_at is None or time.monotonic() - self._swept_at >= self._sweep_seconds

    def _note(self, **changes: object) -> None:
        self._state = dataclasses.replace(self._state, **changes)  # type: ignore[arg-type]


def is_cheaper_in_bulk(new: int, users: int, watched: int) -> bool:
    """Whether asking for the alive jobs of all their users takes fewer requests than asking for new jobs by their ids.

    Args:
        new: Jobs to be asked for.
        users: Whose they are.
        watched: All watched jobs of these users: what the lists will hold, about.
    """
    in_bulk = math.ceil(users / _USERS_AT_ONCE) + watched // documents.LARGE_PAGE_ROWS
    return math.ceil(new / _IDS_AT_ONCE) > in_bulk
