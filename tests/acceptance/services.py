"""The real service as a process of its own: started as an administrator does, heard by its event lines, ended by pid.

Its output goes to a file, so that it can be read at any moment, also after a SIGKILL. Used by ``stages``.
"""

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import re
import signal

from tests.acceptance import books

_FIELD = re.compile(r'([\w.-]+)=("(?:[^"\\]|\\.)*"|\S*)')
_ENDING_SECONDS = 45


@dataclasses.dataclass(frozen=True, slots=True)
class Event:
    """One event line: its level, its name, its fields as texts."""

    level: str
    name: str
    fields: dict[str, str]

    def __getitem__(self, field: str) -> str:
        return self.fields[field]


class Service:
    """A running ``niassa-orch``.

    Args:
        process: Just started.
        output: Where its standard output and errors go.
    """

    def __init__(self, process: asyncio.subprocess.Process, output: pathlib.Path) -> None:
        self.process = process
        self.output = output

    @property
    def text(self) -> str:
        """All that it has said."""
        return self.output.read_text("utf-8")

    def events(self, name: str, **fields: object) -> list[Event]:
        """The events of this name, with these fields among theirs."""
        wanted = {key: str(value) for key, value in fields.items()}
        found = [event for event in map(_parse, self.text.splitlines()) if event is not None and event.name == name]
        return [event for event in found if wanted.items() <= event.fields.items()]

    def all_events(self) -> list[Event]:
        """Every event, oldest first."""
        return [event for event in map(_parse, self.text.splitlines()) if event is not None]

    async def tells(self, name: str, *, seconds: float = 60, **fields: object) -> Event:
        """Wait for an event."""

        async def look() -> Event | None:
            return next(iter(self.events(name, **fields)), None)

        return await books.until(f"event {name} {fields}", look, seconds)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the service alone, if it has not ended."""
        # Not process.send_signal(), which looks first and may reap it under asyncio's own watcher: exit code 255 then.
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    async def ended(self, seconds: float = _ENDING_SECONDS) -> int:
        """Its exit code, once it has ended by itself."""
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def drain(self) -> int:
        """SIGTERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """SIGKILL, without a word of farewell."""
        self.signal(signal.SIGKILL)
        await self.process.wait()


def _parse(line: str) -> Event | None:
    words = line.split(" ", 3)
    if len(words) < 3 or not words[0].endswith("Z"):
        return None
    rest = words[3] if len(words) > 3 else ""
    return Event(words[1], words[2], {key: _unquoted(value) for key, value in _FIELD.findall(rest)})


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), value[1:-1])
