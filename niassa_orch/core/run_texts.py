"""The texts of an account's runs, from its jobs and its mediator to the web service.

With a change of status they go along in its write; without one they are written alone, when they are due and news. They
are read before the run is read for the write, so that nothing comes between that read and the write. Called by
``core.propagating``, one an account.
"""

import time

from niassa_orch.config import settings
from niassa_orch.core import board, enrolling, step_texts, texts_due, writing
from niassa_orch.domain import jobs, runs, texts

#: A run in another status waits for what a user asked for: a write of texts would only be in the way of that.
_RUNS = (runs.RunStatus.PENDING, runs.RunStatus.RUNNING)


class RunTexts:
    """Reads, writes and remembers the texts of one account's runs.

    Args:
        told: The board, for events.
        limits: How much is read, and how often.
    """

    def __init__(self, told: board.Board, limits: settings.Texts) -> None:
        self._files = step_texts.StepTexts(told, limits)
        self._due = texts_due.TextsDue(limits.every_seconds)

    def overdue(self) -> list[runs.Accession]:
        """Runs that were last looked at so long ago that it is time again, whether their jobs changed or not."""
        return self._due.overdue(time.monotonic())

    def is_due(self, run: runs.WorkflowRun, job: jobs.Job) -> bool:
        """Whether ``refresh`` would look at the texts of this run, whose status stays."""
        return run.status in _RUNS and self._due.due(run, job, time.monotonic())

    async def beside(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, job: jobs.Job, status: runs.RunStatus
    ) -> dict[str, str]:
        """What to write beside this new status: all there is at the end, before only what is due. Raises nothing."""
        if status in runs.ENDED or self._due.due(run, job, time.monotonic()):
            return await self._read(enrolled, run, job)
        return {}

    def written(self, run: runs.WorkflowRun, job: jobs.Job, found: dict[str, str]) -> None:
        """What ``beside`` found is in the record now; also where that is nothing yet, they are looked at again."""
        if found:
            self._due.written(run, job, time.monotonic(), found)
        else:
            self._due.looked(run, job, time.monotonic())

    async def refresh(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, job: jobs.Job) -> writing.Write | None:
        """Write the texts of a run whose status stays, if they are due and news; ``None``: there was nothing to write.

        Raises:
            WebServiceError: As ``writing.write``; they stay due.
        """
        if not self.is_due(run, job):
            return None
        found = await self._read(enrolled, run, job)
        if not self._due.is_news(run, job, found):
            self._due.looked(run, job, time.monotonic())
            return None
        write = await writing.write(enrolled, run, found)
        if write.written.is_in_record:
            self._due.written(run, job, time.monotonic(), found)
        elif write.written is writing.Written.NOT_TAKEN:
            self._due.looked(run, job, time.monotonic())
        return write

    def forget(self, accession: runs.Accession) -> None:
        """The run has ended, or is not ours any more."""
        self._due.forget(accession)

    async def _read(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, job: jobs.Job) -> dict[str, str]:
        files = await self._files.read(enrolled, run, job) if texts.has_step_files(run) else None
        return texts.texts_of(run, job, files)
