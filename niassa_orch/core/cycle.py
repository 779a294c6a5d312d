"""One beat of one account: poll, launch, settle, propagate. It fits a screen; what does not belongs below it."""

import asyncio
import collections
import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Sequence

from niassa_orch import errors
from niassa_orch.core import board, enrolling, guard, launching, polling, pool, propagating
from niassa_orch.domain import runs

#: So many requests to the web service may fail in one beat before the rest is left to the next.
_WEB_FAILURES = 3


@dataclasses.dataclass(slots=True)
class _Failures:
    """What went wrong in one beat beyond a single run."""

    login: errors.LoginRefusedError | None = None
    oozie: errors.OozieUnavailableError | None = None
    web: errors.WebServiceUnavailableError | None = None
    web_count: int = 0
    journal: errors.JournalError | None = None
    oozie_is_down: bool = False

    @property
    def say_stop(self) -> bool:
        """Whether asking on makes no sense in this beat."""
        return self.login is not None or self.oozie_is_down or self.web_count >= _WEB_FAILURES


class Cycle:
    """The beat of one account.

    Args:
        line: The account's line on the board.
        slots: The task pool.
        launcher: Of this account.
        propagator: Of this account.
        claim: Says whether this account may serve its web service, user and host; raises ProfileError if not.
        stopping: Set when no new work may begin.
    """

    def __init__(
        self,
        line: board.AccountLine,
        slots: pool.Pool,
        launcher: launching.Launcher,
        propagator: propagating.Propagator,
        claim: Callable[[enrolling.Enrolled], None],
        stopping: asyncio.Event,
    ) -> None:
        self._line = line
        self._slots = slots
        self._launcher = launcher
        self._propagator = propagator
        self._claim = claim
        self._stopping = stopping
        self._careful = False
        self._unwritable = False

    @property
    def wants_journal(self) -> bool:
        """Whether the last beat left something undone because the journal could not be written."""
        return self._unwritable

    async def cycle(self, enrolled: enrolling.Enrolled) -> None:
        """Work off what the web service lists now.

        Raises:
            WebServiceError: It did not answer as it should; what was begun is finished.
            ProfileError: Another account serves the same web service, user and host.
        """
        listed = await guard.unless(self._stopping, polling.poll(enrolled.web_service, enrolled.account))
        if listed is None:
            return
        # Only a login that was proven claims anything.
        self._claim(enrolled)
        self._line.last_good_poll = time.monotonic()
        self._line.counts = collections.Counter(run.status for run in listed if run.status is not None)
        self._launcher.take_up(enrolled)
        self._launcher.offer(enrolled, listed)
        await self._launcher.let_go(enrolled, listed)
        await self._launcher.settle_doubts()
        await self._propagate(enrolled, [run for run in listed if run.status is not runs.RunStatus.SUBMITTED])

    async def _propagate(self, enrolled: enrolling.Enrolled, active: Sequence[runs.WorkflowRun]) -> None:
        failures = _Failures()
        # In another order each time, so that runs whose neighbours hang do not keep the same others waiting.
        order = random.sample(active, len(active))
        order.sort(key=lambda run: run.status not in runs.REQUESTED)
        queue = iter(order)
        # After a failure one task probes; a hanging neighbour of ours must not fill the pool.
        width = 1 if self._careful else min(self._slots.size, len(active))
        async with asyncio.TaskGroup() as group:
            for number in range(width):
                group.create_task(self._work_off(enrolled, queue, failures), name=f"propagate:{number}")
        self._propagator.forget_all_but({run.accession for run in active})
        self._careful = failures.oozie is not None or failures.web is not None
        self._unwritable = failures.journal is not None
        self._line.warning = str(failures.oozie or failures.web or failures.journal or enrolled.warning)
        if failures.login is not None:
            raise failures.login

    async def _work_off(
        self, enrolled: enrolling.Enrolled, queue: Iterator[runs.WorkflowRun], failures: _Failures
    ) -> None:
        for run in queue:
            urgent = run.status in runs.REQUESTED
            settled = self._launcher.is_settled(enrolled, run.accession)
            if urgent and not settled:
                continue
            async with self._slots.slot(self._line.name, urgent=urgent):
                if self._stopping.is_set() or failures.say_stop:
                    return
                await self._propagate_one(enrolled, run, failures, settled=settled)

    async def _propagate_one(
        self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, failures: _Failures, *, settled: bool
    ) -> None:
        try:
            await self._propagator.propagate(enrolled, run, settled=settled)
        except errors.LoginRefusedError as exc:
            failures.login = exc
        except errors.WebServiceUnavailableError as exc:
            failures.web = exc
            failures.web_count += 1
        except errors.OozieUnavailableError as exc:
            failures.oozie = exc
            failures.oozie_is_down = not await self._oozie_answers(enrolled)
        except errors.JournalError as exc:
            failures.journal = exc
            # What a user asked for waits for something that only a person can mend.
            self._propagator.complain(enrolled, run, str(exc))
        except errors.NiassaOrchError as exc:
            # Of this run alone: the others of the account do not wait for it.
            self._propagator.complain(enrolled, run, str(exc))
        except Exception as exc:  # noqa: BLE001 - a defect over one run must not cancel the writes of the others
            self._propagator.complain(enrolled, run, f"a defect, please report it: {type(exc).__name__}: {exc}")

    async def _oozie_answers(self, enrolled: enrolling.Enrolled) -> bool:
        try:
            await enrolled.oozie().versions()
        except errors.OozieError:
            return False
        return True
