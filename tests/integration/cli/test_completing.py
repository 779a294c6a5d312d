"""What the shell is told after a tab: names of accounts and commands, quickly, and never a trouble."""

import pathlib

import pytest

from tests.integration.cli import commands


@pytest.fixture
def config(tmp_path: pathlib.Path) -> str:
    """Settings whose accounts_dir has profiles, one of them broken, and a file that is none."""
    (tmp_path / "accounts.d").mkdir()
    for name in ("alice.toml", "bob.toml", ".carol.toml", "notes.txt"):
        (tmp_path / "accounts.d" / name).write_text('unix_user = "nobody"\n', "utf-8")
    (tmp_path / "accounts.d" / "bobby.toml").write_text("no TOML at all [", "utf-8")
    file = tmp_path / "niassa-orch.toml"
    file.write_text(f'accounts_dir = "{tmp_path / "accounts.d"}"\n', "utf-8")
    return str(file)


def completed(line: str) -> list[str]:
    """What bash is told by the script that ``--install-completion`` puts in place."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    ended = commands.done(**words, _NIASSA_ORCH_COMPLETE="complete_bash")
    assert (ended.returncode, ended.stderr) == (0, "")
    return sorted(ended.stdout.split())


def test_accounts_are_completed_by_the_names_of_their_files(config: str) -> None:
    assert completed(f"niassa-orch --config {config} pause ") == ["alice", "bob", "bobby"]
    assert completed(f"niassa-orch --config {config} runs --account bo") == ["bob", "bobby"]


@pytest.mark.parametrize("text", ["accounts_dir = [", 'accounts_dir = "/nowhere"', "unknown = 1"])
def test_settings_that_cannot_be_used_complete_nothing_and_say_nothing(config: str, text: str) -> None:
    pathlib.Path(config).write_text(text, "utf-8")
    assert completed(f"niassa-orch --config {config} pause ") == []


def test_commands_are_completed() -> None:
    assert completed("niassa-orch stop") == ["stop-launching"]
    assert completed("niassa-orch res") == ["resolve", "resume"]
