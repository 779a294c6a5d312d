"""A disk that becomes read-only, or a journal that somebody damages, while the service runs: nothing is launched that
could not be written down, nobody is launched twice, what is known of jobs is propagated, and a person is told.
"""

import os
import pathlib
import signal
from collections.abc import AsyncIterator

import pytest

from tests.acceptance import books, disks, engine_calls, services, stages, steps


@pytest.fixture
async def on_sick_disk(tmp_path: pathlib.Path) -> AsyncIterator[tuple[stages.Stage, disks.SickDisk]]:
    """alice and bob, with a state directory on a disk that may fall ill."""
    with disks.sick(tmp_path / "sandbox" / "state", tmp_path / "image") as disk:
        async with stages.own(tmp_path, "alice", "bob") as stage:
            yield stage, disk


async def test_a_disk_that_becomes_read_only_stops_launches_alone_and_all_is_settled_when_it_is_repaired(
    on_sick_disk: tuple[stages.Stage, disks.SickDisk],
) -> None:
    stage, disk = on_sick_disk
    running = await stage.schedule("bob", steps.LONG)
    async with stage.service() as service:
        await stage.web.reach("running", running)
        await stage.oozie.order("hold", method="POST", body_contains="oozie.wf.application.path")
        called = await stage.schedule("alice", launch="silent_after_submit")
        transcript = await engine_calls.said(stage, "Using working directory")
        disk.fall_ill()
        waiting = await stage.schedule("bob")
        await stage.oozie.delete("faults")
        told = await service.tells("launch.backing_off", account="bob")
        assert (told.level, "journal.sqlite cannot be used" in told["reason"]) == ("error", True)
        service.signal(signal.SIGHUP)
        await steps.end(stage, running)
        await stage.web.reach("completed", running)
        await stage.web.polls()
        assert await stage.oozie.jobs(waiting) == []
        assert (await stage.web.runs())[waiting]["status"] == "submitted"
        assert "task.crashed" not in service.text
        await engine_calls.ended(transcript)
        assert await service.drain() == 0
    disk.heal()
    async with stage.service() as service:
        await stage.web.reach("completed", waiting)
        # What the engine said did not reach the disk; that it was called did, so that it is not called again.
        await books.until("a word on the call", lambda: _is_told(service, called))
        await stage.web.polls()
    assert len(await stage.oozie.jobs(called)) == 1
    await stage.launched_once(running, waiting)


async def test_a_start_on_a_read_only_disk_propagates_launches_nothing_and_goes_on_when_it_can_be_written(
    on_sick_disk: tuple[stages.Stage, disks.SickDisk],
) -> None:
    stage, disk = on_sick_disk
    running = await stage.schedule("bob", steps.LONG)
    async with stage.service() as service:
        await stage.web.reach("running", running)
        await service.tells("launch.verified", accession=running)
    disk.make_read_only()
    waiting = await stage.schedule("alice")
    async with stage.service() as service:
        told = await service.tells("journal.unusable")
        assert (told.level, "journal.sqlite cannot be used" in told["reason"]) == ("error", True)
        async with stage.service("once") as second:
            assert await second.ended() == 78
            assert "another niassa-orch uses state_dir" in second.text
        await steps.end(stage, running)
        await stage.web.reach("completed", running)
        await stage.web.polls()
        assert (await stage.oozie.jobs(waiting), (await stage.web.runs())[waiting]["status"]) == ([], "submitted")
        disk.make_writable()
        await service.tells("journal.recovered")
        await stage.web.reach("completed", waiting)
    await stage.launched_once(running, waiting)


async def test_a_journal_that_is_damaged_under_the_service_never_makes_it_launch_twice(stage: stages.Stage) -> None:
    before = await stage.schedule("alice", steps.LONG)
    async with stage.service() as service:
        await stage.web.reach("running", before)
        await service.tells("launch.verified", accession=before)
        for name in ("journal.sqlite", "journal.sqlite-wal"):
            _overwrite(stage.place.state_dir / name)
        after = [await stage.schedule(name) for name in ("alice", "bob", "alice")]
        await steps.end(stage, before)
        await stage.web.reach("completed", before)
        # What is in memory may be enough for all of it; else who waits is told why.
        await books.until("launches, or a reason why not", lambda: _are_met(stage, service, after))
        assert "task.crashed" not in service.text
        assert await service.drain() == 0
    # Every call is over before the books are read: nobody can launch between two looks.
    for transcript in stage.transcripts("open"):
        await engine_calls.ended(transcript)
    runs = await stage.web.runs()
    waiting = [accession for accession in after if runs[accession]["status"] == "submitted"]
    assert [await stage.oozie.jobs(accession) for accession in waiting] == [[]] * len(waiting)
    async with stage.service("doubts") as asked:
        assert await asked.ended() == 1
        assert "journal.sqlite is damaged" in asked.text
    await stage.launched_once(*{before, *after}.difference(waiting))


async def _are_met(stage: stages.Stage, service: services.Service, accessions: list[int]) -> bool | None:
    runs = await stage.web.runs()
    launched = all(runs[accession]["status"] != "submitted" for accession in accessions)
    return launched or bool(service.events("launch.backing_off")) or None


def _overwrite(file: pathlib.Path) -> None:
    """Somebody writes nonsense over the whole of a file, which keeps its size."""
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.write(os.urandom(size))


async def _is_told(service: services.Service, accession: int) -> bool | None:
    """Whether a run's launch was proved, or is left to a person."""
    names = ("launch.verified", "launch.held")
    return any(service.events(name, accession=accession) for name in names) or None
