"""Oozie while launches are settled: an answer that is lost, jobs that are there twice, and every look that can fail."""

import itertools
import pathlib
import re

import pytest

from tests.acceptance import fault_matrix, fault_ways, machine, stages, trials

_WAYS = fault_ways.OOZIE_FAILS | fault_ways.HANGS
_QUICK = {"BEAT__INTERVAL_SECONDS": 0.3, "HTTP__TIMEOUT_SECONDS": 1.5}


@pytest.mark.timeout(300)
async def test_oozie_failing_at_each_request_of_a_recovery_proves_nothing_and_the_records_are_repaired_later(
    tmp_path: pathlib.Path,
) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        trial = trials.Trials(stage)
        await _leave_in_doubt(trial, 1)
        async with stage.service(**fault_matrix.SETTINGS | _QUICK) as service:
            await service.tells("launch.verified")
            asked = {_shape(request["path"]) for request in await stage.oozie.requests()}
        cells = list(itertools.product(sorted(asked), _WAYS))
        doubtful = await _leave_in_doubt(trial, len(cells))
        # Each look-up ends at the first request that fails: so many look-ups, each meets another fault.
        for (shape, how), accession in zip(cells, doubtful, strict=True):
            job = (await stage.oozie.job(accession))["id"]
            await stage.oozie.order(**_WAYS[how], path=shape.replace("{job}", job) + "$")
        async with stage.service(**fault_matrix.SETTINGS | _QUICK) as service:
            await trial.finish(service)
            decided = trials.verdicts(service)
        assert all(decided[accession] == ["in_doubt", "verified"] for accession in doubtful), decided
        assert [order["hits"] for order in await stage.oozie.get("faults")] == [1] * len(cells)
        assert {"/oozie/v1/jobs", "/oozie/v1/job/{job}"} <= asked
        assert await trial.findings() == []
        await stage.launched_once(*trial.accessions)
        assert {run["status"] for run in (await stage.web.runs()).values()} == {"completed"}
        assert trial.held == {}


async def _leave_in_doubt(trial: trials.Trials, count: int) -> list[int]:
    """Runs whose jobs nobody knows of: the engine lost the answers, or died; the service is dead too."""
    stage = trial.stage
    launches = ["lost_answer"] * (count - 1) + ["dies_after_submit"]
    found = [await trial.schedule("alice", launch=launch) for launch in launches]
    await stage.oozie.order("status", status=502, method="GET", path="/v1/job", agent="^niassa-orch/", times=None)
    async with stage.service(**fault_matrix.SETTINGS | _QUICK) as service:
        for accession in found:
            await service.tells("launch.in_doubt", accession=accession)
        await service.kill()
    await stage.oozie.delete("faults")
    await stage.oozie.delete("requests")
    return found


def _shape(path: str) -> str:
    return re.sub(r"/v1/job/.*", "/v1/job/{job}", path)


async def test_two_jobs_of_one_launch_are_told_loudly_and_never_become_three(stage: stages.Stage) -> None:
    trial = trials.Trials(stage)
    mine = await trial.schedule("alice", launch="repeats_post")
    await stage.oozie.order("drop_after", method="POST", path="/v1/jobs$", times=2)
    async with stage.service(ENGINE__DOUBT_GRACE_SECONDS=0.1) as service:
        told = await service.tells("launch.held", accession=mine)
        both = await stage.oozie.jobs(mine)
        assert len({job["appPath"] for job in both}) == 1
        assert len(both) == 2
        assert told.level == "error"
        assert all(job["id"] in told["reason"] for job in both)
        assert await stage.web.statuses(mine) == ["submitted", "failed"]
        await stage.retry("alice", mine)
        await stage.web.polls()
    async with stage.service() as service:
        await stage.web.polls()
        (doubt,) = await trial.doubts()
        assert (doubt["accession"], doubt["outcome"], doubt["reason"]) == (mine, "held", told["reason"])
        assert (await stage.web.runs())[mine]["status"] == "submitted_retry"
        await trial.resolve(mine, "--launched", both[0]["id"])
        await stage.web.reach("completed", mine)
        await stage.web.polls()
    assert (await stage.web.runs())[mine]["statusCmd"] == both[0]["id"]
    assert len(await stage.oozie.jobs(mine)) == 2
    assert machine.entries(stage.place.state_dir / "calls" / "open") == []
