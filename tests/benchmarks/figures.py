"""What benchmarks of propagation measure from outside: ticks, changes, CPU and memory of a process, quantiles.

A tick's cost is what was asked from its first request to the next tick's. The time between ticks is nobody's work: a
change is measured from the first request to Oozie after it to the end of the last request about a changed run.
"""

import asyncio
import dataclasses
import itertools
import math
import os
import pathlib
import platform
from collections.abc import Mapping, Sequence

from tests.benchmarks import filling, premises, requests_seen

Kinds = dict[tuple[str, str], int]
_PATIENCE_SECONDS = 900.0


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What it took until the last of some changes was written.

    Args:
        seconds: From the first request to Oozie after the change to the end of the last request about a changed run.
        lag_seconds: From the change itself, so with the wait for the tick.
        requests: Of the tick, or of all ticks that it took.
        ticks: So many.
        cpu_seconds: Of the service meanwhile, the rest of its last tick included.
    """

    seconds: float
    lag_seconds: float
    requests: Kinds
    ticks: int
    cpu_seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Quiet:
    """One tick in which nothing changed, as a mean of several."""

    requests: Mapping[tuple[str, str], float]
    seconds: float
    cpu_seconds: float


async def steady(place: premises.Premises) -> tuple[float, float]:
    """Wait until ticks are alike and write nothing; the very first tick never counts as one of them.

    Returns:
        When the first such tick began, and the end of the last request before it.
    """

    def find() -> float | None:
        starts = requests_seen.tick_starts(place.seen)
        for first, second, third in zip(starts[1:], starts[2:], starts[3:], strict=False):
            ticks = [requests_seen.between(place.seen, *span) for span in ((first, second), (second, third))]
            counts = [len(tick) for tick in ticks]
            writes = any(one.kind == requests_seen.PUT_RUN for tick in ticks for one in tick)
            if abs(counts[0] - counts[1]) <= 0.1 * max(counts) and not writes:
                return first
        return None

    began = await place.until("a steady state", find, _PATIENCE_SECONDS)
    return began, max((one.ended for one in place.seen if one.began < began), default=began)


async def quiet(place: premises.Premises, pid: int, ticks: int = 3) -> Quiet:
    """Watch so many ticks in which nothing happens."""
    known = len(requests_seen.tick_starts(await place.look()))

    def starts(more: int) -> list[float] | None:
        found = requests_seen.tick_starts(place.seen)[known:]
        return found if len(found) >= more else None

    await place.until("a tick", lambda: starts(1), _PATIENCE_SECONDS)
    before = cpu_seconds(pid)
    begun = await place.until("quiet ticks", lambda: starts(1 + ticks), _PATIENCE_SECONDS)
    cpu = (cpu_seconds(pid) - before) / ticks
    seen = requests_seen.between(place.seen, begun[0], begun[ticks])
    mean = {key: count / ticks for key, count in requests_seen.kinds(seen).items()}
    spans = [_span(requests_seen.between(place.seen, *pair)) for pair in itertools.pairwise(begun[: ticks + 1])]
    return Quiet(mean, sum(spans) / ticks, cpu)


async def change(
    place: premises.Premises,
    pid: int,
    changed: Sequence[filling.Filled],
    *,
    awaited: Sequence[filling.Filled] = (),
    whole: bool = True,
) -> Change:
    """Let the jobs of some runs succeed at one moment, between two ticks, and watch until their records say so.

    Args:
        place: With a service that is steady.
        pid: Of the service.
        changed: Whose jobs end.
        awaited: Those of them that are waited for; all of them otherwise.
        whole: Whether the rest of the tick is waited for and counted.
    """
    await after_a_tick(place)
    before = cpu_seconds(pid)
    moment, _ = await place.end_jobs([one.job_id for one in changed])
    keys = {str(one.accession) for one in awaited or changed}
    verified = await place.until("every change verified", lambda: _verified(place, keys, moment), _PATIENCE_SECONDS)
    cpu, following = await _rest_of_tick(place, pid, verified) if whole else (cpu_seconds(pid), verified)
    check_completed(place, awaited or changed)
    began = _first_look(place, {one.job_id for one in changed}, moment)
    starts = requests_seen.tick_starts(place.seen)
    first = max((start for start in starts if start <= began), default=began)
    seen = requests_seen.between(place.seen, first, following)
    ticks = sum(first <= start < following for start in starts)
    return Change(verified - began, verified - moment, requests_seen.kinds(seen), ticks, cpu - before)


def _first_look(place: premises.Premises, job_ids: set[str], moment: float) -> float:
    """When Oozie was first asked for its jobs, or for one of these, after a moment."""
    asked = [one for one in place.seen if one.began >= moment and one.server == requests_seen.OOZIE]
    return min(one.began for one in asked if one.kind in requests_seen.JOB_LISTS or one.key in job_ids)


async def after_a_tick(place: premises.Premises) -> None:
    """Wait until a tick's requests are over, and the next one's have not begun."""
    known = len(requests_seen.tick_starts(await place.look()))
    await place.until("a tick", lambda: len(requests_seen.tick_starts(place.seen)) > known or None, _PATIENCE_SECONDS)
    while True:
        count = len(await place.look())
        await asyncio.sleep(0.3)
        if len(await place.look()) == count:
            return


def _verified(place: premises.Premises, keys: set[str], moment: float) -> float | None:
    """When the last of these runs was read again after its write, or ``None`` while one was not."""
    written: set[str] = set()
    read: dict[str, float] = {}
    for one in sorted(
        (one for one in place.seen if one.key in keys and one.began >= moment), key=lambda one: one.began
    ):
        if one.kind == requests_seen.PUT_RUN and one.wrote == "completed" and one.status == 201:
            written.add(one.key)
        elif one.kind == requests_seen.GET_RUN and one.key in written:
            read.setdefault(one.key, one.ended)
    return max(read.values()) if read.keys() == keys else None


async def _rest_of_tick(place: premises.Premises, pid: int, since: float) -> tuple[float, float]:
    """The service's CPU when the tick is over, and when the next one began."""

    def next_tick() -> float | None:
        return next((start for start in requests_seen.tick_starts(place.seen) if start > since), None)

    cpu = cpu_seconds(pid)
    while next_tick() is None:
        cpu = cpu_seconds(pid)
        await place.look()
        await asyncio.sleep(0.05)
    return cpu, next_tick() or since


def check_completed(place: premises.Premises, changed: Sequence[filling.Filled]) -> None:
    """A figure of something that did not happen is worth nothing."""
    for one in changed:
        found = place.books.web_service.find(one.accession)
        if found is None or found.texts.get("status") != "completed":
            message = f"run {one.accession} was told to be completed, and is not in the books: {found}"
            raise RuntimeError(message)


def _span(seen: Sequence[requests_seen.Seen]) -> float:
    return max(one.ended for one in seen) - min(one.began for one in seen)


def cpu_seconds(pid: int) -> float:
    """What a process has used of the CPU since its start, its threads included."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_megabytes(pid: int) -> tuple[float, float]:
    """What a process has resident now, and had at most: VmRSS and VmHWM, in MB of 1024 * 1024 bytes."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    found = {line.partition(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
    return int(found["VmRSS"]) / 1024, int(found["VmHWM"]) / 1024


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that so large a part of them does not exceed; NaN of nothing."""
    ordered = sorted(values)
    return ordered[max(math.ceil(len(ordered) * part) - 1, 0)] if ordered else math.nan


def exponent(pairs: Sequence[tuple[float, float]]) -> float:
    """How ``y`` grows with ``x``: the slope of a straight line through the logarithms."""
    logs = [(math.log(x), math.log(y)) for x, y in pairs]
    middle_x, middle_y = (sum(axis) / len(logs) for axis in zip(*logs, strict=True))
    spread = sum((x - middle_x) ** 2 for x, _ in logs)
    return float(sum((x - middle_x) * (y - middle_y) for x, y in logs) / spread)


def machine() -> str:
    """What a figure depends on."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.release()}"
