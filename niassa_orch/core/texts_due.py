"""When the texts of a run are due while it runs, and whether they are news.

They are due at a change of the job's actions, and every so often besides, since files grow without any. Of what was
written last a digest is remembered, so that what did not change costs the web service nothing. Pure arithmetic on a
clock that the caller reads: it asks nobody. After a restart everything begins anew. Owned by ``core.run_texts``.
"""

import collections
import dataclasses
import hashlib
import json
from collections.abc import Mapping

from niassa_orch.domain import jobs, runs, texts

_DIGEST_BYTES = 16


@dataclasses.dataclass(frozen=True, slots=True)
class _Seen:
    """What was known when a run's texts were last looked at; ``written`` is a digest."""

    actions: int
    written: bytes


class TextsDue:
    """Remembers a little of each run that runs.

    Args:
        every_seconds: How often texts are looked at without a change of the actions.
    """

    def __init__(self, every_seconds: float) -> None:
        self._every_seconds = every_seconds
        self._seen: dict[runs.Accession, _Seen] = {}
        #: When those with files were looked at; the longest ago comes first.
        self._looked_at: collections.OrderedDict[runs.Accession, float] = collections.OrderedDict()

    def due(self, run: runs.WorkflowRun, job: jobs.Job, now: float) -> bool:
        """Whether to look at the run's texts: never seen, other actions (a rerun, another job), or the time has come.

        Texts that come from the job alone, of plain ``oozie``, change with its actions only.
        """
        seen = self._seen.get(run.accession)
        if seen is None or seen.actions != _actions(job):
            return True
        return now - self._looked_at.get(run.accession, now) >= self._every_seconds

    def overdue(self, now: float) -> list[runs.Accession]:
        """Runs whose time has come, oldest first; its cost is that of the answer, not of all runs."""
        found = []
        for accession, looked_at in self._looked_at.items():
            if now - looked_at < self._every_seconds:
                break
            found.append(accession)
        return found

    def is_news(self, run: runs.WorkflowRun, job: jobs.Job, found: Mapping[str, str]) -> bool:
        """Whether the record may have other texts than these (by element name). A rerun of the job is always news."""
        seen = self._seen.get(run.accession)
        return bool(found) and (seen is None or seen.written != _digest(job, found))

    def written(self, run: runs.WorkflowRun, job: jobs.Job, now: float, found: Mapping[str, str]) -> None:
        """These texts are in the record now, or were there already."""
        self._remember(run, now, _Seen(_actions(job), _digest(job, found)))

    def looked(self, run: runs.WorkflowRun, job: jobs.Job, now: float) -> None:
        """They were looked at: there is nothing to write, or they cannot be had before the next time."""
        seen = self._seen.get(run.accession)
        self._remember(run, now, _Seen(_actions(job), seen.written if seen else b""))

    def forget(self, accession: runs.Accession) -> None:
        """The run has ended, or is not ours any more."""
        self._seen.pop(accession, None)
        self._looked_at.pop(accession, None)

    def _remember(self, run: runs.WorkflowRun, now: float, seen: _Seen) -> None:
        self._seen[run.accession] = seen
        if texts.has_step_files(run):
            self._looked_at[run.accession] = now
            self._looked_at.move_to_end(run.accession)


def _actions(job: jobs.Job) -> int:
    """What stands for the job's actions in memory: their names, statuses and external ids, of this job and rerun."""
    return hash((job.id, job.run, tuple((action.name, action.status, action.external_id) for action in job.actions)))


def _digest(job: jobs.Job, found: Mapping[str, str]) -> bytes:
    # As JSON in ASCII, which holds the halves of characters that Oozie's JSON may bring.
    told = json.dumps([job.id, job.run, sorted(found.items())])
    return hashlib.blake2b(told.encode(), digest_size=_DIGEST_BYTES).digest()
