import os
import pwd
import traceback
from pathlib import Path

import pytest

from niassa_orch import errors
from niassa_orch.config import credentials


def _file(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "bob"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"pass word ", "pass word "),
        (b"password\n", "password"),
        (b"password\r\n", "password"),
        ("pässwörd\n".encode(), "pässwörd"),
        (b"x" * 1024 + b"\r\n", "x" * 1024),
    ],
)
def test_a_password_is_the_file_without_its_line_end(tmp_path: Path, content: bytes, password: str) -> None:
    found = credentials.read_password_file(_file(tmp_path, content))
    assert found.get_secret_value() == password
    assert password not in repr(found)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"canary\xff", "not UTF-8"),
        (b"canary\nsecond\n", "more than one line"),
        (b"canary\n\n", "more than one line"),
        (b"canary\0", "more than one line"),
        (b"canary" * 1000, "larger than 4096 bytes"),
        (b"canary" * 171, "password longer than 1024 bytes"),
        (b"canary" + "\xe4".encode() * 510, "password longer than 1024 bytes"),
    ],
)
def test_a_file_that_holds_no_single_password_is_refused_without_being_repeated(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = _file(tmp_path, content)
    with pytest.raises(errors.CredentialError, match=reason) as caught:
        credentials.read_password_file(path)
    assert str(path) in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.__context__)
    assert "canary" not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o610, 0o602, 0o777])
def test_a_file_that_is_open_to_others_is_refused_with_the_chmod_to_run(tmp_path: Path, mode: int) -> None:
    path = _file(tmp_path, b"canary", mode)
    with pytest.raises(errors.CredentialError, match=f"chmod 600 {path}"):
        credentials.read_password_file(path)


def test_a_link_a_directory_and_nothing_are_refused(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(_file(tmp_path, b"canary"))
    for path, reason in ((link, "symbolic link"), (tmp_path, "not a regular file"), (tmp_path / "x", "does not exist")):
        with pytest.raises(errors.CredentialError, match=reason):
            credentials.read_password_file(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_another_owner_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, b"canary")
    os.chown(path, pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(errors.CredentialError, match="neither root nor the service's user"):
        credentials.read_password_file(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")
def test_a_file_that_the_service_cannot_read_is_refused_with_what_to_run(tmp_path: Path) -> None:
    path = _file(tmp_path, b"canary", 0o000)
    with pytest.raises(errors.CredentialError, match="chown"):
        credentials.read_password_file(path)
