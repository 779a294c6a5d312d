"""A neighbour on loopback that says exactly the bytes that a test wants said.

A real server on a real socket, below any HTTP library, so that it can also break the rules: cut answers, garbage,
one byte at a time. It counts what it was asked. Used by the integration tests of the clients.
"""

import asyncio
import contextlib
import dataclasses
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Neighbour:
    """What the server was asked, and where it is. ``stopped`` ends answers that would take for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.url = ""
        self.connections = 0
        self.was_asked = asyncio.Event()
        self.stopped = asyncio.Event()

    @property
    def targets(self) -> list[str]:
        """``METHOD target`` of each request."""
        return [f"{asked.method} {asked.target}" for asked in self.asked]


#: Writes an answer. Returns whether the connection stays open.
Answer = Callable[[Neighbour, Asked, asyncio.StreamWriter], Awaitable[bool]]


def reply(status: int, body: bytes = b"", content_type: str = "application/xml", **headers: str) -> bytes:
    """A well-formed answer with a length."""
    lines = [f"HTTP/1.1 {status} Spoken", f"Content-Length: {len(body)}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def saying(*answers: bytes, keep: bool = True) -> Answer:
    """These answers one after another, then the last for ever. An empty one closes without a word."""
    left = list(answers)

    async def answer(_neighbour: Neighbour, _asked: Asked, writer: asyncio.StreamWriter) -> bool:
        spoken = left.pop(0) if len(left) > 1 else left[0]
        writer.write(spoken)
        await writer.drain()
        return keep and bool(spoken)

    return answer


async def silence(neighbour: Neighbour, _asked: Asked, _writer: asyncio.StreamWriter) -> bool:
    """No answer until the test ends."""
    await neighbour.stopped.wait()
    return False


def slow_for(part: str, released: asyncio.Event, answer: bytes) -> Answer:
    """What has this part in its target is answered once it is released; nothing else is ever answered."""

    async def wait(neighbour: Neighbour, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        await (released if part in asked.target else neighbour.stopped).wait()
        writer.write(answer)
        await writer.drain()
        return False

    return wait


def trickling(head: bytes, piece: bytes, pause_seconds: float) -> Answer:
    """A piece at a time, for ever: it defeats every time-out between two reads."""

    async def answer(neighbour: Neighbour, _asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(head)
        while not neighbour.stopped.is_set() and not writer.is_closing():
            writer.write(piece)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(neighbour.stopped.wait(), pause_seconds)
        return False

    return answer


@contextlib.asynccontextmanager
async def neighbour(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Neighbour]:
    """Serve on a free port of 127.0.0.1 while the context lasts."""
    here = Neighbour()
    talks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        writers.add(writer)
        here.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                asked = await _read(reader)
                here.asked.append(asked)
                here.was_asked.set()
                if not await answer(here, asked, writer):
                    break
        with contextlib.suppress(OSError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    here.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    try:
        yield here
    finally:
        here.stopped.set()
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*talks)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)
