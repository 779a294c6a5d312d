"""The dashboard and ``top`` as somebody at a terminal has them: a real terminal, the real service, a real sandbox."""

import os
import pathlib
import shutil
import signal
from collections.abc import Iterator

import pytest

from niassa_orch.sandbox import layout
from tests.acceptance import terminals
from tests.integration.cli import commands

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="SKIPPED LOUDLY: tmux is not installed")


@pytest.fixture
def config(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """The settings of a sandbox that is up."""
    box = tmp_path / "box"
    with commands.started("sandbox", "up", "--directory", str(box), output=tmp_path / "up.log") as up:
        up.says("sandbox runs")
        yield layout.Layout(box).config_file


def test_keys_work_and_the_terminal_is_given_back_as_it_was(tmp_path: pathlib.Path, config: pathlib.Path) -> None:
    orch = (*commands.COMMAND, "--config", str(config))
    with terminals.opened(tmp_path, 80, 24, count=2) as (service, top):
        for terminal in (service, top):
            terminal.run("stty", "-g")
            terminal.shows(":", "ready> ")
        before = service.screen
        service.run(*orch, "run")
        lines = service.shows("accounts 4, worst first", "✓ ok", " q quit  ? help").splitlines()
        assert len(lines) == 24
        assert lines[0].startswith(" niassa-orch ")

        service.press("/")
        service.type("bo")
        service.shows("with 'bo'", "> bob", without="  alice  ")
        service.press("Enter", "Enter")
        service.shows("── bob ", "Unix user", "bob@lab.net")
        service.press("Escape")
        service.shows("> bob")
        service.press("?")
        service.shows("── keys ", "the page of the chosen account")
        service.press("Escape")
        service.press("Escape")
        service.shows("  alice", "> bob")
        service.press("Home")
        service.shows("  bob", "> alice")

        service.resize(130, 40)
        lines = service.shows("Unix user").splitlines()
        assert lines[39].startswith(" q quit")

        top.run(*orch, "top")
        top.shows("> alice", "accounts 4")
        top.press("p")
        top.type("disk full")
        top.press("Enter")
        top.shows("(y/n) pause alice")
        top.press("y")
        for terminal in (service, top):
            terminal.shows("> alice    = paused", "disk full")

        service.press("q")
        service.shows("(y/n) end the service?")
        service.press("y")
        service.shows("ready> ", without="accounts 4")
        assert service.tells("#{alternate_on} #{cursor_flag} #{wrap_flag}") == "0 1 1"
        top.shows("✗ no service answers", "trying again", "= paused")
        service.run("stty", "-g")
        service.shows(before.split()[-2], "ready> ")
        assert len({line for line in service.screen.splitlines() if line.count(":") > 20}) == 1, service.screen

        service.run(*orch, "run", "--no-dashboard")
        top.shows("= paused", "✓ ok", without="no service answers")
        top.press("q")
        top.shows("ready> ", without="accounts 4")
        top.run("stty", "-g")
        top.shows(before.split()[-2])
        assert "service.stopped" not in service.screen, "who leaves leaves the service undisturbed"
        service.press("C-c")
        service.shows("service.stopped", "ready> ")


def test_a_signal_and_ctrl_z_give_the_terminal_back_too(tmp_path: pathlib.Path, config: pathlib.Path) -> None:
    orch = (*commands.COMMAND, "--config", str(config))
    with terminals.opened(tmp_path, 80, 24, count=1) as (top,):
        top.run(*orch, "top")
        top.shows("✗ no service answers at")
        top.press("C-z")
        top.shows("Stopped", "ready> ")
        top.run("stty", "-a")
        assert " echo " in top.shows(" icanon ")
        top.run("fg")
        top.shows("✗ no service answers at")
        assert top.tells("#{alternate_on} #{cursor_flag}") == "1 0"
        os.kill(top.command, signal.SIGTERM)
        top.shows("ready> ", without="no service")
        assert top.tells("#{alternate_on} #{cursor_flag}") == "0 1"
        top.type("echo code $?; stty -a")
        top.press("Enter")
        assert " echo " in top.shows("code 143", " icanon ")


def test_off_a_terminal_top_and_run_print_lines(tmp_path: pathlib.Path, config: pathlib.Path) -> None:
    words = ("--config", str(config))
    with (
        commands.started(*words, "run", "--dashboard", output=tmp_path / "run.log") as service,
        commands.started(*words, "top", output=tmp_path / "top.log") as top,
    ):
        service.says("account.started")
        top.says("account.started account=alice")
        assert "\x1b" not in service.text + top.text
        assert top.ends(signal.SIGTERM) == 128 + 15
        assert service.ends(signal.SIGTERM) == 0
