import pytest

from niassa_orch.core import account_line
from niassa_orch.domain import runs
from niassa_orch.faces import remarks


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        (
            "GET http://ws:8080/Seq: no connection (ClientConnectorError: Connection refused)",
            "no connection (ClientConnectorError: Connection refused) [GET http://ws:8080/Seq]",
        ),
        (
            "https://oozie:11443/oozie: the list of jobs has no end",
            "the list of jobs has no end [https://oozie:11443/oozie]",
        ),
        ("the login is refused (GET http://ws: 401)", "the login is refused (GET http://ws: 401)"),
        ("carol.toml: unix_user: no such user", "carol.toml: unix_user: no such user"),
    ],
)
def test_what_was_asked_stands_behind_the_cause(reason: str, shown: str) -> None:
    assert remarks.cause_first(reason) == shown


def test_the_reason_of_a_state_comes_before_everything_else_that_there_is_to_say() -> None:
    line = account_line.AccountLine("bob", warning="look at this", held={runs.Accession(7): "two jobs"})
    assert remarks.of(line) == "7 waits for a person (niassa-orch doubts): two jobs"
    line.reason = "no\nconnection"
    assert remarks.of(line) == "no connection"
    assert remarks.of(account_line.AccountLine("ann")) == ""


def test_requests_of_users_that_were_wiped_are_said_when_nothing_else_is() -> None:
    line = account_line.AccountLine("bob", requests_restored=2)
    assert remarks.of(line) == "users' requests that were wiped and put back: 2"
    line.requests_lost = 1
    assert remarks.of(line).startswith("users' requests that may be lost: 1, see request.lost in the log; users'")
    line.waiting = "bob waits"
    assert remarks.of(line) == "bob waits"


def test_jobs_that_were_wiped_are_said_beside_them() -> None:
    line = account_line.AccountLine("bob", jobs_restored=3)
    assert remarks.of(line) == "jobs that were wiped from records and put back: 3"
    line.requests_restored = 2
    assert remarks.of(line).endswith("put back: 2; jobs that were wiped from records and put back: 3")
