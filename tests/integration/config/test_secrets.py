"""Where passwords come from: files, systemd's credentials, our own environment; and where they never go."""

import errno
import os
import pwd
import struct
import subprocess
import sys
import traceback
from pathlib import Path

import pydantic
import pytest

from niassa_orch import errors
from niassa_orch.config import credentials, profile_keys, settings, shelf

pytestmark = pytest.mark.usefixtures("at_rest")

_VARIABLE = "NIASSA_ORCH_SECRET_BOB"
_NOBODY = 0xFFFFFFFF


def _keys(**named: object) -> profile_keys.WebServiceKeys:
    return profile_keys.WebServiceKeys.model_validate(named)


def _secret(path: Path, content: bytes = b"canary\n", mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def _read(secrets: credentials.Secrets, keys: profile_keys.WebServiceKeys) -> str | None:
    found = secrets.read(keys)
    return found.get_secret_value() if found else None


def _shown(exc: BaseException) -> str:
    return "".join(traceback.format_exception(exc)) + repr(exc) + repr(exc.__cause__) + repr(exc.__context__)


def _allow(path: Path, *entries: tuple[int, int, int]) -> None:
    """Give a file an access list as systemd does: (tag, permissions, id), in the kernel's own form."""
    whole = sorted([(1, 4, _NOBODY), *entries, (4, 0, _NOBODY), (16, 4, _NOBODY), (32, 0, _NOBODY)])
    listed = b"\2\0\0\0" + b"".join(struct.pack("<HHI", *entry) for entry in whole)
    try:
        os.setxattr(path, "system.posix_acl_access", listed)
    except OSError as exc:
        if exc.errno != errno.ENOTSUP:
            raise
        pytest.skip(f"{path.parent} is on a file system without access lists")
    assert path.stat().st_mode & 0o070 == 0o040  # the mask, which looks like a right of the group


def test_each_source_gives_the_password_that_it_holds(tmp_path: Path) -> None:
    file = _secret(tmp_path / "file", b"of file\n")
    _secret(tmp_path / "bob", b"of credential")
    secrets = credentials.taken_from({"CREDENTIALS_DIRECTORY": str(tmp_path), _VARIABLE: "of environment"})
    assert _read(secrets, _keys(password_file=str(file))) == "of file"
    assert _read(secrets, _keys(password_credential="bob")) == "of credential"
    assert _read(secrets, _keys(password_env=_VARIABLE)) == "of environment"
    assert _read(secrets, _keys()) is None
    assert "of " not in repr(secrets)


def test_a_source_that_can_change_is_read_anew_each_time(tmp_path: Path) -> None:
    secrets = credentials.Secrets(tmp_path)
    file = _secret(tmp_path / "bob", b"old")
    for keys in (_keys(password_file=str(file)), _keys(password_credential="bob")):
        _secret(file, b"old")
        assert _read(secrets, keys) == "old"
        _secret(file, b"new")
        assert _read(secrets, keys) == "new"


def test_a_profile_that_names_two_passwords_is_refused_with_both_keys(accounts_dir: Path, unix_user: str) -> None:
    text = f'unix_user = "{unix_user}"\n[web_service]\npassword_file = "/x"\npassword_env = "{_VARIABLE}"\n'
    (accounts_dir / "bob.toml").write_text(text, "utf-8")
    (refusal,) = shelf.load(accounts_dir, settings.Settings(host="h")).quarantined
    assert refusal.key == "web_service"
    assert "password_file and password_env" in refusal.reason


@pytest.mark.parametrize("name", ["", "..", ".", "../bob", "a/b", "/etc/passwd", "b b", ".hidden", "x" * 256])
def test_a_credential_is_named_by_a_file_name_that_leads_nowhere_else(name: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="no name of a credential"):
        _keys(password_credential=name)


@pytest.mark.parametrize(
    "name", ["PATH", "canary", "NIASSA_ORCH_SECRET_", "NIASSA_ORCH_HOST", "NIASSA_ORCH_SECRET_A=b"]
)
def test_only_variables_that_are_hidden_from_children_may_hold_a_password(name: str) -> None:
    with pytest.raises(pydantic.ValidationError, match="begins with NIASSA_ORCH_SECRET_") as caught:
        _keys(password_env=name)
    assert "canary" not in str(caught.value)


def test_a_credential_that_systemd_did_not_give_is_answered_with_the_line_for_the_unit(tmp_path: Path) -> None:
    line = "LoadCredential=bob:/etc/niassa-orch/secrets/bob"
    for secrets in (credentials.Secrets(), credentials.Secrets(tmp_path)):
        with pytest.raises(errors.CredentialError, match=line):
            secrets.read(_keys(password_credential="bob"))


def test_a_variable_that_was_not_set_is_answered_with_its_name_and_a_restart() -> None:
    with pytest.raises(errors.CredentialError, match=rf"no {_VARIABLE} .* restart"):
        credentials.Secrets().read(_keys(password_env=_VARIABLE))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_credential_that_is_open_to_others_is_refused_with_the_chmod_to_run(tmp_path: Path, mode: int) -> None:
    path = _secret(tmp_path / "bob", mode=mode)
    with pytest.raises(errors.CredentialError, match=f"chmod 600 {path}"):
        credentials.Secrets(tmp_path).read(_keys(password_credential="bob"))


def test_a_credential_as_systemd_makes_it_is_closed_although_its_mode_shows_a_right_of_the_group(
    tmp_path: Path,
) -> None:
    _allow(_secret(tmp_path / "bob", mode=0o400), (2, 4, os.geteuid()))
    assert _read(credentials.Secrets(tmp_path), _keys(password_credential="bob")) == "canary"


@pytest.mark.parametrize("tag", [2, 8])
def test_an_access_list_that_lets_in_another_user_or_a_group_is_refused(tmp_path: Path, tag: int) -> None:
    other = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid() + 1
    _allow(_secret(tmp_path / "bob", mode=0o400), (tag, 4, other))
    with pytest.raises(errors.CredentialError, match="chmod 600"):
        credentials.Secrets(tmp_path).read(_keys(password_credential="bob"))


@pytest.mark.parametrize(
    ("content", "reason"), [(b"canary\xff", "not UTF-8"), (b"canary\nb", "one line"), (b"canary" * 200, "1024 bytes")]
)
def test_a_variable_that_holds_no_single_password_is_refused_and_not_repeated(content: bytes, reason: str) -> None:
    secrets = credentials.taken_from({_VARIABLE: os.fsdecode(content)})
    with pytest.raises(errors.CredentialError, match=reason) as caught:
        secrets.read(_keys(password_env=_VARIABLE))
    assert _VARIABLE in str(caught.value)
    assert "canary" not in _shown(caught.value)


def test_passwords_leave_the_environment_when_the_settings_are_read_and_are_no_settings() -> None:
    text = (
        "import os, subprocess; from niassa_orch.config import settings; service = settings.load();"
        "print(list(service.secrets.at_start())); subprocess.run(['env'], check=True)"
    )
    environment = {**os.environ, _VARIABLE: "canary", "NIASSA_ORCH_HOST": "server2"}
    done = subprocess.run([sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("canary") == 1
    assert "NIASSA_ORCH_HOST=server2" in done.stdout
    assert "NIASSA_ORCH_SECRET" not in done.stdout


def test_a_variable_that_only_looks_like_one_with_a_password_is_refused_without_its_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NIASSA_ORCH_SECRETS_BOB", "canary")
    with pytest.raises(errors.SettingsError, match="NIASSA_ORCH_SECRETS_BOB") as caught:
        settings.load()
    assert "canary" not in _shown(caught.value)


def test_a_profile_whose_password_cannot_be_read_is_refused_by_the_key_that_names_it(
    accounts_dir: Path, unix_user: str
) -> None:
    for key, value in (("password_credential", "bob"), ("password_env", _VARIABLE)):
        text = f'unix_user = "{unix_user}"\n[web_service]\n{key} = "{value}"\n'
        (accounts_dir / "bob.toml").write_text(text, "utf-8")
        (refusal,) = shelf.load(accounts_dir, settings.Settings(host="h")).quarantined
        assert (refusal.file, refusal.key) == ("bob.toml", f"web_service.{key}")
