"""What an account knows of its active runs, and which of them want work: few requests, and nothing overlooked."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.core import active_runs, job_watches
from niassa_orch.domain import jobs, runs

R, J = runs.RunStatus, jobs.JobStatus
MOST = 100


class Jobs:
    """Watches jobs as Oozie's poller does."""

    def __init__(self) -> None:
        self.watched: dict[tuple[str, int], job_watches.Watcher] = {}

    def watch(self, job_id: str, _unix_user: str, accession: runs.Accession, watcher: job_watches.Watcher) -> None:
        self.watched[job_id, accession] = watcher

    def unwatch(self, job_id: str, accession: runs.Accession, _watcher: job_watches.Watcher) -> None:
        del self.watched[job_id, accession]


class Scene:
    """Bob's runs, whose account is woken when something is due."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.woken = 0
        self.runs = active_runs.ActiveRuns()
        self.serve()

    def serve(self) -> None:
        self.runs.serve(self.jobs, "niassa-bob", 600, self.wake)

    def wake(self) -> None:
        self.woken += 1

    def due(self, now: float = 0.0) -> dict[int, runs.RunStatus | None]:
        """What is due now, and is no more: by accession the status that is known, ``None``: to be read."""
        return {accession: run.status if run else None for accession, run in self.runs.take(now, MOST)}

    def moved(self, accession: int, status: jobs.JobStatus | None, *, first: bool = False) -> None:
        row = jobs.JobRow(f"{accession}-W", status, "niassa-bob") if status else None
        self.runs.job_moved(runs.Accession(accession), row, first=first)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def run(accession: int, status: runs.RunStatus, job: str | None = "", engine: str = "oozie") -> runs.WorkflowRun:
    named = f"{accession}-W" if job == "" else job
    return runs.WorkflowRun(runs.Accession(accession), status, "bob@lab.net", "server2", engine, named)


def listed(*found: runs.WorkflowRun) -> dict[runs.Accession, runs.WorkflowRun]:
    return {one.accession: one for one in found}


def test_a_running_run_whose_job_is_alive_wants_nothing(scene: Scene) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING), run(2, R.PENDING)))
    assert scene.due() == {}
    for accession in (1, 2):
        scene.moved(accession, J.RUNNING, first=True)
    assert scene.due() == {2: R.PENDING}, "it is to be called running"
    scene.runs.tell_following(listed(run(1, R.RUNNING), run(2, R.PENDING)))
    assert scene.due() == {}


def test_after_a_start_the_texts_of_runs_with_files_are_looked_at_spread_over_some_time(scene: Scene) -> None:
    scene.runs.tell_following(listed(*(run(accession, R.RUNNING, engine="oozie-sge") for accession in range(1, 61))))
    began = time.monotonic()
    for accession in range(1, 61):
        scene.moved(accession, J.RUNNING, first=True)
    at_half = scene.due(began + 300)
    assert 10 < len(at_half) < 50
    assert len(scene.due(began + 610)) == 60 - len(at_half)


@pytest.mark.parametrize("status", [*J, None])
def test_a_job_that_moves_makes_its_run_due_and_wakes_the_account(scene: Scene, status: jobs.JobStatus | None) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING)))
    scene.moved(1, J.RUNNING, first=True)
    scene.moved(1, status)
    assert (scene.due(), scene.woken) == ({1: R.RUNNING}, 1)
    assert scene.due() == {}


@pytest.mark.parametrize("status", [J.SUSPENDED, J.SUCCEEDED, J.FAILED, J.KILLED, None])
def test_a_job_that_is_not_alive_at_the_first_look_makes_its_run_due(
    scene: Scene, status: jobs.JobStatus | None
) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING)))
    scene.moved(1, status, first=True)
    assert scene.due() == {1: R.RUNNING}


def test_a_job_that_began_under_our_eyes_is_looked_at_once_more_when_it_is_told_of(scene: Scene) -> None:
    scene.runs.tell_asked(listed(run(1, R.SUBMITTED, None)))
    scene.runs.tell(runs.Accession(1), run(1, R.RUNNING))
    scene.due()
    for expected in ({1: R.RUNNING}, {}):
        scene.moved(1, J.RUNNING, first=True)
        assert scene.due() == expected


def test_what_users_asked_for_is_due_at_each_look_and_goes_first(scene: Scene) -> None:
    scene.runs.tell_following(listed(*(run(accession, R.PENDING, None) for accession in range(2, 40))))
    for _ in range(2):
        scene.runs.tell_asked(listed(run(1, R.SUBMITTED_CANCEL), run(40, R.SUBMITTED_RETRY)))
        assert {accession for accession, _ in scene.runs.take(0, 2)} == {1, 40}
    assert scene.woken == 2, "the second time it was no news"


def test_a_run_that_left_the_short_lists_is_read_and_not_launched_meanwhile(scene: Scene) -> None:
    scene.runs.tell_asked(listed(run(1, R.SUBMITTED, None), run(2, R.SUBMITTED, None)))
    assert [one.accession for one in scene.runs.scheduled] == [1, 2]
    assert scene.due() == {}
    scene.runs.tell_asked(listed(run(2, R.SUBMITTED, None)))
    assert [one.accession for one in scene.runs.scheduled] == [2]
    assert [one.accession for one in scene.runs.submitted] == [1, 2], "it is not known to be anything else"
    assert scene.due() == {1: None}
    scene.runs.tell(runs.Accession(1), run(1, R.PENDING))
    assert ([one.accession for one in scene.runs.submitted], scene.runs.counts()) == (
        [2],
        {R.SUBMITTED: 1, R.PENDING: 1},
    )
    assert list(scene.jobs.watched) == [("1-W", 1)]


def test_a_run_that_left_the_short_lists_while_nobody_served_its_owner_is_read_by_who_serves_it_next(
    scene: Scene,
) -> None:
    scene.runs.tell_asked(listed(run(1, R.SUBMITTED, None), run(2, R.SUBMITTED, None)))
    scene.runs.leave()
    scene.runs.tell_asked(listed(run(2, R.SUBMITTED, None)))
    assert scene.runs.counts() == {R.SUBMITTED: 1}, "of what nobody serves only lists tell"
    scene.serve()
    assert scene.due() == {1: None}


def test_what_left_while_nobody_served_its_owner_is_not_kept_beyond_a_sweep(scene: Scene) -> None:
    scene.runs.tell_asked(listed(run(1, R.SUBMITTED, None), run(2, R.SUBMITTED, None)))
    scene.runs.leave()
    scene.runs.tell_asked(listed())
    scene.runs.tell_following(listed(run(1, R.PENDING)))
    scene.serve()
    assert scene.due() == {}
    assert list(scene.jobs.watched) == [("1-W", 1)]


@pytest.mark.parametrize("now", [None, R.COMPLETED, R.FAILED, R.CANCELLED])
def test_a_run_that_is_not_active_any_more_is_forgotten(scene: Scene, now: runs.RunStatus | None) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING)))
    scene.runs.doubt(runs.Accession(1))
    scene.runs.put_off(runs.Accession(1), 5)
    scene.runs.tell(runs.Accession(1), run(1, now) if now else None)
    assert (len(scene.runs), scene.runs.counts(), scene.jobs.watched, scene.due(10)) == (0, {}, {}, {})


def test_a_sweep_finds_runs_that_came_and_has_those_read_that_went_or_contradict_it(scene: Scene) -> None:
    scene.runs.tell_asked(listed(run(3, R.SUBMITTED_CANCEL)))
    scene.runs.tell_following(listed(run(1, R.RUNNING), run(2, R.RUNNING)))
    scene.due()
    scene.runs.tell_following(listed(run(2, R.RUNNING), run(3, R.RUNNING), run(4, R.PENDING)))
    assert scene.due() == {1: None, 3: None}, "the sweep may have read run 3 before the user's cancel, or after it"
    assert 4 in scene.runs


def test_a_run_whose_status_somebody_set_back_is_due_though_its_job_does_not_move(scene: Scene) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING)))
    scene.moved(1, J.RUNNING, first=True)
    scene.runs.tell_following(listed(run(1, R.PENDING)))
    assert scene.due() == {1: R.PENDING}


def test_a_run_without_a_job_that_is_watched_is_due_at_each_sweep(scene: Scene) -> None:
    odd = listed(run(1, R.RUNNING, None), run(2, R.RUNNING, engine="whitestar"), run(3, R.RUNNING))
    for _ in range(2):
        scene.runs.tell_following(odd)
        assert scene.due() == {1: R.RUNNING, 2: R.RUNNING}


def test_another_job_of_a_run_is_watched_in_place_of_the_old_one(scene: Scene) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING, "a-W")))
    scene.runs.tell(runs.Accession(1), run(1, R.RUNNING, "b-W"))
    assert list(scene.jobs.watched) == [("b-W", 1)]
    scene.runs.leave()
    assert scene.jobs.watched == {}
    assert not scene.runs.is_served


def test_what_moves_while_it_is_worked_on_is_due_again(scene: Scene) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING)))
    scene.moved(1, J.SUSPENDED)
    assert scene.due() == {1: R.RUNNING}
    scene.moved(1, J.RUNNING)
    scene.runs.tell(runs.Accession(1), run(1, R.RUNNING))
    assert scene.due() == {1: R.RUNNING}


def test_what_is_put_off_is_due_at_its_time(scene: Scene) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING)))
    scene.runs.put_off(runs.Accession(1), 10.0)
    assert (scene.due(9.9), scene.due(10.0), scene.due(11.0)) == ({}, {1: R.RUNNING}, {})
    scene.runs.put_off(runs.Accession(1))
    assert (scene.due(), scene.woken) == ({1: R.RUNNING}, 0), "what failed does not wake its account by itself"


STATUSES = st.sampled_from(R)
FOUND = st.builds(run, st.integers(1, 6), STATUSES, st.sampled_from(["", None, "x-W"]))
STEPS = st.lists(
    st.tuples(st.sampled_from(["asked", "following", "tell", "doubt", "drop", "leave", "serve"]), st.lists(FOUND)),
    max_size=25,
)


@given(STEPS)
def test_counts_and_watched_jobs_are_those_of_the_runs_whatever_is_told(
    steps: list[tuple[str, list[runs.WorkflowRun]]],
) -> None:
    scene = Scene()
    for what, found in steps:
        _tell(scene, what, found)
        known = list(scene.runs)
        assert scene.runs.counts() == {status: count for status in R if (count := _of(known, status))}
        assert {one.accession for one in scene.runs.submitted} == {
            one.accession for one in known if one.status is R.SUBMITTED
        }
        watched = {(one.status_cmd, one.accession) for one in known if one.status_cmd and scene.runs.is_served}
        assert scene.jobs.watched.keys() == watched


def _of(known: list[runs.WorkflowRun], status: runs.RunStatus) -> int:
    return sum(one.status is status for one in known)


def _tell(scene: Scene, what: str, found: list[runs.WorkflowRun]) -> None:
    known = scene.runs
    if what == "asked":
        known.tell_asked(listed(*(one for one in found if one.status in active_runs.ASKED)))
    elif what == "following":
        known.tell_following(listed(*(one for one in found if one.status in active_runs.FOLLOWING)))
    elif what == "leave":
        known.leave()
    elif what == "serve":
        scene.serve()
    else:
        for one in found:
            if what == "doubt":
                known.doubt(one.accession)
            else:
                known.tell(one.accession, one if what == "tell" else None)


def test_what_was_in_doubt_and_left_while_nobody_served_is_launched_when_it_comes_back(scene: Scene) -> None:
    scene.runs.tell_asked(listed(run(1, R.SUBMITTED, None)))
    scene.runs.doubt(runs.Accession(1))
    scene.runs.leave()
    scene.runs.tell_asked(listed())
    scene.runs.tell_asked(listed(run(1, R.SUBMITTED, None)))
    scene.serve()
    for accession, status in scene.due().items():
        assert status is None
        scene.runs.tell(runs.Accession(accession), run(1, R.SUBMITTED, None))
    assert [one.accession for one in scene.runs.scheduled] == [1]


def test_what_left_the_short_lists_while_nobody_served_is_read_when_somebody_does(scene: Scene) -> None:
    scene.runs.tell_asked(listed(run(1, R.SUBMITTED, None), run(2, R.SUBMITTED, None)))
    scene.runs.leave()
    scene.runs.tell_asked(listed(run(2, R.SUBMITTED, None)))
    scene.serve()
    assert scene.due() == {1: None}
    scene.runs.leave()
    scene.runs.tell_asked(listed())
    scene.runs.tell_following(listed())
    scene.serve()
    assert scene.due() == {}, "the long lists said that it is not active"


def test_a_sweep_before_anybody_serves_does_not_make_all_runs_due(scene: Scene) -> None:
    scene.runs.leave()
    scene.runs.tell_following(listed(run(1, R.RUNNING), run(2, R.RUNNING, None)))
    scene.serve()
    assert scene.due() == {2: R.RUNNING}, "the job of the other is watched"


def test_what_ended_is_told_although_the_account_came_anew(scene: Scene) -> None:
    scene.runs.tell_following(listed(run(1, R.RUNNING)))
    scene.runs.tell(runs.Accession(1), None)
    scene.serve()
    assert scene.runs.take_ended() == [1]
