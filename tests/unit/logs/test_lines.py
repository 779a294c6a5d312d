import io
import logging
import pathlib
import re

import hypothesis
import pytest
import rich.console
import rich.live
import structlog
from hypothesis import strategies

from niassa_orch import logs


def _logged(**fields: object) -> str:
    """The words of one event after its level."""
    out = io.StringIO()
    logs.configure(out)
    structlog.get_logger().info("launch.verified", **fields)
    return out.getvalue().removesuffix("\n").split(" info ", 1)[1]


def test_an_event_is_one_line_with_time_level_name_and_fields() -> None:
    out = io.StringIO()
    logs.configure(out)
    structlog.get_logger().warning("launch.verified", account="bob", accession=1234, job="0001-W")
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning launch\.verified account=bob accession=1234 job=0001-W\n"
    assert re.fullmatch(line, out.getvalue())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("bob", "bob"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('a"b', r'"a\"b"'),
        ("a\\b", r'"a\\b"'),
        ("a\nb\r\tc", r'"a\nb\r\tc"'),
        ("\x1b[2J\x00", r'"\x1b[2J\x00"'),
        ("a\u2028b\u202ec", r'"a\u2028b\u202ec"'),
        ("\udcff", r'"\udcff"'),
        ("größer", "größer"),
        (None, "none"),
        (True, "true"),
        (0.123456, "0.123"),
        (604_800.0, "604800.0"),
        ([1234, 1235], "1234,1235"),
        ({"running": 2}, '"running=2"'),
        (pathlib.Path("/srv/x"), "/srv/x"),
        (ValueError("no such"), '"ValueError: no such"'),
    ],
)
def test_a_value_is_one_word(value: object, shown: str) -> None:
    assert _logged(key=value) == f"launch.verified key={shown}"


@hypothesis.given(strategies.text())
def test_no_value_can_forge_a_line_or_a_field(value: str) -> None:
    line = _logged(key=value)
    assert line.isprintable()
    assert re.fullmatch(r'launch\.verified key=([^ "=\\]+|"([^"\\]|\\.)*")', line)


def test_a_field_that_cannot_be_told_does_not_stop_the_work() -> None:
    class Broken:
        def __str__(self) -> str:
            raise KeyError

    assert _logged(key=Broken()) == 'launch.verified key="<cannot be shown: KeyError>"'


def test_a_long_value_is_cut() -> None:
    line = _logged(key="x" * 100_000)
    assert len(line) < 5_000
    assert line.endswith('... (100000 characters)"')


def test_the_account_comes_from_the_context() -> None:
    with structlog.contextvars.bound_contextvars(account="bob"):
        assert _logged(accession=1) == "launch.verified account=bob accession=1"


def _fail(password: str) -> None:
    try:
        pathlib.Path("/nowhere/journal").read_bytes()
    except OSError as exc:
        reason = f"journal closed, {len(password)} left"
        raise RuntimeError(reason) from exc


def test_an_exception_is_told_on_the_same_line_with_its_cause_and_without_the_values_of_variables() -> None:
    out = io.StringIO()
    logs.configure(out)
    try:
        _fail("canary" + "-local")
    except RuntimeError:
        structlog.get_logger().exception("journal.failed")
    (line,) = out.getvalue().splitlines()
    assert ' error journal.failed exception="RuntimeError: journal closed, 12 left" traceback="' in line
    assert "No such file or directory: '/nowhere/journal'" in line
    assert "canary-local" not in line


@pytest.mark.parametrize("level", logs.LEVELS)
def test_events_below_the_level_are_not_written(level: str) -> None:
    out = io.StringIO()
    logs.configure(out, level=level)
    for name in logs.LEVELS:
        getattr(structlog.get_logger(), name)("an.event")
    written = [line.split(" ")[1] for line in out.getvalue().splitlines()]
    assert written == list(logs.LEVELS[logs.LEVELS.index(level) :])


def test_an_unknown_level_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="debug, info, warning, error"):
        logs.configure(io.StringIO(), level="loud")


def test_what_libraries_log_goes_the_same_way() -> None:
    out = io.StringIO()
    logs.configure(out)
    logging.getLogger("aiohttp.client").warning("closed by %s", "peer\nforged")
    logging.getLogger("aiohttp.client").info("not heard")
    (line,) = out.getvalue().splitlines()
    assert line.endswith(r' warning library.message logger=aiohttp.client message="closed by peer\nforged"')


def test_a_librarys_broken_record_is_told_without_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().handlers.clear()
    out = io.StringIO()
    logs.configure(out)
    logging.getLogger("asyncio").error("%d", "canary")
    assert "cannot be shown: TypeError" in out.getvalue()
    assert "canary" not in out.getvalue() + "".join(capsys.readouterr())


def test_libraries_are_heard_in_full_at_debug_only() -> None:
    out = io.StringIO()
    logs.configure(out, level="debug")
    logging.getLogger("asyncio").debug("using a selector")
    assert "library.message logger=asyncio" in out.getvalue()


def test_configuring_again_replaces_the_first_output() -> None:
    first, second = io.StringIO(), io.StringIO()
    logs.configure(first)
    logs.configure(second)
    structlog.get_logger().info("an.event")
    logging.getLogger("asyncio").error("once")
    assert (first.getvalue(), len(second.getvalue().splitlines())) == ("", 2)


def test_on_a_console_an_event_is_one_line_as_it_stands_above_the_live_table() -> None:
    out = io.StringIO()
    console = rich.console.Console(file=out, width=40, force_terminal=True)
    logs.configure(console)
    with rich.live.Live("TABLE", console=console, auto_refresh=False):
        structlog.get_logger().info("an.event", text="[red]" + "x" * 100 + ":smile:")
    assert f" info an.event text=[red]{'x' * 100}:smile:\n" in out.getvalue()


def test_a_stream_that_is_closed_or_cannot_write_a_letter_does_not_stop_the_work() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    logs.configure(out)
    structlog.get_logger().info("an.event", text="größer")
    assert raw.getvalue().endswith(b" text=gr\\xf6\\xdfer\n")
    out.close()
    structlog.get_logger().info("another.event")
