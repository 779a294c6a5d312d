"""What the cron set-up asks of the web service and of Oozie in one minute, and nothing else.

Per account, as ``seqware workflow-run propagate-statuses --threads 10`` does: four lists of everybody's runs, without
a host; then, for every run of the account, changed or not, one question to Oozie and one PUT of the whole record, ten
at once, the PUTs one at a time. All accounts at once, since their crontabs have the same minute.

To its advantage: no JVM starts, no list of ``launch-scheduled``, lists are thrown away instead of parsed, and the
documents of the PUTs are made before the clock starts.
"""

import asyncio
import collections
import dataclasses
import json
from collections.abc import Iterator, Sequence

import aiohttp

from niassa_orch.sandbox import basic_login, webservice_documents
from tests.benchmarks import filling, premises

THREADS = 10
LISTS = ("running", "pending", "submitted_cancel", "submitted_retry")
_STATUSES = {"SUCCEEDED": b"completed", "FAILED": b"failed", "KILLED": b"failed", "SUSPENDED": b"failed"}
_MARK = b"<status>running</status>"


@dataclasses.dataclass(frozen=True, slots=True)
class _Record:
    """A run as one of the lists has it, before and after its status."""

    run: filling.Filled
    before: bytes
    after: bytes


class Cron:
    """One minute of every account's crontab.

    Args:
        place: With no service at work on it.
        runs: All active ones.
    """

    def __init__(self, place: premises.Premises, runs: Sequence[filling.Filled]) -> None:
        self._addresses = place.addresses
        self._records: collections.defaultdict[int, list[_Record]] = collections.defaultdict(list)
        for run in runs:
            stored = place.books.web_service.find(run.accession)
            if stored is not None and stored.texts.get("status") == "running":
                before, _, after = webservice_documents.document(stored).partition(_MARK)
                self._records[run.account].append(_Record(run, before, after))

    async def tick(self) -> None:
        """All accounts, side by side, until the last PUT is answered.

        Raises:
            aiohttp.ClientError: A request failed; a baseline that does less than cron is none.
        """
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        session = aiohttp.ClientSession(connector=connector, timeout=timeout, raise_for_status=True)
        async with session as http, asyncio.TaskGroup() as group:
            for number, records in self._records.items():
                group.create_task(self._account(http, number, records))

    async def _account(self, http: aiohttp.ClientSession, number: int, records: Sequence[_Record]) -> None:
        headers = {"Authorization": basic_login.header(*premises.login(number))}
        url = f"{self._addresses.runs}/workflowruns"
        for status in LISTS:
            async with http.get(url, params={"status": status}, headers=headers) as answer:
                async for _ in answer.content.iter_any():
                    pass
        puts = asyncio.Lock()
        queue = iter(records)
        async with asyncio.TaskGroup() as group:
            for _ in range(THREADS):
                group.create_task(self._thread(http, queue, puts, headers))

    async def _thread(
        self, http: aiohttp.ClientSession, queue: Iterator[_Record], puts: asyncio.Lock, headers: dict[str, str]
    ) -> None:
        xml = {**headers, "Content-Type": "application/xml; charset=UTF-8"}
        for record in queue:
            job_url = f"{self._addresses.jobs}/v1/job/{record.run.job_id}"
            async with http.get(job_url, params={"show": "info"}) as answer:
                job = json.loads(await answer.read())
            status = _STATUSES.get(job["status"], b"running")
            body = record.before + b"<status>" + status + b"</status>" + record.after
            run_url = f"{self._addresses.runs}/workflowruns/{record.run.accession}"
            async with puts, http.put(run_url, data=body, headers=xml) as put:
                await put.read()
