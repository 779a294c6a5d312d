"""Lists of jobs: one user's, what changed, what is alive, and jobs by their ids.

A list is read page by page, and a row that slides to the next page meanwhile counts once. What is not to be had whole
is an error: a job that is overlooked would be taken for one that never began, or that has ended. Called through
``client.Oozie``: by settling (``jobs_of``) and by the poller of jobs (the others).
"""

import dataclasses
import datetime
import re
from collections.abc import Callable, Collection, Iterable
from typing import Final

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import asking, documents, filters, floods, pages

#: An unknown filter name, or a value that cannot be read: what servers before 4.2 say to ``startcreatedtime``, and
#: before 4.3 to ``sortby``.
FILTER_REFUSED: Final = frozenset({"E0420", "E0603"})
JOB_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,127}")
#: Older than any change: where an Oozie without a single job is read from the next time.
BEGINNING: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

#: Takes the rows of a page as soon as it was read, and the server's time when the reading began.
Tell = Callable[[Iterable[jobs.JobRow], datetime.datetime | None], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Changes:
    """What changed lately on a server.

    Args:
        rows: Newest change first, of all users; also some that were asked for no more.
        newest: The newest change of all jobs when the reading began; ``None`` when no job tells when it changed.
        server_time: The server's clock as the reading began, ``None`` when it does not tell.
        skew_seconds: How far that is ahead of ours, give or take half a second and the way.
    """

    rows: tuple[jobs.JobRow, ...]
    newest: datetime.datetime | None
    server_time: datetime.datetime | None
    skew_seconds: float | None = None


class JobLists:
    """The lists of one server. ``client.Oozie`` is one."""

    def __init__(self, asker: asking.Asker) -> None:
        self._asker = asker
        self._first_rows = documents.PAGE_ROWS

    async def jobs_of(self, user: str, since: datetime.datetime | None) -> list[jobs.JobRow]:
        """A user's workflow jobs created since then, newest first.

        Args:
            user: The Unix user.
            since: With its zone; the server's clock and whole minutes decide, so leave some room. ``None``: all.

        Raises:
            ValueError: ``since`` has no zone, or the user could not be in a filter.
            errors.OozieRefusedError: Oozie refused the filter.
            errors.OozieUnavailableError: No clear answer, or no end of pages.
        """
        if since is not None and since.tzinfo is None:
            message = "a time with its zone is needed"
            raise ValueError(message)
        by_user = f"user={filters.plain(user)}"
        if since is None:
            return await self._created_since(by_user, None)
        floor = since.astimezone(datetime.UTC).replace(second=0, microsecond=0)
        try:
            return await self._created_since(f"{by_user};startcreatedtime={floor:%Y-%m-%dT%H:%MZ}", floor)
        except errors.OozieRefusedError as exc:
            if exc.code not in FILTER_REFUSED:
                raise
        return await self._created_since(by_user, floor)

    async def changed_since(
        self, since: datetime.datetime | None, tell: Tell, banks: floods.Banks | None = None
    ) -> Changes:
        """All users' workflow jobs that changed since then, newest change first.

        One page, most of the time: a small one, or one that would have held twice what the last reading had to bring.
        If it does not reach back to ``since``, a large one from the top, which is of one piece again; only what goes
        beyond that is read in pages between which jobs may move. A job that moves up meanwhile is later than
        ``newest``, so that the next reading finds it.

        Args:
            since: With its zone, by the server's clock. ``None``: one small page, to learn where we are.
            tell: Called with every row before this ends, with some of them twice. What it was told is so, also when the
                reading fails later; only then not everything was told.
            banks: Keeps one user's thousands of changes from reaching the others; without it they are as good as any.

        Raises:
            errors.OozieRefusedError: With a code of ``FILTER_REFUSED``, Oozie is older than 4.3.
            errors.OozieUnavailableError: No clear answer, no end of pages, or jobs vanished while they were read.
        """
        rows = self._first_rows
        page, server_time = await pages.ask_page(self._asker, filters.NEWEST_CHANGE_FIRST, rows=rows)
        newest, skew_seconds = _newest(page), _skew_seconds(server_time)
        tell([row for row, _ in page.rows], server_time)
        whole = len(page.rows) < rows and len(page.rows) >= page.total
        if since is not None and not whole and not _reaches(page, since):
            flood = floods.Flood(self._asker, banks, lambda fresh: tell(fresh, server_time)) if banks else None
            if flood is not None:
                await flood.passed(page)
            found = await self._down_to(since, lambda fresh: tell(fresh, server_time), flood)
        else:
            found = {row.id: row for row, _ in page.rows}
        self._first_rows = _next_rows(found.values(), since)
        return Changes(tuple(found.values()), newest, server_time, skew_seconds)

    def alive_jobs(self, users: Collection[str]) -> list[pages.Listing]:
        """Lists that hold, together, the jobs of these users in PREP, RUNNING or SUSPENDED; to be read one by one.

        A job that ends while they are read lets another one slip to a page that was read before. So a job that is in
        none of them may still be alive: ask for it by its id.

        Raises:
            ValueError: A user could not be in a filter.
        """
        groups = filters.groups((f"user={filters.plain(user)}" for user in users), filters.ALIVE)
        return [pages.Listing(self._asker, f"{group};{filters.ALIVE}", documents.LARGE_PAGE_ROWS) for group in groups]

    async def jobs_by_id(self, job_ids: Iterable[str]) -> list[jobs.JobRow]:
        """These jobs, as far as the server knows them.

        Raises:
            errors.OozieRefusedError: Oozie refused the filter.
            errors.OozieUnavailableError: No clear answer, or one that is about other jobs.
        """
        found: list[jobs.JobRow] = []
        for group in filters.groups(f"id={job_id}" for job_id in job_ids if JOB_ID.fullmatch(job_id)):
            asked = {pair.removeprefix("id=") for pair in group.split(";")}
            page, _ = await pages.ask_page(self._asker, group, rows=len(asked))
            rows = {row.id: row for row, _ in page.rows}
            if not rows.keys() <= asked or len(rows) < page.total:
                message = f"{self._asker.line.base_url}: asked for jobs by id, other jobs or not all came back"
                raise errors.OozieUnavailableError(message)
            found += rows.values()
        return found

    async def _created_since(self, job_filter: str, floor: datetime.datetime | None) -> list[jobs.JobRow]:
        found: dict[str, jobs.JobRow] = {}
        listing = pages.Listing(self._asker, job_filter, documents.PAGE_ROWS)
        while not listing.ended:
            page = await listing.page()
            recent = [row for row, created in page.rows if created is None or floor is None or created >= floor]
            found |= {row.id: row for row in recent if row.id not in found}
            if len(recent) < len(page.rows):
                break
        return list(found.values())

    async def _down_to(
        self, since: datetime.datetime, tell: Callable[[Iterable[jobs.JobRow]], None], flood: floods.Flood | None
    ) -> dict[str, jobs.JobRow]:
        """Large pages. Each begins with the last row of the one before, which shows that nothing moved up in between.

        What was purged moves all below it up, past the place where we read on; what changed moves others down, which
        are then read twice.
        """
        found: dict[str, jobs.JobRow] = {}
        seen = 0
        rows = documents.LARGE_PAGE_ROWS
        for _ in range(pages.PAGES):
            page, _date = await pages.ask_page(self._asker, filters.NEWEST_CHANGE_FIRST, offset=max(seen, 1), rows=rows)
            if found and (not page.rows or page.rows[0][0].id not in found):
                break
            seen = max(seen, 1) + len(page.rows) - 1
            fresh = {row.id: row for row, _ in page.rows if row.id not in found}
            tell(fresh.values())
            found |= fresh
            if _reaches(page, since) or (len(page.rows) < rows and seen >= page.total):
                return found
            if flood is not None:
                await flood.passed(page)
        message = f"{self._asker.line.base_url}: the list of changed jobs came apart after {seen} rows"
        raise errors.OozieUnavailableError(message)


def _skew_seconds(server_time: datetime.datetime | None) -> float | None:
    """Of a time that has just come, and was cut to whole seconds."""
    if server_time is None:
        return None
    return (server_time - datetime.datetime.now(datetime.UTC)).total_seconds() + 0.5


def _newest(page: documents.JobPage) -> datetime.datetime | None:
    if not page.rows:
        return BEGINNING
    return max((row.modified for row, _ in page.rows if row.modified is not None), default=None)


def _next_rows(found: Iterable[jobs.JobRow], since: datetime.datetime | None) -> int:
    wanted = 0 if since is None else sum(row.modified is None or row.modified >= since for row in found)
    return max(documents.PAGE_ROWS, min(2 * wanted, documents.LARGE_PAGE_ROWS))


def _reaches(page: documents.JobPage, since: datetime.datetime) -> bool:
    """Whether nothing below this page can be as late as ``since``; a row that does not tell says nothing."""
    return any(row.modified is not None and row.modified < since for row, _ in page.rows)
