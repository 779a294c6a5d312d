"""What accounts in shadow mode would have done, and what came instead. Used by ``core.shadowing`` and by the report."""

import dataclasses
import sqlite3
from collections.abc import Iterable

from niassa_orch.domain import accounts, runs, shadows
from niassa_orch.journal import moments, writing

#: What is wanted of a run that waits.
LAUNCHED = "launched"

#: Of the table, as ``of_row`` takes them.
COLUMNS = "web_service, accession, account, owner, host, kind, basis, wanted, decided, came, came_at, agreement"
#: Asks when something was decided or came last; ``NULL`` or ``""`` when nothing ever did.
NEWEST = "SELECT max(max(coalesce(decided, ''), coalesce(came_at, ''))) FROM shadows"
_OPEN = "web_service = ? AND accession = ? AND kind = ? AND came_at IS NULL"


@dataclasses.dataclass(frozen=True, slots=True)
class Shadow:
    """One thing that we would have done. Texts of moments are ISO 8601, UTC.

    Args:
        web_service: Base URL.
        accession: Of the run.
        account: Name of the profile.
        owner: The login whose run it is.
        host: That it was scheduled for.
        kind: What was decided about.
        basis: The status from which it was decided.
        wanted: What we would have done: statuses, parted by commas, or ``launched``.
        decided: When; ``None``: others were first.
        came: What became of it, ``""`` as long as nothing did.
        came_at: When that was seen.
        agreement: How it compares.
    """

    web_service: str
    accession: runs.Accession
    account: str
    owner: str
    host: str
    kind: shadows.Kind
    basis: str
    wanted: str
    decided: str | None
    came: str = ""
    came_at: str | None = None
    agreement: shadows.Agreement | None = None

    @property
    def key(self) -> tuple[runs.Accession, shadows.Kind]:
        """Of the one open shadow that a run has of a kind."""
        return (self.accession, self.kind)


@dataclasses.dataclass(frozen=True, slots=True)
class Dropped:
    """How many decisions of an account are not kept any more, of how many nothing had come, and how new they were."""

    account: str
    decisions: int
    unanswered: int
    newest: str


def decided(account: accounts.Account, run: runs.WorkflowRun, kind: shadows.Kind, wanted: str) -> Shadow:
    """What we would do to a run now."""
    return Shadow(
        web_service=account.web_service_url,
        accession=run.accession,
        account=account.name,
        owner=account.web_user,
        host=account.host,
        kind=kind,
        basis=str(run.status),
        wanted=wanted,
        decided=moments.now(),
    )


def unseen(account: accounts.Account, run: runs.WorkflowRun) -> Shadow:
    """A launch by others of a run that we never saw wait."""
    return dataclasses.replace(
        decided(account, run, shadows.Kind.LAUNCH, LAUNCHED),
        decided=None,
        came=f"launched, {run.status}, before we saw it wait",
        came_at=moments.now(),
        agreement=shadows.Agreement.UNSEEN,
    )


class Shadows:
    """Writes and reads shadows.

    Args:
        writer: Of the journal.
    """

    def __init__(self, writer: writing.Writer) -> None:
        self._writer = writer

    async def open_of(self, account: accounts.Account) -> list[Shadow]:
        """What has not come yet, of an account's web service, login and host; raises JournalError."""
        where = "came_at IS NULL AND web_service = ? AND owner = ? AND host = ?"
        return await self._writer.read(lambda database: _found(database, where, account.claim))

    async def known(self, web_service: str, accessions: Iterable[runs.Accession]) -> set[runs.Accession]:
        """Which of these runs have any shadow of a launch; raises JournalError."""
        statement = "SELECT 1 FROM shadows WHERE web_service = ? AND accession = ? AND kind = 'launch' LIMIT 1"
        return await self._writer.which(statement, web_service, accessions)

    async def decide(self, decided: Iterable[Shadow]) -> None:
        """Write down what we would do; of an open one of the same kind what we would do by now; raises JournalError."""
        statement = (
            f"INSERT INTO shadows ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608 - our own
            "ON CONFLICT (web_service, accession, kind) WHERE came_at IS NULL DO UPDATE SET wanted = excluded.wanted"
        )
        rows = [dataclasses.astuple(shadow) for shadow in decided]
        await self._writer.write(lambda database: database.executemany(statement, rows))

    async def came(self, shadow: Shadow, came: shadows.Came) -> None:
        """Write down what became of it; raises JournalError."""
        statement = f"UPDATE shadows SET came = ?, came_at = ?, agreement = ? WHERE {_OPEN}"  # noqa: S608 - our own
        key = (shadow.web_service, shadow.accession, shadow.kind)
        values = (came.what, moments.now(), came.agreement, *key)
        await self._writer.write(lambda database: database.execute(statement, values))

    async def end(self, account: accounts.Account, came: shadows.Came) -> None:
        """Write down one end of everything that is open of an account's web service, login and host; as ``came``."""
        statement = (
            "UPDATE shadows SET came = ?, came_at = ?, agreement = ? "
            "WHERE came_at IS NULL AND web_service = ? AND owner = ? AND host = ?"
        )
        values = (came.what, moments.now(), came.agreement, *account.claim)
        await self._writer.write(lambda database: database.execute(statement, values))

    async def all(self, account: str | None = None) -> list[Shadow]:
        """Everything that is kept, of one account or of all, oldest first; raises JournalError."""
        where, values = ("account = ?", (account,)) if account else ("1 = 1", ())
        return await self._writer.read(lambda database: _found(database, where, values))

    async def dropped(self, account: str | None = None) -> list[Dropped]:
        """What is not kept any more, of one account or of all; raises JournalError."""
        where, values = ("account = ?", (account,)) if account else ("1 = 1", ())
        statement = f"SELECT account, decisions, unanswered, newest FROM dropped_shadows WHERE {where} ORDER BY account"  # noqa: S608 - our own
        rows = await self._writer.read(lambda database: database.execute(statement, values).fetchall())
        return [Dropped(*row) for row in rows]


def prune(database: sqlite3.Connection, oldest: str) -> None:
    """Delete what came before a moment, and what was decided before it and never came; count both."""
    old = "coalesce(came_at, decided, '') < ?"
    statement = (
        "INSERT INTO dropped_shadows SELECT account, count(*), sum(came_at IS NULL), "  # noqa: S608 - our own
        f"max(coalesce(came_at, decided, '')) FROM shadows WHERE {old} GROUP BY account "
        "ON CONFLICT (account) DO UPDATE SET decisions = decisions + excluded.decisions, "
        "unanswered = unanswered + excluded.unanswered, newest = max(newest, excluded.newest)"
    )
    database.execute(statement, (oldest,))
    database.execute(f"DELETE FROM shadows WHERE {old}", (oldest,))  # noqa: S608 - our own


def _found(database: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Shadow]:
    rows = database.execute(f"SELECT {COLUMNS} FROM shadows WHERE {where} ORDER BY id", values)  # noqa: S608 - our own
    return [of_row(row) for row in rows]


def of_row(row: tuple[object, ...]) -> Shadow:
    """The shadow that values of ``COLUMNS`` tell."""
    shadow = Shadow(*row)  # type: ignore[arg-type]
    return dataclasses.replace(
        shadow,
        accession=runs.Accession(shadow.accession),
        kind=shadows.Kind(shadow.kind),
        agreement=None if shadow.agreement is None else shadows.Agreement(shadow.agreement),
    )
