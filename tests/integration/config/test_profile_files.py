import os
import pwd
from pathlib import Path

import pytest

from niassa_orch import errors
from niassa_orch.config import profiles, settings, shelf

pytestmark = pytest.mark.usefixtures("at_rest")

_SERVICE = settings.Settings(host="server9")
_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away or be root")


def _write(directory: Path, name: str, text: str, mode: int = 0o644) -> Path:
    path = directory / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def _secret(tmp_path: Path, mode: int = 0o600) -> Path:
    return _write(tmp_path, "secret", "canary-password\n", mode)


def _load(directory: Path, service: settings.Settings = _SERVICE) -> profiles.Profiles:
    return shelf.load(directory, service)


def _only_refusal(directory: Path, service: settings.Settings = _SERVICE) -> errors.ProfileError:
    (refusal,) = _load(directory, service).quarantined
    return refusal


@pytest.mark.parametrize("name", ["-bob.toml", "bob smith.toml", "bøb.toml", "bob.tml", "bob", "bob.TOML", "a\nb.toml"])
def test_a_file_that_may_be_meant_as_a_profile_and_is_not_called_like_one_is_refused(
    accounts_dir: Path, unix_user: str, name: str
) -> None:
    _write(accounts_dir, name, f'unix_user = "{unix_user}"')
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, refusal.key) == (name.replace("\n", "\\n"), "")
    assert "is no name of a profile" in refusal.reason


@pytest.mark.parametrize(
    "name",
    [".bob.toml.swp", ".bob.toml", "bob.toml~", "#bob.toml#", "bob.toml.disabled", "bob.toml.dpkg-old", "README"],
)
def test_hidden_editors_and_parked_files_are_passed_over(accounts_dir: Path, name: str) -> None:
    _write(accounts_dir, name, "nonsense")
    found = _load(accounts_dir)
    assert (found.profiles, found.quarantined) == ((), ())


def test_a_directory_is_passed_over_unless_it_is_called_like_a_profile(accounts_dir: Path) -> None:
    (accounts_dir / "old").mkdir()
    (accounts_dir / "bob.toml").mkdir()
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, "not a regular file" in refusal.reason) == ("bob.toml", True)


def test_a_symbolic_link_is_refused_and_not_followed(accounts_dir: Path, tmp_path: Path, unix_user: str) -> None:
    (accounts_dir / "bob.toml").symlink_to(_write(tmp_path, "elsewhere", f'unix_user = "{unix_user}"'))
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, "symbolic link" in refusal.reason) == ("bob.toml", True)


def test_a_fifo_is_refused_without_waiting_for_a_writer(accounts_dir: Path) -> None:
    os.mkfifo(accounts_dir / "bob.toml")
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, "not a regular file" in refusal.reason) == ("bob.toml", True)


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_profile_that_others_can_write_is_refused_with_the_chmod_to_run(
    accounts_dir: Path, unix_user: str, mode: int
) -> None:
    path = _write(accounts_dir, "bob.toml", f'unix_user = "{unix_user}"', mode)
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, refusal.key) == ("bob.toml", "")
    assert f"chmod go-w {path}" in refusal.reason


def test_in_a_directory_that_others_can_write_every_profile_is_refused(accounts_dir: Path, unix_user: str) -> None:
    _write(accounts_dir, "alice.toml", f'unix_user = "{unix_user}"')
    _write(accounts_dir, "bob.toml", f'unix_user = "{unix_user}"')
    accounts_dir.chmod(0o775)
    found = _load(accounts_dir)
    assert found.profiles == ()
    assert [refusal.file for refusal in found.quarantined] == ["alice.toml", "bob.toml"]
    assert all(f"chmod go-w {accounts_dir}" in refusal.reason for refusal in found.quarantined)


@_as_root
def test_a_profile_of_another_owner_is_refused_with_the_chown_to_run(accounts_dir: Path, unix_user: str) -> None:
    path = _write(accounts_dir, "bob.toml", f'unix_user = "{unix_user}"')
    os.chown(path, pwd.getpwnam(unix_user).pw_uid, -1)
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, refusal.key) == ("bob.toml", "")
    assert f"chown root {path}" in refusal.reason


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_password_file_that_is_open_to_others_is_refused_with_the_chmod_to_run(
    accounts_dir: Path, tmp_path: Path, unix_user: str, mode: int
) -> None:
    secret = _secret(tmp_path, mode)
    _write(accounts_dir, "bob.toml", f"unix_user = '{unix_user}'\n[web_service]\npassword_file = '{secret}'")
    refusal = _only_refusal(accounts_dir)
    assert (refusal.file, refusal.key) == ("bob.toml", "web_service.password_file")
    assert f"chmod 600 {secret}" in refusal.reason
    assert "canary" not in str(refusal)


def test_a_directory_that_is_missing_is_told_with_the_mkdir_to_run(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match=f"mkdir -p -m 755 {tmp_path}/absent"):
        _load(tmp_path / "absent")


def test_a_file_in_place_of_the_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingsError, match=r"accounts_dir: .* cannot be read: Not a directory"):
        _load(_secret(tmp_path))
