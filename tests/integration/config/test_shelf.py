"""The shelf: which files a look reads, and when. The clock is the test's; files and their times are real."""

import os
from pathlib import Path

import pytest

from niassa_orch import errors
from niassa_orch.config import profiles, settings, shelf

_SERVICE = settings.Settings(host="server9")
_STILL, _PATIENCE = shelf.STILL_SECONDS, shelf.PATIENCE_SECONDS


class Desk:
    """A directory, its shelf, and which profiles were made anew by a look."""

    def __init__(self, directory: Path, unix_user: str) -> None:
        self.directory = directory
        self.unix_user = unix_user
        self.shelf = shelf.Shelf(directory, _SERVICE)
        self.known: dict[str, profiles.Profile] = {}

    def write(self, name: str, more: str = "") -> Path:
        path = self.directory / f"{name}.toml"
        path.write_text(f'unix_user = "{self.unix_user}"\nsettings_file = "/{name}"\n{more}')
        path.chmod(0o644)
        return path

    def start(self) -> None:
        """Old files, all read."""
        self._note(self.shelf.read())
        for at in (0.0, _STILL):
            self._note(self.shelf.look(at))

    def look(self, at: float, *, refused_too: bool = False) -> set[str]:
        """Names of what this look brought anew or took away, refused ones as ``-name``."""
        return self._note(self.shelf.look(at, refused_too=refused_too))

    def _note(self, look: shelf.Look) -> set[str]:
        if look.profiles is None:
            return set()
        now = {profile.name: profile for profile in look.profiles.profiles}
        refused = {f"-{exc.file.removesuffix('.toml')}" for exc in look.profiles.quarantined}
        names = {name for name in now.keys() | self.known.keys() if now.get(name) is not self.known.get(name)}
        self.known = now
        return (names - {name[1:] for name in refused}) | refused


@pytest.fixture
def desk(accounts_dir: Path, unix_user: str) -> Desk:
    made = Desk(accounts_dir, unix_user)
    for name in ("alice", "bob", "carol"):
        made.write(name)
    made.start()
    assert made.known.keys() == {"alice", "bob", "carol"}
    return made


def test_a_look_at_what_has_not_changed_reads_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "read", None)
    assert desk.look(10) == set()
    assert desk.shelf.look(11) == shelf.Look(None, None)


def test_a_change_of_one_reads_one_and_the_others_are_the_same_objects(desk: Desk) -> None:
    desk.write("bob", "enabled = false\n")
    assert desk.look(10) == set()
    assert desk.look(10 + _STILL) == {"bob"}


def test_a_file_counts_when_it_has_kept_still_and_not_before(desk: Desk) -> None:
    for step in range(10):
        desk.write("bob", f"host = 'server{step}'\n")
        assert desk.look(10 + step * _STILL * 0.9) == set()
    wait = desk.shelf.look(14.3).again_seconds
    assert wait is not None
    assert desk.look(14.3 + wait * 0.9) == set()
    assert desk.look(14.31 + wait) == {"bob"}
    assert desk.known["bob"].host == "server9"


def test_half_a_file_is_no_refusal_when_it_is_whole_a_moment_later(desk: Desk) -> None:
    (desk.directory / "bob.toml").write_text("unix_user = ")
    assert desk.look(10) == set()
    desk.write("bob")
    assert desk.look(10.4) == set()
    assert desk.look(10.4 + _STILL) == {"bob"}
    (desk.directory / "bob.toml").write_text("unix_user = ")
    assert desk.look(20) == set()
    assert desk.look(20 + _STILL) == {"-bob"}


def test_a_file_that_is_away_for_a_moment_has_not_gone(desk: Desk) -> None:
    path = desk.directory / "bob.toml"
    text = path.read_text()
    path.unlink()
    assert desk.look(10) == set()
    path.write_text(text)
    assert desk.look(10.3) == set()
    assert "bob" in desk.known
    assert desk.look(11) == {"bob"}
    path.unlink()
    desk.look(20)
    assert desk.look(20 + _STILL) == {"bob"}
    assert "bob" not in desk.known


def test_a_file_that_never_keeps_still_does_not_keep_the_others_waiting(desk: Desk) -> None:
    desk.write("carol", "enabled = false\n")
    brought = []
    for step in range(20):
        desk.write("bob", f"host = 'server{step}'\n")
        at = 10 + step * 0.1
        brought += [(at, name) for name in desk.look(at)]
    assert [name for _, name in brought] == ["carol"]
    assert brought[0][0] == pytest.approx(10 + _PATIENCE)


def test_what_changes_together_is_taken_together(desk: Desk) -> None:
    (desk.directory / "bob.toml").rename(desk.directory / "robert.toml")
    desk.write("dave")
    assert desk.look(10) == set()
    desk.write("erin")
    assert desk.look(10.4) == set()
    assert desk.look(10.6) == set()
    assert desk.look(10.9) == {"bob", "robert", "dave", "erin"}


def test_a_change_that_keeps_size_and_time_is_seen(desk: Desk) -> None:
    path = desk.directory / "bob.toml"
    before = path.stat()
    path.write_text(path.read_text().replace("/bob", "/rob"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    desk.look(10)
    assert desk.look(11) == {"bob"}


@pytest.mark.parametrize("mode", [0o666, 0o602])
def test_permissions_of_a_file_and_of_the_directory_count(desk: Desk, mode: int) -> None:
    (desk.directory / "bob.toml").chmod(mode)
    desk.look(10)
    assert desk.look(11) == {"-bob"}
    desk.directory.chmod(0o777)
    desk.look(20)
    assert desk.look(21) == {"-alice", "-bob", "-carol"}


def test_a_refusal_whose_reason_lies_elsewhere_is_looked_at_anew_when_it_is_time(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    desk.write("bob", f'[web_service]\npassword_file = "{secret}"\n')
    desk.look(10)
    assert desk.look(11) == {"-bob"}
    secret.write_text("canary")
    secret.chmod(0o600)
    assert desk.look(12) == set()
    assert desk.look(13, refused_too=True) == {"bob"}


def test_touching_a_password_file_reads_nothing(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    for content in ("one", "another"):
        secret.write_text(content)
        secret.chmod(0o600)
        if content == "one":
            desk.write("bob", f'[web_service]\npassword_file = "{secret}"\n')
            desk.look(10)
            assert desk.look(11) == {"bob"}
    assert desk.look(20) == set()
    assert desk.look(21, refused_too=True) == set()


def test_a_change_in_the_very_moment_of_the_first_reading_is_not_overlooked(accounts_dir: Path, unix_user: str) -> None:
    desk = Desk(accounts_dir, unix_user)
    path = desk.write("bob", "host = 'a'\n")
    assert desk.shelf.read().again_seconds == _STILL
    # The clock of a file system ticks: a second write may bear the time of the first, so the file is read once more.
    desk.look(0)
    assert desk.look(_STILL) == {"bob"}
    assert desk.shelf.look(5).again_seconds is None
    assert path.exists()


def test_editors_and_hidden_files_are_no_change(desk: Desk) -> None:
    for name in (".bob.toml.swp", "bob.toml~", "#bob.toml#", "bob.toml.rpmnew", "4913~", ".git"):
        (desk.directory / name).write_text("nonsense")
    assert desk.shelf.look(10) == shelf.Look(None, None)


def test_a_directory_that_is_away_is_an_error_that_forgets_nothing(desk: Desk) -> None:
    desk.directory.rename(desk.directory.with_name("away"))
    with pytest.raises(errors.SettingsError, match="mkdir"):
        desk.look(10)
    desk.directory.with_name("away").rename(desk.directory)
    assert desk.shelf.look(11) == shelf.Look(None, None)


def test_of_two_that_say_the_same_the_other_is_taken_when_the_first_goes(desk: Desk) -> None:
    for name in ("dave", "erin"):
        path = desk.write(name)
        path.write_text(f'unix_user = "{desk.unix_user}"\nsettings_file = "/the/same"\n')
    desk.look(10)
    assert desk.look(11) == {"dave", "-erin"}
    (desk.directory / "dave.toml").unlink()
    desk.look(20)
    assert desk.look(21) == {"dave", "erin"}
