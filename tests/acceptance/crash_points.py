"""The service with a fuse: it kills itself with SIGKILL when a named point of its life is passed for the k-th time.

The text of this module is run by ``python -c``, also by Unix users who cannot read the tests, so that it imports
nothing of them. It imports the product, waits for a line that says which point, wraps that one function (or SQLite's
COMMIT) in its own process, and calls the product's ``main``; the product is as it is. For a negative control it makes
one function of that process answer what lies nearest when nobody looks. Started by ``crash_lives``.
"""

import functools
import importlib
import inspect
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

from niassa_orch import __main__ as product

#: Functions of the product, each with a point before and one after it.
FUNCTIONS = {
    "enrol": "niassa_orch.core.enrolling:Enrolling.enrol",
    "poll": "niassa_orch.core.polling:RunPoller.refresh",
    "take up": "niassa_orch.core.attended:Attended.take_up",
    "look": "niassa_orch.core.looking:Look.at",
    "journal intend": "niassa_orch.journal.store:Journal.intend",
    "make call": "niassa_orch.core.calling:make",
    "open transcript": "niassa_orch.seqware.call:_spawn",
    "sync transcript": "niassa_orch.seqware.call:_sync_directory",
    "spawn": "niassa_orch.seqware.call:_popen",
    "journal started": "niassa_orch.journal.store:Journal.started",
    "wait for call": "niassa_orch.core.calling:wait_until_over",
    "settle": "niassa_orch.core.settlement:Settlement.settle",
    "read transcript": "niassa_orch.core.settlement:Settlement._evidence",
    "read run": "niassa_orch.webservice.client:WebService.get_run",
    "look up job": "niassa_orch.core.lookup:jobs_of_launch",
    "repair": "niassa_orch.core.settlement:Settlement._repair",
    "journal note": "niassa_orch.journal.store:Journal.note",
    "journal settle": "niassa_orch.journal.store:Journal.settle",
    "put transcript away": "niassa_orch.core.state_directory:StateDirectory.settle",
    "journal act": "niassa_orch.journal.acts:Acts.intend",
    "kill": "niassa_orch.oozie.client:Oozie.kill",
    "resume": "niassa_orch.oozie.client:Oozie.resume",
    "rerun": "niassa_orch.oozie.client:Oozie.rerun",
    "journal what an act came to": "niassa_orch.journal.acts:Acts.came_to",
    "write run": "niassa_orch.webservice.client:WebService.put_run",
    "journal forget act": "niassa_orch.journal.acts:Acts.forget",
    "load journal": "niassa_orch.journal.keeping:load",
    "refresh journal": "niassa_orch.journal.store:Journal.refresh",
    "tidy transcripts": "niassa_orch.core.intents:Intents.tidy",
    "let go": "niassa_orch.core.attended:Attended.let_go",
    "reload profiles": "niassa_orch.core.supervisor:Supervisor._reload",
    "stop launching": "niassa_orch.core.launching:Launcher.stop",
    "close journal": "niassa_orch.journal.store:Journal.close",
}
COMMIT = "before COMMIT"
POINTS = (*(f"{when} {name}" for name in FUNCTIONS for when in ("before", "after")), COMMIT)
#: What a negative control takes out of the process: functions of the product, and what they say instead.
TAKEN_OUT = {
    "the liveness check": (
        ("niassa_orch.seqware.call:is_held", False),
        ("niassa_orch.seqware.call:EngineCall.wait", 0),
    ),
    "the look-up in Oozie": (("niassa_orch.core.lookup:_jobs_since", ()),),
}
#: What the service's output says when it ended at its point.
MARK = "ended at the point: "


class Fuse:
    """Ends this process when its point is passed for the k-th time.

    Args:
        point: One of ``POINTS``.
        passages: k.
    """

    def __init__(self, point: str, passages: int) -> None:
        self._point = point
        self._left = passages

    def passed(self, point: str) -> None:
        """The process is at a point."""
        if point == self._point:
            self._left -= 1
            if self._left == 0:
                os.write(1, f"{MARK}{point}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)

    def lay(self) -> None:
        """Lay it where its point is, and nowhere else."""
        if self._point == COMMIT:
            self._lay_before_commits()
        elif self._point:
            self._lay_around(self._point.split(" ", 1)[1])

    def _lay_around(self, name: str) -> None:
        owner, last = find(FUNCTIONS[name])
        setattr(owner, last, self._wrapped(getattr(owner, last), name))

    def _wrapped(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        async def awaited(*words: Any, **named: Any) -> Any:
            self.passed(f"before {name}")
            result = await function(*words, **named)
            self.passed(f"after {name}")
            return result

        @functools.wraps(function)
        def called(*words: Any, **named: Any) -> Any:
            self.passed(f"before {name}")
            result = function(*words, **named)
            self.passed(f"after {name}")
            return result

        return awaited if inspect.iscoroutinefunction(function) else called

    def _lay_before_commits(self) -> None:
        opening: Any = importlib.import_module("niassa_orch.journal.opening")
        connect = opening.connect

        def connected(*words: Any, **named: Any) -> sqlite3.Connection:
            database: sqlite3.Connection = connect(*words, **named)
            # SQLite tells a statement just before it carries it out.
            database.set_trace_callback(lambda sql: self.passed(COMMIT) if sql == "COMMIT" else None)
            return database

        opening.connect = connected


def find(function: str) -> tuple[Any, str]:
    """The module or class that has a function of the product, and the function's name there."""
    module, _, path = function.partition(":")
    owner: Any = importlib.import_module(module)
    *classes, last = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    return owner, last


def take_out(what: str) -> None:
    """Make one of ``TAKEN_OUT`` say nothing in this process."""
    for function, says in TAKEN_OUT[what]:
        _replace(function, says)


def _replace(function: str, says: object) -> None:
    owner, last = find(function)

    async def awaited(*_: Any, **__: Any) -> Any:
        return says

    def called(*_: Any, **__: Any) -> Any:
        return says

    setattr(owner, last, awaited if inspect.iscoroutinefunction(getattr(owner, last)) else called)


def main() -> None:
    """Wait for the word, take out what a control says, lay the fuse, be the service."""
    word = json.loads(sys.stdin.readline())
    if without := word.pop("without", ""):
        take_out(without)
    Fuse(**word).lay()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    product.main()


if __name__ == "__main__":
    main()
