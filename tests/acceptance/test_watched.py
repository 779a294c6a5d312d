"""What systemd hears of the service, played by a socket of our own."""

import asyncio
import pathlib
import socket

import pytest

from tests.acceptance import stages


async def hear(hearing: socket.socket, wanted: str) -> list[str]:
    """All that is said up to the first that begins with ``wanted``."""
    said: list[str] = []
    while not said or not said[-1].startswith(wanted):
        said.append((await asyncio.get_running_loop().sock_recv(hearing, 4096)).decode())
    return said


async def test_systemd_is_told_of_the_start_of_each_beat_and_of_the_end(
    stage: stages.Stage, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hearing:
        hearing.bind(str(tmp_path / "notify"))
        (tmp_path / "notify").chmod(0o777)
        hearing.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        async with stage.service(), asyncio.timeout(60):
            assert await hear(hearing, "READY=1") == ["READY=1"]
            await hear(hearing, "WATCHDOG=1")
            await hear(hearing, "WATCHDOG=1")
        async with asyncio.timeout(60):
            await hear(hearing, "STOPPING=1")
