"""Launches that go wrong in every way that the engine knows: the end is the truth, and never a second job."""

from typing import Any

import pytest

from tests.acceptance import books, machine, stages, steps

_ONE_A_CALL = {"ENGINE__BATCH": 1}
#: Only where something hangs: a slow machine reaches a short deadline in calls that do not hang.
_IMPATIENT = {**_ONE_A_CALL, "ENGINE__DEADLINE_SECONDS": 3, "ENGINE__KILL_GRACE_SECONDS": 0.5}


async def test_a_launch_that_fails_with_exit_0_ends_as_failed(stage: stages.Stage) -> None:
    broken = await stage.schedule("alice", launch="fails")
    unknown = await stage.schedule("alice", engine="condor")
    async with stage.service() as service:
        await stage.web.reach("failed", broken, unknown)
        await service.tells("launch.failed", accession=broken)
        await service.tells("launch.failed", accession=unknown)
        await stage.web.polls()
    assert await stage.oozie.jobs(broken, unknown) == []
    assert await stage.web.statuses(broken) == ["submitted", "failed"]


@pytest.mark.parametrize("batch", [1, 5])
async def test_a_job_that_runs_although_the_record_does_not_say_so_is_found_and_followed(
    stage: stages.Stage, batch: int
) -> None:
    launches = ("failed_after_submit", "silent_after_submit", "lost_answer", "")
    accessions = [await stage.schedule("alice", launch=launch) for launch in launches]
    async with stage.service(**_ONE_A_CALL | {"ENGINE__BATCH": batch}) as service:
        await stage.web.reach("completed", *accessions)
        for accession in accessions[:3]:
            await service.tells("launch.repaired", accession=accession)
        assert service.events("launch.repaired", accession=accessions[3]) == []
    await stage.launched_once(*accessions)


async def test_an_engine_that_dies_or_hangs_after_the_submission_is_followed_all_the_same(stage: stages.Stage) -> None:
    accessions = [await stage.schedule("alice", launch=how) for how in ("dies_after_submit", "hangs_after_submit")]
    async with stage.service(**_IMPATIENT):
        await stage.web.reach("completed", *accessions)
    await stage.launched_once(*accessions)


async def test_an_engine_that_dies_before_the_submission_leaves_the_run_to_be_tried_again(stage: stages.Stage) -> None:
    hopeless = [await stage.schedule("alice", launch=how) for how in ("dies_before_submit", "exits_91")]
    mine = await stage.schedule("alice")
    async with stage.service(**_ONE_A_CALL) as service:
        for accession in hopeless:
            await service.tells("launch.clean", accession=accession)
        assert service.events("launch.in_doubt", accession=hopeless[0])
        await stage.web.reach("completed", mine)
    assert await stage.oozie.jobs(*hopeless) == []
    assert [await stage.web.statuses(accession) for accession in hopeless] == [["submitted"], ["submitted"]]


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 500},
        {"action": "drop_before"},
        {"action": "drop_after"},
        {"action": "hang"},
        {"action": "cut"},
    ],
    ids=lambda fault: "_".join(map(str, fault.values())),
)
async def test_a_web_service_that_fails_while_the_engine_writes_costs_no_run_and_makes_no_second_job(
    stage: stages.Stage, fault: dict[str, Any]
) -> None:
    mine = await stage.schedule("alice")
    await stage.web.order(method="PUT", path=f"/{mine}$", **fault)
    async with stage.service(**_IMPATIENT if fault["action"] == "hang" else _ONE_A_CALL):
        await stage.web.reach("completed", mine)
        assert await stage.web.fault_hits() == 1
    await stage.launched_once(mine)


async def test_a_web_service_that_is_gone_while_the_engine_works_costs_no_run(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice")
    # The service looks at the run last thing before the call; what comes after that fails, the engine's and ours.
    await stage.web.order("status", status=503, path=f"/{mine}$", skip=1, times=2)
    async with stage.service(**_ONE_A_CALL, HTTP__ATTEMPTS=1) as service:
        await service.tells("launch.in_doubt", accession=mine)
        await stage.web.reach("completed", mine)
        assert await stage.web.fault_hits() == 2
    await stage.launched_once(mine)


async def test_an_oozie_that_takes_the_job_and_closes_the_door_gets_no_second_one(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice")
    await stage.oozie.order("drop_after", method="POST", path="/v1/jobs$")
    async with stage.service() as service:
        await service.tells("launch.repaired", accession=mine)
        await stage.web.reach("completed", mine)
    await stage.launched_once(mine)


async def test_a_run_that_a_user_cancels_before_its_launch_ends_cancelled_without_a_job(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice")
    await stage.cancel("alice", mine)
    async with stage.service():
        await stage.web.reach("cancelled", mine)
    assert await stage.oozie.jobs(mine) == []


async def test_a_cancel_during_the_engine_call_is_carried_out_once_the_launch_is_settled(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", steps.LONG, launch="silent_after_submit")
    async with stage.service():

        async def began() -> bool | None:
            return bool(await stage.oozie.jobs(mine)) or None

        await books.until("a job", began)
        await stage.cancel("alice", mine)
        await stage.web.reach("cancelled", mine)
    assert (await stage.oozie.job(mine))["status"] == "KILLED"
    await stage.launched_once(mine)


async def test_whitestar_is_launched_once_and_stays_submitted_while_its_call_works(stage: stages.Stage) -> None:
    long = await stage.schedule("alice", "align:2.5", engine="whitestar")
    bad = await stage.schedule("alice", "align:0.1!", engine="whitestar")
    quick = await stage.schedule("alice")
    async with stage.service() as service:
        await stage.web.reach("completed", quick, long)
        await stage.web.reach("failed", bad)
        await stage.web.polls()
        calls = " ".join(event["accessions"] for event in service.events("launch.called")).split()
        assert sorted(calls) == sorted(map(str, (long, bad, quick)))
    assert await stage.web.statuses(long) == ["submitted", "completed"]
    runs = await stage.web.runs()
    assert runs[long]["statusCmd"] == str(long)
    assert len(machine.entries(runs[long]["currentWorkingDir"], "generated-scripts/align.e*")) == 1
