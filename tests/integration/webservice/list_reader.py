"""Reads one list over HTTP in a process of its own, and prints what that cost: a list, runs and kilobytes.

Run by ``test_large_lists``: ``python -m tests.integration.webservice.list_reader URL``.
"""

import asyncio
import json
import pathlib
import sys
import time

from niassa_orch.domain import runs
from niassa_orch.webservice import client
from niassa_orch.wire import pacing, sessions


def kilobytes(name: str) -> int:
    """A figure of this process's memory, ``VmRSS`` or ``VmHWM``."""
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name))


async def read(url: str) -> dict[str, float]:
    """Read a small list to warm up, then the one that counts."""
    async with sessions.open_session() as session:
        service = client.WebService(session, url, lambda: "Basic x", budget=pacing.Budget(1), list_timeout_seconds=100)
        await service.list_runs(runs.RunStatus.RUNNING, "small")
        before = kilobytes("VmRSS")
        begun = time.perf_counter()
        found = await service.list_runs(runs.RunStatus.RUNNING, "large")
        seconds = time.perf_counter() - begun
        return {"runs": len(found), "grown_kilobytes": kilobytes("VmHWM") - before, "seconds": seconds}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(read(sys.argv[1]))))
