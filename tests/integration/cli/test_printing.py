"""What commands say when nobody can hear them, and when settings cannot be read."""

import os
import pathlib
import subprocess
import sys

import pytest

from niassa_orch.sandbox import unix_users
from tests.integration.cli import commands


def test_a_full_disk_behind_standard_output_is_one_line_and_exit_code_1() -> None:
    with pathlib.Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*commands.COMMAND, "version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd="/"
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith("niassa-orch: ")
    assert "No space left on device" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [*commands.COMMAND, "version"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False, cwd="/"
        )
    finally:
        os.close(writer)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr


def test_settings_that_are_a_directory_end_with_78(tmp_path: pathlib.Path) -> None:
    ended = commands.done("--config", str(tmp_path), "accounts")
    assert (ended.returncode, "is a directory" in ended.stderr.lower()) == (78, True)


def test_settings_that_we_may_not_read_end_with_78(tmp_path: pathlib.Path) -> None:
    if os.geteuid() == 0 and unix_users.closed_reason() is not None:
        pytest.skip(str(unix_users.closed_reason()))
    config = pathlib.Path(tmp_path, "secret.toml")
    config.write_text("", "utf-8")
    config.chmod(0)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to(tmp_path.parents[2]):
            folder.chmod(folder.stat().st_mode | 0o011)
    nobody = 65_534 if os.geteuid() == 0 else None
    code = "import sys; sys.argv = ['niassa-orch', *sys.argv[1:]]; from niassa_orch import cli; cli.main()"
    ended = subprocess.run(
        [sys.executable, "-B", "-c", code, "--config", str(config), "accounts"],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        user=nobody,
        group=nobody,
        extra_groups=None if nobody is None else [],
    )
    assert ended.returncode == 78, ended.stderr
    assert "secret.toml" in ended.stderr
    assert "Permission denied" in ended.stderr


def test_make_says_that_an_interpreter_does_not_exist(tmp_path: pathlib.Path) -> None:
    makefile = pathlib.Path(__file__).parents[3] / "Makefile"
    ended = subprocess.run(
        ["make", "-f", str(makefile), "demo", "PYTHON=/no/such/python3.11"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ended.returncode != 0
    assert "make: there is no /no/such/python3.11 here" in ended.stderr
    assert "older" not in ended.stderr
    assert list(tmp_path.iterdir()) == []
