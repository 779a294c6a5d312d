"""The web page for real: a server on loopback, and what asks it over TCP."""

import asyncio
import contextlib
import dataclasses
import re
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from niassa_orch.config import listening
from niassa_orch.core import account_line, board
from niassa_orch.faces import door, web
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import ports


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    status: int
    text: str
    headers: dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    told: board.Board
    port: int
    client: aiohttp.ClientSession

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.client.request(method, url, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, await response.text(), dict(response.headers))


@pytest.fixture
def port() -> int:
    return ports.free()


@pytest.fixture
async def site(port: int) -> AsyncIterator[Site]:
    told = fakes.board_of()
    async with (
        web.served(told, listening.Web(listen=f"127.0.0.1:{port}")),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client,
    ):
        yield Site(told, port, client)


def read(told: board.Board, **states: account_line.State) -> None:
    """Profiles of these accounts were read."""
    for name, state in states.items():
        told.line(name).state = state
    told.keep(states)


async def test_prometheus_gets_openmetrics_and_everybody_else_text(site: Site) -> None:
    site.told.line("bob").state = account_line.State.OK
    asked = await site.ask("/metrics", Accept="application/openmetrics-text;version=1.0.0")
    assert asked.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    names = set(re.findall("^# HELP (\\w+) ", asked.text, re.MULTILINE))
    assert {"niassa_orch_account_state", "niassa_orch_freshness_seconds", "process_cpu_seconds"} <= names
    assert asked.text.endswith("# EOF\n")
    plain = await site.ask("/metrics")
    assert plain.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert 'niassa_orch_account_state{account="bob",state="ok"} 1.0' in plain.text


async def test_the_page_comes_with_a_policy_that_lets_a_browser_load_nothing_else(site: Site) -> None:
    site.told.line("<b>bob</b>").state = account_line.State.OK
    asked = await site.ask("/")
    assert (asked.status, asked.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "&lt;b&gt;bob" in asked.text
    assert 'http-equiv="refresh"' in asked.text
    assert 'http-equiv="refresh"' not in (await site.ask("/?stay")).text
    for answer in (asked, await site.ask("/healthz"), await site.ask("/nothing")):
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] == "niassa-orch"


async def test_it_is_alive_until_the_journal_or_the_trail_cannot_be_written(site: Site) -> None:
    assert await said(site, "/healthz") == (200, "alive\n")
    site.told.tell_journal("the disk is full")
    site.told.tell_audit("no\x1broom")
    status, text = await said(site, "/healthz")
    assert status == 503
    assert text == "nothing is launched: the disk is full\nnothing is launched: no\N{REPLACEMENT CHARACTER}room\n"
    site.told.tell_journal("")
    site.told.tell_audit("")
    assert await said(site, "/healthz") == (200, "alive\n")


async def test_it_is_ready_once_profiles_were_read_and_every_account_was_looked_at(site: Site) -> None:
    assert await said(site, "/readyz") == (503, "profiles were not read yet\n")
    read(site.told, alice=account_line.State.OK, bob=account_line.State.STARTING)
    assert await said(site, "/readyz") == (503, "not polled yet: bob\n")
    site.told.line("bob").state = account_line.State.BACKING_OFF
    assert await said(site, "/readyz") == (200, "ready\n")
    read(site.told, carol=account_line.State.STARTING)
    assert await said(site, "/readyz") == (200, "ready\n"), "who comes later makes it no less so"
    site.told.draining = True
    assert await said(site, "/readyz") == (503, "draining: no new work\n")


async def said(site: Site, path: str) -> tuple[int, str]:
    asked = await site.ask(path)
    return asked.status, asked.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        *(("HEAD", "/", 200), ("HEAD", "/metrics", 200), ("POST", "/", 405), ("DELETE", "/metrics", 405)),
        *(("GET", "/v1/picture", 404), ("GET", "/../etc/passwd", 404), ("GET", "/metrics/", 404), ("PUT", "/x", 404)),
    ],
)
async def test_what_is_not_there_is_not_there_and_nothing_can_be_changed(
    site: Site, method: str, path: str, status: int
) -> None:
    assert (await site.ask(path, method)).status == status


async def test_who_tries_to_change_something_is_told_what_may_be_done(site: Site) -> None:
    assert set((await site.ask("/metrics", "POST")).headers["Allow"].split(",")) == {"GET", "HEAD"}


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}", "[::1]"]
)
async def test_who_asks_this_machine_by_its_own_names_is_answered(site: Site, host: str) -> None:
    assert (await site.ask("/", Host=host.format(port=site.port))).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example"]
)
async def test_a_page_of_another_site_that_claims_our_address_reads_nothing(site: Site, host: str) -> None:
    site.told.line("bob")
    asked = await site.ask("/", Host=host)
    assert asked.status == 421
    assert "bob" not in asked.text


@pytest.mark.parametrize(
    "words",
    [
        *(b"garbage\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n"),
        *(
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
            b"GET /" + b"/" * 20_000 + b"\r\n",
        ),
        b"GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n",
    ],
    ids=range(7),
)
async def test_whoever_speaks_no_http_fills_no_log(site: Site, words: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(words)
    assert (await reader.readline()).split()[1] in (b"400", b"405")
    writer.close()
    assert (await site.ask("/healthz")).status == 200
    assert not [one for one in caplog.records if one.name.startswith("aiohttp")]
    assert [event.name for event in site.told.snapshot().events] == ["web.serving"]


async def test_a_port_that_is_taken_is_told_and_the_service_goes_on(site: Site) -> None:
    told = fakes.board_of()
    async with web.served(told, listening.Web(listen=f"127.0.0.1:{site.port}")):
        (event,) = told.snapshot().events
        assert (event.name, event.level) == ("web.unusable", board.Level.ERROR)
        assert f"127.0.0.1:{site.port} cannot be listened at: " in str(event.fields["reason"])
        assert "everything else goes on" in str(event.fields["reason"])
    assert (await site.ask("/healthz")).status == 200


async def test_nothing_listens_where_nobody_said_so_and_nobody_is_told(port: int) -> None:
    told = fakes.board_of()
    async with web.served(told, listening.Web()):
        assert told.snapshot().events == ()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_the_port_is_free_again_when_the_service_ends_though_somebody_holds_a_connection(port: int) -> None:
    where = listening.Web(listen=f"127.0.0.1:{port}")
    async with web.served(fakes.board_of(), where):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    writer.close()
    told = fakes.board_of()
    async with web.served(told, where):
        assert [event.name for event in told.snapshot().events] == ["web.serving"]


async def test_who_says_nothing_keeps_nobody_else_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async with contextlib.AsyncExitStack() as opened:
        silent = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(door.MOST_CONNECTIONS)]
        for _, writer in silent:
            opened.callback(writer.close)
        assert (await site.ask("/healthz")).status == 503, "all places are taken"
        now = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: now() + 11)
        assert (await site.ask("/healthz")).status == 200
        assert await silent[0][0].read() == b"", "the one that stayed longest had to go"


async def test_a_page_is_made_once_for_many_who_ask_at_once(site: Site) -> None:
    bodies = await asyncio.gather(*(site.ask("/metrics") for _ in range(30)))
    assert len({answer.text for answer in bodies}) == 1
