import datetime

import pytest

from niassa_orch.core import job_watches
from niassa_orch.domain import jobs, runs

J = jobs.JobStatus
CHANGED = datetime.datetime(2026, 1, 2, 10, 0, 7, tzinfo=datetime.UTC)
ROW = jobs.JobRow("job-1", J.RUNNING, "niassa-bob", 0, CHANGED)


class Watcher:
    def __init__(self) -> None:
        self.told: list[tuple[int, jobs.JobRow | None]] = []

    def job_moved(self, accession: runs.Accession, row: jobs.JobRow | None, *, first: bool) -> None:  # noqa: ARG002
        self.told.append((accession, row))


@pytest.fixture
def watches() -> job_watches.Watches:
    return job_watches.Watches()


def watch(watches: job_watches.Watches, watcher: job_watches.Watcher, job_id: str, accession: int) -> None:
    watches.watch(job_id, "niassa-bob", runs.Accession(accession), watcher)


def test_a_run_that_watches_a_job_once_more_is_told_anew(watches: job_watches.Watches) -> None:
    watcher = Watcher()
    watch(watches, watcher, "job-1", 1)
    watches.found(ROW)
    watch(watches, watcher, "job-1", 1)
    assert watches.unknown == {"job-1"}
    watches.found(ROW)
    assert watcher.told == [(1, ROW)] * 2
    assert len(watches) == 1


def test_a_run_that_came_to_another_owner_is_told_when_the_one_before_leaves(watches: job_watches.Watches) -> None:
    before, now = Watcher(), Watcher()
    watch(watches, before, "job-1", 1)
    watches.found(ROW)
    watch(watches, now, "job-1", 1)
    watches.found(ROW)
    watches.unwatch("job-1", runs.Accession(1), before)
    watches.missing("job-1", again=False)
    assert (before.told, now.told) == ([(1, ROW)], [(1, ROW), (1, None)])


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_of_several_runs_at_one_job_each_can_leave(watches: job_watches.Watches, gone: int) -> None:
    watcher = Watcher()
    for accession in (1, 2, 3):
        watch(watches, watcher, "job-1", accession)
    watches.unwatch("job-1", runs.Accession(gone), watcher)
    watches.found(ROW)
    assert sorted(accession for accession, _ in watcher.told) == sorted({1, 2, 3} - {gone})
    assert dict(watches.watched_of_users(["job-1"])) == {"niassa-bob": 2}


def test_what_nobody_watches_any_more_leaves_nothing_behind(watches: job_watches.Watches) -> None:
    watcher = Watcher()
    watch(watches, watcher, "job-1", 1)
    watches.unwatch("job-1", runs.Accession(2), watcher)
    watches.unwatch("job-1", runs.Accession(1), Watcher())
    assert len(watches) == 1
    watches.unwatch("job-1", runs.Accession(1), watcher)
    watches.unwatch("job-1", runs.Accession(1), watcher)
    assert (len(watches), list(watches.unix_users), set(watches.unknown)) == (0, [], set())
    watches.found(ROW)
    watches.missing("job-1", again=True)


def test_a_watcher_may_stop_watching_while_it_is_told(watches: job_watches.Watches) -> None:
    class Leaving(Watcher):
        def job_moved(self, accession: runs.Accession, row: jobs.JobRow | None, *, first: bool) -> None:
            super().job_moved(accession, row, first=first)
            watches.unwatch("job-1", accession, self)

    leaving = Leaving()
    for accession in (1, 2):
        watch(watches, leaving, "job-1", accession)
    watches.found(ROW)
    assert sorted(accession for accession, _ in leaving.told) == [1, 2]
    assert len(watches) == 0


def test_a_job_that_is_missing_and_found_again_is_told_each_time(watches: job_watches.Watches) -> None:
    watcher = Watcher()
    watch(watches, watcher, "job-1", 1)
    watches.missing("job-1", again=False)
    watches.missing("job-1", again=False)
    watches.found(ROW)
    watches.found(ROW)
    watches.missing("job-1", again=False)
    assert [row for _, row in watcher.told] == [None, ROW, None]
