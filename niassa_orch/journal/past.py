"""What earlier launches say: which job a run has, how often its launches came to nothing, when they began.

Used by ``core``.
"""

from collections.abc import Iterable
from typing import Any

from niassa_orch.domain import accounts, runs, settling
from niassa_orch.journal import moments, writing

Claim = tuple[str, str, str]
#: An absent text, as text.
_NOTHING = ("", "None")
_JOB_KNOWN = "settled IS NOT NULL AND job_id IS NOT NULL"


class Past:
    """Asks the database each time; nothing of it is kept in memory.

    Args:
        writer: Of the journal.
    """

    def __init__(self, writer: writing.Writer) -> None:
        self._writer = writer

    async def known_job(self, web_service: str, accession: runs.Accession) -> str | None:
        """The job that the run's last settled launch made, if it made one."""
        statement = (
            "SELECT job_id FROM launches WHERE web_service = ? AND accession = ? AND settled IS NOT NULL "
            "ORDER BY id DESC LIMIT 1"
        )
        rows = await self._ask(statement, web_service, accession)
        return str(rows[0][0]) if rows and rows[0][0] else None

    async def known_elsewhere(self, account: accounts.Account, accession: runs.Accession) -> str | None:
        """Another URL under which a run of this accession, login and host was launched, if there is one."""
        statement = (
            "SELECT web_service FROM launches WHERE accession = ? AND owner = ? AND host = ? AND web_service <> ? "  # noqa: S608 - ours
            f"AND {_JOB_KNOWN} LIMIT 1"
        )
        rows = await self._ask(statement, accession, account.web_user, account.host, account.web_service_url)
        return str(rows[0][0]) if rows else None

    async def web_services_of(self, accession: runs.Accession) -> tuple[str, ...]:
        """The web services for which the journal knows a job of this accession."""
        statement = f"SELECT DISTINCT web_service FROM launches WHERE accession = ? AND {_JOB_KNOWN}"  # noqa: S608 - ours
        return tuple(str(row[0]) for row in await self._ask(statement, accession))

    async def failures(self, web_service: str, accession: runs.Accession) -> tuple[str, ...]:
        """Why the run's last launches came to nothing, oldest first: since one came to something, or a person's word.

        Counted are only launches that the engine had begun: what keeps all launches of an account from working is not
        the run's failure.
        """
        statement = (
            "SELECT outcome, told, tried, reason FROM launches "
            "WHERE web_service = ? AND accession = ? AND settled IS NOT NULL ORDER BY id DESC"
        )
        reasons: list[str] = []
        for outcome, told, tried, reason in await self._ask(statement, web_service, accession):
            if outcome != settling.Outcome.CLEAN or told:
                break
            if tried:
                reasons.append(str(reason))
        return tuple(reversed(reasons))

    async def forget_job(self, web_service: str, accession: runs.Accession) -> None:
        """A person wants the run to be launched again although its settled launches made a job."""
        statement = "UPDATE launches SET job_id = NULL WHERE web_service = ? AND accession = ? AND settled IS NOT NULL"
        await self._writer.write(lambda database: database.execute(statement, (web_service, accession)))

    async def launched(self, web_service: str, accessions: Iterable[runs.Accession]) -> set[runs.Accession]:
        """Of which of these runs a launch was ever begun."""
        statement = "SELECT 1 FROM launches WHERE web_service = ? AND accession = ? LIMIT 1"
        return await self._writer.which(statement, web_service, accessions)

    async def run_of_job(self, job_id: str) -> runs.Accession | None:
        """The run that a job was made for, as far as settled launches say."""
        statement = f"SELECT accession FROM launches WHERE job_id = ? AND {_JOB_KNOWN} LIMIT 1"  # noqa: S608 - ours
        rows = await self._ask(statement, job_id)
        return runs.Accession(int(str(rows[0][0]))) if rows else None

    async def launches_of(self, web_service: str, accession: runs.Accession) -> list[str]:
        """Every launch of a run that is kept, oldest first, in a sentence each."""
        statement = (
            "SELECT created, account, unix_user, outcome, reason, job_id, settled FROM launches "
            "WHERE web_service = ? AND accession = ? ORDER BY id"
        )
        return [_in_words(*map(str, row)) for row in await self._ask(statement, web_service, accession)]

    async def begun_within(self, seconds: float, now: float, boot_id: str) -> list[tuple[Claim, float]]:
        """Launches that were intended lately, oldest first: of which account, and how many seconds ago.

        By the machine's monotonic clock, which nobody sets; only of those from before its last start the clock on the
        wall tells, and what that put further ahead than ``seconds`` says nothing.

        Args:
            seconds: So long ago at most.
            now: Of the monotonic clock.
            boot_id: The kernel's.
        """
        statement = (
            "SELECT web_service, owner, host, created, CASE WHEN boot_id = ? THEN ? - begun END AS ago FROM launches "
            "WHERE CASE WHEN boot_id = ? AND begun IS NOT NULL THEN begun > ? ELSE created BETWEEN ? AND ? END"
        )
        recent = (moments.ago(seconds), moments.ago(-seconds))
        rows = await self._ask(statement, boot_id, now, boot_id, now - seconds, *recent)
        begun = [
            ((str(service), str(owner), str(host)), moments.seconds_since(str(created)) if ago is None else ago)
            for service, owner, host, created, ago in rows
        ]
        return sorted(begun, key=lambda one: -one[1])

    async def _ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return await self._writer.read(lambda database: database.execute(statement, values).fetchall())


def _in_words(created: str, account: str, unix_user: str, outcome: str, reason: str, job_id: str, settled: str) -> str:
    became = f"{outcome}: {reason}" if outcome not in _NOTHING else "its call may be under way"
    job = f", job {job_id}" if job_id not in _NOTHING else ""
    end = "" if settled not in _NOTHING else "; not settled"
    return f"{created} launched for {account} as {unix_user}{job}: {became}{end}"
