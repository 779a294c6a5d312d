"""Every request that a launch makes at a neighbour, and every way in which each can fail: one run a cell.

The requests are those that a clean launch was seen to make, so that the matrix grows with the product. The service
beats only when it is told to (SIGHUP), so that a fault can be in force before the request that it is for. A cell
counts only when the record of requests shows that its fault struck that very request. Used by ``test_faults``.
"""

import dataclasses
import itertools
import re
import signal
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.acceptance import books, services, trials

#: The service beats at its start and at each SIGHUP; whatever fails is not asked again behind our back.
SETTINGS: dict[str, object] = {
    "BEAT__INTERVAL_SECONDS": 3600,
    # More runs at once than any account launches; limits a beat count by that beat.
    **{f"LAUNCHING__{which}": 1000 for which in ("IN_FLIGHT", "A_BEAT", "ACCOUNT_IN_FLIGHT", "ACCOUNT_A_BEAT")},
    "HTTP__ATTEMPTS": 1,
    "ENGINE__BATCH": 50,
    "ENGINE__DOUBT_GRACE_SECONDS": 1,
    "ENGINE__KILL_GRACE_SECONDS": 0.5,
}
#: What the poller of all accounts asks Oozie, at moments of its own.
_OF_ALL_JOBS = re.compile("(^|;)(sortby|status|id)=")
_AGENTS = {"service": "^niassa-orch/", "engine": "^Python-urllib/"}
_STRIKE_SECONDS = 20
_TRIES = 3

Way = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One request of a launch.

    Args:
        who: ``service`` or ``engine``.
        method: Of HTTP.
        path: With ``{run}`` for the run's accession.
        query: What tells it from others: the pairs whose values are the same for every launch, and ``id={key}``.
        nth: How many requests like this one the launch made before.
    """

    who: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    nth: int = 0

    @property
    def is_of_one_run(self) -> bool:
        """Whether it is about one run; else it is a list, or concerns a whole server."""
        return "{run}" in self.path or ("id", "{key}") in self.query or self.method == "POST"

    @property
    def is_before_a_call(self) -> bool:
        """Whether no engine call is made when it fails."""
        return self.who == "service" and not self.is_of_one_run

    def order(self, way: Way, run: "Subject") -> dict[str, Any]:
        """The order that strikes this request of one run."""
        query = {name: value.replace("{key}", run.key) for name, value in self.query}
        aim = {"agent": _AGENTS[self.who], "method": self.method, "skip": self.nth, "query": query}
        body = {"body_contains": f"<value>{run.accession}</value>"} if self.method == "POST" else {}
        return {**aim, **body, "path": self.path.replace("{run}", str(run.accession)) + "$", **way}

    def __str__(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.who}: {self.method} {self.path.rpartition('WebService')[2]}{query and '?' + query} #{self.nth}"


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """A run, and its primary key at the web service."""

    accession: int
    key: str


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """One request that fails in one way."""

    asked: Asked
    how: str
    way: Way = dataclasses.field(hash=False, compare=False)

    @property
    def is_alone(self) -> bool:
        """Whether its fault concerns the other runs of the same engine call too."""
        stops_all = self.asked.who == "service" and self.how == "status 401"
        return not self.asked.is_of_one_run or stops_all or (self.asked.who == "engine" and self.how == "hang")

    def __str__(self) -> str:
        return f"{self.how:12} {self.asked}"


def trace(seen: Iterable[books.Record], run: Subject) -> list[Asked]:
    """What the service and the engine asked for, in order; requests about other runs, or all jobs, are left out."""
    found: list[Asked] = []
    for request in seen:
        who = next((who for who, agent in _AGENTS.items() if re.search(agent, request["agent"])), None)
        about = re.search(r"/workflowruns/(\d+)$", request["path"])
        strange = about is not None and about[1] != str(run.accession)
        strange = strange or request["query"].get("id", run.key) != run.key
        strange = strange or _OF_ALL_JOBS.search(request["query"].get("filter", "")) is not None
        if who is not None and not strange:
            path = request["path"].replace(str(run.accession), "{run}") if about else request["path"]
            one = Asked(who, request["method"], path, tuple(_steady(request["query"])))
            found.append(dataclasses.replace(one, nth=sum(_are_alike(one, other) for other in found)))
    return found


def up_to_the_verdict(asked: Sequence[Asked]) -> list[Asked]:
    """What belongs to a launch: after the engine's last request the record is read once more, then it is propagated."""
    ended = max((number for number, one in enumerate(asked) if one.who == "engine"), default=-1) + 1
    read = (one for one in asked[ended:] if one.method == "GET" and one.path.endswith("{run}"))
    return [*asked[:ended], *itertools.islice(read, 1)]


def _steady(query: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(query.items()):
        if name == "id":
            yield name, "{key}"
        elif name in ("status", "host", "action", "show"):
            yield name, value


def _are_alike(one: Asked, other: Asked) -> bool:
    return dataclasses.replace(other, nth=0) == one


class Matrix:
    """One neighbour that fails, for the runs of one account.

    Args:
        neighbour: That fails.
        trial: Whose runs they are.
        service: That launches them, with ``SETTINGS``.
        name: The account.
        launch: How the engine behaves.
        may_fail: Whether a run may rightly end ``failed`` without a job.
    """

    def __init__(
        self,
        neighbour: books.Neighbour,
        trial: trials.Trials,
        service: services.Service,
        name: str,
        *,
        launch: str = "",
        may_fail: bool = False,
    ) -> None:
        self.struck: dict[Cell, int] = {}
        self._neighbour = neighbour
        self._trial = trial
        self._service = service
        self._name = name
        self._launch = launch
        self._may_fail = may_fail
        self._clean: list[Asked] = []

    @property
    def cells(self) -> set[tuple[Asked, str]]:
        """Which request was struck in which way."""
        return {(cell.asked, cell.how) for cell in self.struck}

    async def requests(self) -> list[Asked]:
        """Launch one run without any fault; what was asked from its beat to its verdict."""
        await self._trial.stage.web.swept()
        run = await self._schedule()
        await self._neighbour.delete("requests")
        self._service.signal(signal.SIGHUP)
        await self._service.tells("launch.verified", accession=run.accession)
        self._clean = up_to_the_verdict(trace(await self._neighbour.requests(), run))
        return self._clean

    async def strike(self, ways: Mapping[str, Way], asked: Collection[Asked] | None = None) -> None:
        """Let every request (or those ``asked``) fail in every way; ``struck`` says which run it was.

        Faults of one run share one engine call; those that concern the whole call have one of their own.
        """
        wanted = self._clean if asked is None else asked
        cells = [Cell(one, how, way) for one in wanted for how, way in ways.items()]
        cells.sort(key=lambda cell: cell.asked.is_before_a_call)  # the runs of such a cell wait, and join a later call
        waves = [[cell for cell in cells if not cell.is_alone], *([cell] for cell in cells if cell.is_alone)]
        for wave in filter(None, waves):
            await self._strike_surely(wave)

    async def _strike_surely(self, wave: Sequence[Cell]) -> None:
        """A slow machine may make something else fail first; such a run is no proof, and another one is tried."""
        left = list(wave)
        for _ in range(_TRIES):
            left = await self._strike(left)
            if not left:
                return
        message = f"never struck: {', '.join(map(str, left))}"
        raise AssertionError(message)

    async def _strike(self, wave: Sequence[Cell]) -> list[Cell]:
        """Launch a run for each cell; returns the cells whose fault did not strike the request that it was for."""
        runs = [await self._schedule() for _ in wave]
        await self._neighbour.delete("requests")
        await self._neighbour.delete("faults")
        orders = [cell.asked.order(cell.way, run) for cell, run in zip(wave, runs, strict=True)]
        numbers = [await self._neighbour.order(**order) for order in orders]
        self._service.signal(signal.SIGHUP)
        await self._wave_is_over(runs)
        seen = await self._neighbour.requests()
        await self._neighbour.delete("faults")
        missed = []
        for cell, run, number in zip(wave, runs, numbers, strict=True):
            if self._is_struck(cell, run, number, seen):
                self.struck[cell] = run.accession
            else:
                missed.append(cell)
        return missed

    def _is_struck(self, cell: Cell, run: Subject, number: int, seen: Sequence[books.Record]) -> bool:
        """Whether the order struck once, and all that came before it for this run was as in the clean launch."""
        hits = [index for index, request in enumerate(seen) if request["fault"] == number]
        if len(hits) != 1:
            return False
        asked = trace(seen[: hits[0] + 1], run)
        if not cell.asked.is_of_one_run or cell.asked.method == "POST":
            return dataclasses.replace(asked[-1], nth=cell.asked.nth) == cell.asked
        before = self._clean[: self._clean.index(cell.asked) + 1]
        of_run = [one for one in before if one.is_of_one_run]
        return [one for one in asked if one.is_of_one_run] == of_run

    async def _wave_is_over(self, runs: Sequence[Subject]) -> None:
        """Every fault struck, and each run that was called has a verdict, or the account rests."""

        async def look() -> bool | None:
            if await self._neighbour.fault_hits() < len(runs):
                return None
            called = {one for event in self._service.events("launch.called") for one in event["accessions"].split()}
            decided = trials.verdicts(self._service)
            return all(run.accession in decided for run in runs if str(run.accession) in called) or None

        try:
            await books.until("the faults of a wave", look, _STRIKE_SECONDS)
        except AssertionError:
            return  # who was not struck is tried again

    async def _schedule(self) -> Subject:
        accession = await self._trial.schedule(self._name, launch=self._launch, may_fail=self._may_fail)
        record = await self._trial.stage.record(self._name, accession)
        return Subject(accession, record["workflowRunId"])
