"""The poller of jobs at real stand-ins of several versions, over HTTP, with books that change beside it."""

import contextlib
import dataclasses
import pathlib
from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import test_utils, web

from niassa_orch import errors
from niassa_orch.core import job_polling
from niassa_orch.domain import jobs, runs
from niassa_orch.oozie import client
from niassa_orch.sandbox import oozie, oozie_books
from niassa_orch.wire import pacing, sessions

J = jobs.JobStatus
VERSIONS = [("4.1", "bulk"), ("4.2", "bulk"), ("4.3", "incremental"), ("5.3", "incremental")]


class Watcher:
    """Keeps what it was told last, and how often it was told anything."""

    def __init__(self) -> None:
        self.last: dict[int, jobs.JobRow | None] = {}
        self.words = 0

    def job_moved(self, accession: runs.Accession, row: jobs.JobRow | None, *, first: bool) -> None:  # noqa: ARG002
        self.last[accession] = row
        self.words += 1

    def statuses(self) -> list[jobs.JobStatus | None]:
        return [row.status if row is not None else None for _, row in sorted(self.last.items())]


@dataclasses.dataclass(slots=True)
class Site:
    """A server that is up, its books, and a poller at it."""

    books: oozie_books.Books
    poller: job_polling.JobPoller
    watcher: Watcher
    asked: list[str]
    faults_url: str

    def start(self, count: int, status: jobs.JobStatus = J.RUNNING, *, users: int = 7) -> list[str]:
        new = [
            oozie_books.NewJob(1, f"niassa-{number % users}", "oozie-sge", "flow", "/apps/x", "/w/x", "<c/>", ())
            for number in range(count)
        ]
        return self.books.add_many(new, status, age_seconds=3600)

    def watch(self, job_ids: list[str], *, first: int = 0, users: int = 7) -> None:
        for number, job_id in enumerate(job_ids):
            self.poller.watch(job_id, f"niassa-{number % users}", runs.Accession(first + number), self.watcher)


@contextlib.contextmanager
def opened(file: pathlib.Path) -> Iterator[oozie_books.Books]:
    books = oozie_books.Books(file)
    yield books
    books.close()


@contextlib.asynccontextmanager
async def site(file: pathlib.Path, version: str, **options: float) -> AsyncIterator[Site]:
    app = oozie.build(file, version=version)
    asked: list[str] = []

    async def note(request: web.Request, _: web.StreamResponse) -> None:
        asked.append(request.query.get("filter", request.path))

    app.on_response_prepare.append(note)
    async with test_utils.TestServer(app) as server, sessions.open_session() as session:
        there = client.Oozie(session, str(server.make_url("/oozie")), budget=pacing.Budget(4), attempts=1)
        with opened(file) as books:
            yield Site(
                books,
                job_polling.JobPoller(there, **options),
                Watcher(),
                asked,
                str(server.make_url("/sandbox/faults")),
            )


@pytest.mark.parametrize(("version", "mode"), VERSIONS)
async def test_every_version_is_read_in_the_way_that_it_knows(tmp_path: pathlib.Path, version: str, mode: str) -> None:
    async with site(tmp_path / "o", version) as here:
        alive, ended = here.start(2300), here.start(3, J.KILLED)
        here.watch([*alive, *ended])
        await here.poller.poll()
        assert here.watcher.statuses() == [J.RUNNING] * 2300 + [J.KILLED] * 3
        assert (here.poller.state.mode, here.poller.state.watched) == (mode, 2303)
        here.asked.clear()
        here.books.set_statuses(alive[100:400], J.SUCCEEDED)
        here.books.set_status(alive[7], J.SUSPENDED)
        await here.poller.poll()
        expected = [J.RUNNING] * 7 + [J.SUSPENDED] + [J.RUNNING] * 92 + [J.SUCCEEDED] * 300
        assert here.watcher.statuses()[:400] == expected
        assert here.watcher.words == 2303 + 301
        assert {"sortby=lastModifiedTime"} == {*here.asked} or mode == "bulk"


async def test_a_rerun_is_told_and_so_is_a_purged_job(tmp_path: pathlib.Path) -> None:
    async with site(tmp_path / "o", "5.3", sweep_seconds=0) as here:
        again, purged = here.start(2, J.KILLED, users=1)
        here.watch([again, purged], users=1)
        await here.poller.poll()
        here.books.rerun(again, "<c/>", ())
        here.books.forget(purged)
        await here.poller.poll()
        row = here.watcher.last[0]
        assert row is not None
        assert (row.run, row.status, here.watcher.last[1]) == (1, J.PREP, None)


async def test_a_server_that_is_down_says_nothing_of_any_job_and_is_caught_up_with(tmp_path: pathlib.Path) -> None:
    async with site(tmp_path / "o", "5.3") as here:
        started = here.start(500)
        here.watch(started)
        await here.poller.poll()
        async with sessions.open_session() as session:
            order = {"path": "/oozie/v1/jobs", "action": "status", "status": 503, "times": 1}
            async with session.post(here.faults_url, json=order) as answer:
                assert answer.status == 200
        here.books.set_statuses(started, J.SUCCEEDED)
        with pytest.raises(errors.OozieUnavailableError):
            await here.poller.poll()
        assert (here.watcher.words, here.poller.state.trouble[-12:]) == (500, "answered 503")
        await here.poller.poll()
        assert here.watcher.statuses() == [J.SUCCEEDED] * 500
        state = here.poller.state
        assert state.trouble == ""
        assert state.skew_seconds is not None
        assert abs(state.skew_seconds) < 30


@pytest.mark.parametrize(("version", "_mode"), VERSIONS)
async def test_jobs_are_found_by_id_in_every_version(tmp_path: pathlib.Path, version: str, _mode: str) -> None:
    async with site(tmp_path / "o", version) as here:
        await here.poller.poll()
        started = here.start(400, J.SUCCEEDED)
        here.watch([*started[:30], "0999999-210203040506789-oozie-oozi-W"])
        await here.poller.poll()
        assert here.watcher.statuses() == [J.SUCCEEDED] * 30 + [None]
