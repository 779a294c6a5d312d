"""The unsettled calls that one account attends to, and their place on the board. Owned by ``core.launching``."""

import contextlib
from collections.abc import Iterator, Sequence

from niassa_orch import errors
from niassa_orch.core import account_line, attempts, board, calling, enrolling, gauges, intents
from niassa_orch.domain import runs, settling
from niassa_orch.journal import records


class Attended:
    """Attempts of one account, from the intent, or from the moment they were taken up, to the last verdict.

    Args:
        line: The account's line on the board.
        told: The board, for events.
        intended: What is launched, in doubt or held, of all accounts.
    """

    def __init__(self, line: account_line.AccountLine, told: board.Board, intended: intents.Intents) -> None:
        self._line = line
        self._board = told
        self._intents = intended
        self._attempts: list[attempts.Attempt] = []

    def __iter__(self) -> Iterator[attempts.Attempt]:
        return iter(tuple(self._attempts))

    def add(self, attempt: attempts.Attempt) -> None:
        """A call was intended."""
        self._attempts.append(attempt)
        self.show()

    def take_up(self, enrolled: enrolling.Enrolled) -> list[attempts.Attempt]:
        """Attend to unsettled launches of the account's runs that nobody attends to; returns those that live."""
        for attempt in self._attempts:
            if attempt.enrolled.account.claim == enrolled.account.claim:
                # A verdict is asked for and written with the login of today.
                attempt.enrolled = enrolled
        taken = []
        for attempt in self._intents.take_up(enrolled):
            attempt.calling = calling.is_alive(attempt)
            taken.append(attempt)
            self._attempts.append(attempt)
            self._tell(attempt)
        self._drop_resolved()
        self.show()
        return [attempt for attempt in taken if attempt.calling]

    def _tell(self, attempt: attempts.Attempt) -> None:
        """What waits for a person is an error again at each start: the log of this process is all that some read."""
        what = "recovery.adopted" if attempt.calling else "recovery.to_settle" if attempt.unsettled else "recovery.held"
        level = board.Level.ERROR if what == "recovery.held" else board.Level.INFO
        fields = {"accessions": " ".join(map(str, attempt.launches))}
        if attempt.held:
            fields["reason"] = "; ".join(f"{accession}: {why}" for accession, why in attempt.held.items())
        self._board.event(what, account=self._line.name, level=level, **fields)

    async def let_go(self, enrolled: enrolling.Enrolled, listed: Sequence[runs.WorkflowRun]) -> None:
        """Settle what was set aside and is not submitted any more: a user cancelled it, or took it away."""
        if not self._attempts:
            return
        submitted = {run.accession for run in listed if run.status is runs.RunStatus.SUBMITTED}
        moved = records.Settled(settling.Outcome.ELSEWHERE, "its record is not submitted any more")
        known = {(launch.call_id, launch.accession): launch for launch in self._intents.journal.unsettled()}
        for attempt in self:
            for accession in set(attempt.held) - submitted:
                launch = known.get((attempt.header.call_id, accession))
                if launch is None or launch.outcome is not settling.Outcome.SET_ASIDE:
                    continue
                if launch.claim == enrolled.account.claim:
                    # What cannot be written down is let go at another beat.
                    with contextlib.suppress(errors.JournalError):
                        await self._intents.journal.settle(launch, moved)
                        attempt.forget(accession)
                        self.close(attempt)

    def close(self, attempt: attempts.Attempt) -> None:
        """Put a call away if every accession of it has its verdict."""
        if attempt.is_over:
            self._intents.directory.settle(attempt.transcript)
            self._intents.leave(attempt)
            self._attempts.remove(attempt)
        self.show()

    def tell_overdue(self, attempt: attempts.Attempt) -> None:
        """A call outlived its deadline: whatever should have ended it did not."""
        attempt.overdue = True
        fields = {"accessions": " ".join(map(str, attempt.launches)), "transcript": str(attempt.transcript)}
        self._board.event("launch.overdue", account=self._line.name, level=board.Level.ERROR, **fields)
        self.show()

    def leave(self) -> None:
        """Attend to nothing any more; whoever serves the account next takes it up."""
        for attempt in self._attempts:
            self._intents.leave(attempt)

    def only_whitestar_lives(self, tasks: int) -> bool:
        """Whether so many tasks all wait for living calls of whitestar, or for the turn that such a call holds."""
        alive = [attempt for attempt in self._attempts if attempt.calling]
        waiting = len(alive) + bool(self._line.waiting)
        return bool(alive) and waiting >= tasks and all(attempt.is_whitestar for attempt in alive)

    def show(self) -> None:
        """Tell the board."""
        alive = [attempt for attempt in self._attempts if attempt.calling]
        doubtful = [attempt for attempt in self._attempts if not attempt.calling]
        self._line.calls = tuple(
            gauges.EngineCall(
                tuple(attempt.launches), attempt.begun, attempt.recovered, attempt.is_whitestar, attempt.overdue
            )
            for attempt in alive
        )
        self._line.in_flight = tuple(accession for attempt in alive for accession in attempt.unsettled)
        self._line.in_doubt = tuple(accession for attempt in doubtful for accession in attempt.unsettled)
        self._line.held = {key: reason for attempt in self._attempts for key, reason in attempt.held.items()}

    def _drop_resolved(self) -> None:
        """A person may have said what became of a launch; the journal knows."""
        if not self._attempts:
            return
        known = {(launch.call_id, launch.accession): launch for launch in self._intents.journal.unsettled()}
        for attempt in tuple(self._attempts):
            for accession in tuple(attempt.launches):
                launch = known.get((attempt.header.call_id, accession))
                if launch is None:
                    # While its call lives, what it comes to is looked at all the same.
                    if not attempt.calling:
                        attempt.forget(accession)
                elif _word(launch) != _word(attempt.launches[accession]) or _is_said_again(attempt, launch):
                    attempt.launches[accession] = launch
                    attempt.ask_again(accession, launch.reason)
            if not attempt.calling:
                self.close(attempt)


def _word(launch: records.Launch) -> tuple[records.Told | None, str | None]:
    """What a person said of it."""
    return launch.told, launch.job_id


def _is_said_again(attempt: attempts.Attempt, launch: records.Launch) -> bool:
    """Whether a person repeated what led to nothing before, since it may lead to something now."""
    return launch.told is not None and launch.outcome is settling.Outcome.IN_DOUBT and launch.accession in attempt.held
