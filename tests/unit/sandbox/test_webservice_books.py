import pathlib
from collections.abc import Iterator

import pytest

from niassa_orch.sandbox import webservice_books, webservice_documents


@pytest.fixture
def books(tmp_path: pathlib.Path) -> Iterator[webservice_books.Books]:
    opened = webservice_books.Books(tmp_path / "web.sqlite")
    yield opened
    opened.close()


def _body(run: webservice_documents.StoredRun, **texts: str) -> webservice_documents.Body:
    return webservice_documents.Body(run.accession, {**run.texts, **texts}, (), (), None, None)


def _found(books: webservice_books.Books, accession: int) -> webservice_documents.StoredRun:
    run = books.find(accession)
    assert run is not None
    return run


def test_runs_get_accessions_that_follow_one_another(books: webservice_books.Books) -> None:
    first = books.add_run("bob@lab.net", {"status": "submitted"})
    assert list(books.add_runs("bob@lab.net", [{}, {}])) == [first + 1, first + 2]


def test_of_two_writes_that_read_the_same_row_only_one_is_done(books: webservice_books.Books) -> None:
    run = _found(books, books.add_run("bob@lab.net", {"status": "submitted"}))
    assert books.write(run, _body(run, status="pending")) is not None
    assert books.write(run, _body(run, status="submitted_cancel")) is None
    assert _found(books, run.accession).texts["status"] == "pending"


def test_the_timestamp_moves_with_a_change_and_only_then(books: webservice_books.Books) -> None:
    run = _found(books, books.add_run("bob@lab.net", {"status": "submitted"}))
    same = books.write(run, _body(run))
    assert same is not None
    assert same.updated_ms == run.updated_ms
    changed = books.write(same, _body(same, host="server2"))
    assert changed is not None
    assert changed.updated_ms > run.updated_ms


def test_a_list_is_of_one_moment_even_when_a_run_is_written_while_it_is_read(books: webservice_books.Books) -> None:
    accessions = books.add_runs("bob@lab.net", [{"status": "submitted", "host": "h"}] * 250)
    stretches = books.stretches({"status": "submitted", "host": "h"})
    seen = [run.accession for run in next(stretches)]
    run = _found(books, accessions[-1])
    books.write(run, _body(run, status="pending"))
    seen += [run.accession for stretch in stretches for run in stretch]
    assert sorted(seen) == list(accessions)
    assert len(books.runs({"status": "submitted"})) == 249


def test_the_history_has_every_status_and_survives_a_restart(
    books: webservice_books.Books, tmp_path: pathlib.Path
) -> None:
    run = _found(books, books.add_run("bob@lab.net", {"status": "submitted"}))
    for texts in ({"status": "pending"}, {"name": "n"}, {"statusCmd": "job-1"}, {"status": "running"}):
        run = books.write(run, _body(run, **texts)) or run
    reopened = webservice_books.Books(tmp_path / "web.sqlite")
    history = reopened.history(run.accession)
    reopened.close()
    assert [(moment.status, moment.status_cmd) for moment in history] == [
        ("submitted", None),
        ("pending", None),
        ("pending", "job-1"),
        ("running", "job-1"),
    ]
    assert [moment.seconds for moment in history] == sorted(moment.seconds for moment in history)


def test_a_batch_that_breaks_in_the_middle_leaves_nothing(books: webservice_books.Books) -> None:
    def breaking() -> Iterator[dict[str, str]]:
        yield {"status": "submitted"}
        raise KeyError

    with pytest.raises(KeyError):
        books.add_runs("bob@lab.net", breaking())
    assert books.runs() == []
