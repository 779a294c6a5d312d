"""One account with all its values, from a real profile and the settings of our own Unix user."""

import json
import os
import pathlib
import pwd

import pytest

from niassa_orch.sandbox import layout
from tests.integration.cli import commands

OWN = pwd.getpwuid(os.geteuid()).pw_name
URL = "http://127.0.0.1:9/SeqWareWebService"


@pytest.fixture
def place(tmp_path: pathlib.Path) -> layout.Layout:
    """A sandbox directory with the accounts bob and zoe; nobody listens."""
    made = [layout.SandboxAccount(name, OWN, f"{name}@lab.net", "sesame", "server2") for name in ("bob", "zoe")]
    return layout.prepare(tmp_path / "box", made, web_service_url=URL, oozie_url="http://127.0.0.1:9/oozie")


def show(place: layout.Layout, *words: str, exit_code: int = 0, **environment: str) -> str:
    ended = commands.done("--config", str(place.config_file), "accounts", "show", *words, **environment)
    assert ended.returncode == exit_code, ended.stdout + ended.stderr
    assert "sesame" not in ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_every_value_is_shown_with_who_said_it_and_the_password_masked(place: layout.Layout) -> None:
    text = show(place, "bob")
    lines = {line.split()[0]: line.split(maxsplit=2) for line in text.splitlines() if "." in line or ":" in line}
    settings_file = place.settings_file("bob")
    password = lines["web_service.password"]
    assert (password[1], password[2].strip()) == (
        "********",
        f"seqware settings: SW_REST_PASS in {settings_file} of {OWN}",
    )
    assert lines["web_service.url"][1] == URL
    assert str(place.accounts_dir / "bob.toml") in lines["host"][2]
    assert f"engine.command in {place.config_file}" in lines["engine.command"][2]
    assert lines["launching.in_flight"][1] == "20"


def test_for_machines_each_value_has_its_source_and_its_place(place: layout.Layout) -> None:
    found = json.loads(show(place, "bob", "--json"))
    assert (found["profile"], found["state"], found["reason"]) == ("bob", "ok", None)
    assert found["values"]["web_service.user"] == {
        "value": "bob@lab.net",
        "source": "seqware settings",
        "where": f"SW_REST_USER in {place.settings_file('bob')} of {OWN}",
    }
    assert found["values"]["web_service.password"]["value"] == "********"
    assert found["values"]["enabled"] == {"value": "true", "source": "default", "where": None}
    assert None not in found["values"].values()


def test_an_unknown_account_is_answered_with_the_names_that_there_are(place: layout.Layout) -> None:
    text = show(place, "bobb", exit_code=1)
    assert "did you mean bob?" in text
    assert "There are: bob, zoe" in text
    assert str(place.accounts_dir) in text
    for name in ("bob", "zoe"):
        (place.accounts_dir / f"{name}.toml").unlink()
    assert "no other profile is" in show(place, "bobb", exit_code=1)


def test_a_refused_profile_shows_why_and_what_is_known_all_the_same(place: layout.Layout) -> None:
    settings_file = place.settings_file("bob")
    left = [line for line in settings_file.read_text().splitlines(keepends=True) if "SW_REST_USER" not in line]
    settings_file.write_text("".join(left))
    found = json.loads(show(place, "bob", "--json", exit_code=1))
    assert found["state"] == "refused"
    assert "SW_REST_USER" in found["reason"]
    assert found["values"]["web_service.url"]["value"] == URL
    assert found["values"]["web_service.user"] is None
    (place.accounts_dir / "zoe.toml").write_text("unix_user = sesame\n", "utf-8")
    assert "zoe: refused" in show(place, "zoe", exit_code=1)


def test_of_a_disabled_account_nobody_is_asked(place: layout.Layout) -> None:
    profile = place.accounts_dir / "bob.toml"
    profile.write_text("enabled = false\n" + profile.read_text("utf-8"), "utf-8")
    place.settings_file("bob").unlink()
    found = json.loads(show(place, "bob", "--json"))
    assert (found["state"], found["values"]["enabled"]["source"]) == ("disabled", "profile")
    assert found["values"]["web_service.url"] is None


def test_a_password_of_each_source_is_named_by_its_place_alone(place: layout.Layout, tmp_path: pathlib.Path) -> None:
    secret = tmp_path / "bob"
    secret.write_text("sesame\n", "utf-8")
    secret.chmod(0o600)
    plain = (place.accounts_dir / "bob.toml").read_text("utf-8")
    for key, value, where in (
        ("password_file", str(secret), str(secret)),
        ("password_credential", "bob", "credential bob of the unit"),
        ("password_env", "NIASSA_ORCH_SECRET_BOB", "environment variable NIASSA_ORCH_SECRET_BOB, read at the start"),
    ):
        text = f'{plain}[web_service]\n{key} = "{value}"\n'
        (place.accounts_dir / "bob.toml").write_text(text, "utf-8")
        text = show(place, "bob", "--json", CREDENTIALS_DIRECTORY=str(tmp_path), NIASSA_ORCH_SECRET_BOB="sesame")
        found = json.loads(text)
        password = found["values"]["web_service.password"]
        assert password == {"value": "********", "source": "profile", "where": where}
    assert "NIASSA_ORCH_SECRET_BOB" in show(place, "bob", exit_code=1, NIASSA_ORCH_SECRET_BOB="")


def test_the_table_is_still_there_under_its_old_name_and_a_new_one(place: layout.Layout) -> None:
    config = ("--config", str(place.config_file))
    old = commands.done(*config, "accounts", "--json")
    assert old.returncode == 0
    assert commands.done(*config, "accounts", "list", "--json").stdout == old.stdout
    assert commands.done(*config, "accounts", "list").stdout == commands.done(*config, "accounts").stdout
    assert commands.done(*config, "accounts", "--json", "show", "bob").returncode == 2
