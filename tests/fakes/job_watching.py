"""A watcher of jobs that keeps what it was told, and a poller at an Oozie server in memory."""

import pytest

from niassa_orch import errors
from niassa_orch.core import job_banks, job_polling
from niassa_orch.domain import jobs, runs
from tests.fakes import clock, oozie_line


class Watching:
    """Watches jobs, one run a job; ``told`` holds every word in its order."""

    def __init__(self, poller: job_polling.JobPoller) -> None:
        self._poller = poller
        self.told: list[tuple[int, jobs.JobRow | None]] = []
        self.last: dict[int, jobs.JobRow | None] = {}

    def job_moved(self, accession: runs.Accession, row: jobs.JobRow | None, *, first: bool) -> None:  # noqa: ARG002
        self.told.append((accession, row))
        self.last[accession] = row

    def watch(self, job_id: str, accession: int, user: str = "niassa-bob") -> None:
        self._poller.watch(job_id, user, runs.Accession(accession), self)

    def seen(self, accession: int) -> tuple[int | None, str, int] | None:
        """What it was told last of a job, as ``oozie_line.ServedJob.seen`` puts it; ``None``: that there is none."""
        row = self.last[accession]
        if row is None:
            return None
        assert row.status is not None
        return (None if row.modified is None else int(row.modified.timestamp()), row.status, row.run)


class Scene:
    """One server, one poller, one watcher, and a clock of ours that stands still.

    ``monkeypatch`` shortens pages too, so that a handful of jobs is a long list.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: float) -> None:
        self.clock = clock.Clock()
        monkeypatch.setattr(job_polling, "time", self.clock)
        # Nobody works here who was told something, and time stands still.
        monkeypatch.setattr(job_banks, "_WORK_SECONDS", 0)
        self.there = oozie_line.OozieLine()
        self.poller = job_polling.JobPoller(self.there.lists(), **options)
        self.watcher = Watching(self.poller)

    def start(self, count: int, user: str = "niassa-bob") -> list[str]:
        """Jobs, each watched for a run whose accession is the job's number."""
        started = [self.there.start(user) for _ in range(count)]
        for job_id in started:
            self.watcher.watch(job_id, number(job_id), user)
        return started

    async def poll(self) -> list[tuple[int, jobs.JobRow | None]]:
        """What was told in one tick; time goes on a second before it."""
        self.pass_seconds(1)
        self.there.filters.clear()
        told_before = len(self.watcher.told)
        await self.poller.poll()
        return self.watcher.told[told_before:]

    def pass_seconds(self, seconds: int) -> None:
        """Time goes on, here and there."""
        self.there.now += seconds
        self.clock.advance(seconds)

    async def poll_in_vain(self) -> None:
        with pytest.raises(errors.OozieUnavailableError):
            await self.poller.poll()

    def fail_at(self, asked: int, failing: int) -> None:
        """Let one request fail: the ``failing``-th, when ``asked`` were answered before."""
        self.there.failing = int(asked == failing - 1)

    def knows_all(self) -> bool:
        """Whether the watcher knows every job as it is."""
        return all(self.watcher.seen(number(job.id)) == job.seen for job in self.there.jobs.values())


def number(job_id: str) -> int:
    """The number that a job of ``OozieLine`` begins with."""
    return int(job_id.partition("-")[0])
