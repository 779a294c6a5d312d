"""Living engine calls as the kernel shows them, and the death of a process of a call, or of all, at a random moment.

A process belongs to a call if its standard output is the call's transcript: that is how the service itself starts a
call. Nothing else is ever killed from here. Used by ``crashes``; ``crash_administrator`` asks whom it struck.
"""

import collections
import contextlib
import dataclasses
import os
import pathlib
import random
import signal
from collections.abc import Iterator, Mapping

from tests.acceptance import stages

#: Of a call's processes, outermost first; sudo only where there is one.
ROLES = ("sudo", "mediator", "guardian", "wrapper", "JVM")
#: Every process of a call, as when the machine runs out of memory or somebody cleans up.
ALL = "all of it"
_ROLES = dict(zip((("sudo", 0), ("mediator", 0), ("mediator", 1), ("seqware", 0), ("seqware", 1)), ROLES, strict=True))


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """One process of a living call."""

    pid: int
    parent: int
    kind: str


class Reaper:
    """Kills processes of living calls, once a call at most, so that what must come of it is known.

    Args:
        stage: Whose calls.
        dice: Which call, and which process of it.
    """

    def __init__(self, stage: stages.Stage, dice: random.Random) -> None:
        self._stage = stage
        self._dice = dice
        #: By the name of the call's transcript: the role of the process that was killed, or ``ALL``.
        self.struck: dict[str, str] = {}

    def strike(self) -> None:
        """Kill a process of a living call, or all of them, if there is one."""
        calls = self.living()
        if not calls:
            return
        transcript = self._dice.choice(list(calls))
        members = calls[transcript]
        role = self._dice.choice([*members, ALL])
        # Written down before: whoever is asked about such a call has to know.
        self.struck[transcript.name] = role
        killed = [_kill(pid, transcript) for pid in (members.values() if role == ALL else [members[role]])]
        if not any(killed):
            del self.struck[transcript.name]

    def living(self) -> dict[pathlib.Path, dict[str, int]]:
        """The living calls that were never struck: pids by role."""
        open_ones = [one for one in self._stage.transcripts("open") if one.name not in self.struck]
        return {transcript: found for transcript in open_ones if (found := dict(_roles(transcript)))}

    @property
    def roles(self) -> collections.Counter[str]:
        """How many of each role were killed."""
        return collections.Counter(self.struck.values())


def _roles(transcript: pathlib.Path) -> Iterator[tuple[str, int]]:
    """The processes of a call by role: mediator and engine fork once each, and the child does the work."""
    found = {process.pid: process for process in _processes(transcript)}
    for process in found.values():
        # What is about to become another program is its parent's likeness for a moment: one generation too many.
        role = _ROLES.get((process.kind, _generation(found, process)))
        if role is not None:
            yield role, process.pid


def _generation(found: Mapping[int, Process], process: Process) -> int:
    """How many of a process's ancestors in a row are of its kind."""
    parent = found.get(process.parent)
    return 0 if parent is None or parent.kind != process.kind else 1 + _generation(found, parent)


def _processes(transcript: pathlib.Path) -> Iterator[Process]:
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if (entry / "fd" / "1").readlink() == transcript:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                yield Process(int(entry.name), parent, _kind(words))


def _kind(words: list[str]) -> str:
    names = [pathlib.PurePath(word).name for word in words if word]
    if names[:1] == ["sudo"]:
        return "sudo"
    return next((name for name in names[:3] if name in ("mediator", "seqware")), "")


def _kill(pid: int, transcript: pathlib.Path) -> bool:
    """SIGKILL to that very process and to no other that has got its number meanwhile."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if pathlib.Path(f"/proc/{pid}/fd/1").readlink() != transcript:
            return False
        signal.pidfd_send_signal(process, signal.SIGKILL)
        return True
    except (FileNotFoundError, ProcessLookupError):
        return False
    finally:
        os.close(process)
