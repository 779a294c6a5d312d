"""What the neighbours' own books say, asked over HTTP: the truth that acceptance tests look at.

Nothing of the service's code is asked. Waiting is polling with a deadline. Used by ``stages``.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aiohttp
import yarl

Record = dict[str, Any]
_Found = TypeVar("_Found")
_LOOK_SECONDS = 0.05
#: What comes at all comes by then, also on a machine that stands still now and then; no test is the quicker for less.
_PATIENCE_SECONDS = 60


async def until(what: str, look: Callable[[], Awaitable[_Found | None]], seconds: float = _PATIENCE_SECONDS) -> _Found:
    """What ``look`` finds at last; the test fails, saying ``what`` never came, when it finds nothing in time."""
    deadline = time.monotonic() + seconds
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            message = f"not within {seconds} s: {what}"
            raise AssertionError(message)
        await asyncio.sleep(_LOOK_SECONDS)
    return found


class Neighbour:
    """One stand-in: its faults, the requests that it saw, and its books.

    Args:
        http: Without cookies.
        url: Of the neighbour itself, such as ``http://127.0.0.1:8080/oozie``.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self.url = yarl.URL(url)

    async def get(self, what: str) -> Any:
        """``/sandbox/WHAT``, as JSON."""
        async with self._http.get(self.url.with_path(f"/sandbox/{what}")) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def post(self, what: str, content: object) -> str:
        """Send JSON to ``/sandbox/WHAT``; returns what it answers."""
        async with self._http.post(self.url.with_path(f"/sandbox/{what}"), json=content) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.text()

    async def delete(self, what: str) -> None:
        """Empty ``/sandbox/WHAT``."""
        async with self._http.delete(self.url.with_path(f"/sandbox/{what}")) as answer:
            assert answer.status < 300, await answer.text()

    async def order(self, action: str, **order: object) -> int:
        """Order a fault, as ``sandbox.fault_orders`` reads it; returns its number, which the record of requests has."""
        return int(json.loads(await self.post("faults", {"action": action, **order}))["id"])

    async def fault_hits(self) -> int:
        """How often all orders in force struck."""
        return sum(order["hits"] for order in await self.get("faults"))

    async def requests(self, **wanted: object) -> list[Record]:
        """The requests seen whose fields are as wanted, oldest first; ``query`` must hold the wanted pairs."""
        return [seen for seen in await self.get("requests") if _is_like(seen, wanted)]


class WebServiceBooks(Neighbour):
    """The web service's runs."""

    async def runs(self) -> dict[int, Record]:
        """Every run by accession."""
        return {run["accession"]: run for run in await self.get("runs")}

    async def statuses(self, accession: int) -> list[str]:
        """Every status that a run went through, oldest first, each once in a row."""
        moments = [status for _, status, _ in (await self.get("history"))[str(accession)] if status is not None]
        return [status for index, status in enumerate(moments) if index == 0 or status != moments[index - 1]]

    async def reach(self, status: str, *accessions: int, seconds: float = _PATIENCE_SECONDS) -> list[Record]:
        """Wait until these runs have this status."""

        async def look() -> list[Record] | None:
            runs = await self.runs()
            found = [runs[accession] for accession in accessions]
            return found if all(run["status"] == status for run in found) else None

        try:
            return await until(f"{status} of {accessions}", look, seconds)
        except AssertionError as exc:
            runs = await self.runs()
            seen = {accession: runs[accession]["status"] for accession in accessions}
            message = f"{exc}: {seen}"
            raise AssertionError(message) from None

    async def polls(self, more: int = 4) -> None:
        """Wait until the service has listed ``more`` times again, with any login: each account beats meanwhile."""
        before = len(await self._lists("submitted_cancel"))

        async def look() -> bool | None:
            return len(await self._lists("submitted_cancel")) > before + more or None

        await until(f"{more} more polls", look)

    async def swept(self) -> None:
        """Wait until the service has listed everything that is active."""

        async def look() -> bool | None:
            return bool(await self._lists("running")) or None

        await until("a sweep", look)

    async def _lists(self, status: str) -> list[Record]:
        listed = await self.requests(method="GET", query={"status": status})
        return [seen for seen in listed if seen["status"] is not None]


class OozieBooks(Neighbour):
    """Oozie's jobs."""

    async def jobs(self, *accessions: int) -> list[Record]:
        """Every job that Oozie took, or those of these runs."""
        return [job for job in await self.get("jobs") if not accessions or job["accession"] in accessions]

    async def job(self, accession: int) -> Record:
        """The one job of a run."""
        found = await self.jobs(accession)
        assert len(found) == 1, found
        return found[0]

    async def act(self, job_id: str, action: str, user: str) -> None:
        """What somebody does to a job behind everybody's back: ``suspend``, ``kill``, ``resume``."""
        url = self.url / "v1" / "job" / job_id % {"action": action, "user.name": user}
        async with self._http.put(url) as answer:
            assert answer.status == 200, await answer.text()


def _is_like(seen: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    query = wanted.get("query", {})
    plain = {key: value for key, value in wanted.items() if key != "query"}
    return all(seen[key] == value for key, value in plain.items()) and query.items() <= seen["query"].items()
