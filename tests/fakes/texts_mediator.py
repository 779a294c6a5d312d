"""A mediator that answers to ``texts``: one file a run, which says whose it is. It notes what it was asked.

With a gate it answers once somebody opened the gate for it; ``fails`` lets its calls end in nothing.
"""

import asyncio
import json
import os
import pathlib
import sys
from typing import Any

from niassa_orch.domain import jobs, runs
from tests.integration.seqware import workshop

_CODE = """
import json, os, sys
orders = json.load(sys.stdin)
with open({asked!r}, "a") as file:
    file.write(json.dumps([os.getpid(), orders]) + "\\n")
if os.path.exists({fails!r}):
    sys.exit(1)
if os.path.exists({gate!r}):
    open({gate!r}).read()
for order in orders:
    file = {{"name": "a.o9", "step": "a", "stream": "o", "number": 9, "mtime": 0, "cut": False}}
    file.update(size=4, kept=4, text="of {{}}".format(order["accession"]))
    gone = order["directory"].startswith("/gone")
    print(json.dumps(dict(accession=order["accession"], **({{"gone": True}} if gone else {{"files": [file]}}))))
"""


class TextsMediator:
    """In place of the mediator at ``path``."""

    def __init__(self, path: pathlib.Path) -> None:
        self._asked = path.with_name("asked")
        self._gate = path.with_name("texts-gate")
        self._fails = path.with_name("fails")
        paths = {"asked": self._asked, "gate": self._gate, "fails": self._fails}
        code = _CODE.format(**{name: str(path) for name, path in paths.items()})
        path.write_text(f"#!{sys.executable} -I\n{code}")
        path.chmod(0o755)

    @property
    def orders(self) -> list[list[dict[str, Any]]]:
        """What each call was asked for."""
        return [json.loads(line)[1] for line in self._lines]

    @property
    def calls(self) -> list[list[int]]:
        """The accessions of each call."""
        return [[order["accession"] for order in orders] for orders in self.orders]

    @property
    def pid(self) -> int:
        """Of the last call."""
        return int(json.loads(self._lines[-1])[0])

    @property
    def _lines(self) -> list[str]:
        return self._asked.read_text().splitlines() if self._asked.exists() else []

    def fails(self, how: bool = True) -> None:
        """From now on calls end in nothing, or not any more."""
        if how:
            self._fails.touch()
        else:
            self._fails.unlink()

    def bar(self) -> None:
        """Let calls wait at the gate from now on."""
        os.mkfifo(self._gate)

    async def called(self, times: int) -> None:
        """Until so many calls were begun."""
        await asyncio.to_thread(workshop.until, lambda: len(self._lines) >= times)

    async def ended(self, pid: int) -> None:
        """Until this call is over."""
        await asyncio.to_thread(workshop.until, lambda: not workshop.lives(pid))

    async def let_go(self, call: int) -> None:
        """Let this call answer, counted from 1, when it has come to the gate; those before it are over."""
        await self.called(call)
        await asyncio.to_thread(self._gate.write_text, "go")


def run(accession: int, **fields: Any) -> runs.WorkflowRun:
    """A run of Bob's that runs on oozie-sge, in a directory of its own."""
    chosen = {"engine": "oozie-sge", "working_dir": f"/scratch/oozie-{accession:08}"} | fields
    status, job_id = runs.RunStatus.RUNNING, f"{accession}-oozie-W"
    return runs.WorkflowRun(runs.Accession(accession), status, "bob@lab.net", "server2", status_cmd=job_id, **chosen)


def job_of(run: runs.WorkflowRun, *actions: jobs.Action, **fields: Any) -> jobs.Job:
    """The run's job, which runs."""
    app_path = f"/apps{run.working_dir or ''}"
    chosen = {"app_path": app_path, "actions": actions} | fields
    return jobs.Job(run.status_cmd or "", jobs.JobStatus.RUNNING, "niassa-bob", **chosen)
