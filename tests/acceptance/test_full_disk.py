"""A full disk under the state directory: nothing is launched or done that could not be written down, the rest goes on,
every face says so, and with room again the service goes on by itself.
"""

import contextlib
import json
import os
import pathlib
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.acceptance import books, disks, engine_calls, killed_calls, services, stages, steps

#: Less than the service wants to have left before a launch; enough for the journal to be opened.
_TOO_LITTLE = 8 << 20
_QUICK_END = {"ENGINE__KILL_GRACE_SECONDS": 0.5, "ENGINE__DEADLINE_SECONDS": 60}


@pytest.fixture
async def on_disk(tmp_path: pathlib.Path) -> AsyncIterator[tuple[stages.Stage, disks.Disk]]:
    """alice and bob, with a state directory on a small disk of its own."""
    with disks.small(tmp_path / "sandbox" / "state") as disk:
        async with stages.own(tmp_path, "alice", "bob") as stage:
            yield stage, disk


async def test_on_a_full_disk_nothing_is_launched_or_killed_and_propagation_goes_on_until_there_is_room(
    on_disk: tuple[stages.Stage, disks.Disk],
) -> None:
    stage, disk = on_disk
    running, cancelled = [await stage.schedule("alice", steps.LONG) for _ in range(2)]
    async with stage.service() as service:
        await stage.web.reach("running", running, cancelled)
        for accession in (running, cancelled):
            await service.tells("launch.verified", accession=accession)
        disk.fill()
        waiting = await stage.schedule("alice")
        await stage.cancel("alice", cancelled)
        told = await service.tells("launch.backing_off", account="alice")
        assert (told.level, f"state_dir {disk.directory} has 0 MiB left" in told["reason"]) == ("error", True)
        told = await service.tells("run.left_alone", accession=cancelled)
        assert (told.level, "disk is full" in told["reason"]) == ("error", True)
        service.signal(signal.SIGHUP)  # an administrator who reads accounts.d again changes nothing
        await steps.end(stage, running)
        await stage.web.reach("completed", running)
        await stage.web.polls()
        runs = await stage.web.runs()
        assert (runs[waiting]["status"], runs[cancelled]["status"]) == ("submitted", "submitted_cancel")
        assert (await stage.oozie.jobs(waiting), await _kills(stage)) == ([], 0)
        assert "task.crashed" not in service.text

        disk.free()
        await stage.web.reach("completed", waiting)
        await stage.web.reach("cancelled", cancelled)
        await service.tells("launch.recovered", account="alice")
    await stage.launched_once(running, cancelled, waiting)


async def test_a_start_on_a_full_disk_propagates_and_launches_when_there_is_room(
    on_disk: tuple[stages.Stage, disks.Disk],
) -> None:
    stage, disk = on_disk
    running = await stage.schedule("alice", steps.LONG)
    async with stage.service() as service:
        await stage.web.reach("running", running)
        await service.tells("launch.verified", accession=running)
    disk.fill()
    waiting = await stage.schedule("bob")
    async with stage.service() as service:
        told = await service.tells("journal.unusable")
        assert (told.level, "journal.sqlite cannot be used" in told["reason"]) == ("error", True)
        await steps.end(stage, running)
        await stage.web.reach("completed", running)
        assert (await stage.oozie.jobs(waiting), (await stage.web.runs())[waiting]["status"]) == ([], "submitted")
        disk.free()
        await service.tells("journal.recovered")
        await stage.web.reach("completed", waiting)
    await stage.launched_once(running, waiting)


async def test_once_says_by_its_exit_code_that_the_disk_is_full(on_disk: tuple[stages.Stage, disks.Disk]) -> None:
    stage, disk = on_disk
    async with stage.service("once") as service:
        assert await service.ended() == 0
    disk.fill(leave_bytes=_TOO_LITTLE)
    mine = await stage.schedule("bob")
    async with stage.service("once") as service:
        assert await service.ended() == 1
        assert "MiB left" in service.events("launch.backing_off", account="bob")[0]["reason"]
    assert await stage.oozie.jobs(mine) == []
    disk.free()
    async with stage.service("once") as service:
        assert await service.ended() == 0, service.text
    await stage.launched_once(mine)


async def test_once_says_by_its_exit_code_that_a_kill_could_not_be_written_down(
    on_disk: tuple[stages.Stage, disks.Disk],
) -> None:
    stage, disk = on_disk
    mine = await stage.schedule("alice", steps.LONG)
    async with stage.service() as service:
        await stage.web.reach("running", mine)
        await service.tells("launch.verified", accession=mine)
        await service.drain()
    await stage.cancel("alice", mine)
    await stage.web.order("hold", method="GET", query={"status": "submitted"})
    async with stage.service("once", HTTP__TIMEOUT_SECONDS=60) as service:

        async def asks() -> bool | None:
            return await stage.web.fault_hits() > 0 or None

        await books.until("a first request", asks)  # the journal is open by then
        disk.fill()
        await stage.web.delete("faults")
        assert await service.ended() == 1
    assert (await stage.web.runs())[mine]["status"] == "submitted_cancel"
    assert await _kills(stage) == 0


@pytest.mark.parametrize(
    ("launch", "moment", "outcome"),
    [
        ("hangs", '"begin"', "launch.held"),
        ("hangs_after_submit", "Submitted Oozie job: ", "launch.verified"),
    ],
)
async def test_a_call_whose_transcript_cannot_grow_is_ended_and_its_run_is_launched_once_or_told(
    on_disk: tuple[stages.Stage, disks.Disk], launch: str, moment: str, outcome: str
) -> None:
    stage, disk = on_disk
    mine = await stage.schedule("alice", launch=launch)
    async with stage.service(**_QUICK_END) as service:
        transcript = await engine_calls.said(stage, moment)
        with _stopped(service):
            disk.fill()
            await engine_calls.ended(transcript)
            disk.free()
        await service.tells(outcome, accession=mine)
        [transcript] = stage.transcripts()
        assert '"end"' not in transcript.read_text()
        if outcome == "launch.verified":
            await stage.web.reach("completed", mine)
            await stage.launched_once(mine)
        else:
            assert await stage.oozie.jobs(mine) == []
    if outcome == "launch.held":
        async with stage.service("doubts", "--json") as asked:
            assert await asked.ended() == 0
            assert [doubt["accession"] for doubt in json.loads(asked.text)] == [mine]


@pytest.mark.parametrize("killed", [False, True], ids=["waits", "is_killed"])
async def test_verdicts_that_cannot_be_written_down_wait_until_they_can(
    on_disk: tuple[stages.Stage, disks.Disk], killed: bool
) -> None:
    stage, disk = on_disk
    calls = killed_calls.Killer(stage)
    # The engine stops itself in the first launch, until the service stands still.
    mine = [
        await stage.schedule("alice", pause="1"),
        *[await stage.schedule("alice", launch=launch) for launch in ("silent_after_submit", "fails")],
    ]
    async with stage.service(ENGINE__BATCH=3) as service:
        [family] = (await books.until("an engine that stopped itself", calls.any_stopped)).values()
        [transcript] = stage.transcripts("open")
        with _stopped(service):
            os.kill(family["engine"], signal.SIGCONT)
            await engine_calls.ended(transcript)
            disk.fill()
        for accession in mine:
            told = await service.tells("launch.in_doubt", accession=accession)
            assert "disk is full" in told["reason"]
        await stage.web.reach("completed", *mine[:2])  # a job that is known is followed, journal or not
        await stage.web.polls()
        assert stage.transcripts("open") == [transcript]
        if killed:
            await service.kill()
            disk.free()
        else:
            disk.free()
            await service.tells("launch.failed", accession=mine[2])
            await service.tells("launch.verified", accession=mine[0])
    if killed:
        async with stage.service() as service:
            await service.tells("launch.failed", accession=mine[2])
            await service.tells("launch.verified", accession=mine[1])
    await stage.launched_once(*mine[:2])
    assert await stage.oozie.jobs(mine[2]) == []
    assert stage.transcripts("open") == []


async def _kills(stage: stages.Stage) -> int:
    return len(await stage.oozie.requests(method="PUT", query={"action": "kill"}))


@contextlib.contextmanager
def _stopped(service: services.Service) -> Iterator[None]:
    """The service stands still meanwhile; the calls that it began go on."""
    service.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.signal(signal.SIGCONT)
