import dataclasses

import hypothesis
import pydantic
import pytest
from hypothesis import strategies

from niassa_orch import errors
from niassa_orch.config import credentials, profiles, settings, user_settings
from niassa_orch.domain import accounts

_CANARY = "canary-Pa55 "
_CONTENT = b"""
# settings of niassa-bob
SW_REST_URL=http\\://Server2:8080/SeqWareWebService/
sw_rest_user:  Bob@Lab.net\x20
SW_REST_PASS = canary-Pa55\x20
SW_METADATA_METHOD=webservice
SW_DEFAULT_WORKFLOW_ENGINE=oozie-sge
OOZIE_URL=http://server2:11000/oozie/
OOZIE_WORK_DIR=/data/\\u00e4\xe4
SW_LOCK_ID=night
"""
_SERVICE = settings.Settings(host="server9")


def _profile(**keys: object) -> profiles.Profile:
    return profiles.Profile.model_validate({"name": "bob", "unix_user": "niassa-bob", **keys})


def test_a_settings_file_is_read_as_java_reads_it() -> None:
    found = user_settings.parse(_CONTENT)
    assert found.rest_url == "http://Server2:8080/SeqWareWebService/"
    assert found.rest_user == "Bob@Lab.net "
    assert found.rest_password is not None
    assert found.rest_password.get_secret_value() == _CANARY
    assert (found.metadata_method, found.default_engine) == ("webservice", "oozie-sge")
    assert (found.oozie_work_dir, found.lock_id) == ("/data/ää", "night")


def test_of_a_repeated_key_the_last_one_counts_in_whatever_case() -> None:
    assert user_settings.parse(b"SW_LOCK_ID=a\nsw_lock_id=b\n").lock_id == "b"


def test_the_password_is_in_no_repr() -> None:
    assert "canary" not in repr(user_settings.parse(_CONTENT))


def test_a_malformed_escape_is_refused_with_its_line_and_without_the_text() -> None:
    with pytest.raises(errors.UserSettingsError, match="line 3") as caught:
        user_settings.parse(b"# a\nSW_LOCK_ID=x\nSW_REST_PASS=canary\\u00gg\n", "/home/bob/.seqware/settings")
    assert (caught.value.file, caught.value.key) == ("/home/bob/.seqware/settings", "")
    assert "canary" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"
    assert "00gg" not in f"{caught.value!r}{caught.value.__cause__!r}{caught.value.__context__!r}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"#" * (user_settings.LIMIT_BYTES + 1), "larger than"), (b"a=" + b"b\\\n" * 5000, "continues more than")],
)
def test_a_file_that_would_cost_much_to_read_is_refused_before(content: bytes, reason: str) -> None:
    with pytest.raises(errors.UserSettingsError, match=reason):
        user_settings.parse(content)


@hypothesis.given(strategies.binary())
def test_no_bytes_bring_any_other_error(content: bytes) -> None:
    try:
        found = user_settings.parse(content)
    except errors.UserSettingsError:
        return
    assert isinstance(found, user_settings.UserSettings)


def test_one_line_of_profile_is_completed_from_the_users_settings() -> None:
    account, login = user_settings.merge(_profile(), user_settings.parse(_CONTENT), None, _SERVICE)
    assert dataclasses.asdict(account) == {
        "name": "bob",
        "unix_user": "niassa-bob",
        "host": "server9",
        "web_service_url": "http://server2:8080/SeqWareWebService",
        "web_user": "bob@lab.net",
        "oozie_url": "http://server2:11000/oozie",
        "default_engine": "oozie-sge",
        "polls_alone": False,
        "in_flight": 20,
        "a_beat": 30,
        "an_hour": None,
        "hours": (),
        "paused": "",
        "beside_cron": False,
        "shadow": False,
        "propagation": accounts.Propagation.NATIVE,
    }
    assert login.user == "bob@lab.net"
    assert login.password.get_secret_value() == _CANARY


def test_what_the_profile_says_wins() -> None:
    profile = _profile(
        host="server2",
        web_service={"url": "https://other/ws/", "user": "Alice@lab.net"},
        engine={"oozie_url": "http://other:11000/oozie", "default_engine": "whitestar"},
        launching={"in_flight": 2, "a_beat": 3, "an_hour": 9, "hours": "22:00-06:00", "paused": "no disk"},
    )
    account, login = user_settings.merge(profile, user_settings.parse(_CONTENT), pydantic.SecretStr("hers"), _SERVICE)
    assert account.claim == ("https://other/ws", "alice@lab.net", "server2")
    assert (account.oozie_url, account.default_engine) == ("http://other:11000/oozie", "whitestar")
    assert (account.in_flight, account.a_beat, account.an_hour) == (2, 3, 9)
    assert (list(map(str, account.hours)), account.paused) == (["22:00-06:00"], "no disk")
    assert login == credentials.Login("alice@lab.net", pydantic.SecretStr("hers"))


def test_a_profile_that_says_everything_needs_no_settings_of_the_user() -> None:
    keys = {"url": "http://a/ws", "user": "bob@lab.net", "password_file": "/secret"}
    whole = _profile(web_service=keys, engine={"oozie_url": "http://a/oozie"})
    assert not user_settings.needs_user_settings(whole)
    account, _ = user_settings.merge(whole, None, pydantic.SecretStr("x"), _SERVICE)
    assert account.web_service_url == "http://a/ws"


@pytest.mark.parametrize("left_out", ["url", "user", "password_file", "oozie_url"])
def test_a_profile_that_leaves_something_out_needs_them(left_out: str) -> None:
    web_service = {"url": "http://a/ws", "user": "bob@lab.net", "password_file": "/secret"}
    engine = {"oozie_url": "http://a/oozie"}
    web_service.pop(left_out, None)
    engine.pop(left_out, None)
    assert user_settings.needs_user_settings(_profile(web_service=web_service, engine=engine))


@pytest.mark.parametrize(
    ("their_key", "key"),
    [
        ("SW_REST_URL", "web_service.url"),
        ("SW_REST_USER", "web_service.user"),
        ("SW_REST_PASS", "web_service.password_file"),
    ],
)
def test_what_neither_says_is_missed_by_both_its_names(their_key: str, key: str) -> None:
    lines = [line for line in _CONTENT.splitlines(keepends=True) if not line.upper().startswith(their_key.encode())]
    with pytest.raises(errors.UserSettingsError) as caught:
        user_settings.merge(_profile(), user_settings.parse(b"".join(lines)), None, _SERVICE)
    assert (caught.value.file, caught.value.key) == ("bob.toml", key)
    assert f"so is {their_key} in ~/.seqware/settings of niassa-bob" in caught.value.reason
    assert "canary" not in str(caught.value)


def test_an_account_without_oozie_is_an_account() -> None:
    found = dataclasses.replace(user_settings.parse(_CONTENT), oozie_url="  ", default_engine=None)
    account, _ = user_settings.merge(_profile(), found, None, _SERVICE)
    assert (account.oozie_url, account.default_engine) == ("", "")


def test_where_the_engine_propagates_the_oozie_of_the_users_settings_counts_and_the_profile_may_repeat_it() -> None:
    keys = {"url": "http://a/ws", "user": "bob@lab.net", "password_file": "/secret"}
    profile = _profile(web_service=keys, engine={"oozie_url": "http://server2:11000/oozie"}, propagation="engine")
    assert user_settings.needs_user_settings(profile)
    account, _ = user_settings.merge(profile, user_settings.parse(_CONTENT), pydantic.SecretStr("x"), _SERVICE)
    assert account.propagation is accounts.Propagation.ENGINE
    assert account.oozie_url == "http://server2:11000/oozie"


@pytest.mark.parametrize(
    ("engine", "theirs", "key"),
    [
        ({"oozie_url": "http://other:11000/oozie"}, None, "engine.oozie_url"),
        ({"oozie_url": "http://server2:11000/oozie"}, b"", "OOZIE_URL"),
        ({}, b" ", "OOZIE_URL"),
        ({}, b"canary", "OOZIE_URL"),
    ],
)
def test_an_engine_that_would_ask_another_oozie_than_the_one_that_is_probed_propagates_nothing(
    engine: dict[str, str], theirs: bytes | None, key: str
) -> None:
    content = _CONTENT if theirs is None else _CONTENT + b"OOZIE_URL=" + theirs + b"\n"
    with pytest.raises(errors.UserSettingsError) as caught:
        user_settings.merge(_profile(engine=engine, propagation="engine"), user_settings.parse(content), None, _SERVICE)
    assert (caught.value.file, caught.value.key) == ("bob.toml", key)
    assert "~/.seqware/settings of niassa-bob" in caught.value.reason
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"SW_REST_URL=http://bob:canary@server2/ws", "SW_REST_URL"),
        (b"SW_REST_URL=http://bob:12/canary@server2/ws", "SW_REST_URL"),
        (b"OOZIE_URL=http://bob:canary@server2/oozie", "OOZIE_URL"),
        (b"SW_REST_USER=canary\\u00a0", "SW_REST_USER"),
        (b"SW_REST_PASS=" + b"canary" * 200, "SW_REST_PASS"),
        (b"SW_REST_USER=bob'canary", "SW_REST_USER"),
        (b"SW_REST_PASS=canary\\ud800", "SW_REST_PASS"),
        (b"OOZIE_URL=canary", "OOZIE_URL"),
        (b"SW_DEFAULT_WORKFLOW_ENGINE=canary\\u001b[2J", "SW_DEFAULT_WORKFLOW_ENGINE"),
        (b"SW_METADATA_METHOD=database-canary", "SW_METADATA_METHOD"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_key_and_not_repeated(line: bytes, key: str) -> None:
    with pytest.raises(errors.UserSettingsError) as caught:
        user_settings.merge(_profile(), user_settings.parse(_CONTENT + line), None, _SERVICE)
    assert (caught.value.file, caught.value.key) == ("bob.toml", key)
    assert "~/.seqware/settings of niassa-bob" in caught.value.reason
    assert "canary" not in str(caught.value)


def test_a_password_is_never_sent_as_another_user_than_its_own() -> None:
    profile = _profile(web_service={"user": "alice@lab.net"})
    with pytest.raises(errors.UserSettingsError, match="belongs to another user") as caught:
        user_settings.merge(profile, user_settings.parse(_CONTENT), None, _SERVICE)
    assert caught.value.key == "web_service.password_file"


def test_a_password_of_a_name_that_only_looks_the_same_belongs_to_another() -> None:
    found = dataclasses.replace(user_settings.parse(_CONTENT), rest_user="mar\u212a@lab.net")
    with pytest.raises(errors.UserSettingsError, match="belongs to another user"):
        user_settings.merge(_profile(web_service={"user": "mark@lab.net"}), found, None, _SERVICE)


def test_a_password_may_have_1024_bytes_and_no_more() -> None:
    found = dataclasses.replace(user_settings.parse(_CONTENT), rest_password=pydantic.SecretStr("\xe4" * 512))
    assert user_settings.merge(_profile(), found, None, _SERVICE)[1].password == found.rest_password
    found = dataclasses.replace(found, rest_password=pydantic.SecretStr("\xe4" * 513))
    with pytest.raises(errors.UserSettingsError, match=r"1024 bytes, in ~/\.seqware/settings of niassa-bob"):
        user_settings.merge(_profile(), found, None, _SERVICE)


def test_a_login_within_a_url_is_in_no_repr() -> None:
    found = user_settings.parse(b"SW_REST_URL=http://bob:canary@server2/S\nOOZIE_URL=http://bob:canary@server2/oozie\n")
    assert found.rest_url == "http://bob:canary@server2/S"
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("theirs", "same"),
    [
        ("http://server2:80/S", True),
        (" HTTP://Server2/S// \n", True),
        ("http://server2/s", False),
        ("https://server2/S", False),
        ("http://server2:8080/S", False),
        ("http://bob:canary@server2/S", False),
        ("http://bob:12/canary@server2/S", False),
        ("http://server2:canary/S", False),
        ("http://\u017ferver2/S", False),
        ("canary", False),
        ("", False),
    ],
)
def test_two_spellings_of_one_web_service_are_the_same_and_an_unusable_one_is_not(theirs: str, same: bool) -> None:
    assert user_settings.same_web_service("http://server2/S", theirs) is same
