"""The web page as a browser shows it: headless Chromium reads it from a real server."""

import asyncio
import contextlib
import pathlib
import shutil
import struct
import tempfile
import zlib

import pytest

from niassa_orch.config import listening
from niassa_orch.core import account_line, board
from niassa_orch.domain import orders, runs
from niassa_orch.faces import web
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import ports
from tests.unit.faces import snapshots

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_SECONDS = 60.0
_ATTACK = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
_STOP_RED = (0xB3, 0x00, 0x00)


def told() -> board.Board:
    """A board with a stop, and an account whose texts attack."""
    made = fakes.board_of()
    for name in ("alice", _ATTACK):
        line = made.line(name)
        line.state, line.reason = account_line.State.BACKING_OFF, _ATTACK
        line.held = {runs.Accession(7): _ATTACK}
    made.ask_orders = lambda: (snapshots.ordered(orders.Kind.STOP, reason=_ATTACK),)
    made.event("run.moved", account=_ATTACK, reason=_ATTACK)
    return made


async def chromium(*words: str) -> str:
    """What it says; its home has a short name, since it makes a socket there."""
    assert CHROMIUM
    with tempfile.TemporaryDirectory(prefix="niorch-", ignore_cleanup_errors=True) as home:
        return await run(CHROMIUM, pathlib.Path(home), *words)


async def run(program: str, home: pathlib.Path, *words: str) -> str:
    argv = [
        *(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"),
        *("--disable-extensions", "--disable-background-networking", "--enable-logging=stderr", "--hide-scrollbars"),
        *(f"--user-data-dir={home / 'profile'}", *words),
    ]
    environment = {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "DBUS_SESSION_BUS_ADDRESS": "disabled:",
    }
    browser = await asyncio.create_subprocess_exec(
        *argv, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(_SECONDS):
            said, _ = await browser.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            browser.kill()
        await browser.wait()
    return said.decode(errors="replace")


def picture(file: pathlib.Path) -> tuple[int, int, set[tuple[int, ...]]]:
    """Width, height and the colours of a PNG picture of 8 bits a channel, not interlaced (RFC 2083)."""
    content, place, packed, width, height, channels = file.read_bytes(), 8, b"", 0, 0, 0
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        body = content[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", body)
            channels = {2: 3, 6: 4}[colour]
            assert depth == 8
        packed += body if kind == b"IDAT" else b""
        place += length + 12
    return width, height, colours(zlib.decompress(packed), width, channels)


def colours(rows: bytes, width: int, channels: int) -> set[tuple[int, ...]]:
    """Undoes the filters of each row."""
    stride, seen = width * channels, set()
    above = bytearray(stride)
    for begin in range(0, len(rows), stride + 1):
        kind, row = rows[begin], bytearray(rows[begin + 1 : begin + 1 + stride])
        for index in range(stride):
            left = row[index - channels] if index >= channels else 0
            corner = above[index - channels] if index >= channels else 0
            row[index] = (row[index] + guess(kind, left, above[index], corner)) & 255
        seen |= {tuple(row[index : index + 3]) for index in range(0, stride, channels)}
        above = row
    return seen


def guess(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        base = left + up - corner
        return min((left, up, corner), key=lambda one: abs(base - one))
    return (0, left, up, (left + up) // 2)[kind]


async def test_a_browser_shows_the_page_in_its_style_runs_nothing_and_complains_of_nothing(
    tmp_path: pathlib.Path,
) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium is installed (Debian: chromium): nobody has seen the page in a browser")
    port = ports.free()
    shot = tmp_path / "page.png"
    async with web.served(told(), listening.Web(listen=f"127.0.0.1:{port}")):
        url = f"http://127.0.0.1:{port}/?stay"
        complaints = await chromium("--window-size=500,700", f"--screenshot={shot}", url)
    # Where a text becomes markup, the policy keeps it from doing anything, and the browser says so.
    assert "CONSOLE" not in complaints, complaints
    width, height, seen = picture(shot)
    assert (width, height) == (500, 700)
    assert _STOP_RED in seen, "the stop is not red: the style is not what the policy allows"
