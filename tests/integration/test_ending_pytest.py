"""What a test made of the machine is taken away also when pytest itself is told to end."""

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from tests.integration.cli import commands

_ROOT = pathlib.Path(__file__).parents[2]
# Each would last much longer than its own test: only the signal ends it.
_TESTS = {
    "a plain test": "def test_it(made): time.sleep(60)",
    "an asynchronous one": """
async def test_it(made):
    inside = made.with_name("inside")
    inside.touch()
    try:
        await asyncio.sleep(60)
    finally:
        inside.unlink()
""",
    "one after a loop that handled the signal": """
async def test_before():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, int)
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
def test_it(made): time.sleep(60)
""",
}
_MADE = """import asyncio, pathlib, pytest, signal, time
@pytest.fixture(scope="session")
def made():
    path = pathlib.Path(__file__).with_name("made")
    path.touch()
    yield path
    path.unlink()
"""


@pytest.mark.parametrize(
    ("written", "interrupts"),
    [(written, signal.SIG_DFL) for written in _TESTS.values()] + [(_TESTS["a plain test"], signal.SIG_IGN)],
    ids=[*_TESTS, "one in the background"],
)
def test_a_pytest_that_gets_a_sigterm_ends_and_its_fixtures_take_away_what_they_made(
    tmp_path: pathlib.Path, written: str, interrupts: signal.Handlers
) -> None:
    tests = tmp_path / "test_that_is_ended.py"
    tests.write_text(_MADE + written)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", os.devnull]
    argv += [
        "-o",
        "asyncio_mode=auto",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
        f"--rootdir={tmp_path}",
        str(tests),
    ]
    before = signal.signal(signal.SIGINT, interrupts)  # ignored, it is inherited
    try:
        process = subprocess.Popen(argv, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            begun = tmp_path / ("inside" if "inside" in written else "made")
            commands.until(begun.exists)
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".py"] == [], said
    assert "left" not in said, said
