"""Calls that outlive us are known by the lock on their transcript and by nothing else: neither ``/proc`` nor a process
id has a say in it.
"""

import contextlib
import json
import os
import pathlib
import pwd
import signal
import subprocess
from collections.abc import Iterator

import pytest

from niassa_orch.seqware import call
from tests.acceptance import books, engine_calls, killed_calls, machine, services, stages

_LAST_PID = pathlib.Path("/proc/sys/kernel/ns_last_pid")
_HIDE = 'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid="$0" --regid="$0" --clear-groups -- "$@"'


@pytest.mark.real_users
async def test_with_other_users_processes_hidden_a_call_outlives_sudo_and_the_service_and_is_adopted(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    uid = people.made["alice"].uid
    async with stages.of_people(open_directory, people, crew=_hidden(people)) as stage:
        # Its engine stops itself before it submits, and works as long as this test likes.
        mine = await stage.schedule("alice", launch="silent_after_submit", pause="1")
        async with stage.service() as service:
            engines = await books.until("an engine that stopped itself", lambda: _stopped(uid))
            [transcript] = stage.transcripts("open")
            assert not _sees(service, engines[0])
            assert _sees(service, service.process.pid)
            machine.signal_all(_sudos(people), signal.SIGKILL)
            await service.kill()
        assert call.is_held(transcript)
        async with stage.service() as service:
            await service.tells("recovery.adopted", accessions=mine)
            later = await stage.schedule("alice")
            await stage.web.polls()
            assert await stage.oozie.jobs() == []
            assert service.events("launch.called") == []
            machine.signal_all(engines, signal.SIGCONT)
            await stage.web.reach("completed", mine, later)
            assert service.events("launch.called", accessions=mine) == []
        await stage.launched_once(mine, later)


async def test_a_process_id_that_somebody_else_has_by_now_keeps_no_call_alive(stage: stages.Stage) -> None:
    calls = killed_calls.Killer(stage)
    mine = await stage.schedule("alice", launch="silent_after_submit", pause="1")
    async with stage.service() as service:
        family = (await books.until("an engine that stopped itself", calls.any_stopped))[mine]
        [transcript] = stage.transcripts("open")
        await service.kill()
    os.kill(family["engine"], signal.SIGCONT)
    await engine_calls.ended(transcript)
    [begin] = [json.loads(line) for line in transcript.read_text().splitlines() if '"begin"' in line]
    await books.until("a process id that is free", lambda: _is_free(begin["pid"]))
    with _somebody_with(begin["pid"]):
        async with stage.service() as service:
            await service.tells("recovery.to_settle", accessions=mine)
            await stage.web.reach("completed", mine)
            assert service.events("recovery.adopted") == []
    await stage.launched_once(mine)


def _hidden(people: stages.People) -> stages.Crew:
    """The service as its own user, to whom ``/proc`` shows nobody else's processes."""
    crew = people.crew()
    uid = pwd.getpwnam(str(crew.user)).pw_uid
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", _HIDE, str(uid))
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("needs to mount a /proc with hidepid=2 in a namespace of its own")
    return stages.Crew((*prefix, *crew.argv), None, crew.environment)


def _sees(service: services.Service, pid: int) -> bool:
    """Whether ``/proc`` shows a process to the service."""
    enter = ["nsenter", f"--target={service.process.pid}", "--mount", "setpriv", "--clear-groups"]
    user = pathlib.Path(f"/proc/{service.process.pid}").stat().st_uid
    look = [f"--reuid={user}", f"--regid={user}", "--", "test", "-e", f"/proc/{pid}"]
    return subprocess.run([*enter, *look], check=False).returncode == 0


def _sudos(people: stages.People) -> list[int]:
    words = b"\0".join((b"sudo", b"-n"))
    mediator = str(people.made.mediator).encode()

    def is_sudo(entry: pathlib.Path) -> bool:
        said = (entry / "cmdline").read_bytes()
        return said.startswith(words) and mediator in said

    found = machine.processes(is_sudo)
    assert found
    return found


@contextlib.contextmanager
def _somebody_with(pid: int) -> Iterator[None]:
    """A stranger's process with this id; skips the test where ids cannot be chosen."""
    for _ in range(200):
        try:
            _LAST_PID.write_text(str(pid - 1))
        except OSError as exc:
            pytest.skip(f"needs to choose a process id (as root): {exc}")
        with subprocess.Popen(["sleep", "600"]) as somebody:
            try:
                if somebody.pid == pid:
                    yield
                    return
            finally:
                somebody.kill()
    pytest.skip(f"somebody else has the process id {pid} already")


async def _stopped(uid: int) -> list[int] | None:
    return machine.stopped_of_user(uid) or None


async def _is_free(pid: int) -> bool | None:
    return not machine.is_taken(pid) or None
