"""What a job says becomes the run's status, what a user wants becomes the job's, and no write is repeated blindly."""

import itertools
import os
import pathlib
import signal
import time
from typing import Any

import pytest

from tests.acceptance import books, killed_calls, machine, stages, steps


async def test_a_cancel_while_the_run_runs_ends_cancelled_with_its_job_killed(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", f"{steps.LONG}*")
    async with stage.service():
        [run] = await stage.web.reach("running", mine)
        await stage.cancel("alice", mine)
        await stage.web.reach("cancelled", mine)
    assert (await stage.oozie.job(mine))["status"] == "KILLED"
    assert _living_in(run["currentWorkingDir"]) == []
    assert await stage.web.statuses(mine) == ["submitted", "pending", "running", "submitted_cancel", "cancelled"]


async def test_a_retry_runs_the_failed_steps_again_and_completes(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", "align:0.1,sort:0.1?,report:0.1", engine="oozie-sge")
    async with stage.service():
        [run] = await stage.web.reach("failed", mine)
        await stage.retry("alice", mine)
        await stage.web.reach("completed", mine)
    assert (await stage.oozie.job(mine))["run"] == 1
    scripts = pathlib.Path(run["currentWorkingDir"], "generated-scripts")
    counts = {step: len(machine.entries(scripts, f"{step}.o*")) for step in ("align", "sort", "report")}
    assert counts == {"align": 1, "sort": 2, "report": 1}


async def test_a_suspended_job_fails_its_run_and_a_retry_resumes_it(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", f"{steps.LONG},sort:0.1")
    async with stage.service():
        await stage.web.reach("running", mine)
        job = await stage.oozie.job(mine)
        await stage.oozie.act(job["id"], "suspend", job["user"])
        await stage.web.reach("failed", mine)
        await stage.retry("alice", mine)
        await stage.web.reach("running", mine)
        await steps.end(stage, mine)
        await stage.web.reach("completed", mine)
    assert (await stage.oozie.job(mine))["run"] == 0


async def test_a_job_that_oozie_does_not_know_fails_its_run_only_after_the_set_time(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", steps.LONG)
    async with stage.service(OOZIE__GONE_AFTER_SECONDS=3):
        await stage.web.reach("running", mine)
        job = await stage.oozie.job(mine)
        began = time.time()
        await stage.oozie.delete(f"jobs/{job['id']}")
        await stage.web.reach("failed", mine)
    moments = (await stage.web.get("history"))[str(mine)]
    assert [seconds - began > 3 for seconds, status, _ in moments if status == "failed"] == [True]


async def test_the_steps_texts_of_an_oozie_sge_run_are_in_its_record(stage: stages.Stage) -> None:
    good = await stage.schedule("alice", "align:0.1,sort:0.1", engine="oozie-sge")
    bad = await stage.schedule("alice", "align:0.1!", engine="oozie-sge")
    plain = await stage.schedule("alice", "align:0.1!", engine="oozie")
    async with stage.service():
        await stage.web.reach("completed", good)
        await stage.web.reach("failed", bad, plain)
    record = await stage.record("alice", good)
    numbers = dict(pair.split("=") for pair in record["sgeNameIdMap"].split(","))
    assert numbers.keys() >= {"align", "sort"}
    for step in ("align", "sort"):
        assert f"{step}, job {numbers[step]}" in record["stdOut"]
        assert f"{step}: run {good} done" in record["stdOut"]
        assert f"{step}: reading input, this is stderr" in record["stdErr"]
    assert "align: out of luck" in (await stage.record("alice", bad))["stdErr"]
    assert "exit code [1]" in (await stage.record("alice", plain))["stdErr"]


@pytest.mark.parametrize(
    ("fault", "writes"),
    [
        ({"action": "status", "status": 500}, 2),
        ({"action": "hang"}, 2),
        ({"action": "drop_before"}, 2),
        ({"action": "drop_after"}, 1),
        ({"action": "cut"}, 1),
    ],
    ids=lambda value: value["action"] if isinstance(value, dict) else "",
)
async def test_a_write_of_unknown_fate_is_looked_at_before_anything_is_written_again(
    stage: stages.Stage, fault: dict[str, Any], writes: int
) -> None:
    mine = await stage.schedule("alice", steps.LONG)
    # Short only where something hangs: on a slow machine it makes unknown what need not be.
    async with stage.service(HTTP__TIMEOUT_SECONDS=3 if fault["action"] == "hang" else 30):
        await stage.web.reach("running", mine)
        await stage.web.delete("requests")
        await stage.web.order(method="PUT", body_contains=">completed<", **fault)
        await steps.end(stage, mine)
        await stage.web.reach("completed", mine)
        await stage.web.polls()
        assert await stage.web.fault_hits() == 1
    methods = [seen["method"] for seen in await stage.web.requests() if seen["path"].endswith(f"/{mine}")]
    assert methods.count("PUT") == writes
    assert ("PUT", "PUT") not in itertools.pairwise(methods)
    assert methods[-1] == "GET"  # the last word was looked at


async def test_two_writes_that_overlap_in_the_server_lose_neither_a_cancel_nor_the_truth(
    stage: stages.Stage,
) -> None:
    mine = await stage.schedule("alice", steps.LONG)
    async with stage.service(HTTP__TIMEOUT_SECONDS=60):
        await stage.web.reach("running", mine)
        # Our PUT of the end lingers in the server while the user's cancel comes.
        await stage.web.order("hold", method="PUT", body_contains=">completed<")
        await steps.end(stage, mine)

        async def lingering() -> bool | None:
            return await stage.web.fault_hits() > 0 or None

        await books.until("our write is under way", lingering)
        await stage.cancel("alice", mine)
        await stage.web.delete("faults")
        await stage.web.reach("completed", mine)
        await stage.web.polls()
    assert (await stage.web.runs())[mine]["status"] == "completed"
    await stage.launched_once(mine)


async def test_a_run_launched_while_its_accounts_login_is_refused_is_followed_when_that_is_over(
    tmp_path: pathlib.Path,
) -> None:
    async with stages.own(tmp_path, "alice", "bob") as stage:
        calls = killed_calls.Killer(stage)
        mine = await stage.schedule("alice", pause="1")
        async with stage.service() as service:  # bob goes on polling; the next sweep is far away
            engine = (await books.until("an engine that stopped itself", calls.any_stopped))[mine]["engine"]
            await stage.web.order("status", status=401, method="GET", user="alice@lab.net", path="workflowruns$")
            await service.tells("account.login_refused", account="alice")
            os.kill(engine, signal.SIGCONT)
            await service.tells("launch.verified", account="alice")
            await service.tells("account.recovered", account="alice")
            await stage.web.reach("completed", mine, seconds=30)
        await stage.launched_once(mine)


async def test_a_run_that_does_not_change_is_not_written(stage: stages.Stage) -> None:
    mine = await stage.schedule("alice", steps.LONG)
    async with stage.service():
        await stage.web.reach("running", mine)
        await stage.web.polls()
        await stage.web.delete("requests")
        await stage.web.polls()
        assert await stage.web.requests(method="PUT") == []


def _living_in(directory: str) -> list[int]:
    def works_there(entry: pathlib.Path) -> bool:
        return str((entry / "cwd").readlink()).startswith(directory)

    return machine.processes(works_there)
