"""The log as JSON, in a file that is rotated, and as journald reads it."""

import io
import json
import os
import pathlib
import resource
import stat

import pytest
import structlog

from niassa_orch import logs, redaction
from tests.fakes import secrets


def told(*events: tuple[str, dict[str, object]], redactor: redaction.Redactor | None = None) -> list[dict[str, object]]:
    """What a log in JSON says of events."""
    out = io.StringIO()
    logs.configure(out, form=logs.Form.JSON, redactor=redactor)
    for name, fields in events:
        structlog.get_logger().info(name, **fields)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_one_object_whose_numbers_are_numbers() -> None:
    (line,) = told(
        ("run.moved", {"account": "bob", "accession": 7, "good": True, "nothing": None, "words": ["a", "b"]})
    )
    assert str(line.pop("time")).endswith("Z")
    assert line == {
        "level": "info",
        "event": "run.moved",
        "account": "bob",
        "accession": 7,
        "good": True,
        "nothing": None,
        "words": "a,b",
    }


def test_nothing_from_outside_makes_a_line_or_reaches_a_terminal_as_it_is() -> None:
    out = io.StringIO()
    logs.configure(out, form=logs.Form.JSON)
    structlog.get_logger().info("said", text='\n{"event":"forged"}\x1b[31m\u202e', time="yesterday", level="none")
    (line,) = out.getvalue().splitlines()
    assert line.isascii()
    assert json.loads(line)["event"] == "said"
    assert json.loads(line)["time_"] == "yesterday"


def test_no_secret_is_in_an_object() -> None:
    redactor = redaction.Redactor()
    redactor.register(secrets.PASSWORD)
    (line,) = told((f"a {secrets.PASSWORD}", {secrets.PASSWORD: secrets.PASSWORD}), redactor=redactor)
    assert secrets.PASSWORD not in json.dumps(line)


def test_a_file_is_begun_anew_when_it_is_full_and_so_many_are_kept(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "log"
    handler = logs.rotated(file, max_bytes=300, keep=2)
    logs.configure(handler)
    for number in range(30):
        structlog.get_logger().info("beat", number=number)
    handler.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    assert "number=29" in file.read_text()
    assert all(len(one.read_bytes()) <= 300 for one in tmp_path.iterdir())
    assert {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()} == {0o640}


def test_a_log_that_cannot_be_written_says_nothing_and_stops_nothing(
    tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    handler = logs.rotated(tmp_path / "folder" / "log", max_bytes=10, keep=1)
    logs.configure(handler)
    (tmp_path / "folder" / "log").unlink()
    (tmp_path / "folder").rmdir()
    structlog.get_logger().info("beat")
    handler.close()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("form", logs.Form)
def test_a_log_on_a_disk_that_was_full_says_that_lines_are_missing(tmp_path: pathlib.Path, form: logs.Form) -> None:
    handler = logs.rotated(tmp_path / "log", max_bytes=1_000_000, keep=1)
    logs.configure(handler, form=form)
    structlog.get_logger().info("before")
    no_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "log").stat().st_size, no_limit[1]))
    try:
        for _ in range(30):
            structlog.get_logger().info("during", text="a" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, no_limit)
    for name in ("after", "later"):
        structlog.get_logger().info(name)
    handler.close()
    lines = (tmp_path / "log").read_text().splitlines()
    (gap,) = [line for line in lines if "log.interrupted" in line]
    assert "lines=30" in gap or '"lines":30' in gap
    assert "later" in lines[-1], "told once"


def test_a_link_is_no_log_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        logs.rotated(tmp_path / "log", max_bytes=10, keep=1)


@pytest.mark.parametrize(("shift", "starts"), [(0, ["<6>", "<4>", "<3>"]), (1, ["2", "2", "2"])])
def test_journald_is_told_how_grave_a_line_is_and_nobody_else(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, shift: int, starts: list[str]
) -> None:
    with (tmp_path / "out").open("w") as out:
        status = os.fstat(out.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino + shift}")
        logs.configure(out)
        for level in ("info", "warning", "error"):
            getattr(structlog.get_logger(), level)("said")
    lines = (tmp_path / "out").read_text().splitlines()
    assert [line.startswith(start) for line, start in zip(lines, starts, strict=True)] == [True] * 3
