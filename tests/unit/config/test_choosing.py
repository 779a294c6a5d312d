import os
import pathlib

import pydantic
import pytest

from niassa_orch import errors
from niassa_orch.config import choosing, profile_keys, profiles, settings, user_settings

_THEIRS = user_settings.parse(
    b"SW_REST_URL=http://server2/S\nSW_REST_USER=bob@lab.net\nSW_REST_PASS=canary\nOOZIE_URL=http://server2:11000/oozie\n"
)
_PLACE = "~/.seqware/settings of niassa-bob"
_SERVICE = settings.Settings(host="server9", accounts_dir=pathlib.Path("/etc/niassa-orch/accounts.d"))


def _profile(**keys: object) -> profiles.Profile:
    return profiles.Profile.model_validate({"name": "bob", "unix_user": "niassa-bob", **keys})


def _merged(
    profile: profiles.Profile,
    service: settings.Settings = _SERVICE,
    password: str | None = None,
    theirs: user_settings.UserSettings = _THEIRS,
) -> dict[str, choosing.Choice]:
    chosen = choosing.Choosing(profile, service)
    secret = None if password is None else pydantic.SecretStr(password)
    user_settings.merge(profile, theirs, secret, service, chosen)
    return dict(chosen.made)


def test_what_the_profile_leaves_out_is_said_by_the_users_settings_with_key_and_file() -> None:
    made = _merged(_profile())
    for key, value, their_key in (
        ("web_service.url", "http://server2/S", "SW_REST_URL"),
        ("web_service.user", "bob@lab.net", "SW_REST_USER"),
        ("web_service.password", "********", "SW_REST_PASS"),
        ("engine.oozie_url", "http://server2:11000/oozie", "OOZIE_URL"),
    ):
        assert made[key] == choosing.Choice(key, value, choosing.Source.SEQWARE, f"{their_key} in {_PLACE}")
    engine = made["engine.default_engine"]
    assert (engine.value, engine.source) == ("", choosing.Source.DEFAULT)


def test_what_the_profile_states_is_said_by_it_also_when_it_states_the_default() -> None:
    keys = {"url": "http://other/ws", "user": "Ann@lab.net", "password_file": "/secret", "poll": "shared"}
    made = _merged(_profile(enabled=True, host="server2", web_service=keys), password="canary")
    file = "/etc/niassa-orch/accounts.d/bob.toml"
    stated = {key for key, choice in made.items() if choice.source is choosing.Source.PROFILE}
    assert stated >= {"unix_user", "enabled", "host", "web_service.url", "web_service.user", "web_service.poll"}
    assert made["web_service.user"] == choosing.Choice("web_service.user", "ann@lab.net", choosing.Source.PROFILE, file)
    assert made["web_service.password"].where == "/secret"
    assert (made["settings_file"].source, made["propagation"].source) == (choosing.Source.DEFAULT,) * 2


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("password_credential", "bob", "credential bob of the unit"),
        ("password_env", "NIASSA_ORCH_SECRET_B", "environment variable NIASSA_ORCH_SECRET_B, read at the start"),
    ],
)
def test_a_password_is_masked_and_known_by_its_place(key: str, value: str, where: str) -> None:
    made = _merged(_profile(web_service={"user": "ann@lab.net", key: value}), password="canary")
    assert made["web_service.password"] == choosing.Choice(
        "web_service.password", "********", choosing.Source.PROFILE, where
    )
    assert "canary" not in repr(made)


def test_what_the_service_says_has_its_key_and_who_said_that(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("NIASSA_ORCH_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "settings.toml"
    file.write_text('host = "server3"\n[launching]\naccount_in_flight = 7\n', "utf-8")
    monkeypatch.setenv("NIASSA_ORCH_LAUNCHING__ACCOUNT_IN_FLIGHT", "8")
    made = _merged(_profile(), settings.load(file))
    assert made["host"] == choosing.Choice("host", "server3", choosing.Source.SERVICE, f"host in {file}")
    variable = "launching.account_in_flight in environment NIASSA_ORCH_LAUNCHING__ACCOUNT_IN_FLIGHT"
    in_flight = made["launching.in_flight"]
    assert (in_flight.value, in_flight.source, in_flight.where) == ("8", choosing.Source.SERVICE, variable)
    a_beat = made["launching.a_beat"]
    assert (a_beat.value, a_beat.source) == ("30", choosing.Source.DEFAULT)


def test_every_value_of_the_account_that_is_made_is_the_one_that_was_noted() -> None:
    profile = _profile(launching={"a_beat": 3})
    chosen = choosing.Choosing(profile, _SERVICE)
    account, login = user_settings.merge(profile, _THEIRS, None, _SERVICE, chosen)
    noted = {key: choice.value for key, choice in chosen.made.items()}
    assert noted["host"] == account.host
    assert noted["web_service.url"] == account.web_service_url
    assert noted["web_service.user"] == account.web_user == login.user
    assert noted["engine.oozie_url"] == account.oozie_url
    assert (noted["launching.in_flight"], noted["launching.a_beat"]) == (str(account.in_flight), str(account.a_beat))


def test_when_merging_stops_what_was_chosen_until_then_is_known() -> None:
    profile = _profile()
    chosen = choosing.Choosing(profile, _SERVICE)
    theirs = user_settings.parse(b"SW_REST_URL=http://server2/S\n")
    with pytest.raises(errors.UserSettingsError, match=r"web_service\.user"):
        user_settings.merge(profile, theirs, None, _SERVICE, chosen)
    assert chosen.made["web_service.url"].value == "http://server2/S"
    assert "web_service.user" not in chosen.made


def test_there_is_a_place_for_every_key_and_one_for_the_password() -> None:
    keys = {key for key, _ in profile_keys.every_key()}
    sources = {f"web_service.{source}" for source in profile_keys.PASSWORD_SOURCES}
    assert set(choosing.KEYS) == keys - sources | {choosing.PASSWORD}
