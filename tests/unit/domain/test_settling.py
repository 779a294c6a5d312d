import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import evidence, runs, settling

A = runs.Accession(7)
JOB = "0000007-oozie-W"
DIRECTORY = "/work/oozie-1"
R, Outcome, Lookup = runs.RunStatus, settling.Outcome, settling.Lookup
NONE_SURELY = Lookup(surely_none=True)
BEFORE = evidence.RunEvidence(A)
LAUNCHING = evidence.RunEvidence(A, launching=True)
COPIED = evidence.RunEvidence(A, launching=True, working_dir=DIRECTORY)
SUBMITTED = evidence.RunEvidence(A, launching=True, working_dir=DIRECTORY, job_id=JOB)


def call(
    seen: evidence.RunEvidence = BEFORE, *, begun: bool = True, ended: bool = True, refused: str | None = None
) -> evidence.CallEvidence:
    return evidence.CallEvidence(begun, ended, 0 if ended else None, False, refused, False, "", "", (), {A: seen})


def run(
    status: runs.RunStatus | None = R.SUBMITTED, status_cmd: str | None = None, engine: str = "oozie-sge"
) -> runs.WorkflowRun:
    return runs.WorkflowRun(A, status, "bob@lab.net", "server2", engine, status_cmd)


def whitestar(status: runs.RunStatus | None = R.SUBMITTED, status_cmd: str | None = None) -> runs.WorkflowRun:
    return run(status, status_cmd, "whitestar")


def test_a_call_that_sudo_refused_is_clean() -> None:
    verdict = settling.settle(call(begun=False, ended=False), run(), None)
    assert (verdict.outcome, verdict.reason) == (Outcome.CLEAN, "the engine was never called")


def test_a_call_that_the_mediator_refused_is_clean_and_says_why() -> None:
    verdict = settling.settle(call(begun=False, ended=False, refused="no settings"), run(), None)
    assert (verdict.outcome, verdict.reason) == (Outcome.CLEAN, "the mediator refused: no settings")


def test_a_refusal_beside_a_call_that_began_proves_nothing() -> None:
    verdict = settling.settle(call(SUBMITTED, refused="odd"), run(), None)
    assert verdict.outcome is Outcome.LAUNCHED


@pytest.mark.parametrize("status", [R.PENDING, R.RUNNING, R.COMPLETED, R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY])
def test_a_job_that_the_record_names_is_launched_and_nothing_is_written(status: runs.RunStatus) -> None:
    verdict = settling.settle(call(SUBMITTED), run(status, JOB), None)
    assert (verdict.outcome, verdict.job_id, verdict.status) == (Outcome.LAUNCHED, JOB, None)


@pytest.mark.parametrize(
    ("status", "repaired"),
    [
        (R.SUBMITTED, R.PENDING),
        (R.FAILED, R.PENDING),
        (None, R.PENDING),
        (R.CANCELLED, R.SUBMITTED_CANCEL),
        (R.SUBMITTED_CANCEL, R.SUBMITTED_CANCEL),
        (R.SUBMITTED_RETRY, R.SUBMITTED_RETRY),
        (R.PENDING, R.PENDING),
        (R.RUNNING, R.RUNNING),
        (R.COMPLETED, R.COMPLETED),
    ],
)
@pytest.mark.parametrize("ended", [True, False])
def test_a_record_that_lacks_the_job_is_repaired_whatever_its_status(
    status: runs.RunStatus | None, repaired: runs.RunStatus, ended: bool
) -> None:
    verdict = settling.settle(call(SUBMITTED, ended=ended), run(status), None)
    assert verdict.outcome is Outcome.LAUNCHED
    assert (verdict.job_id, verdict.working_dir, verdict.status) == (JOB, DIRECTORY, repaired)


def test_a_record_that_is_still_submitted_beside_its_job_becomes_pending() -> None:
    verdict = settling.settle(call(SUBMITTED), run(R.SUBMITTED, JOB), None)
    assert (verdict.outcome, verdict.status) == (Outcome.LAUNCHED, R.PENDING)


def test_a_record_that_names_another_job_is_held() -> None:
    verdict = settling.settle(call(SUBMITTED), run(R.RUNNING, "0000008-oozie-W"), None)
    assert verdict.outcome is Outcome.HELD
    assert "0000008-oozie-W" in verdict.reason
    assert JOB in verdict.reason


def test_a_working_directory_without_a_job_waits_for_oozie() -> None:
    for ended in (True, False):
        for lookup in (None, Lookup()):
            verdict = settling.settle(call(COPIED, ended=ended), run(), lookup)
            assert (verdict.outcome, verdict.needs_lookup) == (Outcome.IN_DOUBT, True)


def test_the_one_job_that_oozie_has_is_taken_for_the_launch() -> None:
    verdict = settling.settle(call(COPIED), run(R.FAILED), Lookup((JOB,)))
    assert (verdict.outcome, verdict.job_id, verdict.status) == (Outcome.LAUNCHED, JOB, R.PENDING)


def test_two_jobs_of_one_launch_are_held_and_both_are_named() -> None:
    verdict = settling.settle(call(COPIED), run(), Lookup((JOB, "0000009-oozie-W")))
    assert verdict.outcome is Outcome.HELD
    assert JOB in verdict.reason
    assert "0000009-oozie-W" in verdict.reason


@pytest.mark.parametrize("seen", [BEFORE, LAUNCHING])
def test_a_transcript_that_is_cut_is_held_although_no_working_directory_is_in_it(seen: evidence.RunEvidence) -> None:
    assert settling.settle(call(seen, ended=False), run(), None).outcome is Outcome.HELD


UNTOUCHED = [
    (R.SUBMITTED, Outcome.CLEAN),
    (R.SUBMITTED_CANCEL, Outcome.CLEAN),
    (R.SUBMITTED_RETRY, Outcome.CLEAN),
    (R.CANCELLED, Outcome.CLEAN),
    (None, Outcome.CLEAN),
    (R.FAILED, Outcome.FAILED),
    (R.PENDING, Outcome.ELSEWHERE),
    (R.RUNNING, Outcome.ELSEWHERE),
    (R.COMPLETED, Outcome.ELSEWHERE),
]


@pytest.mark.parametrize(("status", "outcome"), UNTOUCHED)
def test_a_whole_transcript_without_a_working_directory_leaves_it_to_the_record(
    status: runs.RunStatus | None, outcome: settling.Outcome
) -> None:
    verdict = settling.settle(call(LAUNCHING), run(status), None)
    assert verdict.outcome is outcome
    assert verdict.ended is (R.FAILED if outcome is Outcome.FAILED else None)


@pytest.mark.parametrize(("status", "outcome"), UNTOUCHED)
def test_a_job_that_surely_does_not_exist_leaves_it_to_the_record(
    status: runs.RunStatus | None, outcome: settling.Outcome
) -> None:
    assert settling.settle(call(COPIED), run(status), NONE_SURELY).outcome is outcome


@pytest.mark.parametrize("end", [R.COMPLETED, R.FAILED])
def test_whitestar_that_ended_is_launched_and_a_good_record_stays(end: runs.RunStatus) -> None:
    seen = dataclasses.replace(COPIED, ended=end)
    verdict = settling.settle(call(seen), whitestar(end, "7"), None)
    assert (verdict.outcome, verdict.ended, verdict.status) == (Outcome.LAUNCHED, end, None)


@pytest.mark.parametrize("end", [R.COMPLETED, R.FAILED])
@pytest.mark.parametrize("status_cmd", [None, "7"])
def test_whitestar_that_ended_without_writing_it_is_repaired(end: runs.RunStatus, status_cmd: str | None) -> None:
    seen = dataclasses.replace(COPIED, ended=end)
    verdict = settling.settle(call(seen, ended=False), whitestar(R.SUBMITTED, status_cmd), None)
    assert (verdict.outcome, verdict.ended, verdict.status) == (Outcome.LAUNCHED, end, end)
    assert (verdict.job_id, verdict.working_dir) == ("7", DIRECTORY)


def test_whitestar_that_began_and_did_not_end_is_held() -> None:
    for seen in (LAUNCHING, COPIED):
        assert settling.settle(call(seen), whitestar(), None).outcome is Outcome.HELD
    assert settling.settle(call(BEFORE, ended=False), whitestar(), None).outcome is Outcome.HELD


def test_whitestar_that_never_began_is_clean() -> None:
    assert settling.settle(call(BEFORE), whitestar(), None).outcome is Outcome.CLEAN


def test_whitestar_that_the_engine_failed_before_its_steps_is_failed() -> None:
    assert settling.settle(call(LAUNCHING), whitestar(R.FAILED), None).outcome is Outcome.FAILED


def test_only_what_is_in_doubt_or_held_is_not_settled() -> None:
    assert {outcome for outcome in Outcome if not outcome.is_settled} == {Outcome.IN_DOUBT, Outcome.HELD}


evidences = st.builds(
    evidence.RunEvidence,
    accession=st.just(A),
    launching=st.booleans(),
    working_dir=st.none() | st.just(DIRECTORY),
    job_id=st.none() | st.just(JOB),
    ended=st.none() | st.sampled_from([R.COMPLETED, R.FAILED]),
)
calls = st.builds(
    call,
    evidences,
    begun=st.booleans(),
    ended=st.booleans(),
    refused=st.none() | st.just("no"),
)
records = st.builds(
    run,
    st.none() | st.sampled_from(R),
    st.sampled_from([None, "", JOB, "0000008-oozie-W", "7"]),
    st.sampled_from(["oozie", "oozie-sge", "whitestar", "cromwell"]),
)
lookups = st.none() | st.builds(
    Lookup, st.lists(st.sampled_from([JOB, "0000009-oozie-W"]), unique=True).map(tuple), st.booleans()
)


@given(calls, records, lookups)
def test_a_run_is_free_again_only_when_no_job_of_the_launch_can_exist(
    one: evidence.CallEvidence, record: runs.WorkflowRun, lookup: settling.Lookup | None
) -> None:
    verdict = settling.settle(one, record, lookup)
    if verdict.outcome not in (Outcome.CLEAN, Outcome.FAILED, Outcome.ELSEWHERE):
        return
    seen = one.runs[A]
    if not one.begun:
        return  # the mediator writes its first record before it starts anything
    if record.engine_family is runs.EngineFamily.WHITESTAR:
        assert one.ended
        assert seen.ended is None
        assert not seen.launching or record.status is R.FAILED
        return
    assert seen.job_id is None
    assert lookup is None or not lookup.found
    if seen.working_dir is None:
        assert one.ended
    else:
        assert lookup is not None
        assert lookup.surely_none


@given(calls, records, lookups)
def test_a_users_cancel_stays_a_cancel_and_gets_its_job_to_kill(
    one: evidence.CallEvidence, record: runs.WorkflowRun, lookup: settling.Lookup | None
) -> None:
    verdict = settling.settle(one, record, lookup)
    if record.engine_family is runs.EngineFamily.WHITESTAR:
        return  # users cannot cancel those
    if record.status in (R.SUBMITTED_CANCEL, R.CANCELLED):
        assert verdict.status in (None, R.SUBMITTED_CANCEL)
    if verdict.outcome is Outcome.LAUNCHED:
        assert record.status_cmd == verdict.job_id or verdict.status is not None, "the job must reach the record"


@given(calls, records, lookups)
def test_every_verdict_says_why_and_writes_only_when_something_was_launched(
    one: evidence.CallEvidence, record: runs.WorkflowRun, lookup: settling.Lookup | None
) -> None:
    verdict = settling.settle(one, record, lookup)
    assert verdict.reason
    assert (verdict.job_id is not None) == (verdict.outcome is Outcome.LAUNCHED)
    if verdict.status is not None or verdict.working_dir is not None:
        assert verdict.outcome is Outcome.LAUNCHED
    if verdict.needs_lookup:
        assert verdict.outcome is Outcome.IN_DOUBT
