"""Which requests of users were lost: every cell of the two tables of ``domain.requests``, and what no cell may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import jobs, requests, runs, transitions

R, J, Act, Fate = runs.RunStatus, jobs.JobStatus, transitions.Act, requests.Fate
CANCEL, RETRY = R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY
SHORT, LONG = 30.0, requests.BLIND_SECONDS + 1
ALIVE, ENDED_BADLY = (J.PREP, J.RUNNING, J.SUSPENDED), (J.FAILED, J.KILLED)
GOES_ON = (R.PENDING, R.RUNNING, R.SUBMITTED)


def run(status: runs.RunStatus | None, status_cmd: str | None = "1-oozie-W") -> runs.WorkflowRun:
    return runs.WorkflowRun(runs.Accession(7), status, "bob@lab.net", "server2", "oozie-sge", status_cmd)


def job(status: jobs.JobStatus | None, rerun: int = 0) -> jobs.Job:
    return jobs.Job("1-oozie-W", status, "niassa-bob", "/x/oozie-1", rerun)


def fate(
    asked: runs.RunStatus,
    now: runs.WorkflowRun,
    of_job: jobs.Job | None = None,
    before: jobs.Job | None = None,
    done: tuple[transitions.Act, int] | None = None,
    unseen_seconds: float = SHORT,
) -> requests.Fate:
    request = requests.Request(asked, 1.0, 2.0, before)
    verdict = requests.judge(request, now, of_job, done=done, unseen_seconds=unseen_seconds)
    assert verdict.reason, "a verdict always says why"
    return verdict.fate


@pytest.mark.parametrize("asked", [CANCEL, RETRY])
@pytest.mark.parametrize("now", [CANCEL, RETRY, R.COMPLETED])
@pytest.mark.parametrize("of_job", J)
def test_another_request_and_completed_answer_every_request(
    asked: runs.RunStatus, now: runs.RunStatus, of_job: jobs.JobStatus
) -> None:
    assert fate(asked, run(now), job(of_job), job(of_job)) is Fate.ANSWERED


@pytest.mark.parametrize("of_job", J)
def test_cancelled_answers_a_cancel_and_submitted_a_retry(of_job: jobs.JobStatus) -> None:
    assert fate(CANCEL, run(R.CANCELLED), job(of_job), job(of_job)) is Fate.ANSWERED
    assert fate(RETRY, run(R.SUBMITTED), job(of_job), job(of_job)) is Fate.ANSWERED


@pytest.mark.parametrize("now", [*GOES_ON, R.FAILED])
@pytest.mark.parametrize("of_job", ALIVE)
def test_a_cancel_is_lost_while_the_job_that_was_looked_at_lives_on(
    now: runs.RunStatus, of_job: jobs.JobStatus
) -> None:
    assert fate(CANCEL, run(now), job(of_job, 1), job(J.RUNNING, 1), unseen_seconds=LONG) is Fate.LOST


@pytest.mark.parametrize("now", [*GOES_ON, R.FAILED])
@pytest.mark.parametrize("of_job", J)
def test_a_cancel_is_answered_when_the_job_was_run_again_since(now: runs.RunStatus, of_job: jobs.JobStatus) -> None:
    assert fate(CANCEL, run(now), job(of_job, 2), job(J.RUNNING, 1)) is Fate.ANSWERED
    assert fate(CANCEL, run(now), job(of_job, 2), done=(Act.KILL, 1)) is Fate.ANSWERED


@pytest.mark.parametrize("now", [*GOES_ON, R.FAILED])
@pytest.mark.parametrize("of_job", [*ENDED_BADLY, J.SUCCEEDED])
def test_a_cancel_is_answered_when_the_job_had_ended_by_itself(now: runs.RunStatus, of_job: jobs.JobStatus) -> None:
    assert fate(CANCEL, run(now), job(of_job), job(J.RUNNING)) is Fate.ANSWERED


@pytest.mark.parametrize("now", [*GOES_ON, R.FAILED])
def test_a_cancel_whose_kill_was_ours_is_lost_until_the_record_says_cancelled(now: runs.RunStatus) -> None:
    assert fate(CANCEL, run(now), job(J.KILLED, 1), job(J.RUNNING, 1), done=(Act.KILL, 1)) is Fate.LOST


@pytest.mark.parametrize("of_job", ALIVE)
def test_a_cancel_whose_job_nobody_looked_at_is_lost_only_if_the_run_was_not_unseen_for_long(
    of_job: jobs.JobStatus,
) -> None:
    for now in GOES_ON:
        assert fate(CANCEL, run(now), job(of_job)) is Fate.LOST
        assert fate(CANCEL, run(now), job(of_job), unseen_seconds=LONG) is Fate.UNCLEAR
    assert fate(CANCEL, run(R.FAILED), job(of_job)) is Fate.UNCLEAR


@pytest.mark.parametrize("now", GOES_ON)
def test_a_cancel_of_a_run_without_a_job_is_lost_unless_the_run_was_unseen_for_long(now: runs.RunStatus) -> None:
    assert fate(CANCEL, run(now, None)) is Fate.LOST
    assert fate(CANCEL, run(now, None), unseen_seconds=LONG) is Fate.UNCLEAR


def test_a_cancel_of_a_run_that_failed_without_a_job_is_answered() -> None:
    assert fate(CANCEL, run(R.FAILED, None)) is Fate.ANSWERED


@pytest.mark.parametrize("now", [R.PENDING, R.RUNNING])
@pytest.mark.parametrize("of_job", [J.PREP, J.RUNNING, J.SUCCEEDED])
def test_a_retry_is_answered_when_the_run_goes_on_as_its_job_does(now: runs.RunStatus, of_job: jobs.JobStatus) -> None:
    assert fate(RETRY, run(now), job(of_job), job(J.FAILED)) is Fate.ANSWERED


@pytest.mark.parametrize("of_job", [J.PREP, J.RUNNING, J.SUCCEEDED])
def test_a_retry_is_lost_when_the_run_has_failed_and_its_job_has_not(of_job: jobs.JobStatus) -> None:
    assert fate(RETRY, run(R.FAILED), job(of_job, 1), job(J.FAILED)) is Fate.LOST
    cancelled = Fate.LOST if of_job is J.SUCCEEDED else Fate.UNCLEAR
    assert fate(RETRY, run(R.CANCELLED), job(of_job, 1), job(J.FAILED)) is cancelled


@pytest.mark.parametrize("now", [R.PENDING, R.RUNNING, R.FAILED, R.CANCELLED])
@pytest.mark.parametrize("of_job", [*ENDED_BADLY, J.SUSPENDED])
def test_a_retry_is_lost_when_its_job_is_as_it_was(now: runs.RunStatus, of_job: jobs.JobStatus) -> None:
    assert fate(RETRY, run(now), job(of_job, 1), job(of_job, 1)) is Fate.LOST
    assert fate(RETRY, run(now), job(of_job, 1), job(of_job, 1), done=(Act.RERUN, 1)) is Fate.LOST
    assert fate(RETRY, run(now), job(of_job, 1)) is Fate.UNCLEAR, "nobody looked at the job before"


@pytest.mark.parametrize("now", [R.PENDING, R.RUNNING, R.FAILED, R.CANCELLED])
@pytest.mark.parametrize("of_job", ENDED_BADLY)
def test_a_retry_is_answered_when_its_job_ran_again(now: runs.RunStatus, of_job: jobs.JobStatus) -> None:
    assert fate(RETRY, run(now), job(of_job, 1), job(J.KILLED, 0)) is Fate.ANSWERED
    assert fate(RETRY, run(now), job(of_job, 1), job(of_job, 1), done=(Act.RERUN, 0)) is Fate.ANSWERED
    assert fate(RETRY, run(now), job(of_job, 0), job(J.SUSPENDED, 0), done=(Act.RESUME, 0)) is Fate.ANSWERED
    assert fate(RETRY, run(now), job(of_job, 0), job(J.SUSPENDED, 0)) is Fate.UNCLEAR, "resumed by whom?"


@pytest.mark.parametrize("now", [R.PENDING, R.RUNNING, R.FAILED, R.CANCELLED])
def test_a_retry_of_a_run_without_a_job_is_not_decided(now: runs.RunStatus) -> None:
    assert fate(RETRY, run(now, None)) is Fate.UNCLEAR


@given(
    asked=st.sampled_from([CANCEL, RETRY]),
    now=st.sampled_from([*R, None]),
    status_cmd=st.sampled_from(["1-oozie-W", None]),
    of_job=st.sampled_from([*J, None]),
    rerun=st.integers(0, 2),
    before=st.one_of(st.none(), st.builds(job, st.sampled_from(J), st.integers(0, 2))),
    done=st.one_of(st.none(), st.tuples(st.sampled_from(Act), st.integers(0, 2))),
    unseen_seconds=st.floats(0, 1000),
)
def test_what_is_lost_would_lead_somewhere_else_than_where_the_run_is(
    asked: runs.RunStatus,
    now: runs.RunStatus | None,
    status_cmd: str | None,
    of_job: jobs.JobStatus | None,
    rerun: int,
    before: jobs.Job | None,
    done: tuple[transitions.Act, int] | None,
    unseen_seconds: float,
) -> None:
    """A request that is put back is carried out by the table, and the table then leads away from what the run is."""
    found = job(of_job, rerun) if status_cmd and of_job else None
    said = fate(asked, run(now, status_cmd), found, before, done, unseen_seconds)
    if said is not Fate.LOST:
        return
    back = run(asked, status_cmd)
    if found is None:
        decision = transitions.decide_without_job(back, settled=True)
    else:
        decision = transitions.decide(back, found, done=done)
    assert decision.act is not None or decision.status is not now
    if asked is CANCEL and found is not None and before is not None:
        assert found.run <= before.run, "a cancel is never put back over a run that was retried since"
