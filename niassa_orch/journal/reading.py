"""What the journal says of the past, for commands: read beside a running service, newest first, and never written.

It is opened read-only, so that nothing is checked, brought to another version or worked in, and nobody who writes has
to wait. Called by ``core.post_mortem``.
"""

import contextlib
import dataclasses
import pathlib
import sqlite3
from collections.abc import Iterator
from typing import Any

from niassa_orch import errors
from niassa_orch.domain import orders, runs
from niassa_orch.journal import opening, records, shadows
from niassa_orch.journal import orders as journal_orders

_BUSY_SECONDS = 5.0
_LAST = "max(created, coalesce(settled, ''))"
#: An accession alone is no beginning of the index; the few web services are found in it by a step each.
_OF_RUN = (
    "WITH RECURSIVE urls(url) AS (SELECT min(web_service) FROM launches UNION ALL "
    "SELECT (SELECT min(web_service) FROM launches WHERE web_service > url) FROM urls WHERE url IS NOT NULL) "
    "SELECT {columns} FROM urls CROSS JOIN launches ON web_service = url AND accession = :accession"
)
_ANY = "SELECT {columns} FROM launches WHERE (:account = '' OR account = :account)"
_WHOSE = "(:account = '' OR account = :account) AND (:accession IS NULL OR accession = :accession)"


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; times as the journal writes them, ``""`` for no bound.

    Args:
        account: Of this account alone; ``""``: of all.
        accession: Of this run alone; ``None``: of all.
        since: Nothing that was over before.
        until: Nothing that began then or later.
        most: So many of each kind, the newest of them.
    """

    account: str = ""
    accession: runs.Accession | None = None
    since: str = ""
    until: str = ""
    most: int = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class PastLaunch:
    """A launch, and when it was settled: ISO 8601, or ``""`` when it is not."""

    launch: records.Launch
    settled: str = ""

    @property
    def last(self) -> str:
        """When it was heard of last."""
        return max(self.launch.created, self.settled)


@dataclasses.dataclass(frozen=True, slots=True)
class PastAct:
    """Something that was done to a job: what, when, and what the job said then, or ``""``."""

    act: str
    job_id: str
    accession: runs.Accession | None
    account: str
    unix_user: str
    created: str
    outcome: str


@dataclasses.dataclass(frozen=True, slots=True)
class PastOrder:
    """An order, and when and by whom it was lifted, ``""`` while it stands."""

    order: orders.Order
    lifted: str = ""
    lifted_by: str = ""


class Reading:
    """Asks the database.

    Args:
        database: Open, read-only.
        path: Its file, for messages.
    """

    def __init__(self, database: sqlite3.Connection, path: pathlib.Path) -> None:
        self._database = database
        self._path = path

    def launches(self, wanted: Wanted) -> list[PastLaunch]:
        """Launches, by when they were heard of last."""
        columns = f"{', '.join(records.COLUMNS)}, coalesce(settled, '')"
        bounds = f"(:since = '' OR {_LAST} >= :since OR settled IS NULL) AND (:until = '' OR created < :until)"
        asked = (_ANY if wanted.accession is None else _OF_RUN).format(columns=columns)
        joined = "AND" if wanted.accession is None else "WHERE"
        rows = self._ask(f"{asked} {joined} {bounds} ORDER BY {_LAST} DESC, id DESC LIMIT :most", wanted)
        return [PastLaunch(records.of_row(row[:-1]), row[-1]) for row in rows]

    def acts(self, wanted: Wanted) -> list[PastAct]:
        """What was done to jobs, by when it was begun."""
        statement = (
            f"SELECT act, job_id, accession, account, unix_user, created, outcome FROM acts WHERE {_WHOSE} "  # noqa: S608 - ours
            "AND created >= :since AND (:until = '' OR created < :until) ORDER BY created DESC, id DESC LIMIT :most"
        )
        return [PastAct(*row) for row in self._ask(statement, wanted)]

    def orders(self, wanted: Wanted) -> list[PastOrder]:
        """What was ordered for an account or for all, and for a run."""
        statement = (
            f"SELECT {journal_orders.COLUMNS}, coalesce(lifted, ''), lifted_by FROM orders "  # noqa: S608 - ours
            "WHERE (:account = '' OR account IN ('', :account)) AND (accession IS NULL OR :accession IS NULL OR "
            "accession = :accession) AND (lifted IS NULL OR max(since, lifted) >= :since) "
            "AND (:until = '' OR since < :until) ORDER BY since DESC, id DESC LIMIT :most"
        )
        return [PastOrder(journal_orders.of_row(*row[:-2]), *row[-2:]) for row in self._ask(statement, wanted)]

    def shadows(self, wanted: Wanted) -> list[shadows.Shadow]:
        """What an account in shadow mode would have done."""
        last = "max(coalesce(decided, ''), coalesce(came_at, ''))"
        statement = (
            f"SELECT {shadows.COLUMNS} FROM shadows WHERE {_WHOSE} AND {last} >= :since "  # noqa: S608 - ours
            f"AND (:until = '' OR coalesce(decided, came_at) < :until) ORDER BY {last} DESC, id DESC LIMIT :most"
        )
        return [shadows.of_row(row) for row in self._ask(statement, wanted)]

    def _ask(self, statement: str, wanted: Wanted) -> list[tuple[Any, ...]]:
        with opening.translated(self._path):
            return self._database.execute(statement, dataclasses.asdict(wanted)).fetchall()


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[Reading]:
    """The journal of a moment, for as long as the context lasts.

    Raises:
        JournalError: It is absent, cannot be read, or is of another version.
    """
    if not path.exists():
        message = f"there is no journal {path}: no service ever ran with this state_dir"
        raise errors.JournalError(message)
    with opening.translated(path):
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    with contextlib.closing(database):
        with opening.translated(path):
            found = opening.schema_version(database)
            # What is read is of one moment, whoever writes meanwhile.
            database.execute("BEGIN")
        if found != opening.VERSION:
            todo = "use the newer niassa-orch" if found > opening.VERSION else "a start of the service makes it newer"
            message = f"the journal {path} has version {found}, this is for version {opening.VERSION}: {todo}"
            raise errors.JournalError(message)
        yield Reading(database, path)
