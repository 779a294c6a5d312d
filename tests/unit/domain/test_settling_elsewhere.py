"""Runs that somebody else launched, cancelled or failed between our last look and our call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import evidence, runs, settling
from tests.unit.domain import test_settling as told
from tests.unit.domain import test_settling_properties as drawn

A, JOB, OTHER, DIRECTORY = told.A, told.JOB, "0000008-oozie-W", told.DIRECTORY
R, Outcome, Lookup = runs.RunStatus, settling.Outcome, settling.Lookup
MOVED = [status for status in (*R, None) if status is not R.SUBMITTED]


@pytest.mark.parametrize("status_cmd", [None, OTHER])
@pytest.mark.parametrize("status", MOVED)
def test_a_run_that_moved_although_our_call_never_began_it_is_left_to_whoever_moved_it(
    status: runs.RunStatus | None, status_cmd: str | None
) -> None:
    verdict = told.settle(told.call(), told.run(status, status_cmd))
    assert (verdict.outcome, verdict.ended, verdict.status) == (Outcome.ELSEWHERE, None, None)
    assert f"moved it to {status or 'no status'}" in verdict.reason


def test_a_run_that_got_a_job_of_somebody_elses_is_left_to_them_and_the_job_is_named() -> None:
    verdict = told.settle(told.call(), told.run(R.SUBMITTED, OTHER))
    assert verdict.outcome is Outcome.ELSEWHERE
    assert OTHER in verdict.reason


@pytest.mark.parametrize("status_cmd", [None, ""])
def test_a_run_that_stayed_as_it_was_may_be_tried_again(status_cmd: str | None) -> None:
    assert told.settle(told.call(), told.run(R.SUBMITTED, status_cmd)).outcome is Outcome.CLEAN


@pytest.mark.parametrize("status", [R.COMPLETED, R.FAILED])
def test_whitestar_that_somebody_else_executed_is_left_in_peace(status: runs.RunStatus) -> None:
    assert told.settle_whitestar(told.call(), told.whitestar(status, "7")).outcome is Outcome.ELSEWHERE


def test_a_run_that_our_own_call_began_and_the_engine_failed_is_failed_and_not_somebody_elses() -> None:
    verdict = told.settle(told.call(told.LAUNCHING), told.run(R.FAILED))
    assert (verdict.outcome, verdict.ended) == (Outcome.FAILED, R.FAILED)


@pytest.mark.parametrize("status", [R.PENDING, R.RUNNING, R.COMPLETED, R.FAILED, R.SUBMITTED])
@pytest.mark.parametrize("ended", [True, False])
def test_a_run_that_both_launched_is_held_and_both_jobs_are_named(status: runs.RunStatus, ended: bool) -> None:
    for seen, lookup in ((told.SUBMITTED, None), (told.COPIED, Lookup((JOB,)))):
        verdict = told.settle(told.call(seen, ended=ended), told.run(status, OTHER), lookup)
        assert verdict.outcome is Outcome.HELD
        assert JOB in verdict.reason
        assert OTHER in verdict.reason


def test_a_cut_transcript_does_not_prove_that_our_call_never_began_it() -> None:
    for status in (R.PENDING, R.FAILED):
        assert told.settle(told.call(ended=False), told.run(status, OTHER)).outcome is Outcome.HELD


@given(drawn.calls, drawn.records, drawn.lookups, st.booleans(), st.booleans())
def test_what_our_call_did_not_begin_is_never_said_to_have_been_failed_by_it(
    one: evidence.CallEvidence,
    record: runs.WorkflowRun,
    lookup: settling.Lookup | None,
    whitestar: bool,
    rebooted: bool,
) -> None:
    verdict = settling.settle(one, record, lookup, whitestar=whitestar, rebooted=rebooted)
    seen = one.runs[A]
    began = seen.launching or seen.working_dir is not None
    if verdict.outcome is Outcome.FAILED:
        assert began
    if verdict.outcome is Outcome.ELSEWHERE:
        assert one.begun
        assert record.status is not R.SUBMITTED or record.status_cmd
