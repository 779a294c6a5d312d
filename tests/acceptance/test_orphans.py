"""Runs for our host whose owner no account serves: told once, and once more when an account has come for them."""

import signal

from tests.acceptance import stages


async def test_runs_without_an_account_are_told_once_and_launched_when_a_profile_comes(stage: stages.Stage) -> None:
    profile = stage.profile("bob").read_text("utf-8")
    stage.profile("bob").unlink()
    of_bob = [await stage.schedule("bob") for _ in range(2)]
    async with stage.service() as service:
        await stage.web.reach("completed", await stage.schedule("alice"))
        for _ in range(2):
            service.signal(signal.SIGHUP)
            told = await service.tells("runs.orphaned", owner="bob@lab.net")
            await stage.web.reach("completed", await stage.schedule("alice"))
        assert (told["count"], told["host"], len(service.events("runs.orphaned"))) == ("2", stages.HOST, 1)

        stage.profile("bob").write_text(profile, "utf-8")
        service.signal(signal.SIGHUP)
        await stage.web.reach("completed", *of_bob)
        service.signal(signal.SIGHUP)
        await service.tells("runs.orphaned_no_more", owner="bob@lab.net")
        assert len(service.events("runs.orphaned")) == 1
