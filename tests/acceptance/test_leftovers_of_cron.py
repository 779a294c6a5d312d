"""A crontab that is still there: it holds the engine's lock, or launches our runs under another ``--host``."""

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator

import pytest

from niassa_orch.sandbox import layout, unix_users, up
from tests.acceptance import books, machine, stages

pytestmark = pytest.mark.real_users

#: An engine that waits for its lock for as long as a test may last.
PATIENT = up.Behaviour(engine=layout.EngineOptions(jvm_seconds=0.1, lock_tries=2000, lock_pause_seconds=0.05))
#: The lock of an engine call without ``--host``.
OURS = f"seqware-{socket.getfqdn()}.lock"
#: Holds a lock as JUnique does, until its standard input ends.
HOLD = """
import fcntl, os, sys
folder = os.path.expanduser("~/.junique")
os.makedirs(folder, exist_ok=True)
file = open(os.path.join(folder, sys.argv[1]), "a")
fcntl.lockf(file, fcntl.LOCK_EX)
print("HELD", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def process_of(people: stages.People, user: unix_users.UnixUser, *argv: str) -> Iterator["subprocess.Popen[str]"]:
    """A process of this user's, ended with all its children."""
    pipe = subprocess.PIPE
    with people.made.popen(user, argv, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def holder(people: stages.People, user: unix_users.UnixUser, name: str) -> Iterator["subprocess.Popen[str]"]:
    """Somebody who holds a lock of the user's."""
    python = shutil.which("python3", path="/usr/bin:/bin") or ""
    with process_of(people, user, python, "-c", HOLD, name) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "HELD\n"
        yield process


async def said(process: "subprocess.Popen[str]", text: str) -> None:
    """Wait until a line of a process has this text."""

    def read() -> None:
        assert process.stdout is not None
        seen = []
        for line in process.stdout:
            seen.append(line)
            if text in line:
                return
        raise AssertionError("".join(seen))

    await asyncio.to_thread(read)


def seqware(stage: stages.Stage, *words: str) -> list[str]:
    """What a line of the crontab calls."""
    return [str(stage.place.engine), "workflow-run", "launch-scheduled", *words]


async def test_launches_wait_for_a_crontab_that_works_and_go_on_when_it_has_ended(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    alice = people.made["alice"]
    async with stages.of_people(open_directory, people) as stage:
        long = await stage.schedule("alice", "align:300", engine="whitestar", host="elsewhere")
        with process_of(people, alice, *seqware(stage, "--accession", str(long))) as cron:
            await said(cron, "Running step")
            async with stage.service() as service:
                mine = await stage.schedule("alice")
                others = await stage.schedule("bob")
                told = await service.tells("launch.waiting_for_lock", account="alice")
                named = re.fullmatch(
                    rf"the engine lock of {alice.name} is held by pid (\d+) "
                    r"\(python3 \.\.\. workflow-run launch-scheduled\)",
                    told["reason"],
                )
                assert named is not None, told
                assert int(named[1]) in machine.processes_of_user(alice.uid)
                assert told.level == "warning"
                await stage.web.reach("completed", others)
                await stage.web.polls()
                assert await stage.web.statuses(mine) == ["submitted"]
                assert len(service.events("launch.called", accessions=mine)) == 1, "no engine is started to ask"
                os.killpg(cron.pid, signal.SIGKILL)
                await stage.web.reach("completed", mine)
                await service.tells("launch.recovered", account="alice")
                assert len(service.events("launch.waiting_for_lock")) == 1
                assert service.events("launch.backing_off") == []
                assert len(service.events("launch.called", accessions=mine)) == 2
            await stage.launched_once(mine, others)
            assert "failed" not in await stage.web.statuses(mine)


async def test_launches_go_on_in_the_next_beat_when_whoever_held_the_lock_is_gone(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    alice = people.made["alice"]
    async with stages.of_people(open_directory, people) as stage:
        mine = await stage.schedule("alice")
        with holder(people, alice, OURS) as process:
            async with stage.service() as service:
                told = await service.tells("launch.waiting_for_lock", account="alice")
                assert told["reason"] == f"the engine lock of {alice.name} is held by pid {process.pid} (python3 ...)"
                await stage.web.polls()
                process.kill()
                await stage.web.reach("completed", mine)
                assert len(service.events("launch.called", accessions=mine)) == 2
            await stage.launched_once(mine)


@pytest.mark.parametrize(("launch", "jobs"), [("", 1), ("fails", 0)])
async def test_a_run_that_a_crontab_with_another_host_took_first_is_left_in_peace_and_launched_once(
    people: stages.People, open_directory: pathlib.Path, launch: str, jobs: int
) -> None:
    alice = people.made["alice"]
    async with stages.of_people(open_directory, people, behaviour=PATIENT) as stage:
        mine = await stage.schedule("alice", "align:1", launch=launch)
        with holder(people, alice, OURS) as waiting:
            # Our engine is called after the last look at the run, and has not listed the runs yet.
            async with stage.service() as service:
                await service.tells("launch.called", accessions=mine)
                await books.until("our engine", lambda: _has_begun(stage))
                with process_of(people, alice, *seqware(stage, "--host", stages.HOST)) as cron:
                    await said(cron, f"Launching via new launcher: {mine}")
                    assert await asyncio.to_thread(cron.wait, 60) == 0
                waiting.kill()
                told = await service.tells("launch.elsewhere", accession=mine)
                assert "somebody else" in told["reason"]
                # What became of it is followed all the same.
                await stage.web.reach("completed" if jobs else "failed", mine)
                assert len(service.events("launch.called")) == 1
                for lie in ("launch.held", "launch.failed", "launch.waiting_for_lock"):
                    assert service.events(lie) == []
        assert len(await stage.oozie.jobs(mine)) == jobs


async def _has_begun(stage: stages.Stage) -> bool | None:
    """Whether the mediator has called the engine."""
    return any(b"Could not acquire lock" in transcript.read_bytes() for transcript in stage.transcripts()) or None
