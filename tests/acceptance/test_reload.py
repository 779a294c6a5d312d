"""SIGHUP: profiles come, go and turn bad while the service runs, and each touches its own account only."""

import signal

from tests.acceptance import stages


async def test_a_profile_that_is_added_is_served_and_one_that_is_removed_is_not(stage: stages.Stage) -> None:
    profile = stage.profile("bob").read_text("utf-8")
    stage.profile("bob").unlink()
    of_alice, of_bob = await stage.schedule("alice"), await stage.schedule("bob")
    async with stage.service() as service:
        await stage.web.reach("completed", of_alice)
        assert await stage.web.statuses(of_bob) == ["submitted"]

        stage.profile("bob").write_text(profile, "utf-8")
        service.signal(signal.SIGHUP)
        await stage.web.reach("completed", of_bob)

        stage.profile("alice").unlink()
        service.signal(signal.SIGHUP)
        await service.tells("account.stopped", account="alice")
        left = await stage.schedule("alice")
        later = await stage.schedule("bob")
        await stage.web.reach("completed", later)
        await stage.web.polls()
        assert len(service.events("account.started")) == 2  # alice once, bob once
    assert await stage.web.statuses(left) == ["submitted"]
    assert await stage.oozie.jobs(left) == []


async def test_a_profile_that_turns_bad_keeps_its_last_good_version_with_a_warning(stage: stages.Stage) -> None:
    good = stage.profile("bob").read_text("utf-8")
    first = await stage.schedule("bob")
    async with stage.service() as service:
        await stage.web.reach("completed", first)

        stage.profile("bob").write_text(good + 'hots = "nowhere"\n', "utf-8")
        service.signal(signal.SIGHUP)
        told = await service.tells("profile.refused", account="bob")
        assert told["key"] == "hots"
        assert "host" in told["reason"]
        both = [await stage.schedule(name) for name in ("alice", "bob")]
        await stage.web.reach("completed", *both)

        stage.profile("bob").write_text("enabled = false\n" + good, "utf-8")
        service.signal(signal.SIGHUP)
        await service.tells("account.stopped", account="bob")
        assert len(service.events("account.started")) == 2
        assert service.events("account.stopped", account="alice") == []


async def test_a_profile_that_moves_to_another_host_serves_that_host_from_then_on(stage: stages.Stage) -> None:
    there = await stage.schedule("bob", host="server3.lab.net")
    here = await stage.schedule("bob")
    async with stage.service() as service:
        await stage.web.reach("completed", here)
        text = stage.profile("bob").read_text("utf-8")
        stage.profile("bob").write_text(text.replace(stages.HOST, "server3.lab.net"), "utf-8")
        service.signal(signal.SIGHUP)
        await stage.web.reach("completed", there)
        assert service.events("account.stopped") == []
    await stage.launched_once(here, there)


async def test_a_call_that_began_under_a_profile_is_followed_to_its_end_when_the_profile_is_removed_and_comes_back(
    stage: stages.Stage,
) -> None:
    text = stage.profile("bob").read_text("utf-8")
    mine = await stage.schedule("bob", "align:2", launch="silent_after_submit")
    async with stage.service() as service:
        await service.tells("launch.called", account="bob")
        stage.profile("bob").unlink()
        service.signal(signal.SIGHUP)
        await service.tells("account.stopped", account="bob")
        stage.profile("bob").write_text(text, "utf-8")
        service.signal(signal.SIGHUP)
        await stage.web.reach("completed", mine)
    await stage.launched_once(mine)
