"""The shelf: which files a look reads, and when. The clock is the test's; files and their times are real."""

import itertools
import os
import time
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
        self.at = 0.0
        self.shelf = shelf.Shelf(directory, _SERVICE, lambda: self.at)
        self.known: dict[str, profiles.Profile] = {}

    def write(self, name: str, more: str = "") -> Path:
        path = self.directory / f"{name}.toml"
        path.write_text(f'unix_user = "{self.unix_user}"\nsettings_file = "/{name}"\n{more}')
        path.chmod(0o644)
        return path

    def start(self) -> None:
        """All read, however young."""
        self.note(self.shelf.read())
        self.look(_STILL)

    def look(self, at: float, *, refused_too: bool = False) -> set[str]:
        """Names of what this look brought anew or took away, refused ones as ``-name``."""
        self.at = at
        return self.note(self.shelf.look(refused_too=refused_too))

    def looked(self, at: float) -> shelf.Look:
        """The look itself."""
        self.at = at
        return self.shelf.look()

    def read(self, at: float) -> set[str]:
        """As ``look``, of everything that is at rest."""
        self.at = at
        return self.note(self.shelf.read())

    def note(self, look: shelf.Look) -> set[str]:
        """Names of what is another object than before, or went."""
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
    assert desk.looked(11) == shelf.Look(None, None)


def test_a_change_of_one_reads_one_and_the_others_are_the_same_objects(desk: Desk) -> None:
    desk.write("bob", "enabled = false\n")
    assert desk.look(10) == set()
    assert desk.look(10 + _STILL) == {"bob"}


def test_a_file_counts_when_it_has_kept_still_and_not_before(desk: Desk) -> None:
    for step in range(10):
        desk.write("bob", f"host = 'server{step}'\n")
        assert desk.look(10 + step * _STILL * 0.9) == set()
    wait = desk.looked(14.3).again_seconds
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


def test_what_was_written_a_moment_ago_is_left_out_at_the_start_until_it_keeps_still(
    accounts_dir: Path, unix_user: str
) -> None:
    desk = Desk(accounts_dir, unix_user)
    for name in ("alice", "bob"):
        desk.write(name)
    _let_age(accounts_dir)
    desk.write("carol", "# whose [launching] is still to come\n")
    desk.at = 10
    look = desk.shelf.read()
    assert desk.note(look) == {"alice", "bob"}
    assert look.restless == look.unread == frozenset({"carol.toml"})
    assert look.again_seconds == pytest.approx(_STILL)
    desk.write("carol", "[launching]\npaused = 'moving house'\n")
    assert desk.look(10 + _STILL) == set()
    assert desk.look(10 + 2 * _STILL) == {"carol"}
    assert desk.known["carol"].launching.paused == "moving house"
    assert desk.looked(20) == shelf.Look(None, None)


def test_when_everything_is_read_what_was_changed_or_went_a_moment_ago_stays_as_it_was(desk: Desk) -> None:
    _let_age(desk.directory)
    desk.write("bob", "enabled = false\n")
    (desk.directory / "carol.toml").unlink()
    assert desk.read(10) == {"alice"}, "it is another object"
    assert desk.known.keys() == {"alice", "bob", "carol"}
    assert desk.known["bob"].enabled
    assert desk.looked(10.1).unread == frozenset()
    assert desk.look(10 + _STILL) == {"bob", "carol"}
    assert desk.known.keys() == {"alice", "bob"}
    assert not desk.known["bob"].enabled


def test_a_file_whose_time_is_still_to_come_is_not_left_out_for_ever(
    accounts_dir: Path, unix_user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(accounts_dir, unix_user)
    desk.write("bob")
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 3600 * 10**9)
    assert desk.read(10) == set()
    assert desk.look(10 + _STILL) == {"bob"}
    # Seen to keep still it is read anew like any other when a person asks.
    assert desk.read(20) == {"bob"}


def test_what_is_written_to_while_it_is_read_is_not_taken(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = profiles.read

    def read_slowly(path: Path, directory: int, service: settings.Settings) -> profiles.Profile:
        found = real(path, directory, service)
        desk.write("bob", "host = 'later'\n")
        return found

    desk.write("bob", "host = 'sooner'\n")
    desk.look(10)
    monkeypatch.setattr(profiles, "read", read_slowly)
    assert desk.look(11) == set()
    monkeypatch.setattr(profiles, "read", real)
    assert desk.look(11.1) == set()
    assert desk.look(11 + _STILL) == {"bob"}
    assert desk.known["bob"].host == "later"


def test_who_reads_once_waits_until_a_young_file_keeps_still(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, unix_user: str
) -> None:
    halves = iter([f'unix_user = "{unix_user}"\n[launching]\npaused = "moving house"\n'])
    (desk.directory / "dave.toml").write_text(f'unix_user = "{unix_user}"\n')

    def sleep(_seconds: float) -> None:
        if (half := next(halves, None)) is not None:
            (desk.directory / "dave.toml").write_text(half)
        real(0.02)

    real = time.sleep
    monkeypatch.setattr(shelf, "STILL_SECONDS", 0.2)
    monkeypatch.setattr(time, "sleep", sleep)
    found = shelf.load(desk.directory, _SERVICE)
    assert [profile.launching.paused for profile in found.profiles if profile.name == "dave"] == ["moving house"]


def test_who_reads_once_is_told_what_never_keeps_still(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count()
    real = time.sleep

    def sleep(_seconds: float) -> None:
        desk.write("erin", f"host = 'server{next(numbers)}'\n")
        real(0.01)

    monkeypatch.setattr(shelf, "STILL_SECONDS", 0.1)
    monkeypatch.setattr(shelf, "LOAD_SECONDS", 0.2)
    _let_age(desk.directory)
    desk.write("erin")
    monkeypatch.setattr(time, "sleep", sleep)
    found = shelf.load(desk.directory, _SERVICE)
    assert [profile.name for profile in found.profiles] == ["alice", "bob", "carol"]
    (refused,) = found.quarantined
    assert (refused.file, "rename it" in refused.reason) == ("erin.toml", True)


def test_editors_and_hidden_files_are_no_change(desk: Desk) -> None:
    for name in (".bob.toml.swp", "bob.toml~", "#bob.toml#", "bob.toml.rpmnew", "4913~", ".git"):
        (desk.directory / name).write_text("nonsense")
    assert desk.looked(10) == shelf.Look(None, None)


def test_a_directory_that_is_away_is_an_error_that_forgets_nothing(desk: Desk) -> None:
    desk.directory.rename(desk.directory.with_name("away"))
    with pytest.raises(errors.SettingsError, match="mkdir"):
        desk.look(10)
    desk.directory.with_name("away").rename(desk.directory)
    assert desk.looked(11) == shelf.Look(None, None)


def test_of_two_that_say_the_same_the_other_is_taken_when_the_first_goes(desk: Desk) -> None:
    for name in ("dave", "erin"):
        path = desk.write(name)
        path.write_text(f'unix_user = "{desk.unix_user}"\nsettings_file = "/the/same"\n')
    desk.look(10)
    assert desk.look(11) == {"dave", "-erin"}
    (desk.directory / "dave.toml").unlink()
    desk.look(20)
    assert desk.look(21) == {"dave", "erin"}


def _let_age(directory: Path) -> None:
    """Until nothing there is young by the clock: no time of change can be set."""
    youngest = max(path.lstat().st_ctime_ns for path in directory.iterdir())
    while time.time_ns() - youngest < _STILL * 1e9:
        time.sleep(0.02)
