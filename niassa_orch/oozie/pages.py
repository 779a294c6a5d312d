"""One page of a list of jobs, and lists that are read page by page.

A row that slides to the next page between two pages comes twice; a list that has no end is an error, not a long list.
Called by ``lists``; a ``Listing`` is also read by the poller of jobs, which does other things between two pages.
"""

import datetime
import functools
from typing import Final

from niassa_orch import errors
from niassa_orch.oozie import asking, documents
from niassa_orch.wire import lines

PAGE_LIMIT_BYTES: Final = 4 * 1024 * 1024
PAGES: Final = 250


class Listing:
    """One list, read a page at a time whenever its reader likes; a page that failed may be asked for again.

    Args:
        asker: The server.
        job_filter: As Oozie takes it.
        page_rows: The most that a page holds.
    """

    def __init__(self, asker: asking.Asker, job_filter: str, page_rows: int) -> None:
        self._asker = asker
        self._filter = job_filter
        self._page_rows = page_rows
        self._pages = 0
        self._seen = 0
        self.ended = False

    async def page(self) -> documents.JobPage:
        """The next page.

        A page that is shorter than asked is the end only if the server's own total agrees.

        Raises:
            errors.OozieRefusedError: Oozie refused the filter.
            errors.OozieUnavailableError: No clear answer, or no end of pages.
        """
        page = (await ask_page(self._asker, self._filter, offset=1 + self._seen, rows=self._page_rows))[0]
        self._pages += 1
        self._seen += len(page.rows)
        self.ended = len(page.rows) < self._page_rows and self._seen >= page.total
        if not self.ended and (not page.rows or self._pages >= PAGES):
            message = f"{self._asker.line.base_url}: the list of jobs has no end after {self._seen} rows"
            raise errors.OozieUnavailableError(message)
        return page


async def ask_page(
    asker: asking.Asker, job_filter: str, *, rows: int, offset: int = 1
) -> tuple[documents.JobPage, datetime.datetime | None]:
    """One page of a list, and the server's clock.

    Raises:
        errors.OozieRefusedError: Oozie refused the filter.
        errors.OozieUnavailableError: No clear answer.
    """
    query = {"filter": job_filter, "offset": str(offset), "len": str(rows), "jobtype": "wf", "timezone": "GMT"}
    request = lines.Request(
        "GET",
        ("v1", "jobs"),
        query=query | {"user.name": asker.user_name},
        media_types=asking.JSON_TYPES,
        limit_bytes=PAGE_LIMIT_BYTES,
        timeout_seconds=asker.list_timeout_seconds if rows > documents.PAGE_ROWS else None,
    )
    answer = await asker.read(request)
    parse = functools.partial(documents.parse_rows, most_rows=rows)
    return await asker.parsed(parse, request, answer), answer.date
