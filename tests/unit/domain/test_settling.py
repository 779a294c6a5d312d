import dataclasses

import pytest

from niassa_orch.domain import evidence, runs, settling

A = runs.Accession(7)
JOB = "0000007-oozie-W"
DIRECTORY = "/scratch/oozie-1"
R, Outcome, Lookup = runs.RunStatus, settling.Outcome, settling.Lookup
NONE_SURELY = Lookup(surely_none=True)
BEFORE = evidence.RunEvidence(A)
LAUNCHING = evidence.RunEvidence(A, launching=True)
COPIED = evidence.RunEvidence(A, launching=True, working_dir=DIRECTORY)
SUBMITTED = evidence.RunEvidence(A, launching=True, working_dir=DIRECTORY, job_id=JOB)


def call(
    seen: evidence.RunEvidence = BEFORE,
    *,
    begun: bool = True,
    ended: bool = True,
    refused: str | None = None,
    intact: bool = True,
) -> evidence.CallEvidence:
    exit_code = 0 if ended else None
    return evidence.CallEvidence(begun, ended, exit_code, False, refused, False, "", "", (), {A: seen}, intact)


def run(
    status: runs.RunStatus | None = R.SUBMITTED, status_cmd: str | None = None, engine: str = "oozie-sge"
) -> runs.WorkflowRun:
    return runs.WorkflowRun(A, status, "bob@lab.net", "server2", engine, status_cmd)


def settle(
    one: evidence.CallEvidence, record: runs.WorkflowRun, lookup: settling.Lookup | None = None
) -> settling.Verdict:
    return settling.settle(one, record, lookup, whitestar=False)


def settle_whitestar(one: evidence.CallEvidence, record: runs.WorkflowRun) -> settling.Verdict:
    return settling.settle(one, record, None, whitestar=True)


def whitestar(status: runs.RunStatus | None = R.SUBMITTED, status_cmd: str | None = None) -> runs.WorkflowRun:
    return run(status, status_cmd, "whitestar")


def test_a_call_that_sudo_refused_is_clean() -> None:
    verdict = settle(call(begun=False, ended=False), run())
    assert (verdict.outcome, verdict.reason) == (Outcome.CLEAN, "the engine was never called")


def test_a_call_that_the_mediator_refused_is_clean_and_says_why() -> None:
    verdict = settle(call(begun=False, ended=False, refused="no settings"), run())
    assert (verdict.outcome, verdict.reason) == (Outcome.CLEAN, "the mediator refused: no settings")


def test_a_refusal_beside_a_call_that_began_proves_nothing() -> None:
    verdict = settle(call(SUBMITTED, refused="odd"), run())
    assert verdict.outcome is Outcome.LAUNCHED


@pytest.mark.parametrize("status", [R.PENDING, R.RUNNING, R.COMPLETED, R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY])
def test_a_job_that_the_record_names_is_launched_and_nothing_is_written(status: runs.RunStatus) -> None:
    verdict = settle(call(SUBMITTED), run(status, JOB))
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
    verdict = settle(call(SUBMITTED, ended=ended), run(status))
    assert verdict.outcome is Outcome.LAUNCHED
    assert (verdict.job_id, verdict.working_dir, verdict.status) == (JOB, DIRECTORY, repaired)


def test_a_record_that_is_still_submitted_beside_its_job_becomes_pending() -> None:
    verdict = settle(call(SUBMITTED), run(R.SUBMITTED, JOB))
    assert (verdict.outcome, verdict.status) == (Outcome.LAUNCHED, R.PENDING)


def test_a_record_that_names_another_job_is_held() -> None:
    verdict = settle(call(SUBMITTED), run(R.RUNNING, "0000008-oozie-W"))
    assert verdict.outcome is Outcome.HELD
    assert "0000008-oozie-W" in verdict.reason
    assert JOB in verdict.reason


def test_a_working_directory_without_a_job_waits_for_oozie() -> None:
    for ended in (True, False):
        for lookup in (None, Lookup()):
            verdict = settle(call(COPIED, ended=ended), run(), lookup)
            assert (verdict.outcome, verdict.needs_lookup) == (Outcome.IN_DOUBT, True)


def test_the_one_job_that_oozie_has_is_taken_for_the_launch() -> None:
    verdict = settle(call(COPIED), run(R.FAILED), Lookup((JOB,)))
    assert (verdict.outcome, verdict.job_id, verdict.status) == (Outcome.LAUNCHED, JOB, R.PENDING)


def test_two_jobs_of_one_launch_are_held_and_both_are_named() -> None:
    verdict = settle(call(COPIED), run(), Lookup((JOB, "0000009-oozie-W")))
    assert verdict.outcome is Outcome.HELD
    assert JOB in verdict.reason
    assert "0000009-oozie-W" in verdict.reason


@pytest.mark.parametrize("seen", [BEFORE, LAUNCHING])
def test_a_transcript_that_is_cut_is_held_although_no_working_directory_is_in_it(seen: evidence.RunEvidence) -> None:
    assert settle(call(seen, ended=False), run()).outcome is Outcome.HELD


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
    verdict = settle(call(LAUNCHING), run(status))
    assert verdict.outcome is outcome
    assert verdict.ended is (R.FAILED if outcome is Outcome.FAILED else None)


@pytest.mark.parametrize(("status", "outcome"), UNTOUCHED)
def test_a_job_that_surely_does_not_exist_leaves_it_to_the_record(
    status: runs.RunStatus | None, outcome: settling.Outcome
) -> None:
    assert settle(call(COPIED), run(status), NONE_SURELY).outcome is outcome


@pytest.mark.parametrize("end", [R.COMPLETED, R.FAILED])
def test_whitestar_that_ended_is_launched_and_a_good_record_stays(end: runs.RunStatus) -> None:
    seen = dataclasses.replace(COPIED, ended=end)
    verdict = settle_whitestar(call(seen), whitestar(end, "7"))
    assert (verdict.outcome, verdict.ended, verdict.status) == (Outcome.LAUNCHED, end, None)


@pytest.mark.parametrize("end", [R.COMPLETED, R.FAILED])
@pytest.mark.parametrize("status_cmd", [None, "7"])
def test_whitestar_that_ended_without_writing_it_is_repaired(end: runs.RunStatus, status_cmd: str | None) -> None:
    seen = dataclasses.replace(COPIED, ended=end)
    verdict = settle_whitestar(call(seen, ended=False), whitestar(R.SUBMITTED, status_cmd))
    assert (verdict.outcome, verdict.ended, verdict.status) == (Outcome.LAUNCHED, end, end)
    assert (verdict.job_id, verdict.working_dir) == ("7", DIRECTORY)


def test_whitestar_that_began_and_did_not_end_is_held() -> None:
    for seen in (LAUNCHING, COPIED):
        assert settle_whitestar(call(seen), whitestar()).outcome is Outcome.HELD
    assert settle_whitestar(call(BEFORE, ended=False), whitestar()).outcome is Outcome.HELD


def test_whitestar_that_never_began_is_clean() -> None:
    assert settle_whitestar(call(BEFORE), whitestar()).outcome is Outcome.CLEAN


def test_whitestar_that_the_engine_failed_before_its_steps_is_failed() -> None:
    assert settle_whitestar(call(LAUNCHING), whitestar(R.FAILED)).outcome is Outcome.FAILED


def test_what_is_held_and_what_is_set_aside_need_a_person() -> None:
    assert {outcome for outcome in Outcome if outcome.needs_person} == {Outcome.HELD, Outcome.SET_ASIDE}


@pytest.mark.parametrize(("seen", "tried"), [(BEFORE, False), (LAUNCHING, True)])
def test_a_launch_that_came_to_nothing_counts_once_the_engine_had_begun_it(
    seen: evidence.RunEvidence, *, tried: bool
) -> None:
    verdict = settle(call(seen), run())
    assert (verdict.outcome, verdict.tried) == (Outcome.CLEAN, tried)


def test_a_launch_that_came_to_nothing_counts_when_oozie_surely_has_no_job() -> None:
    assert settle(call(COPIED), run(), NONE_SURELY).tried
    assert not settle(call(COPIED), run(R.SUBMITTED_CANCEL), NONE_SURELY).tried, "a user took it"
    assert not settle(call(COPIED), run()).tried, "in doubt"


@pytest.mark.parametrize(
    ("earlier", "outcome"), [([], Outcome.CLEAN), (["b"], Outcome.CLEAN), (["a", "b"], Outcome.SET_ASIDE)]
)
def test_a_run_is_set_aside_with_its_reasons_when_so_many_launches_came_to_nothing(
    earlier: list[str], outcome: settling.Outcome
) -> None:
    verdict = settling.set_aside(settle(call(LAUNCHING), run()), earlier, 3)
    assert verdict.outcome is outcome
    if outcome is Outcome.SET_ASIDE:
        assert verdict.reason == "3 launches came to nothing: a; b; no job was made"


def test_what_did_not_count_sets_nothing_aside() -> None:
    assert settling.set_aside(settle(call(BEFORE), run()), ["a", "b"], 3).outcome is Outcome.CLEAN


@pytest.mark.parametrize("status", [R.SUBMITTED, R.PENDING, R.RUNNING, None])
def test_what_a_person_says_has_failed_is_failed(status: runs.RunStatus | None) -> None:
    verdict = settling.settle_failed(run(status))
    assert (verdict.outcome, verdict.status, verdict.job_id) == (Outcome.FAILED, R.FAILED, None)


@pytest.mark.parametrize("status", [*sorted(runs.REQUESTED), R.CANCELLED, R.FAILED, R.COMPLETED])
def test_a_request_and_an_end_stay_what_they_are_when_a_person_says_that_it_failed(status: runs.RunStatus) -> None:
    verdict = settling.settle_failed(run(status))
    assert (verdict.outcome, verdict.status) == (Outcome.FAILED, None)


def test_a_person_s_failed_is_held_while_the_record_names_a_job() -> None:
    assert settling.settle_failed(run(R.PENDING, JOB)).outcome is Outcome.HELD


def test_a_transcript_that_was_overwritten_is_held_whatever_it_says() -> None:
    for seen in (BEFORE, LAUNCHING, COPIED, SUBMITTED):
        for begun in (True, False):
            broken = dataclasses.replace(call(seen, begun=begun), intact=False)
            assert settle(broken, run(R.PENDING, JOB)).outcome is Outcome.HELD


def test_a_call_that_did_not_begin_before_the_machine_went_down_is_held() -> None:
    silent = call(begun=False, ended=False)
    verdict = settling.settle(silent, run(), None, whitestar=False, rebooted=True)
    assert verdict.outcome is Outcome.HELD
    refused = call(begun=False, ended=False, refused="no settings")
    assert settling.settle(refused, run(), None, whitestar=False, rebooted=True).outcome is Outcome.CLEAN
    assert settling.settle(call(SUBMITTED), run(), None, whitestar=False, rebooted=True).outcome is Outcome.LAUNCHED


def test_the_calls_engine_counts_whatever_the_record_names_by_now() -> None:
    assert settle(call(SUBMITTED), whitestar()).outcome is Outcome.LAUNCHED
    assert settle_whitestar(call(COPIED), run()).outcome is Outcome.HELD
