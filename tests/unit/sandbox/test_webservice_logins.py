import pathlib
from collections.abc import Iterator

import pytest

from niassa_orch.sandbox import basic_login, webservice_books, webservice_logins


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def books(tmp_path: pathlib.Path) -> Iterator[webservice_books.Books]:
    opened = webservice_books.Books(tmp_path / "web.sqlite")
    opened.add_account("bob@lab.net", "secret")
    yield opened
    opened.close()


def test_a_good_and_a_bad_verdict_are_both_kept_for_a_minute(books: webservice_books.Books) -> None:
    clock = Clock()
    logins = webservice_logins.Logins(books, 60.0, clock)
    assert logins.verdict("bob@lab.net", "secret")
    assert not logins.verdict("bob@lab.net", "new")
    books.add_account("bob@lab.net", "new")
    clock.seconds += 59.9
    assert logins.verdict("bob@lab.net", "secret")
    assert not logins.verdict("bob@lab.net", "new")
    clock.seconds += 0.2
    assert not logins.verdict("bob@lab.net", "secret")
    assert logins.verdict("bob@lab.net", "new")


def test_only_so_many_verdicts_are_kept(books: webservice_books.Books) -> None:
    logins = webservice_logins.Logins(books, 60.0, Clock())
    assert not logins.verdict("bob@lab.net", "new")
    for number in range(webservice_logins.KEPT_VERDICTS):
        logins.verdict("nobody", str(number))
    books.add_account("bob@lab.net", "new")
    assert logins.verdict("bob@lab.net", "new")


def test_a_hiccup_refuses_a_good_login_for_a_minute(books: webservice_books.Books) -> None:
    clock = Clock()
    logins = webservice_logins.Logins(books, 60.0, clock)
    assert logins.verdict("bob@lab.net", "secret")
    logins.hiccup("Bob@lab.net")
    assert not logins.verdict("bob@lab.net", "secret")
    clock.seconds += 59
    assert not logins.verdict("bob@lab.net", "secret")
    clock.seconds += 2
    assert logins.verdict("bob@lab.net", "secret")


def test_unknown_accounts_are_refused(books: webservice_books.Books) -> None:
    assert not books.verify("alice@lab.net", "secret")
    assert not books.verify("alice@lab.net", "")


def test_a_header_that_was_written_is_read_with_the_user_in_lower_case() -> None:
    assert basic_login.read(basic_login.header(" Bob@Lab.net ", "pass:word é")) == ("bob@lab.net", "pass:word é")


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic !!", "Basic Ym9i", "Bearer Ym9iOng=", "Basic /w=="])
def test_a_header_that_is_garbage_is_no_login(header: str | None) -> None:
    assert basic_login.read(header) is None
