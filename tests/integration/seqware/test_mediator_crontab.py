"""A user's crontab, the scripts that it calls, and the version of the engine: real processes, files of odd kinds."""

import json
import os
import pathlib
import subprocess
import time
import typing

import pytest

from niassa_orch.domain import crontabs
from niassa_orch.seqware import answers, mediator
from tests.integration.seqware import workshop

LAUNCH = "seqware workflow-run launch-scheduled\n"
LINE = "* * * * * {script} --host server2 >> {log} 2>&1\n"


@pytest.fixture
def home(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_the_scripts_that_a_crontab_calls_are_told_with_those_that_they_call(home: pathlib.Path) -> None:
    script, inner, log = home / "cron.sh", home / "inner.sh", home / "cron.log"
    script.write_text("#!/bin/sh\n$HOME/inner.sh\n# /etc/hostname\n", "utf-8")
    inner.write_text("seqware workflow-run launch-scheduled\n", "utf-8")
    log.write_text("not a script\n", "utf-8")
    told = mediator.read_scripts(LINE.format(script="~/cron.sh", log=log), str(home))
    assert told == [{"path": str(path), "text": path.read_text("utf-8")} for path in (script, inner)]


@pytest.mark.parametrize(
    "line",
    [
        "bin/cron.sh",
        "cd bin && ./cron.sh",
        "cd ~/bin; sh cron.sh --host server2",
        "cron.sh",
        "bash -lc 'exec $HOME/bin/cron.sh'",
        "FLAG=1 /usr/bin/flock -n /tmp/x bin/cron.sh > /dev/null",
    ],
)
def test_a_script_is_found_however_the_line_names_it(home: pathlib.Path, line: str) -> None:
    (home / "bin").mkdir()
    script, inner = home / "bin" / "cron.sh", home / "bin" / "inner.sh"
    script.write_text('#!/bin/sh\n"$(dirname "$0")"/inner.sh\n', "utf-8")
    inner.write_text("seqware workflow-run launch-scheduled\n", "utf-8")
    told = mediator.read_scripts(f"* * * * * {line}\n", str(home))
    assert [one["path"] for one in told] == [str(script), str(inner)]
    texts = {one["path"]: one["text"] for one in told}
    assert [found.number for found in crontabs.engine_lines(f"* * * * * {line}\n", texts)] == [1]


@pytest.mark.parametrize(
    ("crontab", "outer"),
    [
        ("DIR={opt}\n* * * * * $DIR/cron.sh", "sub/inner.sh"),
        ('BASE = "{opt}"\n* * * * * sh "${{BASE}}"/cron.sh', "$(dirname $0)/sub/inner.sh"),
        ("PATH=/usr/bin:{opt}:/bin\n* * * * * cron.sh", "PATH=$HOME/../opt/sub:$PATH inner.sh"),
        ("HOME={opt}\n* * * * * ./cron.sh", "export D={opt}\nE=$D/sub\n[ -x $E/inner.sh ] && exec $E/inner.sh"),
        ("HOME={opt}\n* * * * * ~/cron.sh", 'D="{opt}/sub"\ncd "$D" && ./inner.sh'),
        ("* * * * * sh -c 'cd {opt}; sh cron.sh'", "HERE=$(cd $(dirname $0); pwd)\n. $HERE/sub/inner.sh"),
        ("* * * * * {opt}/cron.sh%input", "$SITE_DIR/inner.sh\n. {opt}/site.env"),
    ],
)
def test_a_script_is_found_by_what_variables_say(home: pathlib.Path, crontab: str, outer: str) -> None:
    opt = home.parent / "opt"
    (opt / "sub").mkdir(parents=True)
    (opt / "site.env").write_text(f"SITE_DIR={opt}/sub\n", "utf-8")
    (opt / "cron.sh").write_text(f"#!/bin/sh\n{outer.format(opt=opt)}\n", "utf-8")
    (opt / "sub" / "inner.sh").write_text(LAUNCH, "utf-8")
    text = crontab.format(opt=opt) + "\n"
    told = {one["path"]: one["text"] for one in mediator.read_scripts(text, str(home))}
    assert sorted(told) == [str(opt / "cron.sh"), str(opt / "sub" / "inner.sh")]
    assert [line.number for line in crontabs.engine_lines(text, told)] == [len(text.splitlines())]


def test_variables_that_name_each_other_come_to_an_end(home: pathlib.Path) -> None:
    (home / "cron.sh").write_text(LAUNCH, "utf-8")
    text = "".join(f"A=$B$B{number}\nB=$A$A{number}\n" for number in range(200)) + "* * * * * $A/x $B ~/cron.sh\n"
    began = time.process_time()
    (told,) = mediator.read_scripts(text * 5, str(home))
    assert told["path"] == str(home / "cron.sh")
    assert time.process_time() - began < 10


def test_what_is_no_script_is_left_out(home: pathlib.Path) -> None:
    (home / "binary").write_bytes(b"\x7fELF\0" + LAUNCH.encode())
    (home / "large").write_text(LAUNCH + "#" * mediator.MOST_SCRIPT_BYTES, "utf-8")
    os.mkfifo(home / "pipe")
    (home / "folder").mkdir()
    (home / "gone").symlink_to("nowhere")
    calls = "".join(f"* * * * * {home / name}\n" for name in ("binary", "large", "pipe", "folder", "gone", "absent"))
    assert mediator.read_scripts(calls, str(home)) == []


def test_a_pipe_that_a_crontab_names_is_not_opened(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever waits there to write would go on, and find nobody who reads.
    os.mkfifo(home / "pipe")
    (home / "cron.sh").write_text(LAUNCH, "utf-8")
    opened: list[object] = []
    really_open = os.open

    def noting_open(path: str, flags: int) -> int:
        opened.append(path)
        return really_open(path, flags)

    monkeypatch.setattr(os, "open", noting_open)
    mediator.read_scripts(f"* * * * * ~/cron.sh | tee {home}/pipe\n", str(home))
    assert opened == [str(home / "cron.sh")]


def test_what_has_nothing_to_do_with_the_engine_is_not_told(home: pathlib.Path) -> None:
    (home / "backup.sh").write_text("rsync --password-file ~/secret\n", "utf-8")
    (home / "secret").write_text("hunter2\n", "utf-8")
    (home / "cron.sh").write_text(f". ~/secret\n{LAUNCH}", "utf-8")
    told = mediator.read_scripts("* * * * * ~/backup.sh\n* * * * * ~/cron.sh\n", str(home))
    assert [one["path"] for one in told] == [str(home / "cron.sh")]


def test_scripts_that_call_one_another_are_told_once_and_not_for_ever(home: pathlib.Path) -> None:
    for number in range(30):
        (home / f"{number}.sh").write_text(f"{home}/{(number + 1) % 30}.sh {home}/0.sh\n", "utf-8")
    (home / "29.sh").write_text(f"{home}/0.sh\n{LAUNCH}", "utf-8")
    assert len(mediator.read_scripts(f"@hourly {home}/0.sh\n", str(home))) == 30


def test_the_last_line_of_a_long_crontab_is_looked_at_like_the_first(home: pathlib.Path) -> None:
    for number in range(40):
        (home / f"{number}.sh").write_text("true\n", "utf-8")
    (home / "cron.sh").write_text(LAUNCH, "utf-8")
    lines = "".join(f"{number % 60} * * * * ~/{number % 40}.sh --number {number}\n" for number in range(500))
    (told,) = mediator.read_scripts(f"{lines}* * * * * ~/cron.sh\n", str(home))
    assert told["path"] == str(home / "cron.sh")


@pytest.mark.parametrize("line", ["* * * * * cd /{0}; call{0}\n", "* * * * * ~/bin/{0}.sh\n"])
def test_a_crontab_that_names_more_than_is_looked_through_is_not_said_to_be_harmless(
    home: pathlib.Path, line: str
) -> None:
    (home / "bin").mkdir()
    for number in range(mediator.MOST_SCRIPTS + 1):
        (home / "bin" / f"{number}.sh").write_text("true\n", "utf-8")
    text = "".join(line.format(number) for number in range(1000))
    with pytest.raises(OSError, match="names more than is looked through"):
        mediator.read_scripts(text, str(home))


def test_a_long_line_of_digits_takes_no_time(home: pathlib.Path) -> None:
    began = time.process_time()
    mediator.read_scripts("1" * 200_000, str(home))
    assert time.process_time() - began < 10


def crontab_of(
    tmp_path: pathlib.Path, shop: workshop.Workshop, program: str | None
) -> "subprocess.CompletedProcess[str]":
    """Run the verb with a ``crontab`` command that does as told, or with none on the machine."""
    file = shop.install()
    command = tmp_path / "crontab"
    if program is not None:
        command.write_text(f"#!/bin/sh\n{program}\n", "utf-8")
        command.chmod(0o755)
    source = file.read_text("utf-8")
    original = f"CRONTAB_COMMANDS = {json.dumps(mediator.CRONTAB_COMMANDS).replace('[', '(').replace(']', ')')}"
    assert original in source
    file.write_text(source.replace(original, f"CRONTAB_COMMANDS = ({str(command)!r},)"), "utf-8")
    return subprocess.run([file, "crontab"], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("program", "installed", "text"),
    [
        ("echo '# nothing'", True, "# nothing\n"),
        ('[ "$*" = -l ] && echo "no crontab for bob" >&2; exit 1', True, ""),
        (None, False, ""),
    ],
)
def test_a_crontab_is_told_as_it_is(
    tmp_path: pathlib.Path, shop: workshop.Workshop, program: str | None, installed: bool, text: str
) -> None:
    done = crontab_of(tmp_path, shop, program)
    assert done.returncode == 0, done.stderr
    assert answers.parse_crontab(done.stdout.encode()) == answers.Crontab(installed, text, {})


@pytest.mark.parametrize(
    "program", ["echo 'you may not use this program' >&2; exit 1", f"head -c {(1 << 20) + 1} /dev/zero | tr '\\0' '#'"]
)
def test_a_crontab_that_cannot_be_read_whole_is_not_said_to_be_harmless(
    tmp_path: pathlib.Path, shop: workshop.Workshop, program: str
) -> None:
    done = crontab_of(tmp_path, shop, program)
    assert (done.returncode, done.stdout) == (74, "")


@pytest.mark.parametrize("text", ["", "{}", '{"installed": 1, "text": "", "scripts": []}', "[]", "\x00"])
def test_an_answer_that_is_none_is_not_understood(text: str) -> None:
    assert answers.parse_crontab(text.encode()) is None
    assert answers.parse_version(text.encode()) is None


def test_what_a_crontab_holds_is_in_no_repr() -> None:
    assert "hunter2" not in repr(answers.Crontab(installed=True, text="X=hunter2", scripts={"/a": "hunter2"}))


@pytest.mark.parametrize(
    ("wrapper", "version"),
    [
        ("JAR=$HOME/.seqware/self-installs/seqware-distribution-2.0.7-full.jar", "2.0.7"),
        ("SEQWARE_VERSION='1.1.0-SNAPSHOT'", "1.1.0-SNAPSHOT"),
        ("exec java -jar /opt/seqware.jar", ""),
    ],
)
def test_the_version_of_the_engine_is_what_its_wrapper_says(
    shop: workshop.Workshop, wrapper: str, version: str
) -> None:
    mediator_file = shop.install()
    engine = pathlib.Path(command_of(mediator_file))
    engine.write_text(f"#!/bin/sh\ntouch {engine}.ran\n{wrapper}\n", "utf-8")
    told = answers.parse_version(shop.run(mediator_file, "version").out.encode())
    assert told is not None
    assert (told.engine_runs, told.engine_version, told.command) == (True, version, str(engine))
    assert not pathlib.Path(f"{engine}.ran").exists()


def test_an_engine_that_cannot_be_run_is_told(shop: workshop.Workshop) -> None:
    mediator_file = shop.install()
    pathlib.Path(command_of(mediator_file)).unlink()
    told = answers.parse_version(shop.run(mediator_file, "version").out.encode())
    assert told is not None
    assert (told.engine_runs, told.engine_version) == (False, "")


def command_of(mediator_file: pathlib.Path) -> str:
    configuration: dict[str, typing.Any] = json.loads(mediator_file.with_name("mediator.json").read_text("utf-8"))
    return str(configuration["command"][0])
