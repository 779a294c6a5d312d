"""The audit trail: what is in it, and what is not done when it cannot be written."""

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import select
import typing
from collections.abc import Iterator

import pytest

from niassa_orch import errors
from niassa_orch.core import audit, enrolling
from niassa_orch.domain import jobs, runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import beats_within_limits as scenes
from tests.unit.core import propagation

KILL = audit.Entry("kill", "bob", "niassa-bob", accession=runs.Accession(7), details={"job": "7-W"})


@pytest.fixture
def directory(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "audit"


@pytest.fixture
def told() -> list[str]:
    """What faces are told of the trail."""
    return []


@pytest.fixture
def trail(directory: pathlib.Path, told: list[str]) -> Iterator[audit.Trail]:
    made = audit.Trail(directory, lambda text: text.replace("s3cret", "***"), told.append)
    with contextlib.closing(made):
        yield made


@pytest.fixture
def known(stage: stages.Stage, trail: audit.Trail) -> enrolling.Enrolled:
    """Bob, whose trail is written."""
    stage.known = dataclasses.replace(stage.known, trail=trail)
    return stage.known


def entries(directory: pathlib.Path, name: str = "bob") -> list[dict[str, typing.Any]]:
    """All lines of a file that are whole."""
    return [json.loads(line) for line in (directory / f"{name}.jsonl").read_text("utf-8").splitlines()]


def block(directory: pathlib.Path, name: str = "bob") -> None:
    """Bob's file cannot be written: also not by root, who runs these tests."""
    (directory / f"{name}.jsonl").mkdir(parents=True)


def said(directory: pathlib.Path) -> list[tuple[str, int, str]]:
    return [(one["what"], one["accession"], one["result"]) for one in entries(directory)]


def launches(directory: pathlib.Path) -> list[str]:
    """Runs and first words of results."""
    return [f"{number} {result.partition(':')[0]}" for what, number, result in said(directory) if what == "launch"]


async def test_an_entry_says_who_did_what_as_whom_and_holds_no_secret(
    trail: audit.Trail, directory: pathlib.Path
) -> None:
    await trail.begin(dataclasses.replace(KILL, details={"job": "7-W", "why": "s3cret\nline"}))
    trail.note(dataclasses.replace(KILL, result="KILLED"))
    trail.close()
    first, second = entries(directory)
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "what": "kill",
        "account": "bob",
        "unix_user": "niassa-bob",
        "operator": "service",
        "accession": 7,
        "details": {"job": "7-W", "why": "***\nline"},
        "result": "",
    }
    assert second["result"] == "KILLED"
    assert (directory / "bob.jsonl").stat().st_mode & 0o077 & ~0o040 == 0


async def test_a_file_that_was_moved_away_is_begun_anew_and_a_cut_line_swallows_no_other(
    trail: audit.Trail, directory: pathlib.Path
) -> None:
    await trail.begin(KILL)
    (directory / "bob.jsonl").rename(directory / "bob.jsonl.1")
    (directory / "bob.jsonl").write_text('{"cut')
    await trail.begin(KILL)
    cut, whole, end = (directory / "bob.jsonl").read_text().split("\n")
    assert (cut, json.loads(whole)["what"], end) == ('{"cut', "kill", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files that are another user's")
async def test_what_root_begins_is_the_service_users(trail: audit.Trail, directory: pathlib.Path) -> None:
    os.chown(directory.parent, 4711, 4712)
    await trail.begin(KILL)
    for made in (directory, directory / "bob.jsonl"):
        assert (made.stat().st_uid, made.stat().st_gid) == (4711, 4712)


async def test_a_trail_that_cannot_be_written_is_told_until_it_can(
    trail: audit.Trail, directory: pathlib.Path, told: list[str]
) -> None:
    block(directory)
    with pytest.raises(errors.AuditError, match="cannot be written"):
        await trail.begin(KILL)
    await trail.begin(dataclasses.replace(KILL, account="eve"))
    assert "bob.jsonl" in trail.trouble
    with pytest.raises(errors.AuditError):
        await trail.check("bob")
    await trail.check("eve")
    (directory / "bob.jsonl").rmdir()
    await trail.check("bob")
    await asyncio.sleep(0)
    assert (trail.trouble, len(told), told[-1]) == ("", 2, "")


async def test_a_disk_that_hangs_keeps_nobody_waiting_and_is_told_until_it_answers(
    trail: audit.Trail, directory: pathlib.Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that is full, in the place of the file, hangs as a file server does that is gone."""
    monkeypatch.setattr(audit, "_SLOW_SECONDS", 1.0)
    block(directory, "eve")
    os.mkfifo(directory / "bob.jsonl")
    descriptor = os.open(directory / "bob.jsonl", os.O_RDWR | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 65536)
    try:
        with pytest.raises(errors.AuditError, match="not taken an entry for 1 s"):
            await trail.begin(KILL)
        with pytest.raises(errors.AuditError, match="not taken an entry"):
            await trail.check("bob")
        assert ["not taken an entry" in said for said in told] == [True]
        (directory / "bob.jsonl").rename(directory / "hung")
    finally:
        while select.select([descriptor], [], [], 0)[0]:
            os.read(descriptor, 65536)
        trail.close()
        os.close(descriptor)
    [left] = entries(directory)
    assert (left["what"], left["result"]) == ("kill", "not done: its disk has not taken an entry for 1 s")


async def test_a_launch_is_in_the_trail_before_the_engine_is_called_and_so_is_what_came_of_it(
    stage: stages.Stage, known: enrolling.Enrolled, trail: audit.Trail, directory: pathlib.Path
) -> None:
    scenes.schedule(stage, 1, 2)
    stage.bar(1)
    stage.says(*_well(1, 2), gate=True)
    scene = scenes.Scene(stage)
    scene.launcher.offer(known, stages.rows(stage))
    async with stage.at_gate(1):
        assert said(directory) == [("launch", 1, ""), ("launch", 2, "")]
    await scene.launcher.join()
    trail.close()
    assert launches(directory)[2:] == ["1 launched", "2 launched"]


async def test_nothing_is_launched_that_is_not_in_the_trail_and_all_of_it_once_it_can_be_written(
    stage: stages.Stage, known: enrolling.Enrolled, directory: pathlib.Path
) -> None:
    block(directory)
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    scene = scenes.Scene(stage)
    await scene.beat(known)
    assert (stage.called, stage.unsettled()) == ([], {})
    assert "cannot be written" in scene.launcher.trouble
    (directory / "bob.jsonl").rmdir()
    stage.clock.advance(600)
    await scene.beat(known)
    assert stage.called == ["launch 1"]
    assert scene.launcher.trouble == ""


async def test_a_process_that_ends_between_the_intent_and_the_trail_launches_the_run_once_in_its_next_life(
    stage: stages.Stage, known: enrolling.Enrolled, trail: audit.Trail, directory: pathlib.Path
) -> None:
    scenes.schedule(stage, 1)
    scenes.launch_well(stage, 1)
    await stage.intend(1)
    stage.restart()
    scene = scenes.Scene(stage)
    await scene.beat(known)
    await scene.beat(known)
    assert stage.called == ["launch 1"]
    trail.close()
    assert launches(directory) == ["1 clean", "1 ", "1 launched"]


async def test_a_kill_that_cannot_be_written_down_is_not_sent(
    stage: stages.Stage, known: enrolling.Enrolled, trail: audit.Trail, directory: pathlib.Path
) -> None:
    scene = propagation.Scene(stage)
    scene.run(runs.RunStatus.SUBMITTED_CANCEL, jobs.JobStatus.RUNNING)
    block(directory)
    with pytest.raises(errors.AuditError):
        await scene.propagate()
    assert (scene.acts, scene.puts, known.trail.trouble != "") == ([], 0, True)
    (directory / "bob.jsonl").rmdir()
    assert await scene.propagate() is runs.RunStatus.CANCELLED
    trail.close()
    assert said(directory) == [
        ("kill", 7, ""),
        ("kill", 7, "KILLED, run 0"),
        ("write", 7, ""),
        ("write", 7, "taken"),
    ]


async def test_what_a_job_came_to_is_written_to_the_web_service_though_the_trail_cannot_be(
    stage: stages.Stage, known: enrolling.Enrolled, directory: pathlib.Path
) -> None:
    scene = propagation.Scene(stage)
    scene.run(runs.RunStatus.RUNNING, jobs.JobStatus.SUCCEEDED)
    block(directory)
    assert await scene.propagate() is runs.RunStatus.COMPLETED
    await stage.until(lambda: bool(known.trail.trouble))


def _well(*accessions: int) -> list[str]:
    lines = (line for a in accessions for line in calls.launching(a, f"/w/oozie-{a}", f"{a}-oozie-W"))
    return list(calls.whole(*lines))
