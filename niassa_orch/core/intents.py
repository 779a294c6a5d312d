"""Intents: what is written down before the engine is called, and what they say afterwards.

An intent is in the journal, and is the first line of the call's transcript. An account takes up what nobody attends to
of the runs that it owns, whoever began them: an earlier process, or a profile of another name. Called by
``core.launching``.
"""

import collections
import json
import time
from collections.abc import Iterable, Iterator, Sequence

from niassa_orch.core import attempts, crontab_guard, enrolling, limits, orders, sharing, state_directory
from niassa_orch.domain import accounts, runs
from niassa_orch.journal import records, store
from niassa_orch.seqware import call, identity


class Intents:
    """The unsettled calls of all accounts: the journal, the transcripts, and who attends to which call.

    Attributes:
        crontabs: Those that launch as well.

    Args:
        journal: Where intents are written.
        directory: Where transcripts lie.
        most: How many launches may begin, of each account and in all.
        standing: What operators ordered.
        fresh_seconds: How long nobody looks again what others wrote into the journal.
    """

    def __init__(
        self,
        journal: store.Journal,
        directory: state_directory.StateDirectory,
        most: limits.Limits,
        standing: orders.StandingOrders,
        fresh_seconds: float = 0.0,
    ) -> None:
        self.journal = journal
        self.directory = directory
        self.limits = most
        self.orders = standing
        self.crontabs = crontab_guard.Crontabs()
        self._attended: set[str] = set()
        self._ever: set[str] = set()
        self._shared = sharing.Shared(self._look, fresh_seconds)
        self._begun: collections.Counter[tuple[str, str]] = collections.Counter()
        self._recalled = False
        # Known from the start, so that an intent needs no file descriptor.
        call.current_boot_id()

    async def refresh(self) -> None:
        """Take in what others wrote into the journal, and recover one that failed; asked once for all accounts.

        Raises:
            JournalError: As ``store.Journal.refresh``, of the last look, by whomever.
        """
        if not self._shared.is_fresh:
            await self._shared.refresh()

    def hurry(self) -> None:
        """A person says that things may have changed."""
        self._shared.hurry()

    async def _look(self) -> None:
        was_open = self.journal.is_open
        await self.journal.refresh()
        if not was_open:
            self.tidy()
        if not self._recalled:
            await recall(self.journal, self.limits)
            self._recalled = True

    def tidy(self) -> None:
        """Put away transcripts whose launches are settled: the end came between the verdict and that."""
        open_ones = {launch.transcript for launch in self.journal.unsettled()}
        for transcript in self.directory.open_transcripts():
            if transcript.name not in open_ones:
                self.directory.settle(transcript)

    async def intend(
        self, enrolled: enrolling.Enrolled, verb: identity.Verb, batch: Sequence[runs.WorkflowRun]
    ) -> attempts.Attempt:
        """Write down that these runs are about to be launched.

        Raises:
            JournalError: It is not written, or one of them has an unsettled attempt; nothing may be launched.
        """
        self.directory.check_room()
        account = enrolled.account
        family = batch[0].engine_family
        header = call.CallHeader.now(account.name, account.unix_user, verb, [run.accession for run in batch], family)
        transcript = self.directory.transcript(account.name, header.call_id)
        launches = [_launch(account, header, transcript.name, run) for run in batch]
        self._attend(header.call_id)
        self._begun[account.web_user, account.host] += 1
        try:
            await self.journal.intend(launches)
        except BaseException:
            self._attended.discard(header.call_id)
            raise
        return attempts.of_journal(launches, transcript, enrolled, recovered=False)

    def begun(self, account: accounts.Account) -> int:
        """How many calls were intended for the account's login and host, by whatever name of a web service."""
        return self._begun[account.web_user, account.host]

    def take_up(self, enrolled: enrolling.Enrolled) -> Iterator[attempts.Attempt]:
        """Attempts of runs that the account owns, and its host is named for, and nobody attends to."""
        claim = enrolled.account.claim
        calls: dict[str, list[records.Launch]] = collections.defaultdict(list)
        for launch in self.journal.unsettled():
            if launch.call_id not in self._attended and launch.claim == claim:
                calls[launch.call_id].append(launch)
        for call_id, launches in calls.items():
            self._attend(call_id)
            transcript = self.directory.open_transcript(launches[0].transcript)
            yield attempts.of_journal(launches, transcript, enrolled, recovered=True)

    def leave(self, attempt: attempts.Attempt) -> None:
        """Attend to a call no more: it is settled, or the account is not served any more."""
        self._attended.discard(attempt.header.call_id)

    def attended(self) -> tuple[records.Launch, ...]:
        """Launches that are not settled, and that a served account attends to."""
        return tuple(launch for launch in self.journal.unsettled() if launch.call_id in self._attended)

    def unattended(self, *, ever: bool = False) -> tuple[records.Launch, ...]:
        """Launches that no served account attends to, or, with ``ever``, that none did since this process began."""
        attended = self._ever if ever else self._attended
        return tuple(launch for launch in self.journal.unsettled() if launch.call_id not in attended)

    def _attend(self, call_id: str) -> None:
        self._attended.add(call_id)
        self._ever.add(call_id)


async def recall(journal: store.Journal, most: limits.Limits) -> None:
    """Let launches of an earlier process count for the limits as our own do; raises JournalError."""
    now = time.monotonic()
    most.recall(await journal.past.begun_within(limits.LONGEST_SECONDS, now, call.current_boot_id()), now)


def flying(launches: Iterable[records.Launch]) -> collections.Counter[tuple[str, str, str]]:
    """How many of these are in flight, by claim; what is held for a person is not."""
    counted = (launch for launch in launches if launch.outcome is None or not launch.outcome.needs_person)
    return collections.Counter(launch.claim for launch in counted)


def _launch(
    account: accounts.Account, header: call.CallHeader, transcript: str, run: runs.WorkflowRun
) -> records.Launch:
    return records.Launch(
        call_id=header.call_id,
        web_service=account.web_service_url,
        accession=run.accession,
        owner=account.web_user,
        host=account.host,
        oozie=account.oozie_url,
        account=account.name,
        unix_user=account.unix_user,
        verb=header.verb,
        engine_family=header.engine_family,
        transcript=transcript,
        boot_id=header.boot_id,
        created=header.created,
        begun=time.monotonic(),
        seen=json.dumps({"status": run.status, "statusCmd": run.status_cmd, "workflowEngine": run.engine}),
    )
