"""Neighbours that fail at each request of a launch, in each way: never a second job, never a lost run, never a lie."""

import asyncio
import itertools
import pathlib
import tempfile

import pytest

from tests.acceptance import fault_matrix, fault_ways, stages, trials

#: An engine asks for ever: only the mediator's deadline ends what hangs.
_IMPATIENT = {"HTTP__TIMEOUT_SECONDS": 1.5, "ENGINE__DEADLINE_SECONDS": 3}
#: How the engine behaves, what fails in which ways, and whether that is about one run or general (the same in each
#: launch). What hangs takes its time: on several stages at once.
_PARTS = [
    ("", fault_ways.FAILS, (True, False)),
    ("failed_after_submit", fault_ways.FAILS, (True,)),
    ("", fault_ways.HANGS, (True,)),
    ("", fault_ways.HANGS, (False,)),
    ("failed_after_submit", fault_ways.HANGS, (True,)),
]


@pytest.mark.timeout(300)
async def test_a_web_service_that_fails_at_any_request_of_a_launch_costs_no_run_and_makes_no_second_job(
    tmp_path: pathlib.Path,
) -> None:
    clean: set[fault_matrix.Asked] = set()

    async def strike(launch: str, ways: fault_ways.Ways, of_one_run: tuple[bool, ...]) -> fault_matrix.Matrix:
        directory = pathlib.Path(tempfile.mkdtemp(dir=tmp_path))
        async with stages.own(directory, "alice") as stage:
            trial = trials.Trials(stage)
            async with stage.service(
                **fault_matrix.SETTINGS, **(_IMPATIENT if ways is fault_ways.HANGS else {})
            ) as service:
                matrix = fault_matrix.Matrix(stage.web, trial, service, "alice", launch=launch)
                asked = await matrix.requests()
                clean.update(asked)
                await matrix.strike(ways, [one for one in asked if one.is_of_one_run in of_one_run])
                await trial.finish(service)
            assert await trial.findings() == []
            await stage.launched_once(*trial.accessions)
            assert {run["status"] for run in (await stage.web.runs()).values()} == {"completed"}
            assert trial.held == {}
        return matrix

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(strike(*part)) for part in _PARTS]
    struck: set[tuple[fault_matrix.Asked, str]] = set().union(*(task.result().cells for task in tasks))
    assert struck == set(itertools.product(clean, fault_ways.FAILS | fault_ways.HANGS))


@pytest.mark.timeout(300)
async def test_an_oozie_that_fails_at_any_request_of_a_launch_gets_no_second_job_and_no_run_is_lost(
    tmp_path: pathlib.Path,
) -> None:
    async with stages.own(tmp_path, "alice") as stage:
        trial = trials.Trials(stage)
        async with stage.service(**fault_matrix.SETTINGS, **_IMPATIENT) as service:
            matrix = fault_matrix.Matrix(stage.oozie, trial, service, "alice", may_fail=True)
            asked = await matrix.requests()
            assert [one.who for one in asked] == ["service", "engine"]
            await matrix.strike(fault_ways.OOZIE_FAILS | fault_ways.HANGS, asked)
            await trial.finish(service)
        assert matrix.cells == set(itertools.product(asked, fault_ways.OOZIE_FAILS | fault_ways.HANGS))
        assert await trial.findings() == []
        launched = {job["accession"] for job in await stage.oozie.jobs()}
        await stage.launched_once(*launched)
        statuses = {accession: run["status"] for accession, run in (await stage.web.runs()).items()}
        assert {statuses[accession] for accession in launched} == {"completed"}
        # The engine fails a run whose submission it cannot make; what the service saw to first, it launches later.
        never = {cell.how for cell, accession in matrix.struck.items() if accession not in launched}
        assert never == {how for how in fault_ways.OOZIE_FAILS if how not in ("drop_after", "cut")}
        assert trial.held == {}
