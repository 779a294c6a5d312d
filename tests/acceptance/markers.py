"""Passwords that are looked for everywhere: in texts, in files, and in what other users can see of processes.

Every spelling counts that a library, a log or a terminal may give them. Used by ``test_secrets``.
"""

import asyncio
import base64
import contextlib
import html
import json
import pathlib
import re
import urllib.parse
from collections.abc import AsyncIterator, Collection, Iterable

import javaproperties

from niassa_orch.sandbox import layout
from tests.acceptance import machine

#: What a terminal is told beside texts.
_ANSI = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]")
_BLANKS = re.compile(rb"\s+|\xe2[\x94-\x95][\x80-\xbf]")


def spellings(account: layout.SandboxAccount) -> frozenset[bytes]:
    """All ways in which the password of an account may be written, its first half among them."""
    password, login = account.password, f"{account.web_user}:{account.password}"
    half = password[: len(password) // 2]
    tokens = [base64.b64encode(text.encode()).decode() for text in (login, password)]
    tokens += [base64.urlsafe_b64encode(text.encode()).decode() for text in (login, password)]
    found = [password, half, *tokens, *(token.rstrip("=") for token in tokens)]
    for text in (password, half):
        found += [urllib.parse.quote(text), urllib.parse.quote(text, safe=""), urllib.parse.quote_plus(text)]
        found += [repr(text)[1:-1], json.dumps(text)[1:-1], html.escape(text), javaproperties.escape(text)]
        found += [text.encode().hex()]
    return frozenset(text.encode() for text in found)


def seen_in(content: bytes, marks: Collection[bytes]) -> bytes | None:
    """The first spelling that a content holds, also where a terminal folded it."""
    squeezed = _squeezed(content)
    return next((mark for mark in marks if mark in content or _squeezed(mark) in squeezed), None)


def seen_below(directories: Iterable[pathlib.Path], marks: Collection[bytes]) -> list[tuple[pathlib.Path, bytes]]:
    """Files that hold a spelling, or have it in their names."""
    found = []
    for directory in directories:
        for path in directory.rglob("*"):
            content = bytes(path) + (b"\n" + path.read_bytes() if path.is_file() else b"")
            mark = seen_in(content, marks)
            if mark is not None:
                found.append((path, mark))
    return found


class Watch:
    """What can be seen of processes while the service works.

    Args:
        own: What the command line of the service and of its commands holds: their own environment may have a password.
        marks: Spellings.
    """

    def __init__(self, own: bytes, marks: Collection[bytes]) -> None:
        self._own = own
        self._marks = marks
        self._clean: set[bytes] = set()
        self.command_lines: set[bytes] = set()
        self.leaks: set[bytes] = set()

    def look(self) -> None:
        """At every process that there is."""
        machine.processes(self._look)

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Look again and again inside the block."""
        watching = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _keep_looking(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(0.02)  # between two looks

    def _look(self, entry: pathlib.Path) -> bool:
        command = (entry / "cmdline").read_bytes()
        if self._own not in command:
            self.command_lines.add(command)
            both = command + b"\0" + (entry / "environ").read_bytes()
            if both in self._clean:
                return False
            if any(mark in both for mark in self._marks):
                self.leaks.add(command)
            else:
                self._clean.add(both)
        return False


def _squeezed(content: bytes) -> bytes:
    return _BLANKS.sub(b"", _ANSI.sub(b"", content))
