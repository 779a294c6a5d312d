"""The service in shadow mode beside the crontab that it is to replace: it writes nothing, and tells how they agree."""

import asyncio
import json
import pathlib

import pytest

from tests.acceptance import stages

pytestmark = pytest.mark.real_users


async def cron(people: stages.People, stage: stages.Stage, name: str, *words: str) -> None:
    """A minute of the crontab of an account's Unix user."""
    argv = [str(stage.place.engine), "workflow-run", *words, "--host", stages.HOST]
    done = await asyncio.to_thread(people.made.run, people.made[name], argv)
    assert done.returncode == 0, done.stdout


async def report(stage: stages.Stage, *words: str, exit_code: int = 0) -> str:
    """What the command says, with and without a service."""
    asked = await stage.start("shadow", "report", *words)
    assert await asked.ended() == exit_code, asked.text
    return asked.text


async def test_a_service_in_shadow_mode_writes_nothing_and_tells_what_the_crontab_did(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        assert "nothing was decided in shadow mode yet" in await report(stage)
        async with stage.service("run", "--shadow") as service:
            mine = await stage.schedule("alice")
            await service.tells("shadow.would_launch", account="alice", accessions=mine)
            assert "waits" in await report(stage)
            writes = len(await stage.web.requests(method="PUT"))
            await stage.web.polls()
            assert await stage.web.statuses(mine) == ["submitted"]
            assert len(await stage.web.requests(method="PUT")) == writes
            assert stage.transcripts() == []
            await cron(people, stage, "alice", "launch-scheduled")
            await service.tells("shadow.agreed", accession=mine, wanted="launched")
            # The job goes on and ends: what we would write is decided, and the crontab writes it.
            await service.tells("shadow.would_write", accession=mine, wanted="completed", seconds=90)
            await cron(people, stage, "alice", "propagate-statuses")
            await service.tells("shadow.agreed", accession=mine, came="completed", seconds=90)
        assert service.events("launch.called") == []
        assert service.events("run.moved") == []
        told = json.loads(await report(stage, "--json"))["decisions"]
        assert {one["agreement"] for one in told} == {"agreed"}
        assert [one["wanted"] for one in told if one["kind"] == "launch"] == ["launched"]
        assert "agreed" in await report(stage, "alice")
        assert "nothing was decided" in await report(stage, "bob")
