"""Why a run is where it is: what the web service, the profiles, the journal and Oozie say of it, and what keeps it.

Asked of the same places as the service asks, whether that runs or not. What only the running process knows (backoffs,
which accounts wait longer) its events and its dashboard tell, and the answer says so. Reads and changes nothing. Called
by the command ``explain``.
"""

import contextlib
import dataclasses
import datetime
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import crontab_guard, enrolling, gates, intents, limits, state_directory
from niassa_orch.domain import accounts, orders, runs, selection, transitions
from niassa_orch.journal import records, store
from niassa_orch.seqware import call

_UNSETTLED = "a launch of it is not settled: niassa-orch doubts"


@dataclasses.dataclass(frozen=True, slots=True)
class Said:
    """One sentence, and who says it: ``web service``, ``account``, ``order``, ``journal``, ``oozie``, ``waits`` ..."""

    who: str
    text: str


class Explaining:
    """Explains runs.

    Args:
        service: The settings of the process.
        enrolled: Every account that can be worked for.
        journal: What was launched, and what operators ordered; ``None`` when there is none that can be
            read, which is told by whoever looked for it.
        also: What keeps a run as far as only the running process knows.
        is_blind: There is a journal that cannot be read, so that much that may keep a run is not known.

    Attributes:
        is_known: Whether a web service knew a run that was explained.
    """

    def __init__(
        self,
        service: settings.Settings,
        enrolled: Sequence[enrolling.Enrolled],
        journal: store.Journal | None,
        also: Callable[[accounts.Account, runs.WorkflowRun], Iterable[str]] = lambda _account, _run: (),
        *,
        is_blind: bool = False,
    ) -> None:
        self._service = service
        self._enrolled = enrolled
        self._journal = journal
        self._also = also
        self._is_blind = is_blind
        self.is_known = False

    async def explain(self, accession: runs.Accession) -> AsyncIterator[Said]:
        """Everything that is known of a run, from every web service that knows it.

        Args:
            accession: Of the run.
        """
        asked: set[str] = set()
        for known in self._enrolled:
            url = known.account.web_service_url
            if url in asked:
                continue
            try:
                run = (await known.web_service.get_run(accession)).run
            except errors.RunNotFoundError:
                asked.add(url)
                yield Said("web service", f"{url} knows no run {accession}")
            except errors.WebServiceError as exc:
                # Another account's login may be accepted.
                yield Said("web service", f"{known.account.name} learned nothing: {exc}")
            else:
                asked.add(url)
                self.is_known = True
                async for said in self._of(url, run):
                    yield said

    async def _of(self, url: str, run: runs.WorkflowRun) -> AsyncIterator[Said]:
        job = f", its job is {run.status_cmd}" if run.status_cmd else ""
        what = f"{run.status or 'without a status'}, scheduled for {run.host or 'no host'} by {run.owner}"
        yield Said("web service", f"{url}: {what}, engine {run.engine or 'unset'}{job}")
        owners = [known for known in self._enrolled if known.account.web_service_url == url]
        mine = next((known for known in owners if selection.is_of(run, known.account)), None)
        if mine is None:
            yield Said("waits", _no_account(run, [known.account for known in owners]))
            return
        account = mine.account
        yield Said("account", f"{account.name} serves it, as the Unix user {account.unix_user}")
        for order in self._orders(account):
            if order.accession == run.accession:
                yield Said("order", str(order))
        async for said in self._of_journal(account, run):
            yield said
        if run.engine_family is runs.EngineFamily.OOZIE and run.status_cmd:
            yield Said("oozie", await _job(mine, run.status_cmd))
        async for said in self._waits(mine, run):
            yield said

    async def _waits(self, mine: enrolling.Enrolled, run: runs.WorkflowRun) -> AsyncIterator[Said]:
        """What keeps a run that is not over, and when something is done about it next."""
        if run.status in runs.ENDED:
            return
        is_scheduled = run.status is runs.RunStatus.SUBMITTED
        reasons = self._launching(mine, run) if is_scheduled else self._following(mine.account, run)
        # Some are known in two ways.
        known = dict.fromkeys(filter(None, [*[why async for why in reasons], *self._also(mine.account, run)]))
        for reason in known:
            yield Said("waits", reason)
        if known or is_scheduled or run.status in runs.REQUESTED:
            yield Said("next", self._next(mine.account, known))

    async def _of_journal(self, account: accounts.Account, run: runs.WorkflowRun) -> AsyncIterator[Said]:
        if self._journal is None:
            return  # Who looked for it said why.
        try:
            launches = await self._journal.past.launches_of(account.web_service_url, run.accession)
        except errors.JournalError as exc:
            yield Said("journal", str(exc))
            return
        for launch in launches:
            yield Said("journal", launch)
        if not launches:
            yield Said("journal", "no launch of it was begun here")

    async def _following(self, account: accounts.Account, run: runs.WorkflowRun) -> AsyncIterator[str]:
        """What keeps a run that was launched, or a user's request, from being seen to."""
        for order in self._orders(account):
            if order.kind is orders.Kind.PAUSE:
                yield str(order)
        if account.shadow:
            yield "its account is in shadow mode: nothing is written"
        if run.status is None:
            yield "its record has no status: it is being scheduled, or somebody stored one that is none"
        if self._journal is not None and self._journal.is_fenced(account, run.accession):
            yield _UNSETTLED
        elif run.engine_family is runs.EngineFamily.UNKNOWN:
            yield f"its engine is {run.engine!r}, which nobody here knows"
        elif run.engine_family is runs.EngineFamily.OOZIE and run.status is not None and not run.status_cmd:
            without_job = transitions.decide_without_job(run, settled=True)
            yield "" if without_job.status else without_job.reason

    async def _launching(self, mine: enrolling.Enrolled, run: runs.WorkflowRun) -> AsyncIterator[str]:
        """What keeps a run that is scheduled from being launched."""
        account = mine.account
        for why in self._said(account, run.accession):
            yield why
        if why := await _crontab(mine):
            yield why
        if self._journal is not None:
            for why in (*self._turns(account, self._journal), await self._limited(account, self._journal)):
                if why:
                    yield why

    def _said(self, account: accounts.Account, accession: runs.Accession) -> Iterator[str]:
        """What operators, the profile and the journal say."""
        yield from (str(order) for order in self._orders(account) if order.keeps)
        if account.shadow:
            yield "its account is in shadow mode: nothing is launched"
        if why := gates.why_shut(account, time.time()):
            yield why
        if self._journal is not None and self._journal.is_fenced(account, accession):
            yield _UNSETTLED

    def _turns(self, account: accounts.Account, journal: store.Journal) -> Iterator[str]:
        """Which launches of any account keep it out: of its Unix user, and of all as far as there are places."""
        calls = {launch.call_id: launch for launch in journal.unsettled()}
        alive = [launch for launch in calls.values() if self._is_alive(launch)]
        for one in alive:
            if one.unix_user == account.unix_user:
                yield f"one call at a time as {one.unix_user}: that of run {one.accession} for {one.account} lives"
        short = sum(1 for one in alive if one.engine_family is not runs.EngineFamily.WHITESTAR)
        if short >= (most := self._service.pool.engine_calls):
            yield f"{short} of {most} engine calls of all accounts are under way"

    def _is_alive(self, launch: records.Launch) -> bool:
        directory = state_directory.StateDirectory(self._service.state_dir)
        with contextlib.suppress(OSError):
            return call.is_held(directory.open_transcript(launch.transcript))
        return False

    def _orders(self, account: accounts.Account) -> tuple[orders.Order, ...]:
        """Orders that hold for an account now."""
        standing = self._journal.orders.standing if self._journal is not None else ()
        return orders.over(orders.in_force(standing, datetime.datetime.now(datetime.UTC)), account.name)

    async def _limited(self, account: accounts.Account, journal: store.Journal) -> str:
        """Why limits keep it, by what the journal knows; for whom a running service keeps places it alone can tell."""
        claims = [known.account.claim for known in self._enrolled]
        most = limits.Limits(self._service.launching, self._service.beat.interval_seconds, lambda: claims)
        await intents.recall(journal, most)
        room = most.ask(account, intents.flying(journal.unsettled()), time.monotonic())
        return "" if room.launches else room.why

    def _next(self, account: accounts.Account, reasons: Collection[str]) -> str:
        if self._is_blind:
            return "not known: orders, launches and limits stand in the journal, which could not be read"
        mended = "when none of this keeps it any more" if reasons else ""
        if not state_directory.is_used(self._service.state_dir):
            runs_one = f"when a service runs: none is seen to use {self._service.state_dir}"
            return f"{mended}, and {runs_one}" if mended else runs_one
        return mended or (
            f"at the next beat of the service, each {self._service.beat.interval_seconds:g} s; if not, only the "
            "service knows why (a backoff, accounts that wait longer): "
            f"see {account.name} on its dashboard or in its log"
        )


async def _crontab(mine: enrolling.Enrolled) -> str:
    """What the crontab of the account's Unix user has to say, or ``""``."""
    try:
        await crontab_guard.look(mine)
    except errors.EngineCallError as exc:
        return str(exc)
    return ""


def _no_account(run: runs.WorkflowRun, served: Sequence[accounts.Account]) -> str:
    of_owner = [account for account in served if account.web_user == run.owner]
    if of_owner:
        hosts = ", ".join(f"{account.host} ({account.name})" for account in of_owner)
        return f"it was scheduled for {run.host}; runs of {run.owner} are served here for {hosts}"
    return f"no enabled profile that can be used has the login {run.owner}"


async def _job(mine: enrolling.Enrolled, job_id: str) -> str:
    try:
        job = await mine.oozie().job(job_id)
    except errors.OozieError as exc:
        return str(exc)
    return f"job {job.id} is {job.status or 'in a status that Oozie does not define'}, of the user {job.user}"
