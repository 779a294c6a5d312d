"""``sandbox up`` as people use it: what it prints works, and what cannot be is said in a line."""

import pathlib
import signal
import socket
import subprocess

import pytest

from tests.integration.cli import commands


def test_a_second_sandbox_on_the_same_directory_is_refused_with_the_process_that_has_it(tmp_path: pathlib.Path) -> None:
    box = tmp_path / "box"
    with commands.started("sandbox", "up", "--directory", str(box), output=tmp_path / "up.log") as up:
        up.says("In other terminals:")
        before = (box / "sandbox.json").read_bytes()
        second = commands.done("sandbox", "up", "--directory", str(box))
        assert second.returncode == 1
        assert f"is up already, by process {up.process.pid}" in second.stderr
        assert "Traceback" not in second.stderr
        assert (box / "sandbox.json").read_bytes() == before
        assert up.ends(signal.SIGINT) == 0
    with commands.started("sandbox", "up", "--directory", str(box), output=tmp_path / "again.log") as up:
        up.says("In other terminals:")
        assert up.ends(signal.SIGTERM) == 0


def test_the_commands_that_it_prints_work_when_they_are_pasted(tmp_path: pathlib.Path) -> None:
    box = tmp_path / "a box"
    with commands.started("sandbox", "up", "--directory", str(box), output=tmp_path / "up.log") as up:
        up.says("sandbox runs")
        lines = [line.strip() for line in up.text.partition("In other terminals:")[2].splitlines() if line.strip()]
        run, schedule, runs = lines
        said = [
            subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, cwd="/")
            for line in (schedule, runs, run.replace(" run", " accounts"))
        ]
        assert [ended.returncode for ended in said] == [0, 0, 0], [ended.stderr for ended in said]
        assert said[0].stdout.strip() in said[1].stdout
        assert up.ends(signal.SIGHUP) == 0
    assert commands.processes_about(box) == []


def test_a_port_that_is_taken_is_said_in_a_line(tmp_path: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = commands.done("sandbox", "up", "--directory", str(tmp_path / "box"), "--web-service-port", port)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"niassa-orch: port {port} of 127.0.0.1 cannot be had")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "words",
    [("--oozie-version", "6"), ("--oozie-version", "new"), ("--oozie-port", "70000"), ("--jvm-seconds", "-1")],
)
def test_values_that_make_no_sense_are_wrong_usage(tmp_path: pathlib.Path, words: tuple[str, str]) -> None:
    ended = commands.done("sandbox", "up", "--directory", str(tmp_path / "box"), *words)
    assert ended.returncode == 2
    assert words[0] in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_directory_that_cannot_be_made_is_said_in_a_line(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    ended = commands.done("sandbox", "up", "--directory", str(tmp_path / "file" / "box"))
    assert ended.returncode == 1
    assert "Not a directory" in ended.stderr
    assert "Traceback" not in ended.stderr
