"""Hears that something in accounts.d moved, and says no more than that: by inotify, else by looking every second.

The door of watchfiles. Its polling is not used: it compares whole seconds of one time, and so overlooks a chmod, and a
second change within a second. The alarm that is given every second instead leads to a comparison that sees both. Run
by the supervisor; what lies there now is for ``drop_ins`` to find out.
"""

import asyncio
import contextlib
import os
import pathlib
from collections.abc import AsyncGenerator, Callable

import watchfiles

from niassa_orch.config import settings
from niassa_orch.core import board

_LOOK_SECONDS = 1.0
#: Between two tries to use inotify after it was not to be had.
_RETRY_SECONDS = 60.0
_GATHER_MS = 400
_STEP_MS = 100
_NOT_TO_BE_HAD = "inotify is not to be had"
_MOUNTS = pathlib.Path("/proc/self/mountinfo")
#: File systems on which others may write without this kernel's knowledge.
_REMOTE = (
    "nfs",
    "cifs",
    "smb",
    "9p",
    "fuse",
    "ceph",
    "gluster",
    "lustre",
    "gpfs",
    "beegfs",
    "afs",
    "ocfs2",
    "gfs2",
    "pvfs",
)


class AccountsWatch:
    """Gives an alarm when something in a directory may have changed.

    Args:
        directory: The settings' ``accounts_dir``; it may be a symbolic link, vanish, and be another one next.
        how: As the settings say.
        told: The board.
        alarm: Called at each change, and sometimes without one.
    """

    def __init__(
        self, directory: pathlib.Path, how: settings.AccountsWatch, told: board.Board, alarm: Callable[[], None]
    ) -> None:
        self._directory = directory
        self._how = how
        self._told = told
        self._alarm = alarm
        self._polls_because: str | None = None

    async def run(self) -> None:
        """Hear until cancelled; return at once where the settings say that nothing is to be heard."""
        if self._how is settings.AccountsWatch.OFF:
            return
        while True:
            if reason := await self._hear():
                self._tell(reason)
                await self._poll()

    async def _why_inotify_would_be_deaf(self) -> str:
        if self._how is settings.AccountsWatch.POLL:
            return "accounts_watch says so"
        kind = await asyncio.to_thread(_kind_of_file_system, self._directory)
        return f"inotify does not hear what others do on a network file system ({kind})" if is_remote(kind) else ""

    async def _hear(self) -> str:
        """Alarm at what is heard until the directory has changed or is another one; returns why nothing can be heard.

        What is heard comes from a thread of anyio's, whose task group wraps what goes wrong.
        """
        reason, is_gone = "", False
        try:
            if reason := await self._why_inotify_would_be_deaf():
                return reason
            await self._hear_one()
        except* (FileNotFoundError, NotADirectoryError):
            is_gone = True
        except* (OSError, RuntimeError) as group:
            reason = f"{_NOT_TO_BE_HAD} ({group.exceptions[0]}); see sysctl fs.inotify and the service's limits"
        if is_gone:
            await asyncio.sleep(_LOOK_SECONDS)
        self._alarm()
        return reason

    async def _hear_one(self) -> None:
        """The directory that the path means now, until its entries change or it means another one."""
        before = await asyncio.to_thread(_state_of, self._directory)
        async with contextlib.aclosing(self._heard()) as heard:
            is_new = True
            async for changes in heard:
                self._tell("")
                # What happened before the watch stood, nobody told.
                if changes or is_new:
                    self._alarm()
                is_new = False
                if await asyncio.to_thread(_state_of, self._directory) != before:
                    return

    def _heard(self) -> AsyncGenerator[set[tuple[watchfiles.Change, str]], None]:
        """Sets of changes as they come, and an empty one every second; all else is fixed: no variable may change it."""
        return watchfiles.awatch(
            self._directory,
            watch_filter=None,
            debounce=_GATHER_MS,
            step=_STEP_MS,
            rust_timeout=int(_LOOK_SECONDS * 1000),
            yield_on_timeout=True,
            recursive=False,
            force_polling=False,
            ignore_permission_denied=False,
            debug=False,
        )

    async def _poll(self) -> None:
        for _ in range(int(_RETRY_SECONDS / _LOOK_SECONDS)):
            self._alarm()
            await asyncio.sleep(_LOOK_SECONDS)

    def _tell(self, reason: str) -> None:
        """Say how it is heard: at the start, and when looks take the place of inotify or do not any more."""
        if self._polls_because is None or bool(reason) != bool(self._polls_because):
            if reason:
                level = board.Level.WARNING if reason.startswith(_NOT_TO_BE_HAD) else board.Level.INFO
                self._told.event("accounts.polled", level=level, reason=reason)
            else:
                self._told.event("accounts.watched")
        self._polls_because = reason


def _state_of(directory: pathlib.Path) -> tuple[int, ...] | None:
    """Another one when entries came or went, or when the path means another directory; ``None`` when it means none.

    The number alone would not do: a directory that is made where one was removed may get the same.
    """
    try:
        status = directory.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


def is_remote(kind: str) -> bool:
    """Whether others may write there without this kernel's knowledge; ``kind`` as ``kind_in`` says it."""
    return kind.startswith(_REMOTE)


def _kind_of_file_system(directory: pathlib.Path) -> str:
    """As the kernel's table of mounts names it, ``""`` while that cannot be told."""
    try:
        device = directory.stat().st_dev
        return kind_in(_MOUNTS.read_text("utf-8", "surrogateescape"), os.major(device), os.minor(device))
    except OSError:
        return ""


def kind_in(mounts: str, major: int, minor: int) -> str:
    """The kind of the file system with this device number; ``""`` if the table does not know it.

    Args:
        mounts: ``/proc/self/mountinfo``, see proc(5): the third field is the device, the first after ``-`` the kind.
        major: Of the device.
        minor: Of the device.
    """
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [f"{major}:{minor}"]:
            return after.partition(" ")[0]
    return ""
