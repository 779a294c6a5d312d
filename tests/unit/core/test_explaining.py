"""What keeps a run of Bob's that other accounts keep from being launched, and what only the service knows."""

import pytest

from niassa_orch.config import settings
from niassa_orch.core import explaining, launching
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages

SEEN = "when none of this keeps it any more"


def lives(accession: int, name: str) -> str:
    return f"one call at a time as niassa-bob: that of run {accession} for {name} lives"


async def waits(stage: stages.Stage, accession: int, **service: object) -> list[str]:
    """Reasons and what comes next, as another process tells them; eve is served too, by the same Unix user."""
    asked = settings.Settings.model_validate({"state_dir": stage.state.path, **service})
    known = [stage.known, stages.renamed(stage, "eve", web_user="eve@lab.net")]
    explains = explaining.Explaining(asked, known, stage.journal)
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
