"""What users asked for, of one owner's runs, as far as any look of ours saw it.

Small: only runs with a request that stands or has just vanished. Looks overlap with each other and with our own writes:
what began before a request was answered may show it as it was before, so that a look counts from its beginning.
Forgotten when the run leaves, when nobody serves the owner any more, and with the process. Asks nobody. Kept in
``core.active_runs``; told by ``core.polling`` and ``core.working_off``.
"""

import dataclasses
import time
from collections.abc import Iterable

from niassa_orch.domain import jobs, requests, runs


class RequestsSeen:
    """Requests by accession: one a run, the one that was made last."""

    def __init__(self) -> None:
        self._seen: dict[runs.Accession, requests.Request] = {}
        self._closed: dict[tuple[runs.Accession, runs.RunStatus], float] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def of(self, accession: runs.Accession) -> requests.Request | None:
        """What was asked for last, unless it was answered."""
        return self._seen.get(accession)

    def saw_list(self, listed: Iterable[runs.WorkflowRun], began: float) -> None:
        """The short lists; no list that is told later began before ``began`` (``time.monotonic()``)."""
        self._closed = {key: closed for key, closed in self._closed.items() if closed >= began}
        for run in listed:
            self.saw(run, began)

    def saw(self, run: runs.WorkflowRun, began: float) -> None:
        """A run, by a look that began then and has just ended; only one that shows a request says anything."""
        if run.status not in runs.REQUESTED or run.engine_family is not runs.EngineFamily.OOZIE:
            return
        closed = self._closed.get((run.accession, run.status))
        if closed is not None and began <= closed:
            # Perhaps from before it was answered. If it is a new one, the next list has it too.
            return
        known, now = self._seen.get(run.accession), time.monotonic()
        if known is not None and known.status is run.status:
            self._seen[run.accession] = dataclasses.replace(known, until_seconds=now)
        elif known is None or began >= known.until_seconds:
            self._seen[run.accession] = requests.Request(run.status, began, now)

    def misses(self, run: runs.WorkflowRun) -> bool:
        """Whether a request was seen that this record does not show."""
        return run.accession in self._seen and run.status not in runs.REQUESTED

    def missed_in(self, listed: Iterable[runs.WorkflowRun]) -> set[runs.Accession]:
        """Those of these runs that miss a request."""
        return {run.accession for run in listed if self.misses(run)} if self._seen else set()

    def looked_at(self, run: runs.WorkflowRun, job: jobs.Job) -> None:
        """The run's job, before anything was done to it for what the run asks; the first look counts."""
        known = self._seen.get(run.accession)
        if known is not None and known.status is run.status and known.job is None:
            self._seen[run.accession] = dataclasses.replace(known, job=job)

    def put_back(self, accession: runs.Accession) -> None:
        """A request was lost and is on the record again; it is not put back a second time."""
        if (known := self._seen.get(accession)) is not None:
            now = time.monotonic()
            self._seen[accession] = dataclasses.replace(known, until_seconds=now, is_put_back=True)

    def close(self, accession: runs.Accession, status: runs.RunStatus | None) -> None:
        """This request was answered, or told: no look that began before now shows a new one of its kind."""
        if status not in runs.REQUESTED:
            return
        self._closed[accession, status] = time.monotonic()
        if (known := self._seen.get(accession)) is not None and known.status is status:
            del self._seen[accession]

    def forget(self, accession: runs.Accession) -> None:
        """The run left."""
        self._seen.pop(accession, None)
