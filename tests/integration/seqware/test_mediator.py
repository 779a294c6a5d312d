import base64
import json
import os
import pathlib
import pwd
import resource
import signal
import subprocess
import sys

import pytest

from niassa_orch.domain import runs
from niassa_orch.seqware import transcript
from tests.integration.seqware import workshop

OWN = pwd.getpwuid(os.getuid())


def test_a_launch_is_framed_and_calls_seqware_with_the_accessions_only(shop: workshop.Workshop) -> None:
    ran = shop.run(shop.install(), "launch", "1234", "1235")
    begin, end = ran.records
    assert ran.exit_code == 0
    assert ran.seen["argv"] == ["workflow-run", "launch-scheduled", "--accession", "1234", "--accession", "1235"]
    assert begin["command"] == [str(shop.directory / "seqware"), *ran.seen["argv"]]
    assert (begin["record"], begin["verb"], begin["accessions"]) == ("begin", "launch", [1234, 1235])
    assert (begin["user"], begin["uid"], begin["deadline_seconds"]) == (OWN.pw_name, os.getuid(), 900)
    assert (end["record"], end["call"], end["exit_code"]) == ("end", begin["call"], 0)
    assert (end["timed_out"], end["signalled"]) == (False, None)
    assert ran.out.splitlines()[0].startswith('{"niassa_orch_mediator": 1')


def test_the_engine_sees_a_world_that_its_caller_did_not_make(shop: workshop.Workshop) -> None:
    mediator = shop.install(java_home="/usr/lib/jvm/x", path="/usr/bin:/bin")
    environment = {"TZ": "Europe/Berlin", "SECRET": "x", "JAVA_TOOL_OPTIONS": "x", "PATH": "/evil", "LC_ALL": "C"}

    def hostile() -> None:
        os.umask(0o077)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGUSR1})

    ran = shop.run(mediator, "launch", "1", env=environment, preexec_fn=hostile, cwd=shop.directory)
    begin, end = ran.records
    seen = ran.seen
    assert (seen["stdin"], seen["umask"], seen["blocked"], seen["ignored"]) == ("/dev/null", 0o022, [], [])
    assert seen["sid"] == seen["pid"] != begin["pid"]
    assert seen["cwd"] == os.path.realpath(OWN.pw_dir)
    assert seen["fds"] == ["0", "1", "2", "3"]  # 3 is the list itself
    assert seen["env"].pop("LC_CTYPE", "C.UTF-8") == "C.UTF-8"  # Python's own doing
    assert seen["env"] == {
        "HOME": OWN.pw_dir,
        "USER": OWN.pw_name,
        "LOGNAME": OWN.pw_name,
        "SHELL": "/bin/sh",
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "Europe/Berlin",
        "JAVA_HOME": "/usr/lib/jvm/x",
        "SEQWARE_SETTINGS": str(shop.settings_file),
        "SEQWARE_JVM_OPTS": "-Dsun.net.http.retryPost=false",
    }
    assert end["exit_code"] == 0
    assert begin["call"] not in json.dumps(seen)


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/passwd", ":x", "a b", "A/../B", "x\ny", "a" * 9 + "/" * 9])
def test_a_time_zone_that_looks_like_something_else_is_dropped(shop: workshop.Workshop, zone: str) -> None:
    assert "TZ" not in shop.run(shop.install(), "launch", "1", env={"TZ": zone}).seen["env"]


def test_the_engine_ignores_no_signal(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    (shop.directory / "seqware").write_text("#!/bin/sh\nexec grep SigIgn /proc/self/status\n")
    ignored = next(line for line in shop.run(mediator, "launch", "1").out.splitlines() if "SigIgn" in line)
    # Signals 32 and 33 are the C library's own: nobody can set them, and a caller may hand them on ignored.
    own = 1 << (32 - 1) | 1 << (33 - 1)
    assert int(ignored.split()[1], 16) & ~own == 0


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(91)", 91),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("import os; os.kill(os.getpid(), 15)", 143),
    ],
)
def test_the_exit_code_is_the_engines(shop: workshop.Workshop, code: str, expected: int) -> None:
    ran = shop.run(shop.install(code), "launch", "1")
    assert (ran.exit_code, ran.records[-1]["exit_code"]) == (expected, expected)


def test_an_engine_that_cannot_be_executed_ends_with_127_and_both_records(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    (shop.directory / "seqware").write_text("#!/nowhere/interpreter\n")
    ran = shop.run(mediator, "launch", "1")
    assert [record["record"] for record in ran.records] == ["begin", "end"]
    assert ran.exit_code == 127


def test_the_last_record_has_a_line_of_its_own(shop: workshop.Workshop) -> None:
    ran = shop.run(shop.install("print('no line break', end='', flush=True)"), "launch", "1")
    assert "no line break\n" in ran.out
    assert ran.records[-1]["record"] == "end"


def test_nothing_is_launched_when_the_first_record_cannot_be_written(shop: workshop.Workshop) -> None:
    trace = shop.directory / "launched"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")
    with pathlib.Path("/dev/full").open("w") as full:
        done = subprocess.run([mediator, "launch", "1"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 74
    assert b"No space left" in done.stderr
    assert not trace.exists()
    assert shop.run(mediator, "launch", "1").exit_code == 0
    assert trace.exists()


def test_at_the_deadline_the_engine_and_all_its_descendants_are_killed(shop: workshop.Workshop) -> None:
    def call(seconds: float) -> workshop.Ran:
        mediator = shop.install(workshop.STUBBORN, deadline_seconds=seconds, kill_grace_seconds=0.3)
        return shop.run(mediator, "launch", "1")

    ran = workshop.in_time(call, lambda ran: "STANDING" in ran.out)
    assert ran.exit_code == 124
    assert (ran.records[-1]["exit_code"], ran.records[-1]["timed_out"]) == (137, True)
    processes = workshop.pids(ran.out)
    assert len(processes) == 3
    assert not [pid for pid in processes if workshop.lives(pid)]


def test_an_engine_that_obeys_is_not_killed(shop: workshop.Workshop) -> None:
    code = "import signal, sys, time\nsignal.signal(15, lambda *_: (print('BYE'), sys.exit(3)))\n"
    code += "print('READY', flush=True)\ntime.sleep(600)"

    def call(seconds: float) -> workshop.Ran:
        return shop.run(shop.install(code, deadline_seconds=seconds), "launch", "1")

    ran = workshop.in_time(call, lambda ran: "READY" in ran.out)
    assert "BYE\n" in ran.out
    assert (ran.exit_code, ran.records[-1]["exit_code"]) == (124, 3)


def test_whoever_outlives_the_engine_is_waited_for(shop: workshop.Workshop) -> None:
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(0.5)\n    print('LATE', flush=True)\n"
    ran = shop.run(shop.install(code), "launch", "1")
    assert ran.out.index("LATE") < ran.out.index('"end"')
    assert (ran.exit_code, ran.records[-1]["timed_out"]) == (0, False)


def test_whoever_outlives_the_engine_is_killed_at_the_deadline(shop: workshop.Workshop) -> None:
    code = "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
    code += "    print('PID', os.getpid(), flush=True)\n    time.sleep(600)\n"

    def call(seconds: float) -> workshop.Ran:
        return shop.run(shop.install(code, deadline_seconds=seconds), "launch", "1")

    ran = workshop.in_time(call, lambda ran: bool(workshop.pids(ran.out)))
    (pid,) = workshop.pids(ran.out)
    assert not workshop.lives(pid)
    assert (ran.exit_code, ran.records[-1]["exit_code"], ran.records[-1]["timed_out"]) == (124, 0, True)


ENDINGS = [
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGALRM,
    signal.SIGUSR1,
    signal.SIGUSR2,
]


@pytest.mark.parametrize("number", ENDINGS)
def test_a_mediator_that_is_told_to_end_ends_the_whole_call(shop: workshop.Workshop, number: signal.Signals) -> None:
    mediator = shop.install(workshop.STUBBORN, kill_grace_seconds=0.2)
    path = shop.directory / "transcript"
    with path.open("wb") as file, subprocess.Popen([mediator, "launch", "1234"], stdout=file) as process:
        workshop.until(lambda: "STANDING" in workshop.read(path))
        process.send_signal(number)
        assert process.wait(30) == 137
    end = json.loads(workshop.read(path).splitlines()[-1])
    assert (end["record"], end["signalled"], end["timed_out"]) == ("end", number, False)
    assert not [pid for pid in workshop.pids(workshop.read(path)) if workshop.lives(pid)]


def test_a_mediator_that_is_killed_leaves_the_deadline_in_force(shop: workshop.Workshop) -> None:
    mediator = shop.install(workshop.STUBBORN, deadline_seconds=8, kill_grace_seconds=0.2)
    path = shop.directory / "transcript"
    with path.open("wb") as file, subprocess.Popen([mediator, "launch", "1234"], stdout=file) as process:
        workshop.until(lambda: "STANDING" in workshop.read(path))
        process.kill()
    workshop.until(lambda: '"end"' in workshop.read(path))
    assert json.loads(workshop.read(path).splitlines()[-1])["timed_out"] is True
    assert not [pid for pid in workshop.pids(workshop.read(path)) if workshop.lives(pid)]


def launch_into(path: pathlib.Path, mediator: pathlib.Path) -> tuple[int, str]:
    """Exit code and last line of a launch with a file for a transcript."""
    with path.open("wb") as file:
        done = subprocess.run([mediator, "launch", "1234"], stdout=file, stderr=file, timeout=60, check=False)
    return done.returncode, workshop.read(path).splitlines()[-1]


def test_a_transcript_without_end_ends_the_call(shop: workshop.Workshop) -> None:
    code = "import time\nprint('x' * 200_000, flush=True)\ntime.sleep(600)"
    exit_code, last = launch_into(shop.directory / "t", shop.install(code, most_transcript_bytes=100_000))
    end = json.loads(last)
    assert (exit_code, end["exit_code"], end["too_long"], end["timed_out"]) == (124, 143, True, False)


def test_a_transcript_within_its_limit_is_left_alone(shop: workshop.Workshop) -> None:
    exit_code, last = launch_into(shop.directory / "t", shop.install("print('x' * 90_000)", most_transcript_bytes=1e5))
    end = json.loads(last)
    assert (exit_code, end["too_long"], end["cut"]) == (0, False, False)


@pytest.mark.parametrize("code", ["open('/dev/stdout', 'w').write('x')", "import os; os.ftruncate(1, 100)"])
def test_a_transcript_that_the_engine_cuts_is_said_to_be_cut(shop: workshop.Workshop, code: str) -> None:
    exit_code, last = launch_into(shop.directory / "t", shop.install(code))
    assert (exit_code, json.loads(last.lstrip("\0"))["cut"]) == (0, True)


LIMITS = [(resource.RLIMIT_FSIZE, "RLIMIT_FSIZE", "LimitFSIZE"), (resource.RLIMIT_CPU, "RLIMIT_CPU", "LimitCPU")]


@pytest.mark.parametrize(("number", "name", "option"), LIMITS)
def test_a_limit_that_may_kill_the_engine_half_way_is_refused(
    shop: workshop.Workshop, number: int, name: str, option: str
) -> None:
    trace = shop.directory / "launched"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")

    def limit() -> None:
        resource.setrlimit(number, (1000, resource.RLIM_INFINITY))

    refused = shop.run(mediator, "launch", "1", preexec_fn=limit).refused
    assert f"{name} is 1000" in refused
    assert f"set {option}=infinity" in refused
    assert not trace.exists()
    assert shop.run(mediator, "version", preexec_fn=limit).exit_code == 0


@pytest.mark.skipif(os.getuid() != 0, reason="only root can add a group")
def test_groups_of_the_caller_are_refused_where_sudo_kept_them(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    through_sudo = {"SUDO_UID": "12345"}
    refused = shop.run(mediator, "launch", "1", env=through_sudo, extra_groups=[54321]).refused
    assert f"groups that {OWN.pw_name} is not in (54321)" in refused
    assert "54320" in shop.run(mediator, "version", env=through_sudo, group=54320, extra_groups=[]).refused
    assert shop.run(mediator, "version", env=through_sudo, extra_groups=[]).exit_code == 0
    assert shop.run(mediator, "version", env={}, extra_groups=[54321]).exit_code == 0


def test_a_question_that_nobody_finishes_asking_or_hearing_is_over_in_time(shop: workshop.Workshop) -> None:
    mediator = workshop.hurried(shop.install())
    shop.settings_file.write_bytes(b"#" * 500_000)

    def hostile() -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})

    pipe = subprocess.PIPE
    for verb in ("texts", "settings"):
        with subprocess.Popen([mediator, verb], stdin=pipe, stdout=pipe, preexec_fn=hostile) as process:
            assert process.wait(30) == -signal.SIGALRM


def test_a_launch_is_no_question(shop: workshop.Workshop) -> None:
    ran = shop.run(workshop.hurried(shop.install("import time\ntime.sleep(1.5)\nprint('DONE')")), "launch", "1")
    assert (ran.exit_code, ran.records[-1]["signalled"]) == (0, None)
    assert "DONE\n" in ran.out


def test_whitestar_has_a_deadline_of_its_own_and_one_run_a_call(shop: workshop.Workshop) -> None:
    mediator = shop.install(deadline_seconds=1, whitestar_deadline_seconds=3600)
    ran = shop.run(mediator, "launch-whitestar", "7")
    assert (ran.exit_code, ran.records[0]["deadline_seconds"], ran.records[0]["verb"]) == (0, 3600, "launch-whitestar")
    assert "from 1 to 1 accessions" in shop.run(mediator, "launch-whitestar", "7", "8").refused


def test_what_a_user_overrides_counts_for_that_user_alone(shop: workshop.Workshop) -> None:
    overrides = {OWN.pw_name: {"deadline_seconds": 17, "path": "/mine"}, "somebody": {"path": "/else"}}
    ran = shop.run(shop.install(users=overrides), "launch", "1")
    assert (ran.records[0]["deadline_seconds"], ran.seen["env"]["PATH"]) == (17, "/mine")


HOSTILE = [
    [],
    ["launch"],
    ["launch", ""],
    ["launch", "0"],
    ["launch", "01"],
    ["launch", "-1"],
    ["launch", "+1"],
    ["launch", "1.0"],
    ["launch", "1e3"],
    ["launch", "0x10"],
    ["launch", "1_0"],
    ["launch", " 1"],
    ["launch", "1 "],
    ["launch", "1\n"],
    ["launch", "\n1"],
    ["launch", "1\nfoo"],
    ["launch", "1\r"],
    ["launch", "1\t2"],
    ["launch", "1 2"],
    ["launch", "1", "1"],
    ["launch", "1", "2", "1"],
    ["launch", "1", ""],
    ["launch", "1" * 19],
    ["launch", "9" * 4000],
    ["launch", "١٢٣"],
    ["launch", "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT TWO}"],
    ["launch", "²"],
    ["launch", "1²"],
    ["launch", "\udcff"],
    ["launch", "--host", "h"],
    ["launch", "--accession", "1"],
    ["launch", "1", "--host"],
    ["launch", "1", "--host", "evil.example"],
    ["launch", "--", "1"],
    ["launch", "-1", "2"],
    ["launch", "1;id"],
    ["launch", "1|id"],
    ["launch", "$(id)"],
    ["launch", "`id`"],
    ["launch", "1&&id"],
    ["launch", "*"],
    ["launch", "../1"],
    ["launch", "/etc/passwd"],
    ["launch", *map(str, range(1, 52))],
    ["launch-whitestar"],
    ["launch-whitestar", "1", "2"],
    ["launch-whitestar", "x"],
    ["launch\n", "1"],
    ["launch ", "1"],
    ["Launch", "1"],
    ["LAUNCH", "1"],
    ["--launch", "1"],
    ["launch 1"],
    ["-c", "import os"],
    ["-m", "http.server"],
    ["--help"],
    ["--version"],
    ["version", "x"],
    ["settings", "x"],
    ["settings", "/etc/shadow"],
    ["texts", "1"],
    ["lock", "1"],
    ["lock", "x"],
    ["lock", "/etc"],
    ["lock", "--name", "seqware-host.lock"],
    ["lock "],
    ["LOCK"],
    ["unlock"],
    ["serve"],
    ["propagate-statuses"],
    ["workflow-run", "launch-scheduled"],
    ["sh", "-c", "id"],
    [""],
]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_other_verbs_and_arguments_are_refused_and_launch_nothing(shop: workshop.Workshop, words: list[str]) -> None:
    trace = shop.directory / "launched"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")
    assert shop.run(mediator, *words).refused
    assert not trace.exists()


def test_the_most_accessions_that_are_allowed_are_launched(shop: workshop.Workshop) -> None:
    ran = shop.run(shop.install(), "launch", *map(str, range(1, 51)))
    assert ran.seen["argv"].count("--accession") == 50


def test_seqware_is_never_called_without_readable_settings(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    shop.settings_file.unlink()
    assert f"{shop.settings_file} cannot be read as {OWN.pw_name}" in shop.run(mediator, "launch", "1").refused
    shop.settings_file.mkdir()
    assert "is not a regular file" in shop.run(mediator, "launch", "1").refused
    shop.settings_file.rmdir()
    os.mkfifo(shop.settings_file)
    assert "not a regular file" in shop.run(mediator, "launch", "1").refused


def test_a_command_that_is_not_there_is_refused_before_anything_begins(shop: workshop.Workshop) -> None:
    assert (
        "/nowhere/seqware cannot be run" in shop.run(shop.install(command=("/nowhere/seqware",)), "launch", "1").refused
    )


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "not the JSON"),
        ("[]", "not the JSON"),
        ("[" * 100_000, "not the JSON"),
        ('{"command": ["/bin/true"], "users": []}', "not the JSON"),
        ("{}", "command has a wrong value"),
        ('{"command": []}', "command has a wrong value"),
        ('{"command": "/bin/true"}', "command has a wrong value"),
        ('{"command": ["true"]}', "absolute path"),
        ('{"command": ["/bin/true\\u0000"]}', "command has a wrong value"),
        ('{"command": ["/bin/true"], "deadline_seconds": 0}', "deadline_seconds has a wrong value"),
        ('{"command": ["/bin/true"], "most_transcript_bytes": 0}', "most_transcript_bytes has a wrong value"),
        ('{"command": ["/bin/true"], "most_transcript_bytes": "1"}', "most_transcript_bytes has a wrong value"),
        ('{"command": ["/bin/true"], "deadline_seconds": NaN}', "deadline_seconds has a wrong value"),
        ('{"command": ["/bin/true"], "deadline_seconds": true}', "deadline_seconds has a wrong value"),
        ('{"command": ["/bin/true"], "allow_root": 1}', "allow_root has a wrong value"),
        ('{"command": ["/bin/true"], "path": 1}', "path has a wrong value"),
        ('{"command": ["/bin/true"], "deadline": 1}', 'unknown key "deadline"'),
        (" " * (1 << 20) + "{}", "larger than 1 MiB"),
    ],
)
def test_a_configuration_that_is_not_understood_is_refused(shop: workshop.Workshop, written: str, reason: str) -> None:
    mediator = shop.install()
    mediator.with_name("mediator.json").write_text(written)
    assert reason in shop.run(mediator, "version").refused


@pytest.mark.parametrize("name", ["mediator", "mediator.json", "."])
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_what_others_may_change_decides_nothing(shop: workshop.Workshop, name: str, mode: int) -> None:
    mediator = shop.install()
    target = mediator.parent / name
    target.chmod(mode)
    assert f"chmod go-w {target.resolve()}" in shop.run(mediator, "version").refused


def test_a_directory_further_up_must_be_safe_too_but_may_be_sticky(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    shop.directory.chmod(0o777)
    assert f"chmod go-w {shop.directory}" in shop.run(mediator, "version").refused
    shop.directory.chmod(0o1777)
    assert shop.run(mediator, "version").exit_code == 0


def test_a_configuration_that_is_a_link_is_refused(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    configuration = mediator.with_name("mediator.json")
    configuration.rename(shop.directory / "elsewhere.json")
    configuration.symlink_to(shop.directory / "elsewhere.json")
    assert "cannot be read" in shop.run(mediator, "version").refused


def test_a_link_to_the_mediator_uses_the_configuration_beside_the_real_file(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    link = shop.directory / "link"
    link.symlink_to(mediator)
    (shop.directory / "mediator.json").write_text('{"command": ["/evil"]}')
    assert shop.run(link, "version").records[0]["command"] == [str(shop.directory / "seqware")]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can show that root is refused")
def test_root_is_refused_unless_the_configuration_allows_it(shop: workshop.Workshop) -> None:
    assert "does not run as root" in shop.run(shop.install(allow_root=False), "launch", "1").refused


def test_settings_come_whole_and_unread(shop: workshop.Workshop) -> None:
    shop.settings_file.write_bytes(b"SW_REST_PASS=\xff\x00geheim \r\n")
    shop.settings_file.chmod(0o600)
    (record,) = shop.run(shop.install(), "settings").records
    assert base64.b64decode(record["content_base64"]) == b"SW_REST_PASS=\xff\x00geheim \r\n"
    assert (record["path"], record["mode"], record["owner_uid"]) == (str(shop.settings_file), 0o600, os.getuid())


def test_settings_of_more_than_a_mebibyte_are_refused(shop: workshop.Workshop) -> None:
    shop.settings_file.write_bytes(b"#" * ((1 << 20) + 1))
    assert "larger than 1 MiB" in shop.run(shop.install(), "settings").refused


def test_what_the_mediator_writes_is_what_the_transcript_reader_reads(shop: workshop.Workshop) -> None:
    code = (
        "print('Launching via new launcher: 5\\nUsing working directory: /w/oozie-12345678\\nSubmitted Oozie job: J-W')"
    )
    found = transcript.parse(shop.run(shop.install(code), "launch", "5").out.encode(), [runs.Accession(5)])
    run = found.runs[runs.Accession(5)]
    assert (found.begun, found.ended, found.exit_code, run.job_id) == (True, True, 0, "J-W")
    assert found.command[-2:] == ("--accession", "5")
    found = transcript.parse(shop.run(shop.install(code), "launch", "x").out.encode(), [])
    assert (found.begun, found.ended) == (False, False)
    assert found.refused is not None


OLD_PYTHONS = sorted(pathlib.Path.home().glob(".pyenv/versions/3.6.*/bin/python"))


@pytest.mark.skipif(not OLD_PYTHONS, reason="no Python 3.6 on this machine")
def test_python_3_6_is_new_enough(shop: workshop.Workshop) -> None:
    mediator = shop.install()
    source = mediator.read_text("utf-8").split("\n", 1)[1]
    mediator.write_text(f"#!{OLD_PYTHONS[0]} -I\n{source}", "utf-8")
    assert shop.run(mediator, "version").exit_code == 0
    assert shop.run(mediator, "launch", "1", "2").seen["argv"][-1] == "2"
    assert base64.b64decode(shop.run(mediator, "settings").records[0]["content_base64"]).startswith(b"SW_REST_PASS")
    directory = shop.run_directory()
    orders = json.dumps([{"accession": 1, "directory": str(directory)}])
    assert shop.run(mediator, "texts", stdin=orders).records[0]["files"] == []
    assert shop.run(mediator, "lock").records[0]["record"] == "lock"
    stubborn = shop.install(workshop.STUBBORN, deadline_seconds=0.5, kill_grace_seconds=0.2)
    stubborn.write_text(f"#!{OLD_PYTHONS[0]} -I\n{source}", "utf-8")
    assert shop.run(stubborn, "launch", "1").exit_code == 124


def test_the_installed_mediator_is_the_source_with_modes_that_it_accepts_itself(shop: workshop.Workshop) -> None:
    before = os.umask(0o077)
    try:
        mediator = shop.install()
    finally:
        os.umask(before)
    assert (mediator.stat().st_mode & 0o777, mediator.parent.stat().st_mode & 0o777) == (0o755, 0o755)
    assert mediator.with_name("mediator.json").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in mediator.parent.iterdir()) == ["mediator", "mediator.json"]
    assert mediator.read_text("utf-8").splitlines()[0] in ("#!/usr/bin/python3 -I", f"#!{sys.executable} -I")
