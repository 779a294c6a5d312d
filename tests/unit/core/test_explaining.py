"""What keeps a run of Bob's that other accounts keep from being launched, and what only the service knows."""

import dataclasses
import datetime

import pytest

from niassa_orch.config import settings
from niassa_orch.core import explaining, launching
from niassa_orch.domain import orders, runs
from tests.fakes import calls
from tests.fakes import stage as stages

SEEN = "when none of this keeps it any more"


def lives(accession: int, name: str) -> str:
    return f"one call at a time as niassa-bob: that of run {accession} for {name} lives"


async def waits(stage: stages.Stage, accession: int, *, is_blind: bool = False, **service: object) -> list[str]:
    """Reasons and what comes next, as another process tells them; eve is served too, by the same Unix user."""
    asked = settings.Settings.model_validate({"state_dir": stage.state.path, **service})
    known = [stage.known, stages.renamed(stage, "eve", web_user="eve@lab.net")]
    explains = explaining.Explaining(asked, known, None if is_blind else stage.journal, is_blind=is_blind)
    said = [one async for one in explains.explain(runs.Accession(accession))]
    return [one.text for one in said if one.who in ("waits", "next")]


@pytest.fixture
def eve(stage: stages.Stage) -> launching.Launcher:
    """She launches run 9, once somebody lets her call go on; Bob has scheduled run 7."""
    stage.service.schedule(7)
    stage.service.schedule(9, ownerUserName="eve@lab.net")
    stage.says(*calls.whole(*calls.launching(9, "/w/oozie-9", "9-oozie-W")), gate=True)
    stage.bar(9)
    return stage.launcher("eve")


async def test_a_call_of_another_account_as_the_same_unix_user_is_told_and_so_are_places_and_limits_of_all(
    stage: stages.Stage, eve: launching.Launcher
) -> None:
    eve.offer(stages.renamed(stage, "eve", web_user="eve@lab.net"), stages.rows(stage))
    async with stage.at_gate(9):
        assert await waits(stage, 7) == [lives(9, "eve"), SEEN]
        found = await waits(stage, 7, pool={"engine_calls": 1}, launching={"a_beat": 1})
        assert found[:2] == [lives(9, "eve"), "1 of 1 engine calls of all accounts are under way"]
        assert found[2].startswith("1 of 1 launches of all accounts were begun in this beat; more in ")
        assert found[3:] == [SEEN]
    await eve.join()


async def test_a_place_that_is_kept_for_another_account_is_told(stage: stages.Stage) -> None:
    for accession in (7, 8):
        stage.service.schedule(accession)
    stage.says()
    await stage.intend(8, lines=calls.whole(*calls.launching(8, "/w/oozie-8")))
    kept = "1 of 2 launches of all accounts are in flight, and the rest is kept for accounts with none or few"
    assert await waits(stage, 7, launching={"in_flight": 2}) == [kept, SEEN]


async def test_where_nothing_keeps_it_the_answer_says_who_knows_more(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    stage.says()
    assert await waits(stage, 7) == [
        "at the next beat of the service, each 30 s; if not, only the service knows why (a backoff, accounts that wait "
        "longer): see bob on its dashboard or in its log"
    ]
    stage.state.close()
    assert await waits(stage, 7) == [f"when a service runs: none is seen to use {stage.state.path}"]


async def test_a_crontab_that_cannot_be_read_is_said_to_keep_the_run_and_what_to_do(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    stage.mediator.write_text("#!/bin/sh\nexit 70\n", "utf-8")
    stage.mediator.chmod(0o755)
    found, seen = await waits(stage, 7)
    assert found.startswith("it cannot be known whether a crontab of niassa-bob launches: ")
    assert "see crontab -l -u niassa-bob (as root)" in found
    assert "beside_cron = true in [launching] of the profile (bob.toml)" in found
    assert seen == SEEN


async def test_who_cannot_read_the_journal_promises_no_launch(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    [said] = await waits(stage, 7, is_blind=True)
    assert said == "not known: orders, launches and limits stand in the journal, which could not be read"


@pytest.mark.parametrize("status", ["running", "submitted_cancel", "submitted_retry"])
async def test_a_pause_keeps_what_was_launched_and_what_users_asked_for_too(stage: stages.Stage, status: str) -> None:
    stage.service.schedule(7, runs.RunStatus(status), statusCmd=stages.JOB)
    is_asked = status != "running"
    next_beat = "at the next beat of the service, each 30 s"
    before = await waits(stage, 7)
    assert [said.startswith(next_beat) for said in before] == [True] * is_asked
    pause = orders.Order(
        orders.Kind.PAUSE, "bob", orders.Operator(0, "root"), datetime.datetime.now(datetime.UTC), "disk"
    )
    launching_only = dataclasses.replace(pause, kind=orders.Kind.PAUSE_LAUNCHING)
    await stage.orders.give(launching_only)
    assert await waits(stage, 7) == before
    await stage.orders.give(pause)
    assert await waits(stage, 7) == [str(pause), SEEN]


async def test_of_what_is_over_nothing_is_kept(stage: stages.Stage) -> None:
    stage.service.schedule(7, runs.RunStatus.COMPLETED)
    assert await waits(stage, 7) == []


async def test_a_run_of_which_nothing_true_can_be_written_is_said_to_stay_as_it_is(stage: stages.Stage) -> None:
    stage.service.schedule(7, runs.RunStatus.PENDING)
    stage.service.schedule(8, runs.RunStatus.RUNNING, workflowEngine="slurm")
    assert (await waits(stage, 7))[0].startswith("the record names no job (statusCmd is empty)")
    assert (await waits(stage, 8))[0] == "its engine is 'slurm', which nobody here knows"
    stage.service.schedule(9, runs.RunStatus.SUBMITTED_CANCEL)
    assert [said.partition(",")[0] for said in await waits(stage, 9)] == ["at the next beat of the service"]


async def test_a_record_without_a_status_is_said_to_have_none(stage: stages.Stage) -> None:
    stage.service.schedule(7)
    stage.service.sets(7, status="")()
    [why, _] = await waits(stage, 7)
    assert why.startswith("its record has no status")
