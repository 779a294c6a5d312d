"""However a demo is ended, nothing of it is left behind: no process, no directory, no Unix user, no rule."""

import grp
import os
import pathlib
import pwd
import re
import signal

import pytest

from niassa_orch.sandbox import unix_users
from tests.integration.cli import commands

_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture
def temporary(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where the demo makes its directory."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("number", _CODES)
def test_a_demo_ended_in_the_middle_takes_everything_away_and_says_so(
    temporary: pathlib.Path, number: signal.Signals
) -> None:
    with commands.started("demo", output=temporary.with_name("demo.log"), TMPDIR=str(temporary)) as demo:
        demo.says("launch.verified")
        assert demo.ends(number) == _CODES[number]
        assert demo.text.splitlines()[-1] == "demo stopped; nothing is left behind"
        assert "Traceback" not in demo.text
    assert list(temporary.iterdir()) == []
    assert commands.processes_about(temporary) == []


def test_a_demo_ended_before_it_began_takes_everything_away(temporary: pathlib.Path) -> None:
    with commands.started("demo", output=temporary.with_name("demo.log"), TMPDIR=str(temporary)) as demo:
        # Its own directory is made once signals are heeded; Python tries the place with a file of its own earlier.
        commands.until(lambda: list(temporary.glob("niassa-orch-demo-*")))
        assert demo.ends(signal.SIGTERM) == 143
        assert "Traceback" not in demo.text
    assert list(temporary.iterdir()) == []


def test_a_demo_that_is_killed_takes_its_service_along(temporary: pathlib.Path) -> None:
    with commands.started("demo", output=temporary.with_name("demo.log"), TMPDIR=str(temporary)) as demo:
        demo.says("service.started")
        assert any(command.endswith("run ") for command in commands.processes_about(temporary))
        assert demo.ends(signal.SIGKILL) == -9
    commands.until(lambda: not any(command.endswith("run ") for command in commands.processes_about(temporary)))
    _end_steps(temporary)


def test_a_demo_keeps_its_directory_when_asked_to(temporary: pathlib.Path) -> None:
    with commands.started("demo", "--keep", output=temporary.with_name("demo.log"), TMPDIR=str(temporary)) as demo:
        demo.says("service.started")
        assert demo.ends(signal.SIGTERM) == 143
    (kept,) = temporary.iterdir()
    assert f"the sandbox is kept in {kept}" in demo.text
    assert demo.text.splitlines()[-1] == "demo stopped; the sandbox is kept"


def test_keeping_does_not_go_with_users_who_are_removed() -> None:
    ended = commands.done("demo", "--users", "--keep")
    assert (ended.returncode, "--keep does not go with --users" in ended.stderr) == (2, True)


@pytest.mark.real_users
@pytest.mark.parametrize(
    ("moment", "number"), [("", signal.SIGTERM), ("launch.verified", signal.SIGHUP), ("launch.verified", signal.SIGINT)]
)
def test_a_demo_with_real_users_leaves_none_of_them_behind_whatever_ends_it(
    tmp_path: pathlib.Path, moment: str, number: signal.Signals
) -> None:
    reason = unix_users.skip_reason()
    if reason is not None:
        pytest.skip(reason)
    with commands.started("demo", "--users", output=tmp_path / "demo.log") as demo:
        pid = demo.process.pid
        commands.until(lambda: _made(pid) or demo.process.poll() is not None)
        if moment:
            demo.says(moment)
        roots = {pathlib.Path(entry.pw_dir).parents[1] for entry in pwd.getpwall() if _is_of(pid, entry.pw_name)}
        assert demo.ends(number) == _CODES[number], demo.text
        assert demo.text.splitlines()[-1] == "demo stopped; nothing is left behind"
    assert _made(pid) == []
    for root in roots:
        assert not root.exists()
        assert commands.processes_about(root) == []


def _made(pid: int) -> list[str]:
    """Users, groups and rules that this demo made, and did not remove."""
    names = [entry.pw_name for entry in pwd.getpwall()] + [entry.gr_name for entry in grp.getgrall()]
    names += [path.name.removesuffix(".new") for path in pathlib.Path("/etc/sudoers.d").iterdir()]
    return [name for name in names if _is_of(pid, name)]


def _is_of(pid: int, name: str) -> bool:
    return re.fullmatch(rf"niorch-{pid:x}[0-9a-f]{{4}}(-.*)?", name) is not None


def _end_steps(directory: pathlib.Path) -> None:
    """Engine calls and steps that a killed demo left; they would end by themselves, later than the test."""
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            named = str(directory).encode() in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            inside = (entry / "cwd").readlink().is_relative_to(directory)
            if (named or inside) and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:  # gone meanwhile
            continue
