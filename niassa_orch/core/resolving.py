"""What people say of launches that are not settled, and of runs that were launched before: ``doubts`` and ``resolve``.

The journal is opened for each question, beside a service that may run: that service, be it this very process, hears of
a word at its next beat as it does of another process's. Every word is in the audit trail before it is in the journal.
Called through ``core.operating``.
"""

import asyncio
import contextlib
import dataclasses
import pathlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from niassa_orch import errors
from niassa_orch.core import audit, state_directory
from niassa_orch.domain import orders, runs, settling
from niassa_orch.journal import records, store
from niassa_orch.seqware import call

IN_FLIGHT = "in flight"
_OVER = "over, not settled"
_SAID = "a person said so"
#: Of Oozie: digits, letters, and what parts them.
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:-]{0,199}")
#: A disk that stalls longer than this between an intent and its call has other troubles.
_BEGINS_SECONDS = 600.0


@dataclasses.dataclass(frozen=True, slots=True)
class Doubt:
    """A launch that is not settled.

    Args:
        launch: As the journal has it.
        state: In doubt, held, set aside, in flight; or over, when nobody looked at it since its call ended.
        transcript: Where its call wrote.
    """

    launch: records.Launch
    state: str
    transcript: pathlib.Path

    @property
    def mark(self) -> str:
        """Another one once somebody said something of it."""
        return " ".join((self.launch.call_id, self.launch.told or "-", self.launch.job_id or "-"))

    def to_json(self) -> dict[str, object]:
        """For machines and for the wire: the launch as the journal has it, and what was looked at."""
        looked = {"state": str(self.state), "transcript": str(self.transcript), "mark": self.mark}
        return dataclasses.asdict(self.launch) | looked


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """What a person says of a run's launch.

    Args:
        accession: The run.
        told: What.
        job_id: The job that it has, with ``LAUNCHED``.
        web_service: Its URL, where two of them have the accession.
        mark: Of the doubt that this person saw; ``""``: that there is none, or whatever there is.
    """

    accession: runs.Accession
    told: records.Told
    job_id: str | None = None
    web_service: str | None = None
    mark: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of a run, or of all: launches not settled, and jobs that it was launched as, by URL."""

    doubts: tuple[Doubt, ...]
    jobs: Mapping[str, str]


class Resolving:
    """Takes words of people.

    Args:
        directory: Of the state.
        trail: Where each is written first.
        heard: Told whose launch it was, so that it is looked at soon.
    """

    def __init__(
        self,
        directory: state_directory.StateDirectory,
        trail: audit.Trail,
        heard: Callable[[str], None] = lambda _account: None,
    ) -> None:
        self._directory = directory
        self._trail = trail
        self._heard = heard

    async def known(self, accession: runs.Accession | None) -> Known:
        """What is not settled, of a run or (``None``) of all; of a run the jobs too that it was launched as.

        Raises:
            JournalError: The journal cannot be read.
        """
        async with self._opened() as journal:
            found = [one for one in journal.unsettled() if accession in (None, one.accession)]
            doubts = await asyncio.to_thread(lambda: tuple(map(self._doubt, found)))
            return Known(doubts, await _jobs(journal, accession) if accession is not None else {})

    async def resolve(self, word: Word, by: orders.Operator) -> str:
        """Settle a launch, or let a run be launched again whose launches are settled; says what was done.

        Raises:
            OrderError: It cannot be: there is no such launch, or more than one, or its call is in flight.
            OvertakenError: Somebody settled it meanwhile, or said something else of it.
            AuditError: It could not be written into the audit trail, and is not done.
            JournalError: It is not written.
        """
        check(word)
        async with self._opened() as journal:
            matching = [one for one in journal.unsettled() if _is_meant(one.accession, one.web_service, word)]
            if word.told is records.Told.RELAUNCH and not matching and not word.mark:
                return await self._forget(journal, word, by)
            launch = await asyncio.to_thread(self._checked, matching, word)
            details = {"told": word.told, "job": word.job_id, "web_service": launch.web_service, "call": launch.call_id}
            entry = audit.Entry("resolve", launch.account, launch.unix_user, by.in_full, word.accession, details)
            said = f"run {word.accession} of {launch.account}: {_in_words(word)}"
            await self._audited(entry, lambda: _settle(journal, launch, word), said)
        self._heard(launch.account)
        return said

    async def _forget(self, journal: store.Journal, word: Word, by: orders.Operator) -> str:
        jobs = await _jobs(journal, word.accession)
        jobs = {url: job for url, job in jobs.items() if word.web_service in (None, url)}
        if len(jobs) != 1:
            known = f"{len(jobs)} web services" + (f": {', '.join(jobs)}; say --web-service URL" if jobs else "")
            message = f"no launch of run {word.accession} is unsettled, and the journal knows a job of it for {known}"
            raise errors.OrderError(message)
        [(url, job_id)] = jobs.items()
        details = {"told": word.told, "forgotten": job_id, "web_service": url}
        entry = audit.Entry("resolve", operator=by.in_full, accession=word.accession, details=details)
        said = f"run {word.accession}: job {job_id} is forgotten; it is launched again once its record says submitted"
        await self._audited(entry, lambda: journal.past.forget_job(url, word.accession), said)
        return said

    async def _audited(self, entry: audit.Entry, work: Callable[[], Awaitable[None]], said: str) -> None:
        await self._trail.begin(entry)
        try:
            await work()
        except errors.JournalError as exc:
            self._trail.note(dataclasses.replace(entry, result=f"not done: {exc}"))
            raise
        self._trail.note(dataclasses.replace(entry, result=said))

    def _checked(self, matching: list[records.Launch], word: Word) -> records.Launch:
        """The one launch that is meant, as the person saw it, its call not in flight."""
        doubts = [self._doubt(one) for one in matching]
        if word.mark and word.mark not in (doubt.mark for doubt in doubts):
            message = f"the launch of run {word.accession} was settled meanwhile, or somebody said what became of it"
            raise errors.OvertakenError(message)
        if len(doubts) != 1:
            more = "; say --web-service URL" if doubts else ""
            message = f"{len(doubts)} unsettled launches of run {word.accession}{more}; see: niassa-orch doubts"
            raise errors.OrderError(message)
        if doubts[0].state == IN_FLIGHT:
            message = f"the engine call of run {word.accession} is still in flight; its deadline ends it"
            raise errors.OrderError(message)
        return doubts[0].launch

    def _doubt(self, launch: records.Launch) -> Doubt:
        transcript = self._directory.open_transcript(launch.transcript)
        return Doubt(launch, launch.outcome or (IN_FLIGHT if _may_live(launch, transcript) else _OVER), transcript)

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[store.Journal]:
        journal = await asyncio.to_thread(store.Journal, self._directory.journal, _no_service)
        try:
            yield journal
        finally:
            await asyncio.to_thread(journal.close)


def check(word: Word) -> None:
    """Look whether a word makes sense; raises OrderError."""
    if (word.told is records.Told.LAUNCHED) != (word.job_id is not None):
        message = "a job belongs to a launch that was made, and to nothing else"
        raise errors.OrderError(message)
    if word.job_id is not None and not is_job_id(word.job_id):
        message = f"{word.job_id!r} is no id of a job"
        raise errors.OrderError(message)


def is_job_id(text: str) -> bool:
    """Whether a text may be the id of a job; whether there is such a job, the service looks."""
    return _JOB_ID.fullmatch(text) is not None


async def _settle(journal: store.Journal, launch: records.Launch, word: Word) -> None:
    if word.told is records.Told.RELAUNCH:
        await journal.settle(launch, records.Settled(settling.Outcome.CLEAN, _SAID, told=word.told))
    elif word.told is records.Told.LAUNCHED and launch.engine_family is runs.EngineFamily.WHITESTAR:
        # It has no job that anybody could ask: what its record says is for the person to set right.
        settled = records.Settled(settling.Outcome.LAUNCHED, _SAID, str(launch.accession), told=word.told)
        await journal.settle(launch, settled)
    else:
        await journal.tell(launch, word.told, word.job_id)


async def _jobs(journal: store.Journal, accession: runs.Accession) -> dict[str, str]:
    urls = await journal.past.web_services_of(accession)
    found = {url: await journal.past.known_job(url, accession) for url in urls}
    return {url: job for url, job in found.items() if job}


def _is_meant(accession: runs.Accession, web_service: str, word: Word) -> bool:
    return accession == word.accession and word.web_service in (None, web_service)


def _may_live(launch: records.Launch, transcript: pathlib.Path) -> bool:
    """Whether its call lives, or is between its intent and its transcript, where there is nothing to see of it."""
    with contextlib.suppress(FileNotFoundError):
        return call.is_held(transcript)
    if launch.started or launch.begun is None or launch.boot_id != call.current_boot_id():
        return False
    return time.monotonic() - launch.begun < _BEGINS_SECONDS


def _in_words(word: Word) -> str:
    if word.told is records.Told.RELAUNCH:
        return "it may be launched again"
    return "it failed" if word.told is records.Told.FAILED else f"its job is {word.job_id}"


def _no_service() -> str:
    return "no service ever ran with this state_dir"
