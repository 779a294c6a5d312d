"""Who holds the engine's locks: real processes, real POSIX locks, files that are none of ours."""

import json
import os
import pathlib
import pwd
import shlex
import socket
import subprocess
import sys

import pytest

from niassa_orch.seqware import mediator
from tests.integration.seqware import workshop

NAME = "seqware-server2.lab.net.lock"


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / ".junique").mkdir()
    return tmp_path


def held(home: pathlib.Path) -> list[mediator.Record]:
    return mediator.list_locks(str(home))


@pytest.mark.parametrize("how", ["exclusive", "shared"])
def test_who_holds_a_lock_is_named_for_as_long_as_it_is_held(home: pathlib.Path, how: str) -> None:
    file = home / ".junique" / NAME
    with workshop.holder(file, how) as pid:
        (found,) = held(home)
        assert (found["name"], found["pid"]) == (NAME, pid)
        # A holder is called as this pytest was: python3, python3.11 or whatever else the file's name is.
        assert found["command"].split()[0] == pathlib.PurePath(sys.executable).name
        assert held(home) == [found], "asking took nothing from the holder"
    assert held(home) == []


def test_every_lock_is_told_and_only_those_that_are_held(home: pathlib.Path) -> None:
    folder = home / ".junique"
    for name in ("free.lock", "global.lock", "held.port"):
        (folder / name).touch()
    with (
        workshop.holder(folder / "b.lock") as second,
        workshop.holder(folder / "a.lock") as first,
        workshop.holder(folder / "held.port"),
    ):
        assert [(one["name"], one["pid"]) for one in held(home)] == [("a.lock", first), ("b.lock", second)]


def test_asking_makes_and_changes_nothing(home: pathlib.Path) -> None:
    file = home / ".junique" / NAME
    file.write_text("as it was")
    os.utime(file, ns=(1, 1))
    before = file.stat()
    assert held(home) == []
    assert (file.stat().st_mtime_ns, file.stat().st_mode, file.read_text()) == (1, before.st_mode, "as it was")
    assert list((home / ".junique").iterdir()) == [file]
    assert held(home / "nobody") == []
    (home / "file").mkdir()
    (home / "file" / ".junique").write_text("no directory")
    assert held(home / "file") == []
    assert not (home / "nobody").exists()


def test_a_holder_whom_the_kernel_does_not_name_is_told_without_a_name(home: pathlib.Path) -> None:
    with workshop.holder(home / ".junique" / NAME, "description"):
        assert held(home) == [{"name": NAME, "pid": None, "command": ""}]


def test_what_is_no_plain_file_of_ours_is_passed_over_and_nothing_hangs(home: pathlib.Path) -> None:
    folder = home / ".junique"
    os.mkfifo(folder / "pipe.lock")
    (folder / "folder.lock").mkdir()
    (folder / "gone.lock").symlink_to("nowhere")
    with socket.socket(socket.AF_UNIX) as listening, workshop.holder(home / "elsewhere") as pid:
        listening.bind(os.path.relpath(folder / "socket.lock"))
        (folder / "link.lock").symlink_to(home / "elsewhere")
        assert held(home) == []
        os.link(home / "elsewhere", folder / "hard.lock")
        assert [one["pid"] for one in held(home)] == [pid]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_elses_is_passed_over(home: pathlib.Path) -> None:
    file = home / ".junique" / NAME
    with workshop.holder(file):
        os.chown(file, 65534, 65534)
        assert held(home) == []


def test_a_name_of_a_lock_moves_no_cursor(home: pathlib.Path) -> None:
    with workshop.holder(home / ".junique" / "a\x1b[2J\n\u202eä.lock"):
        assert [one["name"] for one in held(home)] == ["a?[2J???.lock"]


COMMANDS = [
    (["java", "workflow-run", "launch-scheduled"], "java ... workflow-run launch-scheduled"),
    (
        shlex.split(
            "/usr/bin/java -Xmx1g -Dpassword=canary -cp /canary:/x io.Main --login canary "
            "workflow-run launch-scheduled --host server2 --accession 7"
        ),
        "java ... workflow-run launch-scheduled --host server2",
    ),
    (["java", "-Dp=canary", "-jar", "/x/seqware.jar", "canary"], "java ..."),
    (["seqware", "workflow-run", "--canary"], "seqware ... workflow-run"),
    (["python3", "--password", "canary"], "python3 ..."),
    (["cron: canary"], "cron: ..."),
    (["ja\x1bva", "workflow-run", "l\n\u202e"], "ja?va ... workflow-run l??"),
    (["x" * 500], "x" * mediator.MOST_COMMAND),
]


@pytest.mark.parametrize(("words", "expected"), COMMANDS)
def test_the_picture_of_a_process_is_short_and_holds_no_argument_that_may_be_a_secret(
    words: list[str], expected: str
) -> None:
    # A shell takes any name and ignores what follows its command: it passes for any program.
    argv = [words[0], "-c", "read line", *words[1:]]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, executable="/bin/sh", stdin=pipe) as process:
        workshop.until(lambda: b"read line" in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes())
        shown = mediator.read_command(process.pid)
    assert shown == expected
    assert "canary" not in shown
    assert len(shown) <= mediator.MOST_COMMAND
    assert mediator.read_command(process.pid) == ""


def test_the_script_that_a_program_runs_is_named_without_its_place(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "nightly.sh"
    script.write_text("read line\n")
    with subprocess.Popen(["sh", script, "canary"], executable="/bin/sh", stdin=subprocess.PIPE) as process:
        workshop.until(lambda: b"nightly" in pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes())
        assert mediator.read_command(process.pid) == "sh nightly.sh"


def test_a_lock_that_cannot_be_asked_about_is_not_said_to_be_free(shop: workshop.Workshop) -> None:
    mediator_file = shop.install()
    source = mediator_file.read_text("utf-8")
    assert "fcntl.F_GETLK" in source
    mediator_file.write_text(source.replace("fcntl.F_GETLK", "99"), "utf-8")  # a kernel that knows no such question
    home = shop.directory / "home"
    (home / ".junique").mkdir(parents=True)
    (home / ".junique" / NAME).touch()
    done = of_home(mediator_file, home)
    assert (done.exit_code, done.out) == (74, "")
    assert "Invalid argument" in done.err


def of_home(mediator_file: pathlib.Path, home: pathlib.Path) -> workshop.Ran:
    """The verb as a process, for a user whose home is this one."""
    source = mediator_file.read_text("utf-8")
    assert "list_locks(account.pw_dir)" in source
    source = source.replace("list_locks(account.pw_dir)", f"list_locks({str(home)!r})")
    mediator_file.write_text(source, "utf-8")
    done = subprocess.run([mediator_file, "lock"], capture_output=True, text=True, timeout=60, check=False)
    return workshop.Ran(done.returncode, done.stdout, done.stderr)


def test_the_answer_is_one_record(shop: workshop.Workshop, home: pathlib.Path) -> None:
    with workshop.holder(home / ".junique" / NAME) as pid:
        ran = of_home(shop.install(), home)
    assert ran.exit_code == 0
    picture = shlex.split(ran.records[0]["held"][0].pop("command"))
    assert picture[-1] == "..."
    expected = {"niassa_orch_mediator": 1, "record": "lock", "held": [{"name": NAME, "pid": pid}]}
    assert [json.loads(line) | {"held": [{"name": NAME, "pid": pid}]} for line in ran.out.splitlines()] == [expected]


def test_a_user_who_never_launched_holds_nothing(shop: workshop.Workshop) -> None:
    ran = shop.run(shop.install(), "lock")
    assert (ran.exit_code, ran.records[0]["record"]) == (0, "lock")
    if not (pathlib.Path(pwd.getpwuid(os.getuid()).pw_dir) / ".junique").exists():
        assert ran.records[0]["held"] == []
