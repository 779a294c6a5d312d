"""What the benchmarks call a request, and what they call a tick."""

import pytest

from tests.benchmarks import figures, requests_seen


@pytest.mark.parametrize(
    ("server", "method", "path", "query", "kind"),
    [
        (requests_seen.WEB_SERVICE, "GET", "/S/workflowruns", {"status": "running"}, ("list running", "")),
        (requests_seen.WEB_SERVICE, "GET", "/S/workflowruns/1001", {}, (requests_seen.GET_RUN, "1001")),
        (requests_seen.WEB_SERVICE, "PUT", "/S/workflowruns/1001", {}, (requests_seen.PUT_RUN, "1001")),
        (requests_seen.OOZIE, "GET", "/oozie/v1/job/1-W", {"show": "info"}, (requests_seen.JOB, "1-W")),
        (requests_seen.OOZIE, "PUT", "/oozie/v1/job/1-W", {"action": "kill"}, ("kill", "1-W")),
        (requests_seen.OOZIE, "GET", "/oozie/versions", {}, ("versions", "")),
    ],
)
def test_a_request_is_told_by_its_kind(
    server: str, method: str, path: str, query: dict[str, str], kind: tuple[str, str]
) -> None:
    assert requests_seen.kind(server, method, path, query) == kind


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ("sortby=lastModifiedTime", requests_seen.JOBS_BY_CHANGE),
        ("user=a;user=b;status=RUNNING", requests_seen.JOBS_OF_USERS),
        ("id=1-W;id=2-W", requests_seen.JOBS_BY_ID),
        ("", requests_seen.JOBS),
    ],
)
def test_lists_of_jobs_are_told_apart_by_their_filter(asked: str, kind: str) -> None:
    assert requests_seen.kind(requests_seen.OOZIE, "GET", "/oozie/v1/jobs", {"filter": asked}) == (kind, "")


def _submitted(began: float, user: str, *, ours: bool = True) -> requests_seen.Seen:
    return requests_seen.Seen(began, began, requests_seen.WEB_SERVICE, "list submitted", "", user, ours, "", 200)


def test_a_tick_begins_with_the_list_of_submitted_runs_whoever_asks_for_it() -> None:
    seen = [_submitted(2, "a"), _submitted(1, "b"), _submitted(3, "c", ours=False)]
    assert requests_seen.tick_starts(seen) == [1, 2]


def test_the_status_of_a_put_is_the_one_in_its_body() -> None:
    assert requests_seen.status_in(b"<WorkflowRun><status>failed</status></WorkflowRun>") == "failed"


def test_what_costs_ten_times_as_much_with_a_hundred_times_as_many_grows_with_the_root() -> None:
    assert figures.exponent([(1_000, 0.1), (100_000, 1.0)]) == pytest.approx(0.5)


def test_the_p99_of_a_hundred_is_the_largest_but_one() -> None:
    assert figures.quantile(range(1, 101), 0.99) == 99
