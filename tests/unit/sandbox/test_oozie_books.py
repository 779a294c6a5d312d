import dataclasses
import pathlib
from collections.abc import Iterator

import pytest

from niassa_orch.domain.jobs import JobStatus
from niassa_orch.sandbox import oozie_answers, oozie_books, oozie_submissions

NEW = oozie_books.NewJob(
    7, "bob", "oozie-sge", "flow", "file:///apps/oozie-1", "/w/oozie-1", "<configuration/>", ("a",)
)


@pytest.fixture
def books(tmp_path: pathlib.Path) -> Iterator[oozie_books.Books]:
    opened = oozie_books.Books(tmp_path / "oozie.sqlite")
    yield opened
    opened.close()


def test_a_purged_number_is_never_given_again(books: oozie_books.Books) -> None:
    first = books.add(NEW)
    books.forget(first)
    assert books.job(first) is None
    assert books.add(NEW) != first


def test_a_job_remembers_its_steps_and_looks_like_oozies(books: oozie_books.Books) -> None:
    job_id = books.add(NEW)
    job = books.job(job_id)
    assert job is not None
    assert job.steps == ("a",)
    assert job.status is JobStatus.PREP
    assert job_id.startswith("0000001-")
    assert job_id.endswith("-oozie-oozi-W")


def test_a_rerun_counts_and_has_no_end_any_more(books: oozie_books.Books) -> None:
    job_id = books.add(NEW)
    books.set_status(job_id, JobStatus.RUNNING)
    books.set_status(job_id, JobStatus.KILLED)
    killed = books.job(job_id)
    books.rerun(job_id, "<configuration/>", ())
    again = books.job(job_id)
    assert killed is not None
    assert again is not None
    assert killed.ended is not None
    assert (again.status, again.run, again.ended, again.id) == (JobStatus.PREP, 1, None, job_id)


def test_many_jobs_are_taken_as_far_as_asked_and_moved_together(books: oozie_books.Books) -> None:
    first = books.add(NEW)
    many = books.add_many([NEW, dataclasses.replace(NEW, user="ann")], JobStatus.RUNNING)
    assert [job_id[:7] for job_id in (first, *many)] == ["0000001", "0000002", "0000003"]
    taken = [books.job(job_id) for job_id in many]
    assert [(job.user, job.status, job.ended) for job in taken if job and job.started == job.created] == [
        ("bob", JobStatus.RUNNING, None),
        ("ann", JobStatus.RUNNING, None),
    ]
    books.set_statuses(many, JobStatus.SUCCEEDED)
    ended = [books.job(job_id) for job_id in many]
    assert all(job and job.status is JobStatus.SUCCEEDED and job.ended == job.modified for job in ended)
    untouched = books.job(first)
    assert untouched is not None
    assert untouched.status is JobStatus.PREP
    assert books.add_many([], JobStatus.RUNNING) == []


def test_numbers_go_on_beside_a_second_connection_to_the_same_books(tmp_path: pathlib.Path) -> None:
    books = [oozie_books.Books(tmp_path / "oozie.sqlite") for _ in range(2)]
    ids = [job_id for turn in books * 2 for job_id in turn.add_many([NEW] * 3, JobStatus.RUNNING)]
    for one in books:
        one.close()
    assert [int(job_id[:7]) for job_id in ids] == list(range(1, 13))


def test_external_numbers_go_on_after_the_books_were_closed(tmp_path: pathlib.Path) -> None:
    numbers = []
    for _ in range(2):
        books = oozie_books.Books(tmp_path / "oozie.sqlite")
        numbers += [books.next_external_number(), books.next_external_number()]
        books.close()
    assert numbers == [1001, 1002, 1003, 1004]


def test_a_row_of_the_list_lacks_path_configuration_and_actions(books: oozie_books.Books) -> None:
    job = books.job(books.add(NEW))
    assert job is not None
    whole = oozie_answers.detail(job, [])
    assert set(whole) - set(oozie_answers.row(job)) == {"appPath", "conf", "actions"}


def test_a_moment_is_rfc_822_in_gmt_and_whole_seconds() -> None:
    assert oozie_answers.moment(1_700_000_000.987) == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert oozie_answers.moment(None) is None


def test_a_refusal_keeps_line_breaks_out_of_its_headers() -> None:
    error = oozie_answers.RefusedError(oozie_answers.Code.BAD_FILTER, "x\r\nSet-Cookie: a=b\u2713 <b>")
    answer = oozie_answers.refusal(error)
    assert answer.headers["oozie-error-message"] == "E0420: x Set-Cookie: a=b? <b>"
    assert answer.text is not None
    assert "&lt;b&gt;" in answer.text


def test_a_configuration_comes_back_as_it_was_written() -> None:
    properties = {"user.name": "bob", "odd": "<&>\"' \u2713"}
    assert oozie_submissions.parse(oozie_submissions.write(properties)) == properties


@pytest.mark.parametrize(
    "text", ["", "<conf/>", "<configuration>", '<!DOCTYPE a [<!ENTITY b "c">]><configuration>&b;</configuration>']
)
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(oozie_answers.RefusedError) as caught:
        oozie_submissions.parse(text)
    assert caught.value.code == "E0302"
