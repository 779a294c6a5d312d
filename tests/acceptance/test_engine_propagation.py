"""``propagation = "engine"``: the engine moves statuses, and is not let near the runs while Oozie is down."""

import pathlib

import pytest

from tests.acceptance import books, machine, stages, steps

#: Rounds as quick as beats.
QUICK = {"ENGINE__PROPAGATE_EVERY_SECONDS": 0.5}


def let_the_engine_propagate(stage: stages.Stage, name: str) -> None:
    """As an administrator writes it."""
    profile = stage.profile(name)
    profile.write_text(profile.read_text("utf-8") + 'propagation = "engine"\n', "utf-8")


async def puts(stage: stages.Stage, accession: int) -> int:
    """How often a run was written since requests were last forgotten."""
    return len([seen for seen in await stage.web.requests(method="PUT") if seen["path"].endswith(f"/{accession}")])


async def test_runs_complete_and_a_cancel_and_a_retry_are_carried_out(stage: stages.Stage) -> None:
    let_the_engine_propagate(stage, "alice")
    done = await stage.schedule("alice", "align:0.1,sort:0.1", engine="oozie-sge")
    long = await stage.schedule("alice", steps.LONG)
    again = await stage.schedule("alice", "align:0.1,sort:0.1?")
    native = await stage.schedule("bob")
    async with stage.service(**QUICK):
        await stage.web.reach("completed", done, native)
        await stage.web.reach("running", long)
        await stage.cancel("alice", long)
        await stage.web.reach("failed", again)
        await stage.retry("alice", again)
        await stage.web.reach("cancelled", long)
        await stage.web.reach("completed", again)

    async def killed() -> bool | None:
        # The engine does not wait for it.
        return (await stage.oozie.job(long))["status"] == "KILLED" or None

    await books.until("its job is killed", killed)
    assert (await stage.oozie.job(again))["run"] == 1
    await stage.launched_once(done, again, native)


async def test_nothing_is_failed_while_oozie_is_down_and_all_goes_on_when_it_is_back(stage: stages.Stage) -> None:
    let_the_engine_propagate(stage, "alice")
    mine = [await stage.schedule("alice", steps.LONG) for _ in range(2)]
    async with stage.service(**QUICK) as service:
        await stage.web.reach("running", *mine)
        await stage.oozie.order("status", status=503, times=None)
        await service.tells("propagation.failing", account="alice")
        await stage.web.delete("requests")
        await stage.web.polls(more=6)
        assert [await puts(stage, one) for one in mine] == [0, 0]
        await stage.cancel("alice", mine[1])
        await stage.web.polls(more=3)
        assert [(await stage.web.runs())[one]["status"] for one in mine] == ["running", "submitted_cancel"]
        await steps.end(stage, mine[0])
        await stage.oozie.delete("faults")
        await stage.web.reach("completed", mine[0])
        await stage.web.reach("cancelled", mine[1])
        await service.tells("propagation.recovered", account="alice")
        assert service.events("run.moved", to="failed") == []
        # The moment at which Oozie went may have been within a call.
        failures = [one for one in mine if "failed" in await stage.web.statuses(one)]
        assert sorted(int(event["accession"]) for event in service.events("run.put_back")) == failures


async def test_the_texts_of_a_whitestar_run_are_in_its_record_the_right_way_round(stage: stages.Stage) -> None:
    good = await stage.schedule("alice", "align:0.1,sort:0.1", engine="whitestar")
    bad = await stage.schedule("bob", "align:0.1!", engine="whitestar")
    async with stage.service():
        await stage.web.reach("completed", good)
        await stage.web.reach("failed", bad)

        async def told() -> bool | None:
            found = [(await stage.record(*one)).get("stdOut") for one in (("alice", good), ("bob", bad))]
            return all(found) or None

        await books.until("texts of both", told)
        record, failed = await stage.record("alice", good), await stage.record("bob", bad)
    for step in ("align", "sort"):
        assert f"{step}: run {good} done" in record["stdOut"]
        assert f"{step}: reading input, this is stderr" in record["stdErr"]
    assert "align: out of luck" in failed["stdErr"]
    assert "out of luck" not in failed["stdOut"]
    assert (record["status"], record["statusCmd"]) == ("completed", str(good))


@pytest.mark.real_users
async def test_it_is_the_accounts_user_who_asks_oozie_and_lets_the_engine_write(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        let_the_engine_propagate(stage, "alice")
        hers = await stage.schedule("alice", "align:0.1,sort:0.1", engine="oozie-sge")
        his = await stage.schedule("bob", steps.LONG)
        async with stage.service(**QUICK) as service:
            await stage.web.reach("completed", hers)
            await stage.web.reach("running", his)
            moved = await service.tells("run.moved", accession=hers, to="completed")
            assert moved["reason"] == "the engine says so"
            asked = await stage.oozie.requests(method="GET", query={"user.name": people.made["alice"].name})
            assert [seen for seen in asked if "/job/" in seen["path"]]
        assert (await stage.oozie.job(hers))["user"] == people.made["alice"].name
        assert machine.processes_of_user(people.made["alice"].uid) == []
