"""Files of users are read by processes that have neither our terminal nor what we are told on stdin."""

import os
import pathlib
import pty
import pwd
import subprocess
import sys

import pytest

from niassa_orch.admin import reading
from niassa_orch.admin.shell import engine_calls

OWN = pwd.getpwuid(os.geteuid()).pw_name
READ = (
    "import os, pathlib, sys\n"
    "from niassa_orch.admin import reading\n"
    "from niassa_orch.admin.shell import engine_calls\n"
    "try:\n"
    "    print(repr(reading.Reader(pathlib.Path('/nowhere')).script(sys.argv[1], sys.argv[2])))\n"
    "except engine_calls.UnclearError as exc:\n"
    "    print(exc)\n"
)


def test_what_we_are_told_on_stdin_is_no_script_of_a_user() -> None:
    words = [sys.executable, "-c", READ, OWN, "/dev/stdin"]
    done = subprocess.run(words, input="hunter2\n", capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "None\n"


def test_our_terminal_is_no_script_of_a_user() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", READ, OWN, "/dev/tty"])  # noqa: S606 - no shell is wanted
    try:
        os.write(terminal, b"hunter2\n\x04\x04")  # what a person types, and the end of it
        said = b""
        while b"/dev/tty" not in said and b"'\r" not in said:
            said += os.read(terminal, 1024)
    finally:
        os.waitpid(pid, 0)
        os.close(terminal)
    assert b"/dev/tty cannot be read as" in said


def test_a_pipe_that_nobody_writes_into_is_told_in_time(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_SECONDS", 0.2)
    os.mkfifo(tmp_path / "pipe")
    reader = reading.Reader(pathlib.Path("/nowhere"))
    with pytest.raises(engine_calls.UnclearError, match="TimeoutExpired"):
        reader.script(OWN, str(tmp_path / "pipe"))
    (tmp_path / "pipe").unlink()
    with pytest.raises(engine_calls.UnclearError, match="TimeoutExpired"):
        reader.script(OWN, str(tmp_path / "pipe"))  # not waited for again
