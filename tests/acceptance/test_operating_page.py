"""docs/operating.md as whoever is paged reads it: what a page says to type is typed, and what it shows is seen."""

import asyncio
import contextlib
import os
import pathlib
import re
import shutil
import sys
from collections.abc import AsyncIterator

import pytest

from niassa_orch.sandbox import layout, up
from tests.acceptance import books, machine, services
from tests.documents import operating_page

_PROGRAM = (sys.executable, "-m", "niassa_orch")
PAGE = operating_page.read()
#: What these do to the sandbox the others would see.
ONE_BY_ONE = (
    "the-web-service-does-not-answer",
    "oozie-does-not-answer",
    "nothing-is-polled",
    "the-audit-trail-cannot-be-written",
)
#: Whoever reads waits for what the page says, however long this machine takes for it, and not for seconds.
_SLEEP = "sleep() { read -r _; }"


@contextlib.asynccontextmanager
async def _process(output: pathlib.Path, *words: str) -> AsyncIterator[services.Service]:
    with output.open("wb") as stream:
        streams = {"stdin": asyncio.subprocess.DEVNULL, "stdout": stream, "stderr": stream}
        process = await asyncio.create_subprocess_exec(*_PROGRAM, *words, **streams)  # type: ignore[arg-type]
    running = services.Service(process, output)
    try:
        yield running
        assert await running.drain() == 0, running.text
    finally:
        await running.kill()


async def _addresses(directory: pathlib.Path) -> up.Addresses:
    async def look() -> up.Addresses | None:
        with contextlib.suppress(layout.LayoutError):
            return up.read_addresses(directory)
        return None

    return await books.until("a sandbox that is up", look)


class Reader:
    """Somebody who types what a page says, beside a service that runs.

    Args:
        service: What it says is looked at.
        environment: What the last page of all lets the shell know.
    """

    def __init__(self, service: services.Service, environment: dict[str, str]) -> None:
        self._service = service
        self._environment = environment

    async def play(self, anchor: str) -> None:
        """Type what this page says, wait for what it waits for, and see each event line that it shows."""
        (page,) = (section for section in operating_page.sections(PAGE) if section.anchor == anchor)
        before = len(self._service.text)
        script = f"set -u\n{operating_page.functions(PAGE)}{_SLEEP}\n{page.tried}"
        bash = await asyncio.create_subprocess_exec(
            "bash", "-c", script, stdin=asyncio.subprocess.PIPE, env={**os.environ, **self._environment}
        )
        assert bash.stdin is not None
        assert page.tried.count("sleep ") == len(page.awaited) > 0
        for line in page.awaited:
            await self._sees(line, before)
            bash.stdin.write(b"\n")
        assert await bash.wait() == 0
        for line in page.told:
            await self._sees(line, before)

    async def _sees(self, line: str, before: int) -> None:
        async def look() -> bool | None:
            return re.search(rf"Z {operating_page.pattern(line)}$", self._service.text[before:], re.MULTILINE) and True

        await books.until(f"what the page shows: {line}", look)


async def test_symptoms_are_seen_as_the_page_says(tmp_path: pathlib.Path) -> None:
    if not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("SKIPPED: no page of docs/operating.md was tried: curl and bash are not installed")
    directory, bin_directory = tmp_path / "sandbox", tmp_path / "bin"
    bin_directory.mkdir()
    (bin_directory / "niassa-orch").write_text(f'#!/bin/sh\nexec {_PROGRAM[0]} -m niassa_orch "$@"\n')
    (bin_directory / "niassa-orch").chmod(0o755)
    try:
        async with _process(tmp_path / "up.log", "sandbox", "up", "--directory", str(directory)):
            at = await _addresses(directory)
            web, oozie = at.web_service_url.removesuffix("/SeqWareWebService"), at.oozie_url.removesuffix("/oozie")
            environment = {"SANDBOX": str(directory), "WEB": web, "OOZIE": oozie}
            environment["PATH"] = f"{bin_directory}:{os.environ['PATH']}"
            words = ("--config", str(directory / "niassa-orch.toml"), "run")
            async with _process(tmp_path / "run.log", *words) as service:
                await service.tells("account.started", account="alice")
                reader = Reader(service, environment)
                await asyncio.gather(reader.play("a-launch-is-in-doubt"), reader.play("a-profile-is-refused"))
                for anchor in ONE_BY_ONE:
                    await reader.play(anchor)
    finally:
        machine.end_processes_of(directory)
