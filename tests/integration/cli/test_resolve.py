"""``doubts`` and ``resolve`` as processes: what they print, what they take for an answer, how they end."""

import asyncio
import contextlib
import json
import os
import pathlib
import subprocess
import time
import typing

import pytest

from niassa_orch.domain import settling
from niassa_orch.journal import records, store
from niassa_orch.seqware import call
from tests.fakes import launches
from tests.integration.cli import commands

Outcome = settling.Outcome


@pytest.fixture
def config(tmp_path: pathlib.Path) -> str:
    """Settings with a state directory of this test."""
    (tmp_path / "state").mkdir()
    file = tmp_path / "niassa-orch.toml"
    file.write_text(f'state_dir = "{tmp_path / "state"}"\n', "utf-8")
    return str(file)


def in_journal(config: str, *work: str, reason: str = "Oozie is asked", **changes: typing.Any) -> str:
    """Do these things to run 7's launch; returns what is open then, as text."""

    async def worked() -> str:
        path = pathlib.Path(config).parent / "state" / "journal.sqlite"
        with contextlib.closing(store.Journal(path)) as journal:
            launch = launches.launch(7, **changes)
            for what in work:
                if what == "intend":
                    await journal.intend([launch])
                elif what == "note":
                    await journal.note(launch, Outcome.IN_DOUBT, reason)
                else:
                    await journal.settle(launch, records.Settled(Outcome.LAUNCHED, "it was", "1-oozie-W"))
            return " ".join(f"{one.accession} {one.outcome} {one.told} {one.job_id}" for one in journal.unsettled())

    return asyncio.run(worked())


@pytest.mark.parametrize("said", ["--relaunch", "--failed", "--launched=5-oozie-W"])
def test_a_word_that_comes_when_the_service_has_settled_it_ends_with_1_and_says_so(config: str, said: str) -> None:
    in_journal(config, "intend", "note")
    with subprocess.Popen(
        [*commands.COMMAND, "--config", config, "resolve", "7", said],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
    ) as process:
        assert process.stdout is not None
        heard = b""
        while b"[y/N]" not in heard:  # the person reads, and the service goes on
            more = os.read(process.stdout.fileno(), 4096)
            assert more, heard
            heard += more
        in_journal(config, "settle")
        _, stderr = process.communicate(b"y\n", timeout=60)
    assert process.returncode == 1
    assert b"the launch of run 7 was settled meanwhile" in stderr
    assert b"Traceback" not in stderr
    assert in_journal(config) == ""


@pytest.mark.parametrize("job_id", ["", " relaunch?", "\x1b[2J", "-", "1-oozie-W\n", "a" * 201])
def test_what_is_no_id_of_a_job_ends_with_2_and_writes_nothing(config: str, job_id: str) -> None:
    in_journal(config, "intend", "note")
    ended = commands.done("--config", config, "resolve", "7", f"--launched={job_id}", "--yes")
    assert ended.returncode == 2
    assert "no id of a job" in " ".join(ended.stderr.replace("│", " ").split())
    assert "\x1b[2J" not in ended.stderr
    assert in_journal(config) == "7 in doubt None None"


def test_what_is_an_id_of_a_job_is_left_to_the_service_to_look_at(config: str) -> None:
    in_journal(config, "intend", "note")
    ended = commands.done("--config", config, "resolve", "7", "--launched=0000005-231123-oozie-oozi-W", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert in_journal(config) == "7 in doubt launched 0000005-231123-oozie-oozi-W"


def test_a_program_is_answered_in_json_and_never_asked(config: str) -> None:
    in_journal(config, "intend", "note")
    asked = commands.done("--config", config, "resolve", "7", "--failed", "--json")
    assert (asked.returncode, asked.stdout) == (2, "")
    ended = commands.done("--config", config, "resolve", "7", "--failed", "--yes", "--json")
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert (answer["through"], answer["orders"]) == ("journal", [])
    assert "7" in answer["said"]


def test_nothing_that_a_neighbour_wrote_moves_the_cursor_or_makes_a_line_of_its_own(config: str) -> None:
    evil = "x\x1b[2J\x9b2J\x1b]0;gone\x07\n9999  set aside since 2026"
    in_journal(config, "intend", "note", reason=evil, owner=f"bob{evil}")
    for command in (["doubts"], ["resolve", "7", "--failed", "--yes"]):
        ended = commands.done("--config", config, *command)
        assert ended.returncode == 0, ended.stderr
        assert "gone" in ended.stdout
        assert all(line.isprintable() for line in ended.stdout.split("\n"))
        assert not any(line.startswith("9999") for line in ended.stdout.splitlines())


@pytest.mark.parametrize("said", ["--relaunch", "--failed"])
def test_a_launch_between_its_intent_and_its_call_is_in_flight(config: str, said: str) -> None:
    in_journal(config, "intend", boot_id=call.current_boot_id(), begun=time.monotonic())
    ended = commands.done("--config", config, "resolve", "7", said, "--yes")
    assert ended.returncode == 1
    assert "still in flight" in ended.stderr
    assert in_journal(config) == "7 None None None"
