"""``import`` as a process, on crontabs in files, and on seqware settings of our own Unix user."""

import json
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import typing

import pytest

from niassa_orch.sandbox import layout
from tests.integration.cli import commands

OWN = pwd.getpwuid(os.geteuid()).pw_name
LAUNCH = "seqware workflow-run launch-scheduled --host server2"
PROPAGATE = "seqware workflow-run propagate-statuses --host server2 --threads 10"


class Place:
    """A sandbox directory without profiles, and crontabs of our own."""

    def __init__(self, directory: pathlib.Path) -> None:
        people = [
            layout.SandboxAccount(name, OWN, f"{name}@lab.net", "sesame-7", "server2") for name in ("alice", "bob")
        ]
        url = "http://127.0.0.1:9/SeqWareWebService"
        self.made = layout.prepare(directory / "box", people, web_service_url=url, oozie_url="http://127.0.0.1:9/oozie")
        self.directory = directory
        for file in self.profiles.glob("*.toml"):
            file.unlink()

    @property
    def profiles(self) -> pathlib.Path:
        return self.made.accounts_dir

    def crontab(self, name: str = "bob") -> str:
        """A crontab as documented, of an account of ours, and the option that names it."""
        script = self.directory / f"{name}.sh"
        settings = self.made.settings_file(name)
        script.write_text(f"#!/bin/bash\nexport SEQWARE_SETTINGS={settings}\n{LAUNCH}\n{PROPAGATE}\n", "utf-8")
        file = self.directory / f"crontab-of-{name}"
        file.write_text(f"MAILTO=\n\n# launches\n* * * * * bash {script} --password sesame-8 >> log 2>&1\n", "utf-8")
        return f"{OWN}:{file}"

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """The command, of whose words none is a secret."""
        ended = commands.done("--config", str(self.made.config_file), "import", *words)
        assert "sesame" not in ended.stdout + ended.stderr
        return ended

    def json(self, *words: str, exit_code: int = 0) -> dict[str, typing.Any]:
        """What it found, for machines."""
        ended = self.run("--json", *words)
        assert ended.returncode == exit_code, ended.stdout + ended.stderr
        found: dict[str, typing.Any] = json.loads(ended.stdout)
        return found

    def written(self) -> dict[str, str]:
        """All that lies in the directory of profiles."""
        return {file.name: file.read_text("utf-8") for file in self.profiles.iterdir()}


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path)


def test_a_crontab_becomes_a_profile_and_is_told_with_the_line_to_disable(place: Place) -> None:
    ended = place.run("--file", place.crontab())
    assert ended.returncode == 0, ended.stdout + ended.stderr
    ((name, text),) = place.written().items()
    assert name == f"{OWN}-bob.toml"
    assert text == f'unix_user = "{OWN}"\nhost = "server2"\nsettings_file = "{place.made.settings_file("bob")}"\n'
    assert stat.S_IMODE((place.profiles / name).stat().st_mode) == 0o644
    (row,) = [line.split() for line in ended.stdout.splitlines() if line.split()[:1] == [f"{OWN}-bob"]]
    assert row[1:4] == [OWN, "bob@lab.net", "server2"]
    assert f"edit {place.directory}/crontab-of-bob: put # before" in ended.stdout
    assert f"line 4: * * * * * bash {place.directory}/bob.sh --password **** >> log 2>&1" in ended.stdout
    assert "--threads 10 is replaced by pool.size" in ended.stdout


def test_the_service_takes_the_profile_that_was_written(place: Place) -> None:
    place.run("--file", place.crontab())
    ended = commands.done("--config", str(place.made.config_file), "accounts", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (row,) = json.loads(ended.stdout)
    assert (row["state"], row["web_service_account"], row["host"]) == ("ok", "bob@lab.net", "server2")


def test_a_dry_run_says_the_same_and_writes_nothing(place: Place) -> None:
    crontab = place.crontab()
    before = (place.directory / "crontab-of-bob").read_bytes()
    dry = place.json("--dry-run", "--file", crontab)
    assert ([one["state"] for one in dry["profiles"]], place.written()) == (["would be written"], {})
    wet = place.json("--file", crontab)
    assert [one["state"] for one in wet["profiles"]] == ["written"]
    assert (dry["disable"], dry["profiles"][0]["toml"]) == (wet["disable"], *place.written().values())
    assert (place.directory / "crontab-of-bob").read_bytes() == before


def test_a_second_run_changes_nothing_also_when_the_profile_has_another_name_by_then(place: Place) -> None:
    words = ["--file", place.crontab("alice"), "--file", place.crontab("bob")]
    assert [one["state"] for one in place.json(*words)["profiles"]] == ["written", "written"]
    before = {(file, file.stat().st_ino, file.stat().st_ctime_ns) for file in place.profiles.iterdir()}
    assert [one["state"] for one in place.json(*words)["profiles"]] == ["there already", "there already"]
    assert {(file, file.stat().st_ino, file.stat().st_ctime_ns) for file in place.profiles.iterdir()} == before
    (place.profiles / f"{OWN}-bob.toml").rename(place.profiles / "robert.toml")
    assert [one["profile"] for one in place.json(*words)["profiles"]] == [f"{OWN}-alice", "robert"]
    assert set(place.written()) == {f"{OWN}-alice.toml", "robert.toml"}


def test_a_profile_that_says_something_else_is_left_and_the_difference_is_told(place: Place) -> None:
    file = place.profiles / f"{OWN}-bob.toml"
    text = f'unix_user = "{OWN}"\nhost = "server9"\n[web_service]\nuser = "sesame-9"\n'
    file.write_text(text, "utf-8")
    found = place.json("--file", place.crontab(), exit_code=1)
    (one,) = found["profiles"]
    assert one["state"] == "different"
    assert "host is 'server9' there and would be 'server2'" in one["reason"]
    assert "it says web_service besides" in one["reason"]
    assert (file.read_text("utf-8"), found["disable"]) == (text, [])


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('[web_service]\nuser = "carol@lab.net"\n', "another login or web service"),
        ('[web_service]\nurl = "http://elsewhere:8080/ws"\n', "another login or web service"),
        ("shadow = true\n", "shadow = true: nothing is launched by it yet"),
        ('[launching]\npaused = "not yet"\n', "paused: nothing is launched by it yet"),
    ],
)
def test_a_crontab_is_left_at_work_while_its_profile_does_not_do_the_same(place: Place, more: str, why: str) -> None:
    crontab = place.crontab()
    place.run("--file", crontab)
    ((name, text),) = place.written().items()
    (place.profiles / name).write_text(text + more, "utf-8")
    found = place.json("--file", crontab, exit_code=1)
    (one,) = found["profiles"]
    assert (one["state"], found["disable"]) == ("different", [])
    assert why in one["reason"]


def test_a_disabled_profile_is_left_and_its_crontab_is_left_at_work(place: Place) -> None:
    crontab = place.crontab()
    place.run("--file", crontab)
    ((name, text),) = place.written().items()
    (place.profiles / name).write_text(f"enabled = false\n{text}", "utf-8")
    found = place.json("--file", crontab, exit_code=1)
    assert ([one["state"] for one in found["profiles"]], found["disable"]) == (["there, disabled"], [])


@pytest.mark.parametrize("command", ["/usr/local/bin/seqware", "/opt/seqware"])
def test_what_mediator_json_lacks_is_told(place: Place, command: str) -> None:
    mediator = place.directory / "mediator"
    document = {"command": ["/usr/local/bin/seqware"], "users": {OWN: {"settings_file": "/etc/bob"}}}
    mediator.with_name("mediator.json").write_text(json.dumps(document), "utf-8")
    place.made.config_file.write_text(
        place.made.config_file.read_text("utf-8").replace("[engine]", f'[engine]\nmediator = "{mediator}"'), "utf-8"
    )
    crontab = place.crontab()
    script = place.directory / "bob.sh"
    script.write_text(script.read_text("utf-8").replace("seqware workflow-run", f"{command} workflow-run"), "utf-8")
    (note,) = place.json("--file", crontab)["profiles"][0]["notes"]
    needed = json.loads(note.partition('"users": ')[2])[OWN]
    assert needed["settings_file"] == str(place.made.settings_file("bob"))
    assert needed.get("command") == ([command] if command == "/opt/seqware" else None)


def test_two_crontabs_that_launch_the_same_runs_become_one_profile(place: Place) -> None:
    shutil.copy(place.made.settings_file("bob"), place.directory / "carol.settings")
    carol = place.crontab("carol")
    script = place.directory / "carol.sh"
    script.write_text(
        script.read_text().replace(str(place.made.settings_file("carol")), f"{place.directory}/carol.settings")
    )
    found = place.json("--file", place.crontab("bob"), "--file", carol, exit_code=1)
    assert sorted(one["state"] for one in found["profiles"]) == ["refused", "written"]
    assert "both crontabs launch the same runs" in str([one["reason"] for one in found["profiles"]])
    assert len(place.written()) == 1
    assert len(found["disable"]) == 1


@pytest.mark.parametrize("lacking", ["SW_REST_URL", "SW_REST_USER", "SW_REST_PASS"])
def test_settings_that_lack_something_are_told_and_their_crontab_is_left_at_work(place: Place, lacking: str) -> None:
    settings = place.made.settings_file("bob")
    lines = [line for line in settings.read_text("latin-1").splitlines() if not line.startswith(lacking)]
    settings.write_text("\n".join(lines), "latin-1")
    found = place.json("--file", place.crontab(), exit_code=1)
    assert lacking in found["profiles"][0]["reason"]
    assert (found["disable"], place.written()) == ([], {})


def test_settings_that_are_not_there_are_told(place: Place) -> None:
    place.made.settings_file("bob").unlink()
    found = place.json("--file", place.crontab(), exit_code=1)
    assert "there are no seqware settings" in found["profiles"][0]["reason"]


def test_what_is_not_understood_is_told_with_crontab_and_line_and_the_rest_is_done(place: Place) -> None:
    file = place.directory / "odd"
    file.write_text("* * * * * ssh server3 seqware workflow-run launch-scheduled\n* * * * * true\nnonsense\n", "utf-8")
    found = place.json("--file", place.crontab(), "--file", f"{OWN}:{file}", "--file", "/no/such", exit_code=1)
    told = [(one["crontab"], one["line"]) for one in found["not_understood"]]
    assert told == [(str(file), 1), (str(file), 3), ("/no/such", 0)]
    assert found["other_commands"][str(file)] == 1
    assert len(place.written()) == 1
    ended = place.run("--file", f"{OWN}:{file}")
    assert ended.returncode == 1
    assert f"{file} line 1: " in ended.stdout


def test_a_system_crontab_names_its_users_itself(place: Place) -> None:
    place.crontab()
    file = place.directory / "cron.d"
    file.write_text(f"* * * * * {OWN} bash {place.directory}/bob.sh\n* * * * * nobody-has-this-name x\n", "utf-8")
    found = place.json("--file", str(file), exit_code=1)
    assert [one["unix_user"] for one in found["profiles"]] == [OWN]
    assert "no Unix user 'nobody-has-this-name'" in found["not_understood"][0]["reason"]


def test_exit_codes_are_those_of_all_commands(place: Place) -> None:
    assert place.run().returncode == 2
    assert place.run("nobody-has-this-name").returncode == 1
    place.profiles.rmdir()
    assert place.run("--file", place.crontab()).returncode == 78
