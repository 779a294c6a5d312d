"""The mediator's verb ``propagate``: the engine's own propagation, bounded in what it is told, in time and in words."""

import json
import os
import pathlib
import pwd
import resource
import signal
import subprocess
import typing

import pytest

from niassa_orch import errors
from niassa_orch.seqware import answers, identity, propagation
from tests.integration.seqware import workshop

OWN = pwd.getpwuid(os.getuid())
US = identity.Identity("us", own=True)


def told(ran: workshop.Ran) -> dict[str, typing.Any]:
    """The one record of an answer, which is all of it."""
    assert (ran.exit_code, len(ran.out.splitlines())) == (0, 1), ran
    (record,) = ran.records
    return record


def noting(file: pathlib.Path) -> str:
    """An engine that leaves what it was given in a file."""
    return workshop.SHOW.replace('print("SEEN " + ', f"open({str(file)!r}, 'w').write(").replace("}))", "}))")


def test_the_engine_is_called_with_the_accessions_only_in_a_world_that_its_caller_did_not_make(
    shop: workshop.Workshop,
) -> None:
    trace = shop.directory / "seen"
    environment = {"SECRET": "x", "JAVA_TOOL_OPTIONS": "x", "PATH": "/evil", "TZ": "Europe/Berlin"}
    ran = shop.run(shop.install(noting(trace)), "propagate", "1234", "1235", env=environment)
    seen = json.loads(trace.read_text())
    assert seen["argv"] == ["workflow-run", "propagate-statuses", "--accession", "1234", "--accession", "1235"]
    assert (seen["stdin"], seen["umask"], seen["blocked"], seen["ignored"]) == ("/dev/null", 0o022, [], [])
    assert seen["sid"] == seen["pid"]
    assert seen["fds"] == ["0", "1", "2", "3", "4"]  # the list itself, and the file that it is written to
    assert seen["cwd"] == os.path.realpath(OWN.pw_dir)
    assert seen["env"].keys() - {"LC_CTYPE"} == {
        *("HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TZ", "SEQWARE_SETTINGS", "SEQWARE_JVM_OPTS")
    }
    assert seen["env"]["SEQWARE_JVM_OPTS"] == "-Dsun.net.http.retryPost=false"
    record = told(ran)
    assert (record["record"], record["exit_code"], record["timed_out"], record["locked"]) == (
        *("propagated", 0, False, False),
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise SystemExit(0)", (0, False)),
        ("raise SystemExit(91)", (91, False)),
        ("import os; os.kill(os.getpid(), 9)", (137, False)),
        ("print('it.sauronsoftware.junique.AlreadyLockedException: x'); raise SystemExit(91)", (91, True)),
        ("import sys; sys.stderr.write('AlreadyLockedException'); raise SystemExit(91)", (91, True)),
    ],
)
def test_the_answer_says_how_the_engine_ended_and_whether_its_lock_was_held(
    shop: workshop.Workshop, code: str, expected: tuple[int, bool]
) -> None:
    record = told(shop.run(shop.install(code), "propagate", "1"))
    assert (record["exit_code"], record["locked"]) == expected


def test_nothing_that_the_engine_says_is_in_the_answer(shop: workshop.Workshop) -> None:
    code = (
        "import sys\nprint('canary', flush=True)\nsys.stderr.write('canary')\nopen('/proc/self/fd/1', 'a').write('x')"
    )
    ran = shop.run(shop.install(code), "propagate", "1")
    assert "canary" not in ran.out + ran.err
    assert told(ran)["exit_code"] == 0


def test_an_engine_that_says_very_much_is_neither_ended_nor_kept_waiting(shop: workshop.Workshop) -> None:
    code = (
        "import os, sys\nfor _ in range(100):\n    sys.stdout.write('x' * 1_000_000)\nsys.stdout.flush()\n"
        # Until its words are forgotten, or too late for that: who empties the file tells nobody.
        "import time\nuntil = time.monotonic() + 30\n"
        "while os.fstat(1).st_size >= 100_000_000 and time.monotonic() < until:\n    time.sleep(0.01)\n"
        "os.write(1, b'AlreadyLockedException')\n"
        f"open({str(shop.directory / 'size')!r}, 'w').write(str(os.fstat(1).st_size))"
    )
    record = told(shop.run(shop.install(code), "propagate", "1"))
    assert (record["exit_code"], record["timed_out"], record["locked"]) == (0, False, True)
    assert int((shop.directory / "size").read_text()) < 100_000_000, "its words were not forgotten"


def test_at_its_own_deadline_the_engine_and_all_its_descendants_are_killed(shop: workshop.Workshop) -> None:
    trace = shop.directory / "pids"
    code = f"import os\nos.dup2(os.open({str(trace)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)\n"

    def call(seconds: float) -> dict[str, typing.Any]:
        trace.unlink(missing_ok=True)
        options = {"propagate_deadline_seconds": seconds, "kill_grace_seconds": 0.3}
        return told(shop.run(shop.install(code + workshop.STUBBORN, **options), "propagate", "1"))

    record = workshop.in_time(call, lambda _: "STANDING" in workshop.read(trace))
    assert (record["exit_code"], record["timed_out"]) == (137, True)
    assert len(workshop.pids(workshop.read(trace))) == 3
    assert not [pid for pid in workshop.pids(workshop.read(trace)) if workshop.lives(pid)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_mediator_that_is_ended_leaves_no_engine_beyond_the_deadline(
    shop: workshop.Workshop, number: signal.Signals
) -> None:
    trace = shop.directory / "pids"
    code = f"import os\nos.dup2(os.open({str(trace)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)\n"
    mediator = shop.install(code + workshop.STUBBORN, propagate_deadline_seconds=8, kill_grace_seconds=0.2)
    argv = [str(mediator), "propagate", "1"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        workshop.until(lambda: "STANDING" in workshop.read(trace))
        process.send_signal(number)
    pids = workshop.pids(workshop.read(trace))
    workshop.until(lambda: not [pid for pid in pids if workshop.lives(pid)])


def test_an_engine_that_nobody_waits_for_any_more_does_its_work(shop: workshop.Workshop) -> None:
    trace, go = shop.directory / "done", shop.directory / "go"
    os.mkfifo(go)
    mediator = shop.install(f"open({str(go)!r}).read()\nprint('x' * 100000, flush=True)\nopen({str(trace)!r}, 'w')")
    with subprocess.Popen([mediator, "propagate", "1"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.close()
        go.write_text("go")
    workshop.until(trace.exists)


HOSTILE = [
    [],
    ["0"],
    ["01"],
    ["-1"],
    ["1.0"],
    ["1\n"],
    ["1", "1"],
    ["1", ""],
    ["1 2"],
    ["1" * 19],
    ["²"],
    ["\udcff"],
    ["--host", "h"],
    ["--accession", "1"],
    ["1", "--host", "evil.example"],
    ["1", "--threads", "9"],
    ["--", "1"],
    ["$(id)"],
    ["*"],
    [*map(str, range(1, 52))],
]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_arguments_that_are_not_a_few_plain_accessions_are_refused(shop: workshop.Workshop, words: list[str]) -> None:
    trace = shop.directory / "called"
    mediator = shop.install(f"open({str(trace)!r}, 'w')")
    assert "accession" in shop.run(mediator, "propagate", *words).refused
    assert not trace.exists()


@pytest.mark.parametrize("verb", ["propagate\n", "Propagate", "propagate ", "propagate-statuses", "--propagate"])
def test_what_is_not_quite_the_verb_is_refused(shop: workshop.Workshop, verb: str) -> None:
    trace = shop.directory / "called"
    assert "the verbs are" in shop.run(shop.install(f"open({str(trace)!r}, 'w')"), verb, "1").refused
    assert not trace.exists()


def test_the_most_accessions_that_are_allowed_are_propagated(shop: workshop.Workshop) -> None:
    trace = shop.directory / "seen"
    told(shop.run(shop.install(noting(trace)), "propagate", *map(str, range(1, 51))))
    assert json.loads(trace.read_text())["argv"].count("--accession") == 50


def test_it_is_refused_without_settings_or_with_limits_that_would_end_it_half_way(shop: workshop.Workshop) -> None:
    mediator = shop.install()

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000))

    assert "RLIMIT_CPU" in shop.run(mediator, "propagate", "1", preexec_fn=limit).refused
    shop.settings_file.unlink()
    assert "cannot be read" in shop.run(mediator, "propagate", "1").refused


async def test_the_service_hears_how_it_ended(shop: workshop.Workshop) -> None:
    argv = identity.argv(US, shop.install("raise SystemExit(3)"), "propagate", [1234, 1235])
    ended = await propagation.propagate(argv, deadline_seconds=60)
    assert (ended.exit_code, ended.timed_out, ended.locked) == (3, False, False)


async def test_a_refusal_names_the_verb(shop: workshop.Workshop) -> None:
    argv = identity.argv(US, shop.install(max_accessions=1), "propagate", [1234, 1235])
    with pytest.raises(errors.MediatorRefusedError, match="refuses propagate as our own user: from 1 to 1 accessions"):
        await propagation.propagate(argv, deadline_seconds=60)


async def test_an_answer_that_is_none_is_not_understood(shop: workshop.Workshop) -> None:
    forged = {"record": "propagated", "exit_code": "canary", "timed_out": False, "locked": False, "seconds": 1.0}
    engine = workshop.write_engine(shop.directory / "stand-in", f"print({json.dumps(forged)!r})")
    with pytest.raises(errors.EngineCallError, match="answer to propagate is not what") as caught:
        await propagation.propagate([str(engine), "propagate", "1"], deadline_seconds=60)
    assert "canary" not in str(caught.value)


def test_an_answer_with_a_number_beyond_any_is_not_understood() -> None:
    assert answers.parse_propagated(b'{"exit_code": 0, "timed_out": false, "locked": false, "seconds": 1}') is None
    huge = b'{"exit_code": ' + b"9" * 5000 + b', "timed_out": false, "locked": false, "seconds": 1.0}'
    assert answers.parse_propagated(huge) is None
