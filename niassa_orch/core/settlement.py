"""Verdicts on the accessions of an engine call that is over.

Reads the transcript, reads every run again, asks Oozie where the transcript leaves a doubt, repairs the record where it
lacks what the engine did, and writes the verdict into the journal. Called by ``core.launching``, again at each beat
while something is in doubt.
"""

import asyncio
import contextlib
import dataclasses
import time

from niassa_orch import errors
from niassa_orch.core import attempts, audit, board, calling, enrolling, lookup, pool, state_directory, writing
from niassa_orch.domain import evidence, runs, selection, settling
from niassa_orch.journal import records, store
from niassa_orch.seqware import call, transcript

_Outcomes = dict[runs.Accession, settling.Outcome]


class Settlement:
    """Gives verdicts, one task of the pool an accession.

    Args:
        told: The board, for events.
        slots: The task pool.
        journal: Where verdicts are written.
        doubt_grace_seconds: How long Oozie must have answered "no such job" before that is believed.
        most_tries: So many launches of a run in a row may come to nothing before it is set aside.
    """

    def __init__(
        self,
        told: board.Board,
        slots: pool.Pool,
        journal: store.Journal,
        doubt_grace_seconds: float,
        most_tries: int,
    ) -> None:
        self._board = told
        self._slots = slots
        self._journal = journal
        self._doubt_grace_seconds = doubt_grace_seconds
        self._most_tries = most_tries

    async def settle(
        self, attempt: attempts.Attempt, stopping: asyncio.Event
    ) -> tuple[evidence.CallEvidence | None, _Outcomes]:
        """Settle what can be settled; the rest stays in ``attempt.unsettled``, with the reason.

        Args:
            attempt: Its call is over.
            stopping: Once set, no further accession is begun.

        Returns:
            What the transcript proves (``None`` when the call was never begun), and the outcomes that are new.
        """
        seen = await self._evidence(attempt)
        outcomes: _Outcomes = {}
        for accession in list(attempt.unsettled):
            if stopping.is_set():
                break
            async with self._slots.slot(attempt.enrolled.account.name, urgent=True):
                # A person may say what became of it meanwhile, and the account may be enrolled anew.
                case = _Case(attempt, attempt.enrolled, attempt.launches[accession], seen)
                try:
                    verdict, proof = await self._verdict(case)
                    outcomes[accession] = await self._conclude(case, verdict, proof)
                except errors.OvertakenError:
                    continue  # what somebody said meanwhile is heeded at the next beat
                except errors.NiassaOrchError as exc:
                    await self._doubt(case, str(exc))
        if attempt.unsettled:
            attempt.patience.fail(time.monotonic())
        return (None if isinstance(seen, settling.Verdict) else seen), outcomes

    async def _evidence(self, attempt: attempts.Attempt) -> evidence.CallEvidence | settling.Verdict:
        """What the transcript proves, or the verdict for all when there is none that could be read."""
        try:
            return await asyncio.to_thread(_read, attempt)
        except FileNotFoundError:
            away = state_directory.put_away(attempt.transcript)
            if away.exists():
                reason = f"its transcript is put away as {away}: the journal is an older one"
                return settling.Verdict(settling.Outcome.HELD, reason)
            if attempt.started:
                return settling.Verdict(settling.Outcome.HELD, f"its transcript {attempt.transcript} is gone")
            # It is made before the call is.
            return settling.Verdict(settling.Outcome.CLEAN, "the engine was never called")
        except (OSError, ValueError, RuntimeError) as exc:
            passes = calling.may_pass(exc)
            outcome = settling.Outcome.IN_DOUBT if passes else settling.Outcome.HELD
            return settling.Verdict(outcome, f"its transcript {attempt.transcript} is unreadable: {exc}")

    async def _verdict(self, case: "_Case") -> tuple[settling.Verdict, str]:
        """The verdict, when the record is as it says, and what it goes by."""
        if isinstance(case.seen, settling.Verdict) and case.launch.told is None:
            return case.seen, ""
        try:
            run = (await case.enrolled.web_service.get_run(case.launch.accession)).run
        except errors.RunNotFoundError:
            return settling.Verdict(settling.Outcome.HELD, "the web service does not know the run any more"), ""
        verdict = await self._weigh(case, run)
        if verdict.status is not None and not selection.is_of(run, case.enrolled.account):
            reason = f"{verdict.reason}, and the run belongs to {run.owner} on {run.host} now"
            verdict = settling.Verdict(settling.Outcome.HELD, reason)
        elif verdict.status is not None:
            await self._repair(case.enrolled, run, verdict)
        return verdict, evidence.as_text(None if isinstance(case.seen, settling.Verdict) else case.seen, run)

    async def _weigh(self, case: "_Case", run: runs.WorkflowRun) -> settling.Verdict:
        launch, seen = case.launch, case.seen
        if launch.told is records.Told.FAILED:
            return settling.settle_failed(run)
        if launch.job_id is not None:
            return await self._believe(case, launch.job_id, run)
        if isinstance(seen, settling.Verdict):
            return seen
        whitestar, rebooted = case.attempt.is_whitestar, launch.boot_id != call.current_boot_id()
        verdict = settling.settle(seen, run, None, whitestar=whitestar, rebooted=rebooted)
        if verdict.needs_lookup:
            found = await self._look_up(case, seen.runs[run.accession].working_dir or "")
            verdict = settling.settle(seen, run, found, whitestar=whitestar, rebooted=rebooted)
        if verdict.tried:
            earlier = await self._journal.past.failures(launch.web_service, run.accession)
            verdict = settling.set_aside(verdict, earlier, self._most_tries)
        return verdict

    async def _believe(self, case: "_Case", job_id: str, run: runs.WorkflowRun) -> settling.Verdict:
        """The verdict when a person named the job: Oozie knows it, and it may be that of this launch."""
        seen = None if isinstance(case.seen, settling.Verdict) else case.seen.runs[run.accession]
        try:
            job = await case.enrolled.oozie().job(job_id)
        except errors.JobUnknownError:
            return settling.Verdict(settling.Outcome.HELD, f"a person says that its job is {job_id}, Oozie knows none")
        other = await self._journal.past.run_of_job(job_id)
        if other not in (None, run.accession):
            return settling.Verdict(
                settling.Outcome.HELD, f"job {job_id}, which a person named, is that of run {other}"
            )
        return settling.settle_told(job, case.launch.unix_user, seen, run)

    async def _repair(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, verdict: settling.Verdict) -> None:
        changes: dict[str, str | None] = {"status": verdict.status}
        if verdict.job_id is not None:
            changes["statusCmd"] = verdict.job_id
        if verdict.working_dir is not None:
            changes["currentWorkingDir"] = verdict.working_dir
        written = await writing.write(enrolled, run, changes)
        if not written.written.is_in_record:
            message = f"the record of run {run.accession} could not be repaired ({written}); it is tried again"
            raise errors.WebServiceError(message)
        fields: dict[str, object] = {"job": verdict.job_id, "reason": verdict.reason}
        name = enrolled.account.name
        self._board.event("launch.repaired", account=name, level=board.Level.INFO, accession=run.accession, **fields)

    async def _look_up(self, case: "_Case", working_dir: str) -> settling.Lookup:
        attempt, launch, oozie = case.attempt, case.launch, case.enrolled.oozie()
        found = await lookup.jobs_of_launch(oozie, attempt.header, working_dir)
        if found:
            return settling.Lookup(found=found)
        if launch.oozie != case.enrolled.account.oozie_url:
            message = f"only {launch.oozie}, the account's Oozie then, can say that it has no job: niassa-orch doubts"
            raise errors.OozieUnavailableError(message)
        # Of the machine, not of the process, and nobody can set it: what two of its readings differ by has passed,
        # even when the machine was started between them.
        now = time.monotonic()
        first = attempt.none_since.get(launch.accession)
        if first is None or first > now:
            # The first "none", or the machine was started since: the grace begins now.
            attempt.none_since[launch.accession] = now
            reason = attempt.unsettled.get(launch.accession, launch.reason)
            await self._journal.note(launch, settling.Outcome.IN_DOUBT, reason, now)
            return settling.Lookup()
        if now - first < self._doubt_grace_seconds:
            return settling.Lookup()
        age_seconds = None if attempt.begun is None else now - attempt.begun
        found = await lookup.jobs_overlooked(oozie, attempt.header, working_dir, age_seconds)
        return settling.Lookup(found=found, surely_none=not found)

    async def _conclude(self, case: "_Case", verdict: settling.Verdict, proof: str) -> settling.Outcome:
        """Write the verdict down; only then the attempt forgets the accession.

        Raises:
            OvertakenError: A person said something else meanwhile, which counts.
            JournalError: It could not be written; the accession stays unsettled.
        """
        attempt, launch, outcome = case.attempt, case.launch, verdict.outcome
        if outcome is settling.Outcome.IN_DOUBT:
            await self._doubt(case, verdict.reason)
            return outcome
        if outcome.needs_person:
            none_since = attempt.none_since.get(launch.accession)
            await self._journal.note(launch, outcome, verdict.reason, none_since, proof)
            if attempt.unsettled.pop(launch.accession, None) is not None:
                attempt.held[launch.accession] = verdict.reason
        else:
            tried = verdict.tried
            settled = records.Settled(outcome, verdict.reason, verdict.job_id, proof, tried, launch.told)
            await self._journal.settle(launch, settled)
            attempt.forget(launch.accession)
        self._tell(case, verdict)
        return outcome

    def _tell(self, case: "_Case", verdict: settling.Verdict) -> None:
        name, launch = case.enrolled.account.name, case.launch
        case.enrolled.trail.note(audit.of_launch(launch, f"{verdict.outcome}: {verdict.reason}", verdict.job_id))
        if verdict.ended is not None:
            self._board.line(name).note_ended(verdict.ended)
        level = board.Level.ERROR if verdict.outcome.needs_person else board.Level.INFO
        launched = verdict.outcome is settling.Outcome.LAUNCHED
        event = "launch.verified" if launched else f"launch.{verdict.outcome}".replace(" ", "_")
        fields = {"accession": launch.accession} | ({"job": verdict.job_id} if verdict.job_id else {})
        self._board.event(event, account=name, level=level, **fields, reason=verdict.reason)

    async def _doubt(self, case: "_Case", reason: str) -> None:
        attempt, accession = case.attempt, case.launch.accession
        if attempt.unsettled.get(accession, reason) == reason:
            return
        attempt.unsettled[accession] = reason
        none_since = attempt.none_since.get(accession)
        # A doubt that cannot be written down is a doubt all the same.
        with contextlib.suppress(errors.JournalError):
            await self._journal.note(case.launch, settling.Outcome.IN_DOUBT, reason, none_since)
        fields = {"accession": accession, "reason": reason}
        self._board.event("launch.in_doubt", account=case.enrolled.account.name, level=board.Level.WARNING, **fields)


@dataclasses.dataclass(frozen=True, slots=True)
class _Case:
    """One accession to settle: as the journal has it, and with whom, at the moment when its verdict was begun."""

    attempt: attempts.Attempt
    enrolled: enrolling.Enrolled
    launch: records.Launch
    seen: evidence.CallEvidence | settling.Verdict


def _read(attempt: attempts.Attempt) -> evidence.CallEvidence:
    with attempt.transcript.open("rb") as stream:
        seen = transcript.parse(stream, attempt.header.accessions)
    try:
        intact = call.read_header(attempt.transcript).call_id == attempt.header.call_id
    except ValueError:
        # An empty one is of a start that got no further: our first line is on disk before anything is called.
        intact = not attempt.started and attempt.transcript.stat().st_size == 0
    return seen if intact else dataclasses.replace(seen, intact=False)
