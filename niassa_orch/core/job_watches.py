"""Which jobs of one Oozie server are watched, and what each watcher was told last.

Decides who is told what; asks nobody and waits for nothing. A site has 100,000 of these records, so that they hold
plain values and no row. Called by ``core.job_polling`` only.
"""

import collections
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Set
from typing import Final, Protocol

from niassa_orch.domain import jobs, runs

#: What ``_Watch.run`` holds while there is no job to hold the ``run`` of.
_NOTHING_TOLD: Final = -1
_TOLD_MISSING: Final = -2


class Watcher(Protocol):
    """Whoever is told when a watched job moved."""

    def job_moved(self, accession: runs.Accession, row: jobs.JobRow | None, *, first: bool) -> None:
        """Called between two requests of the poller: must be quick, and may watch and unwatch.

        Args:
            accession: As it was given to ``watch``.
            row: The job as Oozie lists it, ``None`` when Oozie does not have it.
            first: Whether nothing was told of the job before.
        """


class JobWatch(Protocol):
    """Oozie's poller, as far as runs need it: it tells when a job moved."""

    def watch(self, job_id: str, unix_user: str, accession: runs.Accession, watcher: Watcher) -> None:
        """Tell ``watcher`` of this job from now on."""

    def unwatch(self, job_id: str, accession: runs.Accession, watcher: Watcher) -> None:
        """Tell this watcher no more."""


@dataclasses.dataclass(slots=True)
class _Watch:
    """One run's interest in a job. ``following`` is another run's in the same one, which is odd and rare."""

    unix_user: str
    accession: runs.Accession
    watcher: Watcher
    following: "_Watch | None"
    modified_seconds: int | None = None
    status: jobs.JobStatus | None = None
    run: int = _NOTHING_TOLD

    def takes(self, modified_seconds: int | None, status: jobs.JobStatus | None, run: int) -> bool:
        """Remember this as told; whether it is anything new."""
        if (self.modified_seconds, self.status, self.run) == (modified_seconds, status, run):
            return False
        self.modified_seconds, self.status, self.run = modified_seconds, status, run
        return True


class Watches:
    """The watched jobs of one server, by job id."""

    def __init__(self) -> None:
        self._first: dict[str, _Watch] = {}
        self._users: collections.Counter[str] = collections.Counter()
        self._unknown: set[str] = set()

    def __len__(self) -> int:
        return len(self._first)

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._first

    @property
    def job_ids(self) -> Collection[str]:
        """Every watched job, as the books are now: copy it before anything waits."""
        return self._first.keys()

    @property
    def unix_users(self) -> Collection[str]:
        """Whose jobs are watched."""
        return self._users.keys()

    @property
    def unknown(self) -> Set[str]:
        """Jobs of which some watcher was told nothing yet."""
        return self._unknown

    def watched_of_users(self, job_ids: Iterable[str]) -> dict[str, int]:
        """The users of these jobs, each with how often jobs of theirs are watched."""
        users = {watch.unix_user for job_id in job_ids for watch in self._of(job_id)}
        return {user: self._users[user] for user in users}

    def watch(self, job_id: str, unix_user: str, accession: runs.Accession, watcher: Watcher) -> None:
        """Tell a watcher what becomes of a job, what it is now first; once more for its same run: afresh."""
        self.unwatch(job_id, accession, watcher)
        self._first[job_id] = _Watch(unix_user, accession, watcher, self._first.get(job_id))
        self._users[unix_user] += 1
        self._unknown.add(job_id)

    def unwatch(self, job_id: str, accession: runs.Accession, watcher: Watcher) -> None:
        """Tell nothing more; nothing happens when it was not watched for this run by this watcher.

        A run may have come to another owner, and a run of another web service may have its number: both are watched.
        """
        before = list(self._of(job_id))
        kept = None
        for watch in reversed(before):
            if watch.accession == accession and watch.watcher is watcher:
                self._users[watch.unix_user] -= 1
                if not self._users[watch.unix_user]:
                    del self._users[watch.unix_user]
            else:
                watch.following, kept = kept, watch
        if kept is not None:
            self._first[job_id] = kept
        elif before:
            del self._first[job_id]
            self._unknown.discard(job_id)

    def found(self, row: jobs.JobRow, *, again: bool = False) -> None:
        """Tell whom it concerns what a job is now, unless that is what they were told last, or also then: ``again``."""
        if row.id not in self._first:
            return
        self._unknown.discard(row.id)
        modified_seconds = None if row.modified is None else int(row.modified.timestamp())
        for watch in list(self._of(row.id)):
            first = watch.run == _NOTHING_TOLD
            if watch.takes(modified_seconds, row.status, row.run) or again:
                watch.watcher.job_moved(watch.accession, row, first=first)

    def missing(self, job_id: str, *, again: bool) -> None:
        """Tell whom it concerns that Oozie does not have a job; those who were told last time too, if ``again``."""
        self._unknown.discard(job_id)
        for watch in list(self._of(job_id)):
            first = watch.run == _NOTHING_TOLD
            if watch.takes(None, None, _TOLD_MISSING) or again:
                watch.watcher.job_moved(watch.accession, None, first=first)

    def _of(self, job_id: str) -> Iterator[_Watch]:
        watch = self._first.get(job_id)
        while watch is not None:
            yield watch
            watch = watch.following
