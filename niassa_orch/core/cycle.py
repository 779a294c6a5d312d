"""One beat of one account: poll, launch, settle, propagate. It fits a screen; what does not belongs below it."""

import asyncio
import collections
import time
from collections.abc import Sequence

from niassa_orch import errors
from niassa_orch.core import board, enrolling, guard, launching, polling, pool, propagating
from niassa_orch.domain import runs


class Cycle:
    """The beat of one account.

    Args:
        line: The account's line on the board.
        slots: The task pool.
        launcher: Of this account.
        propagator: Of this account.
        stopping: Set when no new work may begin.
    """

    def __init__(
        self,
        line: board.AccountLine,
        slots: pool.Pool,
        launcher: launching.Launcher,
        propagator: propagating.Propagator,
        stopping: asyncio.Event,
    ) -> None:
        self._line = line
        self._slots = slots
        self._launcher = launcher
        self._propagator = propagator
        self._stopping = stopping

    async def cycle(self, enrolled: enrolling.Enrolled) -> None:
        """Work off what the web service lists now.

        Raises:
            WebServiceError: It did not answer as it should; what was begun is finished.
        """
        listed = await guard.unless(self._stopping, polling.poll(enrolled.web_service, enrolled.account))
        if listed is None:
            return
        self._line.last_good_poll = time.monotonic()
        self._line.counts = collections.Counter(run.status for run in listed if run.status is not None)
        self._launcher.offer(enrolled, listed)
        await self._launcher.settle_doubts()
        await self._propagate(enrolled, [run for run in listed if run.status is not runs.RunStatus.SUBMITTED])

    async def _propagate(self, enrolled: enrolling.Enrolled, active: Sequence[runs.WorkflowRun]) -> None:
        failures: list[Exception] = []
        async with asyncio.TaskGroup() as group:
            for run in active:
                group.create_task(self._propagate_one(enrolled, run, failures), name=f"propagate:{run.accession}")
        self._propagator.forget_all_but({run.accession for run in active})
        oozie = next((str(exc) for exc in failures if isinstance(exc, errors.OozieError)), "")
        self._line.warning = oozie or enrolled.warning
        for exc in failures:
            if isinstance(exc, errors.WebServiceError):
                raise exc

    async def _propagate_one(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, failures: list[Exception]
    ) -> None:
        urgent = run.status in runs.REQUESTED
        settled = self._launcher.is_settled(run.accession)
        if urgent and not settled:
            return
        async with self._slots.slot(self._line.name, urgent=urgent):
            # A neighbour that just failed is not asked for all the others: they are looked at in the next beat.
            if self._stopping.is_set() or any(isinstance(exc, errors.Transient) for exc in failures):
                return
            try:
                await self._propagator.propagate(enrolled, run, settled=settled)
            except (errors.Transient, errors.LoginRefusedError) as exc:
                failures.append(exc)
            except errors.NiassaOrchError as exc:
                # Of this run alone: the others of the account do not wait for it.
                self._propagator.complain(enrolled, run, str(exc))
