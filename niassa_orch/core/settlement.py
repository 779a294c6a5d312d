"""Verdicts on the accessions of an engine call that is over.

Reads the transcript, reads every run again, asks Oozie where the transcript leaves a doubt, and repairs the record
where it lacks what the engine did. Called by ``core.launching``, again at each beat while something is in doubt.
"""

import asyncio
import contextlib
import datetime
import pathlib
import time

from niassa_orch import errors
from niassa_orch.core import attempts, board, enrolling, pool, writing
from niassa_orch.domain import evidence, runs, settling
from niassa_orch.seqware import identity, transcript

#: Oozie's clock may differ from ours; jobs are asked for from so long before the call.
_CLOCK_MARGIN = datetime.timedelta(hours=1)


class Settlement:
    """Gives verdicts, one task of the pool an accession.

    Args:
        told: The board, for events.
        slots: The task pool.
        doubt_grace_seconds: How long Oozie must have answered "no such job" before that is believed.
    """

    def __init__(self, told: board.Board, slots: pool.Pool, doubt_grace_seconds: float) -> None:
        self._board = told
        self._slots = slots
        self._doubt_grace_seconds = doubt_grace_seconds

    async def settle(
        self, attempt: attempts.Attempt
    ) -> tuple[evidence.CallEvidence, dict[runs.Accession, settling.Outcome]]:
        """Settle what can be settled; the rest stays in ``attempt.unsettled``, with the reason.

        Returns:
            What the transcript proves, and the outcomes that are new.

        Raises:
            EngineCallError: The transcript cannot be read; its accessions are held.
        """
        try:
            seen = await asyncio.to_thread(_read, attempt.transcript, attempt.header.accessions)
        except OSError as exc:
            reason = f"its transcript {attempt.transcript} cannot be read: {exc.strerror}"
            for accession in list(attempt.unsettled):
                self._conclude(attempt, accession, settling.Verdict(settling.Outcome.HELD, reason))
            raise errors.EngineCallError(reason) from exc
        outcomes: dict[runs.Accession, settling.Outcome] = {}
        for accession in list(attempt.unsettled):
            async with self._slots.slot(attempt.header.account, urgent=True):
                try:
                    verdict = await self._verdict(attempt, seen, accession)
                except errors.NiassaOrchError as exc:
                    self._doubt(attempt, accession, str(exc))
                    continue
            outcomes[accession] = verdict.outcome
            self._conclude(attempt, accession, verdict)
        if attempt.unsettled:
            attempt.patience.fail(time.monotonic())
        return seen, outcomes

    async def _verdict(
        self, attempt: attempts.Attempt, seen: evidence.CallEvidence, accession: runs.Accession
    ) -> settling.Verdict:
        run = (await attempt.enrolled.web_service.get_run(accession)).run
        verdict = settling.settle(seen, run, None)
        if verdict.needs_lookup:
            lookup = await self._look_up(attempt, seen.runs[accession])
            verdict = settling.settle(seen, run, lookup)
        if verdict.outcome is settling.Outcome.LAUNCHED and verdict.status is not None:
            await self._repair(attempt.enrolled, run, verdict)
        return verdict

    async def _repair(self, enrolled: enrolling.Enrolled, run: runs.WorkflowRun, verdict: settling.Verdict) -> None:
        changes: dict[str, str | None] = {"statusCmd": verdict.job_id, "status": verdict.status or run.status}
        if verdict.working_dir is not None:
            changes["currentWorkingDir"] = verdict.working_dir
        written = await writing.write(enrolled.web_service, enrolled.account, run, changes)
        if written is not writing.Written.TAKEN:
            message = f"the record of run {run.accession} could not be repaired ({written}); it is tried again"
            raise errors.WebServiceError(message)
        self._event("launch.repaired", enrolled, run.accession, job=verdict.job_id, reason=verdict.reason)

    async def _look_up(self, attempt: attempts.Attempt, seen: evidence.RunEvidence) -> settling.Lookup:
        """Ask Oozie for jobs of this launch: the list carries no ``appPath``, so that each candidate is looked at."""
        oozie = attempt.enrolled.oozie()
        since = datetime.datetime.fromisoformat(attempt.header.created) - _CLOCK_MARGIN
        suffix = "/" + pathlib.PurePosixPath(seen.working_dir or "?").name
        found = []
        for row in await oozie.jobs_of(attempt.enrolled.account.unix_user, since):
            # A job that is gone since the list was made cannot be one that was just launched.
            with contextlib.suppress(errors.JobUnknownError):
                job = await oozie.job(row.id)
                if job.app_path.rstrip("/").endswith(suffix):
                    found.append(job.id)
        if found:
            return settling.Lookup(found=tuple(found))
        now = time.monotonic()
        first = attempt.none_since.setdefault(seen.accession, now)
        return settling.Lookup(surely_none=now > first and now - first >= self._doubt_grace_seconds)

    def _conclude(self, attempt: attempts.Attempt, accession: runs.Accession, verdict: settling.Verdict) -> None:
        if verdict.outcome is settling.Outcome.IN_DOUBT:
            self._doubt(attempt, accession, verdict.reason)
            return
        del attempt.unsettled[accession]
        level = board.Level.INFO
        if verdict.outcome is settling.Outcome.HELD:
            attempt.held[accession] = verdict.reason
            level = board.Level.ERROR
        if verdict.ended is not None:
            self._board.line(attempt.header.account).ended[verdict.ended] += 1
        launched = verdict.outcome is settling.Outcome.LAUNCHED
        name = "launch.verified" if launched else f"launch.{verdict.outcome}"
        fields = {"job": verdict.job_id} if verdict.job_id else {}
        self._event(name, attempt.enrolled, accession, level, **fields, reason=verdict.reason)

    def _doubt(self, attempt: attempts.Attempt, accession: runs.Accession, reason: str) -> None:
        if attempt.unsettled.get(accession) != reason:
            attempt.unsettled[accession] = reason
            self._event("launch.in_doubt", attempt.enrolled, accession, board.Level.WARNING, reason=reason)

    def _event(
        self,
        name: str,
        enrolled: enrolling.Enrolled,
        accession: runs.Accession,
        level: board.Level = board.Level.INFO,
        **fields: object,
    ) -> None:
        self._board.event(name, account=enrolled.account.name, level=level, accession=accession, **fields)


def _read(path: pathlib.Path, accessions: tuple[int, ...]) -> evidence.CallEvidence:
    with path.open("rb") as stream:
        return transcript.parse(stream, [runs.Accession(accession) for accession in accessions])


def trouble(enrolled: enrolling.Enrolled, seen: evidence.CallEvidence) -> errors.EngineCallError | None:
    """What keeps every launch of the account from working, rather than one run."""
    if seen.refused is not None:
        return errors.MediatorRefusedError(f"the mediator {enrolled.mediator} refused: {seen.refused}")
    if not seen.begun:
        who = enrolled.identity
        reason = identity.explain_refusal(who, enrolled.mediator, seen.preamble, service_user=enrolling.own_user())
        return errors.SudoRefusedError(reason)
    if seen.lock_held:
        user = enrolled.account.unix_user
        message = f"the engine lock of {user} is held by another process; look for a crontab of {user} that launches"
        return errors.EngineCallError(message)
    return None
