"""Who means ill at the other end of the control socket: it costs nobody else anything, nor the log a line."""

import asyncio
import contextlib
import json
import os
import pathlib
import socket
import sqlite3
from collections.abc import AsyncIterator

import pytest

from niassa_orch import errors
from niassa_orch.control import client, connections, documents, place
from niassa_orch.core import board

NOBODY = 65_534


def connected(folder: pathlib.Path, uid: int = 0) -> socket.socket:
    """A connection of a user; the kernel remembers who that was at this moment."""
    asking = socket.socket(socket.AF_UNIX)
    with place.short(folder) as name:
        os.seteuid(uid)
        try:
            asking.connect(name)
        finally:
            os.seteuid(0)
    asking.setblocking(False)
    return asking


async def answered(asking: socket.socket) -> bytes:
    """What comes first; nothing from who hangs up."""
    async with asyncio.timeout(30):
        return await asyncio.get_running_loop().sock_recv(asking, 65_536)


async def request(folder: pathlib.Path, content: bytes) -> bytes:
    with connected(folder) as asking:
        await asyncio.get_running_loop().sock_sendall(asking, content)
        return await answered(asking)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"no HTTP\r\n\r\n", 400),
        (b"\x16\x03\x01\x02", 400),
        (b"GET /v1/runs HTTP/1.1\r\nHost: " + b"x" * 20_000 + b"\r\n\r\n", 400),
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"POST /v1/orders/drain HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n", 400),
        (b"POST /v1/orders/drain HTTP/1.1\r\nHost: o\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400),
        (b"POST /v1/orders/drain HTTP/1.1\r\nHost: o\r\nContent-Length: 99\r\nExpect: x\r\n\r\n", 417),
        (b"GET /v1/doubts?accession=" + b"9" * 20 + b" HTTP/1.1\r\nHost: o\r\n\r\n", 400),
        (b"GET /v1/events?after=-1 HTTP/1.1\r\nHost: o\r\n\r\n", 400),
        (b"GET /v1/nothing HTTP/1.1\r\nHost: o\r\n\r\n", 404),
        (b"DELETE /v1/runs HTTP/1.1\r\nHost: o\r\n\r\n", 405),
    ],
)
async def test_what_is_no_request_of_ours_is_refused_and_fills_no_log(
    folder: pathlib.Path, told: board.Board, caplog: pytest.LogCaptureFixture, content: bytes, status: int
) -> None:
    assert (await request(folder, content)).split(b" ")[1] == str(status).encode()
    assert told.snapshot().events == ()
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"all": true, "until": "9999-12-31T23:59:59-23:59"}', "cannot be understood"),
        ('{"all": true, "more": 1}', "more: Extra inputs are not permitted"),
        ('{"all": 7, "account": 7}', "account: Input should be a valid string; all: "),
        ('{"accession": 9999999999999999999}', "accession: "),
    ],
)
async def test_an_order_that_cannot_be_is_refused_in_words_of_one_line(
    folder: pathlib.Path, told: board.Board, body: str, words: str
) -> None:
    head = f"POST /v1/orders/pause HTTP/1.1\r\nHost: o\r\nContent-Length: {len(body)}\r\n\r\n"
    answer = await request(folder, f"{head}{body}".encode())
    assert answer.startswith(b"HTTP/1.1 400 ")
    said = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    assert words in said
    assert "\n" not in said
    assert told.snapshot().events == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
async def test_who_takes_all_connections_of_his_own_keeps_nobody_else_out(folder: pathlib.Path) -> None:
    await asyncio.to_thread(folder.chmod, 0o755)
    with contextlib.ExitStack() as opened:
        for _ in range(connections.MOST_OF_ONE):
            opened.enter_context(connected(folder, NOBODY))
        refused = await answered(opened.enter_context(connected(folder, NOBODY)))
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"too many connections" in refused
        async with client.connected(folder) as service:
            assert (await service.order("pause", documents.OrderBody(account="bob")))["said"].startswith("paused")
    async with asyncio.timeout(30):
        while True:
            with connected(folder, NOBODY) as again:
                await asyncio.get_running_loop().sock_sendall(again, b"GET /v1/picture HTTP/1.1\r\nHost: o\r\n\r\n")
                if (await answered(again)).startswith(b"HTTP/1.1 200 "):
                    break


async def test_who_looks_too_often_at_once_is_told_so_and_may_still_give_orders(folder: pathlib.Path) -> None:
    async with client.connected(folder) as service, contextlib.AsyncExitStack() as opened:
        waiting = [
            asyncio.ensure_future(anext(service.events(follow=True))) for _ in range(connections.MOST_OF_ONE - 16)
        ]
        opened.push_async_callback(asyncio.wait, waiting)
        for one in waiting:
            opened.callback(one.cancel)
        async with asyncio.timeout(30):
            while True:
                try:
                    await service.snapshot()
                except errors.ControlError as exc:
                    assert "try again" in str(exc)
                    break
        assert (await service.order("pause", documents.OrderBody(account="bob")))["said"].startswith("paused")


@contextlib.asynccontextmanager
async def locked(journal: pathlib.Path) -> AsyncIterator[None]:
    """Nobody else writes into the journal meanwhile."""
    with contextlib.closing(sqlite3.connect(journal, isolation_level=None)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        yield
        holding.execute("ROLLBACK")


async def test_an_order_whose_sender_left_is_carried_out_once_before_the_service_ends(
    tmp_path: pathlib.Path, folder: pathlib.Path, serving: contextlib.AsyncExitStack
) -> None:
    trail = tmp_path / "audit" / "bob.jsonl"
    async with locked(tmp_path / "journal.sqlite"):
        body = b'{"account": "bob", "reason": "disk"}'
        head = b"POST /v1/orders/pause HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n" % len(body)
        with connected(folder) as asking:
            await asyncio.get_running_loop().sock_sendall(asking, head + body)
            async with asyncio.timeout(30):
                while not await asyncio.to_thread(trail.exists):
                    pass
        ending = asyncio.create_task(serving.aclose())
        await asyncio.wait([ending], timeout=1.5)
        assert not ending.done()
    await ending
    entries = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [entry["what"] for entry in entries] == ["pause", "pause"]
    assert entries[1]["result"].startswith("paused, propagation too, for bob")
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal:
        assert journal.execute("SELECT account, reason FROM orders").fetchall() == [("bob", "disk")]
