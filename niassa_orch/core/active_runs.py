"""The active runs of one owner on one host: what was told last of each, and which of them want work.

Lists, single reads, writes and Oozie's poller tell it; the account that serves the owner works off what is due. All of
it are hints, since others write too: whoever acts on a run reads it first. No waiting and no requests here. Kept by
``core.polling``, worked off by ``core.cycle``.
"""

import collections
import random
import time
from collections.abc import Callable, Iterator, Mapping

from niassa_orch.core import job_watches, jobs_seen, requests_seen
from niassa_orch.domain import jobs, runs, texts

Listed = Mapping[runs.Accession, runs.WorkflowRun]
#: A run to be worked on as last told; ``None``: it has to be read first.
Due = tuple[runs.Accession, runs.WorkflowRun | None]

#: Statuses whose lists are short: somebody has to act on each of their runs.
ASKED = (runs.RunStatus.SUBMITTED, runs.RunStatus.SUBMITTED_CANCEL, runs.RunStatus.SUBMITTED_RETRY)
#: Statuses whose lists are long: their runs follow their jobs.
FOLLOWING = (runs.RunStatus.PENDING, runs.RunStatus.RUNNING)
_ALIVE = frozenset({jobs.JobStatus.PREP, jobs.JobStatus.RUNNING})


class ActiveRuns:
    """Runs by accession. Invariant: each run here is active, and its job is watched while somebody serves the owner."""

    def __init__(self) -> None:
        self.requests = requests_seen.RequestsSeen()
        self.jobs = jobs_seen.JobsSeen()
        self._runs: dict[runs.Accession, runs.WorkflowRun] = {}
        self._asked: set[runs.Accession] = set()
        self._due: dict[runs.Accession, None] = {}
        self._unsure: set[runs.Accession] = set()
        self._later: dict[runs.Accession, float] = {}
        self._begun: set[runs.Accession] = set()  # their jobs came since they are known, and were not told of yet
        self._ended: list[runs.Accession] = []
        self._jobs: job_watches.JobWatch | None = None
        self._unix_user = ""
        self._texts_seconds = 0.0
        self._wake: Callable[[], None] = _nobody
        self._counts: collections.Counter[runs.RunStatus] = collections.Counter()

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, accession: object) -> bool:
        return accession in self._runs

    def __iter__(self) -> Iterator[runs.WorkflowRun]:
        return iter(tuple(self._runs.values()))

    def counts(self) -> dict[runs.RunStatus, int]:
        """How many there are in each status."""
        return dict(+self._counts)

    @property
    def is_served(self) -> bool:
        """Whether an account works for the owner."""
        return self._wake is not _nobody

    @property
    def is_asking(self) -> bool:
        """Whether somebody has to act on one of the runs."""
        return bool(self._asked)

    @property
    def submitted(self) -> list[runs.WorkflowRun]:
        """Runs that were scheduled, as last told; what became of some since may not be known."""
        asked = (self._runs[accession] for accession in sorted(self._asked))
        return [run for run in asked if run.status is runs.RunStatus.SUBMITTED]

    @property
    def scheduled(self) -> list[runs.WorkflowRun]:
        """Runs that are submitted as far as anybody knows, and do not miss a job."""
        sure = (run for run in self.submitted if run.accession not in self._unsure)
        return [run for run in sure if self.jobs.of(run.accession) is None]

    def serve(
        self, jobs_of: job_watches.JobWatch | None, unix_user: str, texts_seconds: float, wake: Callable[[], None]
    ) -> None:
        """An account works for the owner from now on.

        Args:
            jobs_of: Watches jobs; ``None`` when the account has no Oozie: then each run is due at each sweep.
            unix_user: Whose jobs.
            texts_seconds: Within which a run whose steps write files is looked at first although nothing moves.
            wake: Called when something became due, or was scheduled.
        """
        self.leave()
        self._jobs, self._unix_user, self._wake = jobs_of, unix_user, wake
        self._texts_seconds = texts_seconds
        for run in self._runs.values():
            self._watch(run)
        self._due |= dict.fromkeys(run.accession for run in self if self._wants_look(run))

    def leave(self) -> None:
        """Nobody works for the owner any more."""
        for run in self._runs.values():
            self._unwatch(run)
        self._jobs, self._wake = None, _nobody
        self.requests = requests_seen.RequestsSeen()

    def tell_asked(self, listed: Listed) -> None:
        """The three short lists, whole: what is in them is so; what left them is somewhere else."""
        left = (self._asked - listed.keys()) | self.requests.missed_in(listed.values())
        changed = [run for run in listed.values() if self._runs.get(run.accession) != run]
        for run in changed:
            self._set(run)
        self._due |= {run.accession: None for run in listed.values() if run.status in runs.REQUESTED}
        for accession in left:
            self.doubt(accession)
        if changed:
            self._wake()

    def tell_following(self, listed: Listed) -> None:
        """The two long lists, whole, as they were while they were read: what contradicts them is to be looked at."""
        if not self.is_served:
            # What left the short lists before is in these, or has ended.
            self._unsure &= self._runs.keys()
            self._due = {accession: None for accession in self._due if accession in self._runs}
        for accession, run in listed.items():
            known = self._runs.get(accession)
            if known is not None and known.status in ASKED:
                self.doubt(accession)
            elif known != run:
                self._set(run)
            if self._wants_look(run) or (known is not None and known.status is not run.status):
                self._due[accession] = None
        for accession in self._runs.keys() - listed.keys() - self._asked:
            self.doubt(accession)
        if self._due:
            self._wake()

    def tell(self, accession: runs.Accession, run: runs.WorkflowRun | None) -> None:
        """What a single read or a write showed; ``None``, or a status in which nothing happens: it is not active."""
        self._unsure.discard(accession)
        if run is None or run.status not in runs.ACTIVE:
            self._drop(accession)
        else:
            self._set(run)

    def doubt(self, accession: runs.Accession) -> None:
        """What became of a run is not known: it is to be read, soon, or when somebody serves the owner again."""
        if not self.is_served:
            self._drop(accession)
        self._unsure.add(accession)
        self._due[accession] = None
        self._wake()

    def job_moved(self, accession: runs.Accession, row: jobs.JobRow | None, *, first: bool) -> None:
        """Its job is not as it was. At the first look at one that is alive, and no new one, only texts may be news."""
        run, begun = self._runs.get(accession), accession in self._begun
        self._begun.discard(accession)
        if run is None:
            return
        is_alive = row is not None and row.status in _ALIVE and run.status is runs.RunStatus.RUNNING
        if begun or not first or not is_alive:
            self._due[accession] = None
            self._wake()
        elif texts.has_step_files(run):
            self._later[accession] = time.monotonic() + random.uniform(0, self._texts_seconds)  # noqa: S311

    def put_off(self, accession: runs.Accession, until: float = 0.0) -> None:
        """A run wants work again, at the next beat or not before ``until`` (``time.monotonic()``)."""
        if until:
            self._later[accession] = until
        else:
            self._due[accession] = None

    def take(self, now: float, most: int) -> list[Due]:
        """Runs to be worked on now, and due no more.

        What users asked for goes first; the others in another order each time, so that runs whose neighbours hang do
        not keep the same others waiting.
        """
        for accession in [accession for accession, until in self._later.items() if until <= now]:
            del self._later[accession]
            self._due[accession] = None
        mixed = random.sample(list(self._due), len(self._due))
        chosen = sorted(mixed, key=lambda one: not self._is_requested(one))[:most]
        for accession in chosen:
            del self._due[accession]
        return [(one, None if one in self._unsure else self._runs.get(one)) for one in chosen]

    def take_ended(self) -> list[runs.Accession]:
        """Runs that are not active any more, each told once."""
        ended, self._ended = self._ended, []
        return ended

    def _is_requested(self, accession: runs.Accession) -> bool:
        return accession in self._asked and self._runs[accession].status in runs.REQUESTED

    def _set(self, run: runs.WorkflowRun) -> None:
        known = self._runs.get(run.accession)
        if known is not None:
            self._count(known, -1)
        if known is None or known.status_cmd != run.status_cmd:
            if known is not None:
                self._unwatch(known)
                self._begun.add(run.accession)
            self._watch(run)
        self._runs[run.accession] = run
        self._count(run, 1)
        if self.jobs.saw(known, run):
            self._due[run.accession] = None

    def _drop(self, accession: runs.Accession) -> None:
        known = self._runs.pop(accession, None)
        self._unsure.discard(accession)
        self._due.pop(accession, None)
        self._later.pop(accession, None)
        self._begun.discard(accession)
        self.jobs.forget(accession)
        if known is not None:
            if self.is_served:
                self._ended.append(accession)
            self._count(known, -1)
            self._unwatch(known)

    def _count(self, run: runs.WorkflowRun, by: int) -> None:
        if run.status is not None:
            self._counts[run.status] += by
        if by > 0 and run.status in ASKED:
            self._asked.add(run.accession)
        else:
            self._asked.discard(run.accession)

    def _wants_look(self, run: runs.WorkflowRun) -> bool:
        """Whether nobody else would say when it moves: it has no job that is watched."""
        told_of = self._jobs is not None and _has_job(run)
        return self.is_served and run.status is not runs.RunStatus.SUBMITTED and not told_of

    def _watch(self, run: runs.WorkflowRun) -> None:
        if self._jobs is not None and _has_job(run):
            self._jobs.watch(run.status_cmd or "", self._unix_user, run.accession, self)

    def _unwatch(self, run: runs.WorkflowRun) -> None:
        if self._jobs is not None and _has_job(run):
            self._jobs.unwatch(run.status_cmd or "", run.accession, self)


def _has_job(run: runs.WorkflowRun) -> bool:
    return bool(run.status_cmd) and run.engine_family is runs.EngineFamily.OOZIE


def _nobody() -> None:
    """Nobody is to be woken."""
