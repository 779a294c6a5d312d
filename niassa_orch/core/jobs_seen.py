"""Runs whose records named a job and do not any more, as far as any look of ours saw it.

Small: only runs that miss their job. What was told last may be older than what was told before it, so that this is a
hint: whoever acts on it reads the run first. Forgotten when the run leaves, and with the process. Asks nobody. Kept in
``core.active_runs``; mended by ``core.lost_jobs``.
"""

from niassa_orch.domain import runs


class JobsSeen:
    """Runs as they were told last with their job, by accession; invariant: each is told without one since."""

    def __init__(self) -> None:
        self._lost: dict[runs.Accession, runs.WorkflowRun] = {}

    def saw(self, before: runs.WorkflowRun | None, now: runs.WorkflowRun) -> bool:
        """A run as it is told now, and as it was told before; whether it misses a job."""
        if now.status_cmd or now.engine_family is not runs.EngineFamily.OOZIE:
            self._lost.pop(now.accession, None)
        elif before is not None and _may_lose(before):
            self._lost[now.accession] = before
        return now.accession in self._lost

    def of(self, accession: runs.Accession) -> runs.WorkflowRun | None:
        """The run as it was with its job, if it misses one."""
        return self._lost.get(accession)

    def forget(self, accession: runs.Accession) -> None:
        """The run left, or the job is none that it could be given back."""
        self._lost.pop(accession, None)


def _may_lose(run: runs.WorkflowRun) -> bool:
    """Whether the run has a job that nobody takes from it on purpose, as a person may before another launch."""
    has_job = bool(run.status_cmd) and run.engine_family is runs.EngineFamily.OOZIE
    return has_job and run.status is not runs.RunStatus.SUBMITTED
