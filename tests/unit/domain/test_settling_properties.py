"""What holds for every verdict, whatever the transcript, the record and Oozie say."""

from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import evidence, runs, settling
from tests.unit.domain import test_settling

A, JOB, DIRECTORY = test_settling.A, test_settling.JOB, test_settling.DIRECTORY
R, Outcome, Lookup = runs.RunStatus, settling.Outcome, settling.Lookup

evidences = st.builds(
    evidence.RunEvidence,
    accession=st.just(A),
    launching=st.booleans(),
    working_dir=st.none() | st.just(DIRECTORY),
    job_id=st.none() | st.just(JOB),
    ended=st.none() | st.sampled_from([R.COMPLETED, R.FAILED]),
)
calls = st.builds(
    test_settling.call,
    evidences,
    begun=st.booleans(),
    ended=st.booleans(),
    refused=st.none() | st.just("no"),
    intact=st.booleans(),
)
records = st.builds(
    test_settling.run,
    st.none() | st.sampled_from(R),
    st.sampled_from([None, "", JOB, "0000008-oozie-W", "7"]),
    st.sampled_from(["oozie", "oozie-sge", "whitestar", "cromwell"]),
)
lookups = st.none() | st.builds(
    Lookup, st.lists(st.sampled_from([JOB, "0000009-oozie-W"]), unique=True).map(tuple), st.booleans()
)


@given(calls, records, lookups, st.booleans(), st.booleans())
def test_a_run_is_free_again_only_when_no_job_of_the_launch_can_exist(
    one: evidence.CallEvidence,
    record: runs.WorkflowRun,
    lookup: settling.Lookup | None,
    whitestar: bool,
    rebooted: bool,
) -> None:
    verdict = settling.settle(one, record, lookup, whitestar=whitestar, rebooted=rebooted)
    if verdict.outcome not in (Outcome.CLEAN, Outcome.FAILED, Outcome.ELSEWHERE):
        return
    seen = one.runs[A]
    assert one.intact
    if not one.begun:
        assert not rebooted or one.refused is not None
        return  # the mediator writes its first record before it starts anything
    if whitestar:
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


@given(calls, records, lookups, st.booleans(), st.booleans())
def test_a_users_cancel_stays_a_cancel_and_gets_its_job_to_kill(
    one: evidence.CallEvidence,
    record: runs.WorkflowRun,
    lookup: settling.Lookup | None,
    whitestar: bool,
    rebooted: bool,
) -> None:
    verdict = settling.settle(one, record, lookup, whitestar=whitestar, rebooted=rebooted)
    if whitestar:
        return  # users cannot cancel those
    if record.status in (R.SUBMITTED_CANCEL, R.CANCELLED):
        assert verdict.status in (None, R.SUBMITTED_CANCEL)
    if verdict.outcome is Outcome.LAUNCHED:
        assert record.status_cmd == verdict.job_id or verdict.status is not None, "the job must reach the record"


@given(calls, records, lookups, st.booleans(), st.booleans())
def test_every_verdict_says_why_and_writes_only_when_something_was_launched(
    one: evidence.CallEvidence,
    record: runs.WorkflowRun,
    lookup: settling.Lookup | None,
    whitestar: bool,
    rebooted: bool,
) -> None:
    verdict = settling.settle(one, record, lookup, whitestar=whitestar, rebooted=rebooted)
    assert verdict.reason
    assert (verdict.job_id is not None) == (verdict.outcome is Outcome.LAUNCHED)
    if verdict.status is not None or verdict.working_dir is not None:
        assert verdict.outcome is Outcome.LAUNCHED
    if verdict.needs_lookup:
        assert verdict.outcome is Outcome.IN_DOUBT
