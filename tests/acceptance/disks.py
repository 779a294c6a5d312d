"""A small disk under the service's state directory, which a test fills and frees as it likes.

A tmpfs, mounted by root where the machine allows it; taken away also when the test fails. A disk cannot be mounted for
our own processes alone, since the test itself has to look into it. Used by ``test_full_disk`` and ``test_sick_disk``.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

_MIB = 1 << 20
_GONE_SECONDS = 60.0


class Disk:
    """A small disk.

    Args:
        directory: Where it is mounted.
    """

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self._filler = directory / "somebody-elses-file"

    @property
    def free_bytes(self) -> int:
        """What is left."""
        room = os.statvfs(self.directory)
        return room.f_bavail * room.f_frsize

    def fill(self, leave_bytes: int = 0) -> None:
        """Let somebody else's file take all the room but so much."""
        with self._filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):  # until it is full
            while (too_much := self.free_bytes - leave_bytes) > 0:
                file.write(b"x" * min(too_much, _MIB))

    def free(self) -> None:
        """Somebody else takes the file away."""
        self._filler.unlink()


@contextlib.contextmanager
def small(directory: pathlib.Path, mebibytes: int = 48) -> Iterator[Disk]:
    """A disk of its own at ``directory``; skips the test when this machine does not let us mount one."""
    directory.mkdir(parents=True)
    done = mount("-t", "tmpfs", "-o", f"size={mebibytes}m,mode=700", "tmpfs", directory)
    if done.returncode != 0:
        pytest.skip(f"needs to mount a small file system (as root): {done.stderr.strip()}")
    try:
        yield Disk(directory)
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


def mount(*words: str | pathlib.Path) -> "subprocess.CompletedProcess[str]":
    """Call ``mount``; the caller looks whether it worked."""
    return subprocess.run(["mount", *words], capture_output=True, text=True, check=False)


class SickDisk:
    """A disk that the kernel makes read-only under everybody's feet when it has met an error.

    Args:
        directory: Where it is mounted.
        image: What is on it.
    """

    def __init__(self, directory: pathlib.Path, image: pathlib.Path) -> None:
        self.directory = directory
        self._image = image

    def mount(self) -> str:
        """Mount it; returns why not, or ``""``."""
        return mount("-o", "loop", self._image, self.directory).stderr.strip()

    def unmount(self) -> None:
        """Take it away; who uses it must have ended.

        A mount namespace that somebody else made meanwhile has it too: until that ends the disk stays as it was.
        """
        subprocess.run(["umount", self.directory], check=True)
        deadline = time.monotonic() + _GONE_SECONDS
        while subprocess.run(["losetup", "-j", self._image], capture_output=True, check=True).stdout:
            assert time.monotonic() < deadline, f"{self._image} is still in use"
            # Nobody tells when the last namespace has ended; the loop device alone shows it.
            time.sleep(0.1)

    def fall_ill(self) -> None:
        """Let the kernel meet an error, as it does when a cable is loose."""
        source = subprocess.run(
            ["findmnt", "--noheadings", "--output", "SOURCE", self.directory],
            capture_output=True,
            text=True,
            check=True,
        )
        name = pathlib.PurePath(source.stdout.strip()).name
        pathlib.Path(f"/sys/fs/ext4/{name}/trigger_fs_error").write_text("1")

    def make_read_only(self) -> None:
        """What an administrator does, or a start of the machine after an error."""
        assert mount("-o", "remount,ro", self.directory).returncode == 0

    def make_writable(self) -> None:
        """The way back."""
        assert mount("-o", "remount,rw", self.directory).returncode == 0

    def heal(self) -> None:
        """What an administrator does: take it away, repair it, mount it again."""
        self.unmount()
        done = subprocess.run(["e2fsck", "-p", self._image], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stdout + done.stderr  # 1: repaired
        assert self.mount() == ""


@contextlib.contextmanager
def sick(directory: pathlib.Path, image: pathlib.Path, mebibytes: int = 64) -> Iterator[SickDisk]:
    """An ext4 of its own at ``directory``; skips the test when this machine does not let us have one."""
    if not pathlib.Path("/sys/fs/ext4/features").is_dir() or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs ext4 in the kernel, and mkfs.ext4")
    directory.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(mebibytes * _MIB)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-e", "remount-ro", image], check=True, capture_output=True)
    disk = SickDisk(directory, image)
    trouble = disk.mount()
    if trouble:
        pytest.skip(f"needs to mount an image of a disk (as root, with loop devices): {trouble}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)
