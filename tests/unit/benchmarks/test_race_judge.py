"""The judge of the races: what counts as heeded, and what as lost."""

import pytest

from niassa_orch.sandbox import webservice_books
from tests.benchmarks import race_judge, requests_seen

ACCESSION, JOB = 1001, "0000001-oozie-W"
STALE = ("running", "submitted_cancel", "running")


def _history(*statuses: str) -> list[webservice_books.Moment]:
    """A status a second."""
    return [webservice_books.Moment(float(second), status, JOB) for second, status in enumerate(statuses)]


def _seen(began: float, kind: str, *, ours: bool, wrote: str = "", key: str = str(ACCESSION)) -> requests_seen.Seen:
    server = requests_seen.OOZIE if key == JOB else requests_seen.WEB_SERVICE
    status = 201 if kind == requests_seen.PUT_RUN else 200
    return requests_seen.Seen(began, began + 0.01, server, kind, key, "a@lab.net", ours, wrote, status)


def _user(second: int, wrote: str) -> list[requests_seen.Seen]:
    """A user's GET, and the PUT that made the history's entry of this second."""
    return [
        _seen(second - 0.1, requests_seen.GET_RUN, ours=False),
        _seen(second - 0.005, requests_seen.PUT_RUN, ours=False, wrote=wrote),
    ]


def _judged(
    history: list[webservice_books.Moment], seen: list[requests_seen.Seen]
) -> tuple[race_judge.Fate, race_judge.Judged]:
    judged = race_judge.judge({ACCESSION: history}, {ACCESSION: JOB}, seen)
    return judged.verdicts[0].fate, judged


@pytest.mark.parametrize(
    ("history", "fate"),
    [
        (("running", "submitted_cancel", "cancelled"), race_judge.Fate.HEEDED),
        (("running", "submitted_cancel", "completed"), race_judge.Fate.ENDED),
        (("running", "submitted_cancel", "failed"), race_judge.Fate.ENDED),
        (STALE, race_judge.Fate.LOST),
        ((*STALE, "completed"), race_judge.Fate.LOST),
        ((*STALE, "submitted_cancel", "cancelled"), race_judge.Fate.MENDED),
        ((*STALE, "submitted_cancel"), race_judge.Fate.LOST),
        (("running", "submitted_cancel"), race_judge.Fate.WAITING),
    ],
)
def test_a_cancel_is_judged_by_what_was_written_after_it(history: tuple[str, ...], fate: race_judge.Fate) -> None:
    assert _judged(_history(*history), _user(1, "submitted_cancel"))[0] is fate


@pytest.mark.parametrize(
    ("after", "rerun", "fate"),
    [
        ("pending", True, race_judge.Fate.HEEDED),
        ("failed", True, race_judge.Fate.HEEDED),
        ("failed", False, race_judge.Fate.LOST),
        ("completed", False, race_judge.Fate.ENDED),
    ],
)
def test_a_retry_that_is_followed_by_a_failure_was_heeded_only_if_the_job_was_run_again(
    after: str, rerun: bool, fate: race_judge.Fate
) -> None:
    seen = _user(1, "submitted_retry")
    if rerun:
        seen.append(_seen(1.5, "rerun", ours=True, key=JOB))
    assert _judged(_history("failed", "submitted_retry", after), seen)[0] is fate


def test_a_request_is_judged_by_what_comes_before_the_users_next_one() -> None:
    history = _history("running", "submitted_cancel", "running", "submitted_cancel", "cancelled")
    judged = _judged(history, [*_user(1, "submitted_cancel"), *_user(3, "submitted_cancel")])[1]
    assert [one.fate for one in judged.verdicts] == [race_judge.Fate.LOST, race_judge.Fate.HEEDED]


def test_a_write_of_ours_between_a_users_reading_and_writing_counts_as_wiped() -> None:
    moments = [("running", 0.0), ("completed", 0.95), ("submitted_cancel", 1.0), ("completed", 2.0)]
    history = [webservice_books.Moment(second, status, JOB) for status, second in moments]
    judged = _judged(history, _user(1, "submitted_cancel"))[1]
    assert judged.wiped_by_users == 1


def test_the_gap_is_from_our_last_reading_to_our_write() -> None:
    seen = [
        _seen(1.00, requests_seen.GET_RUN, ours=True),
        _seen(1.20, requests_seen.GET_RUN, ours=True),
        _seen(1.21, requests_seen.GET_RUN, ours=False),
        _seen(1.25, requests_seen.PUT_RUN, ours=True, wrote="running"),
    ]
    judged = race_judge.judge({ACCESSION: _history("pending", "running")}, {ACCESSION: JOB}, seen)
    assert judged.gaps_seconds == pytest.approx([0.05])


def test_a_cancel_meets_a_write_of_ours_in_the_same_three_seconds_unless_it_is_its_own_answer() -> None:
    history = _history("pending", "submitted_cancel", "cancelled")
    answer = _seen(1.9, requests_seen.PUT_RUN, ours=True, wrote="cancelled")
    before = _seen(0.1, requests_seen.PUT_RUN, ours=True, wrote="running")
    asked = _user(1, "submitted_cancel")
    assert not _judged(history, [*asked, answer])[1].verdicts[0].met
    assert _judged(history, [*asked, answer, before])[1].verdicts[0].met
