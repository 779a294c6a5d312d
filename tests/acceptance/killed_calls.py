"""Engine calls that lose one of their processes at a moment of their own choosing.

The engine stand-in stops itself at a moment of a run's launch (``sandbox.pause``); then the victim is found by the pid
of the mediator's first record and by ``/proc``, killed, and the engine continued if it still lives. Used by
``test_killed_calls``.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import time

from tests.acceptance import stages

EVERYTHING = "everything"
#: From parent to child; sudo is there only for other Unix users than our own.
_FAMILY = ("sudo", "mediator", "guardian", "wrapper", "engine")
_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a launch.

    Args:
        name: ``3`` is right after the engine's third line about the run; ``3+`` before the next one, or its end.
        said: The line that was said last.
        has_directory: The transcript names the working directory by then.
    """

    name: str
    said: str
    has_directory: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Doom:
    """Who dies in the launch of a run, and when: one of the call's processes, or all of them at once."""

    moment: Moment
    victim: str

    def __str__(self) -> str:
        return f"{self.victim:10} {self.moment.name:3} {self.moment.said.partition(':')[0][:40]:40}"


class Killer:
    """Kills in the engine calls of one stage, one run after another.

    Args:
        stage: Whose engine is the stand-in.
        with_sudo: Whether calls go through sudo.
    """

    def __init__(self, stage: stages.Stage, *, with_sudo: bool = False) -> None:
        self._stage = stage
        self._with_sudo = with_sudo

    async def carry_out(self, dooms: dict[int, Doom]) -> None:
        """Wait until each of these runs stops at its moment, and kill; once a run."""
        left = dict(dooms)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while left:
            assert time.monotonic() < deadline, f"never stopped: {left}"
            for accession, family in self.stopped().items():
                if accession in left:
                    _kill(family, left.pop(accession).victim)
            await asyncio.sleep(_LOOK_SECONDS)

    async def any_stopped(self) -> dict[int, dict[str, int]] | None:
        """``stopped``, for who waits until there is one."""
        return self.stopped() or None

    def stopped(self) -> dict[int, dict[str, int]]:
        """Living calls whose engine has stopped itself: their processes by accession."""
        found = {}
        for transcript in self._stage.transcripts("open"):
            with contextlib.suppress(OSError, ValueError, IndexError, StopIteration):  # not that far, or over
                begin = next(json.loads(line) for line in transcript.read_bytes().splitlines() if b'"begin"' in line)
                family = self._family(begin["pid"])
                if _state(family["engine"]) == "T":
                    found[begin["accessions"][0]] = family
        return found

    def _family(self, mediator: int) -> dict[str, int]:
        pids = [_parent(mediator)] if self._with_sudo else []
        pids.append(mediator)
        while len(pids) < len(_FAMILY) - (not self._with_sudo):
            pids.append(_children(pids[-1])[0])
        return dict(zip(_FAMILY[0 if self._with_sudo else 1 :], pids, strict=True))


def moments(transcript: str, accession: int, *, every_moment: bool) -> list[Moment]:
    """The moments of a launch, by the transcript of a clean one.

    Args:
        transcript: Its text.
        accession: Its run; the engine's lines begin with the one before the first that names it.
        every_moment: Also those right after a line; else those right before what follows.
    """
    lines = [line for line in transcript.splitlines() if line and not line.startswith("{")]
    first = lines.index(f"Working Run: {accession}")
    found = []
    for number, line in enumerate(lines[first - 1 :]):
        has_directory = any(one.startswith("Using working directory: ") for one in lines[: first + number])
        names = [str(number)] * (every_moment and number > 0) + [f"{number}+"]
        found += [Moment(name, line, has_directory) for name in names]
    return found


def _kill(family: dict[str, int], victim: str) -> None:
    """Parents first, so that none of them can tell how its child ended; who lives goes on."""
    for pid in family.values() if victim == EVERYTHING else [family[victim]]:
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        os.kill(family["engine"], signal.SIGCONT)


def _state(pid: int) -> str:
    return _stat(pid)[0]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
