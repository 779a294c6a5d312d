"""Intents: what is written down before the engine is called, and what they say after a crash.

An intent is the first line of a transcript in ``calls/open``. Called by ``core.launching``.
"""

from collections.abc import Iterator, Sequence

from niassa_orch.core import attempts, board, enrolling, state_directory
from niassa_orch.domain import runs
from niassa_orch.seqware import call, identity


def intend(
    directory: state_directory.StateDirectory,
    enrolled: enrolling.Enrolled,
    verb: identity.Verb,
    batch: Sequence[runs.WorkflowRun],
) -> attempts.Attempt:
    """A new attempt; its intent reaches the disk when the call starts."""
    account = enrolled.account
    accessions = [run.accession for run in batch]
    header = call.CallHeader.now(account.name, account.unix_user, verb, accessions, batch[0].engine_family)
    return attempts.Attempt.of(header, directory.transcript(account.name, header.call_id), enrolled)


def unsettled(
    directory: state_directory.StateDirectory, enrolled: enrolling.Enrolled, told: board.Board
) -> Iterator[attempts.Attempt]:
    """The attempts of the account that an earlier process left; ``calling`` says whether the call is alive."""
    name = enrolled.account.name
    for transcript in directory.unsettled(name):
        try:
            intent = call.read_header(transcript)
        except ValueError:
            # The intent is on disk, whole, before the call is made: without one there was no call.
            told.event("recovery.no_call", account=name, level=board.Level.WARNING, transcript=transcript.name)
            directory.settle(transcript)
            continue
        if intent.account != name:
            continue
        attempt = attempts.Attempt.of(intent, transcript, enrolled)
        attempt.recovered = True
        attempt.calling = call.is_held(transcript)
        what = "recovery.adopted" if attempt.calling else "recovery.to_settle"
        told.event(what, account=name, accessions=" ".join(map(str, intent.accessions)))
        yield attempt
