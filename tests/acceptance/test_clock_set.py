"""The service on a machine whose clock is wrong by hours or days, and is set while it works and between its lives.

Its neighbours and the engine go by the true time. The wall clock of the service alone is faked, by libfaketime (Debian
package ``faketime``), its monotonic clock is not: so it is on a machine whose clock somebody sets. ``time.sleep`` does
not work under that library; the service has no use for it.
"""

import asyncio
import os
import pathlib

import pytest

from tests.acceptance import books, stages

_LIBRARIES = sorted(pathlib.Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"))
_HOURS, _DAYS = 3600, 24 * 3600
_SETTINGS: dict[str, object] = {
    "ENGINE__BATCH": 1,
    "ENGINE__DOUBT_GRACE_SECONDS": 2,
    "ENGINE__DEADLINE_SECONDS": 20,
    "ENGINE__KILL_GRACE_SECONDS": 0.5,
}

pytestmark = pytest.mark.skipif(not _LIBRARIES, reason="no libfaketime here; on Debian: apt-get install faketime")


class WallClock:
    """The wall clock of a service: set by writing a file."""

    def __init__(self, file: pathlib.Path) -> None:
        self._file = file
        self.set(0)

    def set(self, ahead_seconds: int) -> None:
        """So far ahead of the true time from now on."""
        written = self._file.with_suffix(".new")
        written.write_text(f"{ahead_seconds:+d}\n")
        written.rename(self._file)

    def crew(self) -> stages.Crew:
        """The service under this clock."""
        environment = {
            "LD_PRELOAD": str(_LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        return stages.Crew(environment=environment)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("before", "meanwhile", "after"),
    [
        (6 * _HOURS, -6 * _HOURS, 0),
        (5 * _DAYS, 5 * _DAYS, 5 * _DAYS),
        (5 * _DAYS, 5 * _DAYS, 0),
    ],
)
async def test_no_run_is_lost_or_launched_twice_by_a_clock_that_is_set(
    tmp_path: pathlib.Path, before: int, meanwhile: int, after: int
) -> None:
    clock = WallClock(tmp_path / "clock")
    clock.set(before)
    async with stages.own(tmp_path, "alice", crew=clock.crew()) as stage:
        launches = ("dies_after_submit", "lost_answer", "silent_after_submit", "")
        accessions = [await stage.schedule("alice", launch=launch) for launch in launches]
        killed = await stage.start(**_SETTINGS)
        try:
            await _submitted(stage, accessions[0])
            clock.set(meanwhile)
            await _submitted(stage, accessions[1])
        finally:
            await killed.kill()
        clock.set(after)
        async with stage.service(**_SETTINGS) as service:
            await service.tells("service.started")  # all may be done by now; before this a SIGTERM is no drain
            await stage.web.reach("completed", *accessions, seconds=90)
        await stage.launched_once(*accessions)


async def _submitted(stage: stages.Stage, accession: int) -> None:
    async def look() -> bool | None:
        return bool(await stage.oozie.jobs(accession)) or None

    await books.until(f"a job of run {accession}", look, 60)


async def test_the_clock_of_the_service_is_really_faked_and_its_monotonic_one_is_not(tmp_path: pathlib.Path) -> None:
    clock = WallClock(tmp_path / "clock")
    clock.set(5 * _DAYS)
    crew = clock.crew()
    ask = "import time; print(time.time(), time.monotonic())"
    process = await asyncio.create_subprocess_exec(
        crew.argv[0], "-c", ask, stdout=asyncio.subprocess.PIPE, env={**os.environ, **crew.environment}
    )
    said, _ = await process.communicate()
    true = await _true_times(crew.argv[0], ask)
    wall, monotonic = map(float, said.split())
    assert wall - true[0] == pytest.approx(5 * _DAYS, abs=60)
    assert monotonic == pytest.approx(true[1], abs=60)


async def _true_times(python: str, ask: str) -> tuple[float, float]:
    process = await asyncio.create_subprocess_exec(python, "-c", ask, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    wall, monotonic = map(float, said.split())
    return wall, monotonic
