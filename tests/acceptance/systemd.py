"""A real systemd with one unit, the service: process 1 of namespaces of its own, gone with them at the end.

It sees the machine's files, those below ``/etc``, ``/usr`` and ``/var`` read-only, has its own ``/run`` and ``/proc``,
and a cgroup of its own. Used by ``test_systemd``.
"""

import asyncio
import contextlib
import os
import pathlib
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from tests.acceptance import books, services

_PROGRAM = pathlib.Path("/lib/systemd/systemd")
_NAMESPACES = ("--pid", "--mount", "--cgroup", "--ipc", "--uts")
#: In the new namespaces, before systemd; $1 is where the units lie.
_PREPARE = f"""
set -e
mount --make-rprivate /
mount -t proc proc /proc
for part in /etc /usr /var; do mount --bind $part $part; mount -o remount,bind,ro $part; done
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
mount --bind "$1" /run/systemd/system
for device in console kmsg; do test ! -e /dev/$device || mount --bind /dev/null /dev/$device; done
umount --lazy --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
container=niorch exec {_PROGRAM} --system --unit=niorch.target --log-target=null
"""
_UNIT = """[Unit]
DefaultDependencies=no
[Service]
Type=exec
User={user}
KillMode=process
Restart=always
RestartSec=0.2
TimeoutStopSec=30
WorkingDirectory=/
StandardOutput=append:{output}
StandardError=append:{output}
{environment}
ExecStart={command}
"""


class Machine:
    """A systemd that runs; ``said`` is what its unit ``niorch.service`` has said.

    Args:
        pid: Of systemd, as we see it.
        said: Of the unit, in all its lives.
    """

    def __init__(self, pid: int, said: services.Service) -> None:
        self._pid = pid
        self.said = said

    async def systemctl(self, *words: str) -> str:
        """What ``systemctl`` says there; raises AssertionError when it does not work."""
        process = await asyncio.create_subprocess_exec(
            *("nsenter", f"--target={self._pid}", *_NAMESPACES, "systemctl", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        assert process.returncode == 0, f"systemctl {' '.join(words)}: {out.decode()}"
        return out.decode().strip()

    async def main_pid(self) -> int:
        """The main process of the unit, by its number there."""
        return int(await self.systemctl("show", "--property=MainPID", "--value", "niorch.service"))


@contextlib.asynccontextmanager
async def booted(
    directory: pathlib.Path, user: str, command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Machine]:
    """A systemd that serves, for as long as the context lasts; skips the test where there can be none."""
    cgroup = _cgroup()
    units, output = directory / "units", directory / "said"
    units.mkdir()
    lines = "\n".join(f'Environment="{key}={value}"' for key, value in environment.items())
    unit = _UNIT.format(user=user, output=output, environment=lines, command=" ".join(command))
    (units / "niorch.service").write_text(unit)
    (units / "niorch.target").write_text("[Unit]\nDefaultDependencies=no\n")
    output.touch()
    enter = f'echo $$ > {cgroup}/cgroup.procs; exec unshare --fork {" ".join(_NAMESPACES)} sh -c "$0" prepare "$1"'
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", enter, _PREPARE, str(units)), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    try:
        pid = await _first_child(process)
        machine = Machine(pid, services.Service(process, output))
        await books.until("a systemd that answers", lambda: _answers(machine))
        yield machine
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(_child(process.pid) or process.pid, signal.SIGKILL)
        await process.communicate()
        await books.until("a cgroup without processes", lambda: _is_removed(cgroup))


def _cgroup() -> pathlib.Path:
    """A new cgroup of our own, in the unified hierarchy."""
    if os.geteuid() != 0 or not _PROGRAM.exists():
        pytest.skip(f"needs root, and systemd as {_PROGRAM}")
    mounts = [line.split() for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    unified = [words[4] for words in mounts if "cgroup2" in words[words.index("-") :]]
    try:
        return pathlib.Path(tempfile.mkdtemp(prefix="niorch-", dir=unified[0]))
    except (OSError, IndexError) as exc:
        pytest.skip(f"needs a cgroup2 in which a cgroup can be made: {exc}")


def _child(pid: int) -> int | None:
    try:
        found = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return None
    return int(found[0]) if found else None


async def _first_child(process: asyncio.subprocess.Process) -> int:
    async def look() -> int | None:
        if process.returncode is not None and process.stderr is not None:
            pytest.skip(f"needs namespaces of its own: {(await process.stderr.read()).decode().strip()}")
        return _child(process.pid)

    return await books.until("a first process", look)


async def _answers(machine: Machine) -> bool | None:
    with contextlib.suppress(AssertionError):
        return await machine.systemctl("is-active", "niorch.target") == "active" or None
    return None


async def _is_removed(cgroup: pathlib.Path) -> bool | None:
    with contextlib.suppress(OSError):
        _remove(cgroup)
        return True
    return None


def _remove(cgroup: pathlib.Path) -> None:
    """Remove a cgroup and those below it; raises OSError while a process of it lives."""
    for folder in sorted((entry for entry in cgroup.rglob("*") if entry.is_dir()), reverse=True):
        folder.rmdir()
    cgroup.rmdir()
