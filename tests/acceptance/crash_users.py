"""What users do while the service dies again and again: they schedule runs of every kind, cancel and retry.

They know nothing of the service. What the harness needs to happen next (a cancel, a rerun) they see to among their
other doings. Used by ``crashes``; what they asked for is what ``crash_books`` judges by.
"""

import asyncio
import collections
import contextlib
import dataclasses
import random
import time
from collections.abc import AsyncIterator, Awaitable, Mapping

from niassa_orch.sandbox import users
from tests.acceptance import books, stages

ENDED = frozenset({"completed", "failed", "cancelled"})
_MOST_UNFINISHED = 6
_MOST_HALF_DONE = 2
_PACE_SECONDS = 0.15
#: So long a user waits for a run whose launch dies before it reaches Oozie, each time.
_PATIENCE_SECONDS = 3.0
#: Between two runs of whitestar that outlive several services, and have their Unix user's turn to themselves.
_LONG_WHITESTAR_EVERY_SECONDS = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What a run stands for, as ``Stage.schedule`` takes it."""

    steps: str = "align:0.1,sort:0.1"
    launch: str = ""
    engine: str = "oozie"

    @property
    def is_hopeless(self) -> bool:
        """No launch of it ever reaches Oozie, nor says that it failed."""
        return self.launch == "dies_before_submit"

    @property
    def is_for_a_person(self) -> bool:
        """It has to end held: whitestar began it and died."""
        return self.is_hopeless and self.engine == "whitestar"


PLAIN = Plan()
LONG = Plan("align:6")
FAILING = Plan("align:0.1!")
_LONG_WHITESTAR = Plan("align:4", engine="whitestar")
_REPAIRED = tuple(
    Plan(launch=how) for how in ("lost_answer", "failed_after_submit", "silent_after_submit", "dies_after_submit")
)
_DOUBTFUL = (_REPAIRED[0], _REPAIRED[3], Plan(launch="dies_before_submit"))
_HALF_DONE = Plan("align:0.1", "dies_before_submit", "whitestar")
#: With how often they are scheduled.
_PLANS = {
    PLAIN: 6,
    Plan(engine="oozie-sge"): 3,
    LONG: 2,
    FAILING: 1,
    Plan("align:0.1?,sort:0.1"): 2,
    Plan("align:0.3", engine="whitestar"): 1,
    Plan("align:0.1!", engine="whitestar"): 1,
    _LONG_WHITESTAR: 1,
    Plan(launch="fails"): 1,
    Plan(launch="dies_before_submit"): 1,
    _HALF_DONE: 1,
    **dict.fromkeys(_REPAIRED, 2),
}
_Runs = Mapping[int, books.Record]


class Users:
    """The users of all accounts of a stage.

    Args:
        stage: Where they are.
        dice: What they do next.
        plans: What they schedule, with how often.
    """

    def __init__(self, stage: stages.Stage, dice: random.Random, plans: Mapping[Plan, int] = _PLANS) -> None:
        #: Held by whoever wants them to wait.
        self.calm = asyncio.Lock()
        self.scheduled: dict[int, tuple[str, Plan]] = {}
        self.cancelled: set[int] = set()
        #: Half of these was executed by whitestar, which no book can settle: they stay with the person.
        self.left_to_a_person: set[int] = set()
        self.need = ""
        self._stage = stage
        self._dice = dice
        self._plans = plans
        self._since: dict[int, float] = {}
        self._retried: collections.Counter[int] = collections.Counter()

    async def live(self, stopped: asyncio.Event) -> None:
        """Do one thing after another until stopped; what was begun is finished."""
        while not stopped.is_set():
            async with self.calm:
                runs = await self.runs()
                await self.give_up(runs)
                await self._see_to_need(runs)
                await self._do_something(runs)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PACE_SECONDS):
                    await stopped.wait()

    async def runs(self) -> dict[int, books.Record]:
        """The records of all runs that were scheduled."""
        runs = await self._stage.web.runs()
        return {accession: runs[accession] for accession in self.scheduled}

    async def give_up(self, runs: _Runs) -> None:
        """Cancel what never gets launched."""
        now = time.monotonic()
        for accession, run in runs.items():
            plan = self.scheduled[accession][1]
            hopeless = plan.is_hopeless and not plan.is_for_a_person
            if hopeless and run["status"] == "submitted" and now > self._since[accession] + _PATIENCE_SECONDS:
                self._since[accession] = now
                await self._cancel(accession)

    def unfinished(self, runs: _Runs, *plans: Plan) -> list[int]:
        """Runs (of these plans) that have not ended and still may."""
        left = [accession for accession, run in runs.items() if run["status"] not in ENDED]
        wanted = [accession for accession in left if not plans or self.scheduled[accession][1] in plans]
        return [accession for accession in wanted if not self._is_left(accession)]

    def _is_left(self, accession: int) -> bool:
        return accession in self.left_to_a_person or self.scheduled[accession][1].is_for_a_person

    async def _do_something(self, runs: _Runs) -> None:
        unfinished = self.unfinished(runs)
        failed = [one for one, run in runs.items() if run["status"] == "failed" and self._retried[one] < 2]
        chance = self._dice.random()
        if chance < 0.08 and unfinished:
            await self._cancel(self._dice.choice(unfinished))
        elif chance < 0.2 and failed:
            await self._retry(self._dice.choice(failed))
        elif len(unfinished) < _MOST_UNFINISHED:
            await self._schedule(*self._dice.choices(list(self._plans), list(self._plans.values())))

    async def _see_to_need(self, runs: _Runs) -> None:
        if self.need == "cancel":
            await self._need_cancel(runs)
        elif self.need == "rerun":
            await self._need_rerun(runs)
        elif self.need == "resume":
            await self._need_resume(runs)
        elif self.need:
            plans = {"repair": _REPAIRED, "doubt": _DOUBTFUL}.get(self.need, (PLAIN,))
            if not self.unfinished(runs, *plans):
                await self._schedule(self._dice.choice(plans))

    async def _need_cancel(self, runs: _Runs) -> None:
        under_way = [one for one in self.unfinished(runs, LONG) if runs[one]["status"] in ("pending", "running")]
        if under_way:
            await self._cancel(under_way[0])
        elif not self.unfinished(runs, LONG):
            await self._schedule(LONG)

    async def _need_rerun(self, runs: _Runs) -> None:
        failing = [one for one, (_, plan) in self.scheduled.items() if plan == FAILING]
        failed = [one for one in failing if runs[one]["status"] == "failed" and runs[one]["statusCmd"]]
        if failed:
            await self._retry(self._dice.choice(failed))
        elif not self.unfinished(runs, FAILING):
            await self._schedule(FAILING)

    async def _need_resume(self, runs: _Runs) -> None:
        jobs = {job["accession"]: job for job in await self._stage.oozie.jobs()}
        long = [one for one, (_, plan) in self.scheduled.items() if plan == LONG and one in jobs]
        suspended = [one for one in long if jobs[one]["status"] == "SUSPENDED" and runs[one]["status"] == "failed"]
        running = [one for one in long if jobs[one]["status"] == "RUNNING" and runs[one]["status"] == "running"]
        if suspended:
            await self._retry(suspended[0])
        elif running:
            await self._stage.oozie.act(jobs[running[0]]["id"], "suspend", jobs[running[0]]["user"])
        elif not self.unfinished(runs, LONG):
            await self._schedule(LONG)

    async def _schedule(self, plan: Plan) -> None:
        if not self._may_have(plan):
            return
        name = self._dice.choice(list(self._stage.accounts))
        accession = await self._stage.schedule(name, plan.steps, launch=plan.launch, engine=plan.engine)
        self.scheduled[accession] = name, plan
        self._since[accession] = time.monotonic()

    def _may_have(self, plan: Plan) -> bool:
        alike = [accession for accession, (_, one) in self.scheduled.items() if one == plan]
        if plan == _LONG_WHITESTAR and alike:
            return time.monotonic() > self._since[alike[-1]] + _LONG_WHITESTAR_EVERY_SECONDS
        return not plan.is_for_a_person or len(alike) < _MOST_HALF_DONE

    async def _cancel(self, accession: int) -> None:
        self.cancelled.add(accession)
        await self._ask(self._stage.cancel(self.scheduled[accession][0], accession))

    async def _retry(self, accession: int) -> None:
        self._retried[accession] += 1
        await self._ask(self._stage.retry(self.scheduled[accession][0], accession))

    async def _ask(self, asking: Awaitable[None]) -> None:
        # The run moved meanwhile, or its engine knows no such thing: users are told so, and live with it.
        with contextlib.suppress(users.RefusedError):
            await asking


@contextlib.asynccontextmanager
async def about(users_of_stage: Users) -> AsyncIterator[None]:
    """Users go about their doings meanwhile."""
    stopped = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(users_of_stage.live(stopped), name="users")
        try:
            yield
        finally:
            stopped.set()
