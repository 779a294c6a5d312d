"""What is remembered of users' requests, when looks overlap with each other and with our own answers."""

import pytest

from niassa_orch.core import requests_seen
from niassa_orch.domain import jobs, requests, runs
from tests.fakes import clock as clocks

R, J = runs.RunStatus, jobs.JobStatus
CANCEL, RETRY = R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY
SEVEN = runs.Accession(7)


class Scene:
    """What was seen of run 7; a look takes a second."""

    def __init__(self, clock: clocks.Clock) -> None:
        self.clock = clock
        self.seen = requests_seen.RequestsSeen()

    def now(self) -> float:
        self.clock.advance(1)
        return self.clock.monotonic()

    def look(self, status: runs.RunStatus, began: float | None = None, engine: str = "oozie") -> None:
        began = self.now() if began is None else began
        self.clock.advance(1)
        self.seen.saw_list([run(status, engine)], began)

    @property
    def asked(self) -> runs.RunStatus | None:
        request = self.seen.of(SEVEN)
        return request.status if request else None

    @property
    def request(self) -> requests.Request:
        request = self.seen.of(SEVEN)
        assert request is not None
        return request


def run(status: runs.RunStatus, engine: str = "oozie") -> runs.WorkflowRun:
    return runs.WorkflowRun(SEVEN, status, "bob@lab.net", "server2", engine, "7-W")


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    clock = clocks.Clock()
    monkeypatch.setattr(requests_seen, "time", clock)
    return Scene(clock)


def test_only_requests_to_oozie_engines_are_remembered(scene: Scene) -> None:
    for status in R:
        scene.look(status, engine="whitestar")
        assert len(scene.seen) == 0
        if status not in runs.REQUESTED:
            scene.look(status)
            assert len(scene.seen) == 0
    scene.look(CANCEL)
    assert scene.asked is CANCEL


def test_a_record_without_its_request_is_missed_and_another_request_is_not(scene: Scene) -> None:
    assert not scene.seen.misses(run(R.RUNNING))
    scene.look(CANCEL)
    assert scene.seen.misses(run(R.RUNNING))
    assert not scene.seen.misses(run(RETRY))


def test_a_list_that_began_before_the_answer_says_nothing_new(scene: Scene) -> None:
    scene.look(CANCEL)
    began = scene.now()
    scene.seen.close(SEVEN, CANCEL)
    scene.look(CANCEL, began)
    assert scene.asked is None
    scene.look(CANCEL)
    assert scene.asked is CANCEL, "a later list does"


def test_an_answer_to_one_request_leaves_another_that_was_seen_meanwhile(scene: Scene) -> None:
    scene.look(RETRY)
    scene.look(CANCEL)
    scene.seen.close(SEVEN, RETRY)
    assert scene.asked is CANCEL


def test_of_two_requests_whose_looks_overlap_the_later_look_counts(scene: Scene) -> None:
    began = scene.now()
    scene.look(CANCEL)
    scene.look(RETRY, began)
    assert scene.asked is CANCEL
    scene.look(RETRY)
    assert scene.asked is RETRY


def test_a_request_that_is_seen_again_is_the_same_one(scene: Scene) -> None:
    scene.look(RETRY)
    since, until = scene.request.since_seconds, scene.request.until_seconds
    scene.seen.put_back(SEVEN)
    scene.look(RETRY)
    assert scene.request.since_seconds == since
    assert scene.request.until_seconds > until
    assert scene.request.is_put_back


def test_the_first_look_at_the_job_for_this_request_counts(scene: Scene) -> None:
    first, second = (jobs.Job("7-W", J.KILLED, "niassa-bob", "/x/oozie-1", number) for number in range(2))
    scene.look(RETRY)
    scene.seen.looked_at(run(R.RUNNING), second)
    assert scene.request.job is None, "that was not for this request"
    scene.seen.looked_at(run(RETRY), first)
    scene.seen.looked_at(run(RETRY), second)
    assert scene.request.job == first


def test_a_new_request_knows_nothing_of_an_earlier_one(scene: Scene) -> None:
    scene.look(CANCEL)
    scene.seen.looked_at(run(CANCEL), jobs.Job("7-W", J.RUNNING, "niassa-bob", "/x/oozie-1"))
    scene.seen.put_back(SEVEN)
    scene.seen.close(SEVEN, CANCEL)
    scene.look(CANCEL)
    assert (scene.request.job, scene.request.is_put_back) == (None, False)
