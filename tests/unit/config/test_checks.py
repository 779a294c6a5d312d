from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import strategies

from niassa_orch.config import checks
from niassa_orch.webservice import fields


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://server2:8080/SeqWareWebService", "http://server2:8080/SeqWareWebService"),
        ("HTTP://Server2:80/SeqWareWebService//", "http://server2/SeqWareWebService"),
        ("https://server2:443", "https://server2"),
        ("https://server2:80/a", "https://server2:80/a"),
        ("http://[::1]:11000/oozie", "http://[::1]:11000/oozie"),
        (" http://server2/x \t", "http://server2/x"),
    ],
)
def test_a_base_url_has_one_spelling(written: str, meant: str) -> None:
    assert checks.base_url(written) == meant


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://server2/x", "http:// or https://"),
        ("server2:8080/x", "http:// or https://"),
        ("http://bob:canary@server2/x", "holds a login"),
        ("http://bob@server2/x", "holds a login"),
        ("http://bob:12/canary@server2/x", "holds a login"),
        ("http://server2/canary@x", "holds a login"),
        ("http://mar\u212a/x", "not ASCII"),
        ("http://server2/\xe4", "not ASCII"),
        ("http://server2/x?", "no query"),
        ("http://server2/x?a=canary", "no query"),
        ("http://server2/x#a", "no query, no fragment"),
        ("http:///x", "names no host"),
        ("http://server2:canary/x", "host or port"),
        ("http://server2:99999/x", "host or port"),
        ("http://[::1/x", "host or port"),
        ("http://server2/a b", "blank"),
        ("http://server2/a\nb", "control character"),
        ("http://server2/a'b", "quote"),
        ("http://server2\\x", "backslash"),
        ("", "empty"),
    ],
)
def test_a_url_that_cannot_be_a_base_is_refused_without_being_repeated(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        checks.base_url(url)
    assert "canary" not in str(caught.value)


@hypothesis.given(strategies.text() | strategies.from_regex(r"https?://[a-zA-Z0-9:@\[\]./?#-]+", fullmatch=True))
def test_a_base_url_that_was_accepted_is_accepted_unchanged_again(text: str) -> None:
    try:
        url = checks.base_url(text)
    except ValueError:
        return
    assert checks.base_url(url) == url
    assert not url.endswith("/")


@hypothesis.given(strategies.text())
def test_no_text_that_was_accepted_can_leave_the_quotes_of_a_query(text: str) -> None:
    try:
        checks.query_text(text)
    except ValueError:
        return
    assert text
    assert not set(text) & set("'\"\\\n\r\0\x1b\u2028")


@pytest.mark.parametrize("text", ["", " server2", "server2 ", "a'b", 'a"b', "a\\b", "a\nb", "a\x7fb", "a\u2028b"])
def test_a_host_that_could_leave_the_quotes_of_a_query_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"quote|empty"):
        checks.query_text(text)


def test_any_other_string_is_a_host() -> None:
    assert checks.query_text("Rechner Nr. 2 (öffentlich); x=y") == "Rechner Nr. 2 (öffentlich); x=y"


def test_a_web_user_is_trimmed_and_in_lower_case_as_the_server_stores_it() -> None:
    assert checks.web_user(" Bob@Lab.NET\t") == "bob@lab.net"


def test_a_web_user_with_a_colon_is_refused() -> None:
    with pytest.raises(ValueError, match="colon"):
        checks.web_user("bob:x@lab.net")


@pytest.mark.parametrize(
    "text",
    [
        "bob@lab.net\xa0",
        "bob@lab.net\u3000",
        "\u2028bob@lab.net",
        "mar\u212a@lab.net",
        "b\xf6b@lab.net",
        "bob@lab.net\x85",
    ],
)
def test_a_web_user_that_another_eye_may_read_as_another_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="not ASCII") as caught:
        checks.web_user(text)
    assert "lab.net" not in str(caught.value)


def test_a_web_user_is_trimmed_as_java_trims() -> None:
    assert checks.web_user("\x1f\0 Bob@lab.net\x01") == "bob@lab.net"


def test_a_web_user_longer_than_any_address_is_refused() -> None:
    assert len(checks.web_user("b" * 255)) == 255
    with pytest.raises(ValueError, match="longer than 255"):
        checks.web_user("b" * 256)


@hypothesis.given(strategies.text(strategies.characters(max_codepoint=0x2130) | strategies.sampled_from("\u212aAz@")))
def test_a_login_means_the_same_in_settings_and_in_a_list_of_runs(text: str) -> None:
    assert checks.normal_login(text) == fields.normal_owner(text)


@pytest.mark.parametrize("value", ["seqware", "[1]", "[]", "[" * 100_000, [], [""], ["a", 3], ["a\n"], {"a": 1}, None])
def test_a_command_that_is_no_list_of_words_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="list of words"):
        checks.command_words(value)


@pytest.mark.parametrize("value", [["seqware", "-v"], '["seqware", "-v"]', ("seqware", "-v")])
def test_a_command_is_a_list_or_its_json(value: object) -> None:
    words = checks.command_words(value)
    assert isinstance(words, list | tuple)
    assert list(words) == ["seqware", "-v"]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (checks.given_path, ""),
        (checks.given_path, "~/x"),
        (checks.given_path, "/a\0b"),
        (checks.settings_path, "~bob/x"),
    ],
)
def test_a_path_that_means_something_else_elsewhere_is_refused(check: Callable[[str], object], text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        check(text)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "leave it out to launch at any hour, or say paused = true"),
        ((), "leave it out to launch at any hour"),
        ("", "22:00-06:00"),
        (22, "22:00-06:00"),
        (["22:00-06:00", "canary"], "22:00-06:00"),
        ("08:00-08:00", "00:00 to 24:00"),
    ],
)
def test_hours_that_might_mean_anything_are_refused_without_being_repeated(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        checks.hours(value)
    assert "canary" not in str(caught.value)
    assert "08:00-08:00" not in str(caught.value)
