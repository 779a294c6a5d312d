"""What holds for every test: no event loop lies about, and nothing is left behind.

The looptime plugin asks for the current event loop around tests that are not async too; in Python 3.11 that makes one
which nobody closes, and some later test gets the blame for it. Said to be none, none is made.

A SIGTERM ends pytest as Ctrl-C does, so that fixtures take away their Unix users, sudo rules, mounts and cgroups.
"""

import asyncio
import gc
import inspect
import pathlib
import signal
import time
import types
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

asyncio.set_event_loop(None)

#: What is ending may take so long; a thread reaps each engine call.
_ENDING_SECONDS = 5.0
_HERE = pathlib.Path.cwd()


def pytest_configure() -> None:
    """From the first moment on."""
    _end_orderly_on_sigterm()


def pytest_runtest_setup() -> None:
    """An event loop that handled SIGTERM in the test before leaves the deadly default."""
    _end_orderly_on_sigterm()


def pytest_runtest_teardown() -> None:
    """So does one in the test itself; the fixtures come after it."""
    _end_orderly_on_sigterm()


def _end_orderly_on_sigterm() -> None:
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, frame: types.FrameType | None) -> None:
    """Once, as Ctrl-C: asyncio then cancels the test rather than leave it; what more comes lets it clean up."""
    signal.signal(signal.SIGTERM, _go_on)
    interrupt = signal.getsignal(signal.SIGINT)
    # A shell without a terminal starts what is in the background with Ctrl-C ignored.
    if not callable(interrupt):
        raise KeyboardInterrupt
    interrupt(signal.SIGINT, frame)


def _go_on(_number: int, _frame: types.FrameType | None) -> None:
    """Not ``SIG_IGN``, which ``userdel`` and ``umount`` would inherit."""


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves tasks, child processes, open files, or files in the working directory."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_task_left_behind")
    looks: dict[str, Callable[[], set[str]]] = {"children": _children, "open files": _open_files, "files": _files}
    before = {what: look() for what, look in looks.items()}
    yield
    for what, look in looks.items():
        left = _left(look, before[what])
        assert not left, f"the test left {what} behind: {', '.join(sorted(left))}"


@pytest.fixture
async def no_task_left_behind() -> AsyncIterator[None]:
    """Fail an async test that leaves tasks; asked for by ``nothing_left_behind``."""
    own = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)  # what was cancelled last may still have to hear of it
    current = asyncio.current_task()
    left = [task.get_name() for task in asyncio.all_tasks() - own if task is not current and not task.done()]
    assert not left, f"the test left tasks behind: {', '.join(sorted(left))}"


def _left(look: Callable[[], set[str]], before: set[str]) -> set[str]:
    """What is there and was not, once what is just ending has ended."""
    limit = time.monotonic() + _ENDING_SECONDS
    while (left := look() - before) and time.monotonic() < limit:
        gc.collect()
        time.sleep(0.02)  # between two looks, until the limit
    return left


def _children() -> set[str]:
    found: set[str] = set()
    for listed in pathlib.Path("/proc/self/task").glob("*/children"):
        try:
            found.update(listed.read_text().split())
        except OSError:  # the thread has ended
            continue
    return found


def _open_files() -> set[str]:
    """Descriptors of files that have a name; sockets and pipes belong to loops, which close them later."""
    found: set[str] = set()
    for descriptor in pathlib.Path("/proc/self/fd").iterdir():
        if descriptor.name in ("0", "1", "2"):  # pytest's, which gives them back when it is interrupted
            continue
        try:
            target = str(descriptor.readlink())
        except OSError:  # the one that listed the directory
            continue
        if target.startswith("/") and not target.startswith(("/proc/", "/dev/")):
            found.add(f"{descriptor.name} {target}")
    return found


def _files() -> set[str]:
    """Tests write below ``tmp_path``; hidden names belong to tools."""
    return {path.name for path in _HERE.iterdir() if not path.name.startswith(".")}
