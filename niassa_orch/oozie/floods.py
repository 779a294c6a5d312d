"""One user's changes that fill page after page of the list of changes: everybody else's are asked for before the rest.

Only hints are brought forward: the whole list is read all the same. Called by ``lists`` between two pages.
"""

import collections
import itertools
from collections.abc import Callable, Collection, Iterable
from typing import Final, Protocol

from niassa_orch.domain import jobs
from niassa_orch.oozie import asking, documents, filters, pages

#: From this share of a page on its user has a flood.
_SHARE: Final = 0.8
#: So many requests may the others cost: those of some thousand users.
_REQUESTS: Final = 8


class Banks(Protocol):
    """Who keeps a flood from reaching the others."""

    def others(self, user: str) -> Collection[str]:
        """Whose jobs are watched beside this user's."""

    async def give_way(self) -> None:
        """Let those work who were told something, before more is read."""


class Flood:
    """The reading of one list of changes that goes beyond its first page.

    Args:
        asker: The server.
        banks: Who decides for the others.
        tell: Called with rows of theirs.
    """

    def __init__(self, asker: asking.Asker, banks: Banks, tell: Callable[[Iterable[jobs.JobRow]], None]) -> None:
        self._asker = asker
        self._banks = banks
        self._tell = tell
        self._asked = False

    async def passed(self, page: documents.JobPage) -> None:
        """A page was read and told, and there are more: the others go first, and may work.

        Raises:
            errors.OozieError: As ``pages.ask_page``.
        """
        users = collections.Counter(row.user for row, _ in page.rows)
        user, count = users.most_common(1)[0] if users else ("", 0)
        if not self._asked and count >= _SHARE * len(page.rows):
            self._asked = True
            await self._ask_for(self._banks.others(user))
        await self._banks.give_way()

    async def _ask_for(self, users: Collection[str]) -> None:
        newest = filters.NEWEST_CHANGE_FIRST
        groups = filters.groups((f"user={filters.plain(user)}" for user in users), newest)
        for group in itertools.islice(groups, _REQUESTS):
            page, _ = await pages.ask_page(self._asker, f"{group};{newest}", rows=documents.PAGE_ROWS)
            self._tell([row for row, _ in page.rows])
