"""Takes file descriptors and processes from a service that runs, as a machine at its limits does, and gives them back.

Asks and tells the kernel, nobody else. Used by ``test_scarcity``.
"""

import contextlib
import itertools
import pathlib
import subprocess
from collections.abc import Iterator


def descriptors_and(pid: int, spare: int) -> int:
    """The limit that leaves a process so many descriptors more than it has now; numbers between them count as well."""
    used = {int(entry.name) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    free = (number for number in itertools.count() if number not in used)
    return next(itertools.islice(free, spare, None))


def threads_of(uid: int) -> int:
    """Every thread of a Unix user's processes, by real user id: what ``RLIMIT_NPROC`` counts."""
    found = 0
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile
            fields = dict(line.split(":", 1) for line in (entry / "status").read_text().splitlines() if ":" in line)
            found += int(fields["Threads"]) if int(fields["Uid"].split()[0]) == uid else 0
    return found


@contextlib.contextmanager
def limited(pid: int, what: str, most: int) -> Iterator[None]:
    """Lower a limit of a process that runs, and of its children to come; lift it in the end.

    Args:
        pid: The process.
        what: ``nofile`` or ``nproc``.
        most: The limit.
    """
    hard = _prlimit(pid, f"--{what}", "--output=HARD", "--noheadings", "--raw")
    _prlimit(pid, f"--{what}={most}:{hard}")
    try:
        yield
    finally:
        _prlimit(pid, f"--{what}={hard}:{hard}")


def _prlimit(pid: int, *words: str) -> str:
    """As the user whose process it is: root itself may lack the capability."""
    owner = pathlib.Path(f"/proc/{pid}").stat()
    done = subprocess.run(
        ["prlimit", f"--pid={pid}", *words],
        user=owner.st_uid,
        group=owner.st_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
