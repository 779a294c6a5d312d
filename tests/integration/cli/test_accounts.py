"""The table of accounts, from real profiles and the settings of our own Unix user."""

import json
import os
import pathlib
import pwd
import shutil
import subprocess

import pytest

from niassa_orch.sandbox import layout
from tests.integration.cli import commands

OWN = pwd.getpwuid(os.geteuid()).pw_name
URL = "http://127.0.0.1:9/SeqWareWebService"


@pytest.fixture
def place(tmp_path: pathlib.Path) -> layout.Layout:
    """A sandbox directory with the account bob; nobody listens."""
    bob = layout.SandboxAccount("bob", OWN, "bob@lab.net", "sesame", "server2")
    return layout.prepare(tmp_path / "box", [bob], web_service_url=URL, oozie_url="http://127.0.0.1:9/oozie")


def accounts(place: layout.Layout, *words: str) -> "subprocess.CompletedProcess[str]":
    return commands.done("--config", str(place.config_file), "accounts", *words)


def rows(place: layout.Layout, exit_code: int) -> dict[str, dict[str, str | None]]:
    ended = accounts(place, "--json")
    assert ended.returncode == exit_code, ended.stderr
    return {row["profile"]: row for row in json.loads(ended.stdout)}


@pytest.mark.parametrize("unix_user", [OWN, "nobody-has-this-name"])
def test_a_disabled_profile_is_disabled_whatever_else_and_nobody_is_asked_about_it(
    place: layout.Layout, unix_user: str
) -> None:
    profile = f'unix_user = "{unix_user}"\nenabled = false\nhost = "server9"\nsettings_file = "/no/such/file"\n'
    (place.accounts_dir / "ann.toml").write_text(profile, "utf-8")
    ann = rows(place, 0)["ann"]
    assert (ann["state"], ann["reason"], ann["host"], ann["unix_user"]) == ("disabled", None, "server9", unix_user)
    mediators = {path.name for path in (place.state_dir / "mediators").iterdir()}
    assert mediators == {"bob"}


@pytest.mark.parametrize("settings_of_its_own", [False, True])
def test_of_two_accounts_that_would_launch_the_same_runs_the_second_by_name_is_refused_with_the_name_of_the_first(
    place: layout.Layout, settings_of_its_own: bool
) -> None:
    same = (place.accounts_dir / "bob.toml").read_text("utf-8")
    if settings_of_its_own:
        theirs = place.settings_file("bob")
        mine = theirs.with_name("settings-of-adam")
        shutil.copy(theirs, mine)
        same = same.replace(str(theirs), str(mine))
    (place.accounts_dir / "adam.toml").write_text(same, "utf-8")
    found = rows(place, 1)
    assert (found["adam"]["state"], found["bob"]["state"]) == ("ok", "refused")
    assert "adam" in str(found["bob"]["reason"])
    assert (found["bob"]["unix_user"], found["bob"]["host"]) == (OWN, "server2")
    (place.accounts_dir / "adam.toml").write_text(f"enabled = false\n{same}", "utf-8")
    found = rows(place, 0)
    assert (found["adam"]["state"], found["bob"]["state"]) == ("disabled", "ok")


def test_a_refused_profile_shows_what_it_states_and_no_url_that_may_hold_a_password(place: layout.Layout) -> None:
    for name, url in (("zoe", URL), ("zac", "http://zac:sesame@ws/SeqWareWebService")):
        profile = (
            f'unix_user = "nobody-has-this-name"\nhost = "server9"\n[web_service]\nurl = "{url}"\nuser = "Z@lab.net"\n'
        )
        (place.accounts_dir / f"{name}.toml").write_text(profile, "utf-8")
    found = rows(place, 1)
    assert (found["zoe"]["web_service_account"], found["zoe"]["web_service"]) == ("z@lab.net", URL)
    assert (found["zac"]["web_service_account"], found["zac"]["web_service"]) == ("z@lab.net", None)
    table = accounts(place)
    assert "sesame" not in table.stdout + table.stderr + json.dumps(found)


def test_off_a_terminal_every_profile_and_every_reason_is_one_line(place: layout.Layout) -> None:
    (place.accounts_dir / "zoe.toml").write_text('unix_user = "nobody-has-this-name"\n' + "x" * 300 + " = 1\n", "utf-8")
    ended = accounts(place)
    assert ended.returncode == 1
    lines = ended.stdout.splitlines()
    (bob,) = (line.split() for line in lines if line.split()[:1] == ["bob"])
    assert bob == ["bob", "bob@lab.net", "server2", OWN, URL, "oozie", "ok"]
    assert lines[-1].startswith("zoe.toml: ")
    assert "x" * 300 in lines[-1]
