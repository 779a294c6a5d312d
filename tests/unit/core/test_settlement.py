import dataclasses
import pathlib

import pytest

from niassa_orch import errors
from niassa_orch.core import attempts, board, pool, settlement
from niassa_orch.domain import jobs, runs, settling
from niassa_orch.seqware import call
from tests.fakes import calls
from tests.fakes import clock as clocks
from tests.fakes import neighbours_in_memory as fakes

R, J, Outcome = runs.RunStatus, jobs.JobStatus, settling.Outcome
A = runs.Accession(7)
JOB = "1-oozie-W"
DIRECTORY = "/work/oozie-1"
GRACE_SECONDS = 120.0
COPIED = calls.whole(*calls.launching(7, DIRECTORY))
SUBMITTED = calls.whole(*calls.launching(7, DIRECTORY, JOB))


class Scene:
    """A call for run 7 that is over, and who gives the verdicts."""

    def __init__(self, transcript: pathlib.Path) -> None:
        self.clock = clocks.Clock()
        self.service = fakes.WebServiceInMemory()
        self.oozie = fakes.OozieInMemory()
        self.told = fakes.board_of()
        self.slots = pool.Pool(2)
        self.settlement = settlement.Settlement(self.told, self.slots, GRACE_SECONDS)
        self.transcript = transcript
        self.known = fakes.enrolled(self.service, self.oozie)
        self.attempt = self._attempt(7)

    def _attempt(self, *accessions: int) -> attempts.Attempt:
        numbers = [runs.Accession(accession) for accession in accessions]
        header = call.CallHeader.now("bob", "niassa-bob", "launch", numbers, runs.EngineFamily.OOZIE)
        return attempts.Attempt.of(header, self.transcript, self.known)

    def write(self, lines: list[str], *accessions: int) -> None:
        self.attempt = self._attempt(*(accessions or (7,)))
        self.transcript.write_bytes(self.attempt.header.to_line() + "".join(f"{line}\n" for line in lines).encode())

    async def settle(self) -> dict[runs.Accession, settling.Outcome]:
        return (await self.settlement.settle(self.attempt))[1]


@pytest.fixture
def scene(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    found = Scene(tmp_path / "transcript")
    monkeypatch.setattr(settlement, "time", found.clock)
    return found


async def test_a_launch_that_the_engine_recorded_is_left_as_it_is(scene: Scene) -> None:
    scene.write(SUBMITTED)
    scene.service.schedule(7, R.PENDING, statusCmd=JOB)
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert scene.attempt.is_over
    assert "PUT 7" not in scene.service.asked
    assert scene.oozie.asked == []


@pytest.mark.parametrize("status", [R.SUBMITTED, R.FAILED])
async def test_a_job_that_the_engine_did_not_record_is_repaired(scene: Scene, status: runs.RunStatus) -> None:
    scene.write(SUBMITTED)
    scene.service.schedule(7, status)
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    row = scene.service.rows[A]
    assert (row["status"], row["statusCmd"], row["currentWorkingDir"]) == (R.PENDING, JOB, DIRECTORY)
    assert "launch.repaired" in fakes.names(scene.told)


@pytest.mark.parametrize("status", [R.SUBMITTED_CANCEL, R.CANCELLED])
async def test_a_cancel_stays_a_cancel_and_gets_the_job_to_kill(scene: Scene, status: runs.RunStatus) -> None:
    scene.write(SUBMITTED)
    scene.service.schedule(7, status)
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert scene.service.run(7).status is R.SUBMITTED_CANCEL
    assert scene.service.run(7).status_cmd == JOB


async def test_a_job_without_its_line_is_found_in_oozie_by_its_working_directory(scene: Scene) -> None:
    scene.write(COPIED)
    scene.service.schedule(7, R.FAILED)
    scene.oozie.start("other", app_path="/apps/oozie-11")
    scene.oozie.start(JOB, app_path="hdfs://nn/apps/oozie-1/")
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert (scene.service.run(7).status, scene.service.run(7).status_cmd) == (R.PENDING, JOB)


async def test_two_jobs_of_one_launch_are_held_and_said_loudly(scene: Scene) -> None:
    scene.write(COPIED)
    scene.service.schedule(7)
    for job in (JOB, "2-oozie-W"):
        scene.oozie.start(job, app_path="/apps/oozie-1")
    assert await scene.settle() == {A: Outcome.HELD}
    assert (scene.attempt.unsettled, list(scene.attempt.held), scene.attempt.is_over) == ({}, [A], False)
    assert scene.told.snapshot().events[-1].level is board.Level.ERROR
    assert scene.service.run(7).status is R.SUBMITTED


async def test_oozie_must_say_none_twice_a_grace_period_apart_before_a_run_is_clean(scene: Scene) -> None:
    scene.write(COPIED)
    scene.service.schedule(7)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.clock.advance(GRACE_SECONDS - 1)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.clock.advance(1)
    assert await scene.settle() == {A: Outcome.CLEAN}
    assert scene.attempt.is_over
    assert fakes.names(scene.told) == ["launch.in_doubt", "launch.clean"]


async def test_one_answer_is_never_two_however_short_the_grace_period(scene: Scene) -> None:
    scene.settlement = settlement.Settlement(scene.told, scene.slots, 0)
    scene.write(COPIED)
    scene.service.schedule(7)
    assert await scene.settle() == {A: Outcome.IN_DOUBT}
    scene.clock.advance(0.001)
    assert await scene.settle() == {A: Outcome.CLEAN}


async def test_a_job_that_shows_up_late_is_not_launched_again(scene: Scene) -> None:
    scene.write(COPIED)
    scene.service.schedule(7)
    await scene.settle()
    scene.oozie.start(JOB, app_path="/apps/oozie-1")
    scene.clock.advance(GRACE_SECONDS)
    assert await scene.settle() == {A: Outcome.LAUNCHED}


async def test_oozie_out_of_reach_leaves_a_doubt_for_as_long_as_it_lasts(scene: Scene) -> None:
    scene.write(COPIED)
    scene.service.schedule(7)
    scene.oozie.down = True
    for _ in range(3):
        scene.clock.advance(10 * GRACE_SECONDS)
        assert await scene.settle() == {}
    assert list(scene.attempt.unsettled) == [A]
    assert fakes.names(scene.told) == ["launch.in_doubt"]
    scene.oozie.down = False
    assert await scene.settle() == {A: Outcome.IN_DOUBT}, "silence is no answer: the grace period begins only now"


async def test_a_web_service_out_of_reach_leaves_a_doubt(scene: Scene) -> None:
    scene.write(SUBMITTED)
    scene.service.schedule(7)
    scene.service.before_get.append(fakes.unreachable)
    assert await scene.settle() == {}
    assert await scene.settle() == {A: Outcome.LAUNCHED}


async def test_a_repair_that_did_not_take_is_tried_again(scene: Scene) -> None:
    scene.write(SUBMITTED)
    scene.service.schedule(7)
    scene.service.before_put.append(fakes.unknown_fate)
    assert await scene.settle() == {}
    assert "could not be repaired" in scene.attempt.unsettled[A]
    assert await scene.settle() == {A: Outcome.LAUNCHED}
    assert scene.service.run(7).status_cmd == JOB


async def test_a_call_that_never_reached_the_run_is_clean_and_a_cut_one_is_held(scene: Scene) -> None:
    scene.service.schedule(7)
    scene.write(calls.whole("Number of submitted workflows: 0"))
    assert await scene.settle() == {A: Outcome.CLEAN}
    scene.write([calls.BEGIN, "Number of submitted workflows: 1"])
    assert await scene.settle() == {A: Outcome.HELD}


async def test_a_transcript_that_is_gone_is_held(scene: Scene) -> None:
    scene.service.schedule(7)
    with pytest.raises(errors.EngineCallError, match="cannot be read"):
        await scene.settle()
    assert list(scene.attempt.held) == [A]


async def test_each_run_of_a_call_gets_its_own_verdict(scene: Scene) -> None:
    lines = [*calls.launching(7, DIRECTORY, JOB), *calls.launching(8, "/work/oozie-8"), *calls.launching(9)]
    scene.write(calls.whole(*lines), 7, 8, 9)
    scene.service.schedule(7, R.PENDING, statusCmd=JOB)
    scene.service.schedule(8)
    scene.service.schedule(9, R.FAILED)
    outcomes = await scene.settle()
    assert outcomes == {7: Outcome.LAUNCHED, 8: Outcome.IN_DOUBT, 9: Outcome.FAILED}
    assert list(scene.attempt.unsettled) == [8]
    assert scene.told.line("bob").ended == {R.FAILED: 1}
    assert (scene.slots.busy, scene.slots.waiting) == (0, 0)


async def test_an_account_without_an_oozie_stays_in_doubt_and_is_told_why(scene: Scene) -> None:
    scene.known = dataclasses.replace(scene.known, oozie_server=None)
    scene.write(COPIED)
    scene.service.schedule(7)
    assert await scene.settle() == {}
    assert "OOZIE_URL" in scene.attempt.unsettled[A]
