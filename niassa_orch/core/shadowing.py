"""Accounts in shadow mode: everything is looked at and decided, nothing is launched and nothing written.

A launch of ours that was begun before keeps what it began with: it is settled, which may write its record, and it is
no work of others. What would have been launched, and which statuses would have been written, is in the journal, and so
is what others (a crontab) did then. Runs that others launched before we saw them wait are told apart. Called by
``core.cycle`` in place of launches and propagation.
"""

import contextlib
import dataclasses
import time
from collections.abc import Iterable

from niassa_orch import errors
from niassa_orch.core import account_line, active_runs, board, enrolling, pool
from niassa_orch.domain import accounts, runs, selection, shadows, transitions
from niassa_orch.journal import shadows as journal_shadows
from niassa_orch.journal import store

#: Reads of single runs in one beat, so that a backlog does not make a beat endless.
_READS_A_BEAT = 200
#: A run whose status is to move is looked at again after so long; one that cannot be looked at, after that.
_MOVING_SECONDS = 30.0
_ODD_SECONDS = 600.0


class Shadowing:
    """The shadows of one account.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        slots: The task pool, for reading runs.
        journal: Where shadows are kept.
    """

    def __init__(
        self, line: account_line.AccountLine, told: board.Board, slots: pool.Pool, journal: store.Journal
    ) -> None:
        self._line = line
        self._board = told
        self._slots = slots
        self._journal = journal
        self._claim: tuple[str, str, str] | None = None
        self._ended: tuple[str, str, str] | None = None
        self._open: dict[tuple[runs.Accession, shadows.Kind], journal_shadows.Shadow] = {}
        self._before: set[runs.Accession] = set()

    async def beat(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        """Decide what would be done now, and look what became of what was decided before.

        Args:
            enrolled: The account.
            active: Its runs.

        Raises:
            NiassaOrchError: A neighbour did not answer, or the journal cannot be used: the next beat goes on.
        """
        await self._begin(enrolled.account, active)
        await self._decide_launches(enrolled, active)
        await self._note_unseen(enrolled.account, active)
        await self._look_what_came(enrolled, active)
        waiting = sum(1 for _, kind in self._open if kind is shadows.Kind.LAUNCH)
        begun = sum(1 for launch in self._journal.unsettled() if launch.claim == enrolled.account.claim)
        but = f", but for what becomes of {begun} begun before" if begun else ""
        self._line.waiting = f"shadow: {waiting} would be launched; nothing is launched or written{but}"

    async def end(self, account: accounts.Account) -> None:
        """The account is not in shadow mode: from now on we act, so that nothing says any more what others do.

        What is open is judged no more; a journal that cannot be used is told elsewhere, and asked again next time.
        """
        if self._ended == account.claim:
            return
        with contextlib.suppress(errors.JournalError):
            if await self._journal.shadows.open_of(account):
                came = shadows.Came("shadow mode was turned off before anything came", shadows.Agreement.WITHDRAWN)
                await self._journal.shadows.end(account, came)
            self._claim, self._ended = None, account.claim

    async def follow(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        """Decide which statuses would be written to the runs whose jobs moved; raises as ``beat``."""
        due = [accession for accession, _ in active.take(time.monotonic(), _READS_A_BEAT)]
        while due:
            try:
                await self._decide_status(enrolled, active, due[-1])
            except (errors.Transient, errors.LoginRefusedError, errors.JournalError):
                for accession in due:
                    active.put_off(accession)
                raise
            except errors.NiassaOrchError:
                # Of this run alone.
                active.put_off(due[-1], time.monotonic() + _ODD_SECONDS)
            due.pop()

    async def _begin(self, account: accounts.Account, active: active_runs.ActiveRuns) -> None:
        """What is open from before, and what others had launched before anybody looked."""
        if self._claim != account.claim:
            self._open = {shadow.key: shadow for shadow in await self._journal.shadows.open_of(account)}
            self._before = {run.accession for run in active if run.status is not runs.RunStatus.SUBMITTED}
            for accession, kind in self._open:
                if kind is shadows.Kind.STATUS:
                    active.put_off(accession)
            self._claim, self._ended = account.claim, None

    async def _decide_launches(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        account = enrolled.account

        def is_available(accession: runs.Accession) -> bool:
            decided = (accession, shadows.Kind.LAUNCH) in self._open
            return not decided and not self._journal.is_fenced(account, accession)

        listed = selection.select_launchable(active.scheduled, account, is_available)
        before = await self._journal.past.launched(account.web_service_url, (run.accession for run in listed))
        waiting = [run for run in listed if run.accession not in before or await self._waits(enrolled, active, run)]
        new = [journal_shadows.decided(account, run, shadows.Kind.LAUNCH, journal_shadows.LAUNCHED) for run in waiting]
        await self._note(new)
        if new:
            self._event("shadow.would_launch", accessions=" ".join(str(shadow.accession) for shadow in new))

    async def _waits(
        self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns, listed: runs.WorkflowRun
    ) -> bool:
        """Whether a run that we launched before waits again; the list may be older than what came of that launch."""
        account = enrolled.account
        if await self._journal.past.known_job(account.web_service_url, listed.accession) is not None:
            return False  # its job would be put back on the record
        run = await self._read(enrolled, active, listed.accession)
        return run is not None and selection.is_of(run, account) and run.status is runs.RunStatus.SUBMITTED

    async def _note_unseen(self, account: accounts.Account, active: active_runs.ActiveRuns) -> None:
        """Runs that were launched by others, and that we never saw wait."""
        launched = {run.accession: run for run in active if run.status in active_runs.FOLLOWING}
        decided = {accession for accession, kind in self._open if kind is shadows.Kind.LAUNCH}
        new = launched.keys() - self._before - decided
        if not new:
            return
        known = await self._journal.shadows.known(account.web_service_url, new)
        others = [launched[one] for one in sorted(new - known) if not await self._is_ours(account, launched[one])]
        await self._journal.shadows.decide(journal_shadows.unseen(account, run) for run in others)
        self._before |= new

    async def _is_ours(self, account: accounts.Account, run: runs.WorkflowRun) -> bool:
        """Whether we launched it, before shadow mode was switched on."""
        if self._journal.is_fenced(account, run.accession):
            return True
        job = await self._journal.past.known_job(account.web_service_url, run.accession)
        return job is not None and job == run.status_cmd

    async def _look_what_came(self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns) -> None:
        waits = {run.accession for run in active.scheduled}
        launches = (shadow for shadow in self._open.values() if shadow.kind is shadows.Kind.LAUNCH)
        left = [shadow for shadow in launches if shadow.accession not in waits]
        asks = enrolled.account.propagation is accounts.Propagation.NATIVE
        for shadow in left[:_READS_A_BEAT]:
            run = await self._read(enrolled, active, shadow.accession)
            user = await _job_user(enrolled, run) if asks else ""
            asks = asks and user is not None  # not one time-out for each run
            await self._judge(shadow, shadows.launched(run, enrolled.account, user or ""))

    async def _decide_status(
        self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns, accession: runs.Accession
    ) -> None:
        account = enrolled.account
        run = await self._read(enrolled, active, accession)
        shadow = self._open.get((accession, shadows.Kind.STATUS))
        if shadow is not None:
            await self._judge(shadow, shadows.moved(run, account, shadow.basis, await _wanted(enrolled, run, shadow)))
        if run is None or not selection.is_of(run, account) or run.status in (None, runs.RunStatus.SUBMITTED):
            return
        wanted = shadows.wanted_status(await _decision(enrolled, run))
        if wanted is not None and wanted is not run.status:
            await self._want(account, run, wanted)
        if (accession, shadows.Kind.STATUS) in self._open:
            active.put_off(accession, time.monotonic() + _MOVING_SECONDS)

    async def _want(self, account: accounts.Account, run: runs.WorkflowRun, wanted: runs.RunStatus) -> None:
        known = self._open.get((run.accession, shadows.Kind.STATUS))
        before = known.wanted.split(",") if known is not None else []
        if wanted in before:
            return
        await self._note([journal_shadows.decided(account, run, shadows.Kind.STATUS, ",".join([*before, wanted]))])
        self._event("shadow.would_write", accession=run.accession, status=str(run.status), wanted=str(wanted))

    async def _note(self, decided: Iterable[journal_shadows.Shadow]) -> None:
        new = {shadow.key: shadow for shadow in decided}
        if new:
            await self._journal.shadows.decide(new.values())
            self._open |= new

    async def _judge(self, shadow: journal_shadows.Shadow, came: shadows.Came | None) -> None:
        if came is None:
            return
        await self._journal.shadows.came(shadow, came)
        self._open.pop(shadow.key, None)
        level = board.Level.WARNING if came.agreement is shadows.Agreement.DIFFERS else board.Level.INFO
        fields = {"accession": shadow.accession, "wanted": shadow.wanted, "came": came.what}
        self._board.event(f"shadow.{came.agreement}", account=self._line.name, level=level, **fields)

    async def _read(
        self, enrolled: enrolling.Enrolled, active: active_runs.ActiveRuns, accession: runs.Accession
    ) -> runs.WorkflowRun | None:
        async with self._slots.slot(self._line.name):
            try:
                run = (await enrolled.web_service.get_run(accession)).run
            except errors.RunNotFoundError:
                run = None
        active.tell(accession, run if run is not None and selection.is_of(run, enrolled.account) else None)
        return run

    def _event(self, name: str, **fields: object) -> None:
        self._board.event(name, account=self._line.name, level=board.Level.INFO, **fields)


async def _job_user(enrolled: enrolling.Enrolled, run: runs.WorkflowRun | None) -> str | None:
    """Whose a run's job is; ``""`` where it has none that Oozie knows, ``None`` where Oozie does not answer."""
    if run is None or run.engine_family is not runs.EngineFamily.OOZIE or not run.status_cmd:
        return ""
    try:
        return (await enrolled.oozie().job(run.status_cmd)).user
    except errors.JobUnknownError:
        return ""
    except errors.OozieError:
        return None


async def _wanted(
    enrolled: enrolling.Enrolled, run: runs.WorkflowRun | None, shadow: journal_shadows.Shadow
) -> frozenset[str]:
    """Every status that we would have written; also that of now, for a job that went on between two looks of ours."""
    wanted = frozenset(shadow.wanted.split(","))
    if run is None or run.status is None or str(run.status) in wanted | {shadow.basis}:
        return wanted
    before = dataclasses.replace(run, status=runs.RunStatus(shadow.basis))
    return wanted | {str(shadows.wanted_status(await _decision(enrolled, before)))}


async def _decision(enrolled: enrolling.Enrolled, run: runs.WorkflowRun) -> transitions.Decision:
    if run.engine_family is not runs.EngineFamily.OOZIE:
        return transitions.Decision()
    if not run.status_cmd:
        return transitions.decide_without_job(run, settled=True)
    try:
        job = await enrolled.oozie().job(run.status_cmd)
    except errors.JobUnknownError:
        return transitions.Decision()
    # The crontab of another account launched it, for the same host: such a run is left alone (run.left_alone).
    return transitions.decide(run, job) if job.user == enrolled.account.unix_user else transitions.Decision()
