"""Starts processes of the service's user: one by one, or commands that are forked from one process (``forking``).

Used by ``stages``.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import pwd
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from tests.acceptance import forking

_PROGRAM = pathlib.Path(forking.__file__).read_text("utf-8")
_ENDING_SECONDS = 110
_ANSWER_BYTES = 1 << 24


async def spawn(
    user: str | None, argv: Sequence[str], environment: Mapping[str, str], **streams: Any
) -> asyncio.subprocess.Process:
    """A process of this user (``None``: of ourselves), with more in its environment than ours has."""
    who = pwd.getpwnam(user) if user else None
    return await asyncio.create_subprocess_exec(
        *argv,
        cwd="/",
        env={**os.environ, **environment},
        user=who.pw_uid if who else None,
        group=who.pw_gid if who else None,
        extra_groups=[] if who else None,
        **streams,
    )


class Forked:
    """Carries out commands, each in a process that it forks.

    Args:
        process: Of ``forking``.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def command(self, words: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
        """The exit code of a command, and all that it said."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"words": words, "environment": environment}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(_ENDING_SECONDS):
            answer = json.loads(await self._process.stdout.readline())
        return answer["exit_code"], answer["text"]


@contextlib.asynccontextmanager
async def forked(user: str | None, argv: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[Forked]:
    """Commands of ``argv``, which ends in ``-m niassa_orch``."""
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE, "limit": _ANSWER_BYTES}
    process = await spawn(user, (*argv[:-2], "-c", _PROGRAM), environment, **pipes)
    try:
        yield Forked(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
