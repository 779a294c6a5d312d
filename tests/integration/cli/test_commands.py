"""The command line knows all commands, and imports of them what is asked for."""

import subprocess
import sys
from typing import Any

import pytest
import typer.main

from niassa_orch import cli

#: What no command imports that asks the running service and prints.
HEAVY = ("niassa_orch.core.supervisor", "niassa_orch.core.worker", "niassa_orch.sandbox", "niassa_orch.admin")


def found(name: str) -> Any:
    group: Any = typer.main.get_command(cli.application)
    return group.get_command(group.context_class(group), name)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_is_where_the_command_line_looks_for_it_and_has_words(name: str) -> None:
    command = found(name)
    assert command.name == name
    assert len(command.help.splitlines()[0]) > 20


def test_all_of_them_are_listed_once_and_what_is_meant_is_guessed() -> None:
    asked = subprocess.run([sys.executable, "-m", "niassa_orch", "--help"], capture_output=True, text=True, check=True)
    listed = [line.split()[0] for line in asked.stdout.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    assert listed[: len(cli.COMMANDS) + 1] == [*cli.COMMANDS, "version"]
    wrong = subprocess.run([sys.executable, "-m", "niassa_orch", "stauts"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "Did you mean 'status'" in wrong.stderr
    assert found("no-such") is None


@pytest.mark.parametrize("words", [["status", "--help"], ["pause", "--help"], ["events", "--help"], ["version"]])
def test_who_asks_the_service_imports_nothing_of_what_it_is_made_of(words: list[str]) -> None:
    program = (
        "import sys; from niassa_orch import cli; sys.argv[0] = 'niassa-orch'\n"
        "try: cli.main()\n"
        "except SystemExit: print('modules', *sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    modules = ran.stdout.splitlines()[-1].split()
    assert modules[0] == "modules"
    assert [name for name in modules if name.startswith(HEAVY)] == []
