"""Opens files that somebody else may have put there: plain files, no symbolic link, nothing that hangs.

For reading by commands that root may run in folders which are the service's. Called by ``audit_reading`` and by the
support bundle.
"""

import contextlib
import os
import pathlib
import stat
from collections.abc import Iterator
from typing import BinaryIO

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_BLOCK_BYTES = 1 << 20
#: More than this is no line of ours.
_LINE_BYTES = 1 << 20


@contextlib.contextmanager
def opened(file: pathlib.Path) -> Iterator[BinaryIO]:
    """The file, open for reading.

    Raises:
        OSError: It cannot be read, or is a symbolic link, a pipe, a device, a folder.
    """
    descriptor = os.open(file, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            message = "it is no plain file"
            raise OSError(message)
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def backwards(stream: BinaryIO, block_bytes: int = _BLOCK_BYTES) -> Iterator[bytes]:
    """The lines of a file, the last one first, without their ends; what is too long to be one is left out."""
    position, rest = stream.seek(0, os.SEEK_END), b""
    while position:
        size = min(block_bytes, position)
        position -= size
        stream.seek(position)
        first, *lines = (stream.read(size) + rest).split(b"\n")
        yield from reversed(lines)
        rest = first if len(first) <= _LINE_BYTES else b""
    yield rest
