import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import jobs, runs, transitions

R, J, Act = runs.RunStatus, jobs.JobStatus, transitions.Act
Decided = tuple[transitions.Act | None, runs.RunStatus | None]

NOTHING: Decided = (None, None)
FOLLOWED: dict[jobs.JobStatus, runs.RunStatus] = {
    J.PREP: R.RUNNING,
    J.RUNNING: R.RUNNING,
    J.SUSPENDED: R.FAILED,
    J.SUCCEEDED: R.COMPLETED,
    J.FAILED: R.FAILED,
    J.KILLED: R.FAILED,
}
CANCELLED: dict[jobs.JobStatus, Decided] = {
    J.PREP: (Act.KILL, None),
    J.RUNNING: (Act.KILL, None),
    J.SUSPENDED: (Act.KILL, None),
    J.SUCCEEDED: (None, R.COMPLETED),
    J.FAILED: (None, R.FAILED),
    J.KILLED: (None, R.FAILED),
}
RETRIED: dict[jobs.JobStatus, Decided] = {
    J.PREP: (None, R.RUNNING),
    J.RUNNING: (None, R.RUNNING),
    J.SUSPENDED: (Act.RESUME, None),
    J.SUCCEEDED: (None, R.COMPLETED),
    J.FAILED: (Act.RERUN, None),
    J.KILLED: (Act.RERUN, None),
}
#: Every cell of the table, but for runs without a job.
TABLE: list[tuple[runs.RunStatus, jobs.JobStatus, Decided]] = [
    *((R.PENDING, job, (None, wanted)) for job, wanted in FOLLOWED.items()),
    *((R.RUNNING, job, NOTHING if wanted is R.RUNNING else (None, wanted)) for job, wanted in FOLLOWED.items()),
    *((R.SUBMITTED_CANCEL, job, wanted) for job, wanted in CANCELLED.items()),
    *((R.SUBMITTED_RETRY, job, wanted) for job, wanted in RETRIED.items()),
    *((status, job, NOTHING) for status in (R.SUBMITTED, R.COMPLETED, R.FAILED, R.CANCELLED) for job in J),
]


def run(status: runs.RunStatus | None, status_cmd: str | None = "1-oozie-W") -> runs.WorkflowRun:
    return runs.WorkflowRun(runs.Accession(7), status, "bob@lab.net", "server2", "oozie-sge", status_cmd)


def job(status: jobs.JobStatus | None, rerun: int = 0) -> jobs.Job:
    return jobs.Job("1-oozie-W", status, "niassa-bob", "/x/oozie-1", rerun)


def decided(decision: transitions.Decision) -> Decided:
    assert decision.reason, "a decision always says why"
    return decision.act, decision.status


@pytest.mark.parametrize(
    ("status", "of_job", "wanted"), TABLE, ids=[f"a {status} run whose job is {job}" for status, job, _ in TABLE]
)
def test_the_table_says_what_becomes_of(status: runs.RunStatus, of_job: jobs.JobStatus, wanted: Decided) -> None:
    assert decided(transitions.decide(run(status), job(of_job))) == wanted


def test_the_table_above_has_every_cell() -> None:
    assert {(status, of_job) for status, of_job, _ in TABLE} == {(status, of_job) for status in R for of_job in J}


@pytest.mark.parametrize("status", R)
def test_a_job_status_that_oozie_does_not_define_changes_nothing(status: runs.RunStatus) -> None:
    assert decided(transitions.decide(run(status), job(None))) == NOTHING


def test_a_run_without_a_status_is_left_alone() -> None:
    assert decided(transitions.decide(run(None), job(J.KILLED))) == NOTHING


@pytest.mark.parametrize(
    ("done", "wanted"),
    [
        (None, R.FAILED),
        ((Act.KILL, 1), R.CANCELLED),
        ((Act.KILL, 0), R.FAILED),
        ((Act.RERUN, 1), R.FAILED),
        ((Act.RESUME, 1), R.FAILED),
    ],
    ids=["nobody", "our kill", "our kill before a rerun", "not our rerun", "not our resume"],
)
def test_a_killed_job_means_cancelled_only_when_we_killed_it(
    done: tuple[transitions.Act, int] | None, wanted: runs.RunStatus
) -> None:
    assert transitions.decide(run(R.SUBMITTED_CANCEL), job(J.KILLED, 1), done=done).status is wanted


def test_a_job_that_failed_is_not_cancelled_by_a_kill_of_ours() -> None:
    assert transitions.decide(run(R.SUBMITTED_CANCEL), job(J.FAILED), done=(Act.KILL, 0)).status is R.FAILED


def test_a_kill_that_did_nothing_is_done_again() -> None:
    assert transitions.decide(run(R.SUBMITTED_CANCEL), job(J.RUNNING), done=(Act.KILL, 0)).act is Act.KILL


@pytest.mark.parametrize("of_job", J)
def test_a_rerun_that_shows_in_the_job_makes_the_run_pending_and_is_not_repeated(of_job: jobs.JobStatus) -> None:
    decision = transitions.decide(run(R.SUBMITTED_RETRY), job(of_job, 3), done=(Act.RERUN, 2))
    assert decided(decision) == (None, R.PENDING)


@pytest.mark.parametrize("done", [(Act.RERUN, 3), (Act.KILL, 2), (Act.RESUME, 2), None])
def test_a_rerun_that_does_not_show_in_the_job_is_asked_for_again(done: tuple[transitions.Act, int] | None) -> None:
    assert transitions.decide(run(R.SUBMITTED_RETRY), job(J.FAILED, 3), done=done).act is Act.RERUN


@pytest.mark.parametrize(
    ("status", "settled", "wanted"),
    [
        (R.PENDING, True, None),
        (R.PENDING, False, None),
        (R.RUNNING, True, None),
        (R.RUNNING, False, None),
        (R.SUBMITTED_CANCEL, True, R.CANCELLED),
        (R.SUBMITTED_CANCEL, False, None),
        (R.SUBMITTED_RETRY, True, R.SUBMITTED),
        (R.SUBMITTED_RETRY, False, None),
        *((status, True, None) for status in (R.SUBMITTED, R.COMPLETED, R.FAILED, R.CANCELLED)),
        (None, True, None),
    ],
)
def test_a_run_without_a_job_moves_only_by_a_user_and_when_its_launch_is_settled(
    status: runs.RunStatus | None, settled: bool, wanted: runs.RunStatus | None
) -> None:
    assert decided(transitions.decide_without_job(run(status, None), settled=settled)) == (None, wanted)


@pytest.mark.parametrize("status", R)
def test_a_run_whose_job_is_gone_fails_if_it_waited_for_that_job(status: runs.RunStatus) -> None:
    waiting = status in (R.PENDING, R.RUNNING, R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY)
    assert decided(transitions.decide_gone(run(status))) == (None, R.FAILED if waiting else None)
    killed = R.CANCELLED if status is R.SUBMITTED_CANCEL else R.FAILED if waiting else None
    assert decided(transitions.decide_gone(run(status), done=(transitions.Act.KILL, 0))) == (None, killed)


@pytest.mark.parametrize(
    ("act", "now", "reruns", "wanted"),
    [
        (Act.KILL, J.KILLED, 0, R.CANCELLED),
        (Act.KILL, J.FAILED, 0, R.FAILED),
        (Act.KILL, J.SUCCEEDED, 0, R.COMPLETED),
        (Act.KILL, J.RUNNING, 0, None),
        (Act.KILL, J.SUSPENDED, 0, None),
        (Act.KILL, J.PREP, 0, None),
        (Act.KILL, None, 0, None),
        (Act.RESUME, J.RUNNING, 0, R.PENDING),
        (Act.RESUME, J.SUSPENDED, 0, None),
        (Act.RESUME, J.SUCCEEDED, 0, R.COMPLETED),
        (Act.RESUME, J.FAILED, 0, R.PENDING),
        (Act.RESUME, None, 0, None),
        (Act.RERUN, J.PREP, 1, R.PENDING),
        (Act.RERUN, J.FAILED, 0, None),
        (Act.RERUN, J.FAILED, 1, R.PENDING),
        (Act.RERUN, J.SUCCEEDED, 1, R.COMPLETED),
        (Act.RERUN, None, 1, None),
    ],
)
def test_after_an_act_only_the_job_itself_is_believed(
    act: transitions.Act, now: jobs.JobStatus | None, reruns: int, wanted: runs.RunStatus | None
) -> None:
    before = J.SUSPENDED if act is Act.RESUME else J.FAILED if act is Act.RERUN else J.RUNNING
    assert decided(transitions.after(act, job(before), job(now, reruns))) == (None, wanted)


dones = st.none() | st.tuples(st.sampled_from(Act), st.integers(0, 3))


@given(st.none() | st.sampled_from(R), st.none() | st.sampled_from(J), st.integers(0, 3), dones)
def test_no_decision_launches_anything_or_invents_a_users_wish(
    status: runs.RunStatus | None,
    of_job: jobs.JobStatus | None,
    rerun: int,
    done: tuple[transitions.Act, int] | None,
) -> None:
    decision = transitions.decide(run(status), job(of_job, rerun), done=done)
    assert decision.act is None or decision.status is None
    assert decision.status not in (R.SUBMITTED, R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY)
    if decision.status is R.CANCELLED:
        assert (status, of_job, done) == (R.SUBMITTED_CANCEL, J.KILLED, (Act.KILL, rerun))
    if decision.act is not None:
        assert status is (R.SUBMITTED_CANCEL if decision.act is Act.KILL else R.SUBMITTED_RETRY)
