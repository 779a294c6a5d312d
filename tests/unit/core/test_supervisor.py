import asyncio
from collections.abc import AsyncIterator

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import account_line
from tests.fakes import stage as stages
from tests.unit.core import accounts_d, served

State = account_line.State
GOOD = accounts_d.GOOD


@pytest.fixture
def scene(stage: stages.Stage) -> accounts_d.Scene:
    found = accounts_d.Scene(stage)
    found.write("bob")
    return found


@pytest.fixture
async def serving(scene: accounts_d.Scene) -> AsyncIterator[accounts_d.Scene]:
    """The service runs with one account, bob, that is well."""
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.OK)
    yield scene
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)


async def test_a_profile_that_appears_is_served_and_one_that_goes_is_not_any_more(serving: accounts_d.Scene) -> None:
    serving.write("alice", GOOD.replace("server2", "server3"))
    serving.supervisor.reload()
    await serving.becomes(alice=State.OK, bob=State.OK)
    assert serving.slots.accounts == 2
    serving.enrolling.released.clear()
    serving.remove("bob")
    serving.supervisor.reload()
    await serving.becomes(alice=State.OK)
    assert "bob" in serving.enrolling.released


async def test_an_edit_of_one_profile_enrols_that_account_anew_and_no_other(scene: accounts_d.Scene) -> None:
    scene.write("alice", GOOD.replace("server2", "server3"))
    scene.supervisor = scene.new_supervisor(settings.AccountsWatch.AUTO)
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(alice=State.OK, bob=State.OK)
    scene.enrolling.enrolled.clear()
    scene.write("alice", GOOD.replace("server2", "server4"))
    await scene.until(lambda: "accounts.changed" in scene.stage.events and bool(scene.enrolling.enrolled))
    scene.supervisor.reload()  # by which all are enrolled anew
    await scene.until(lambda: {"alice", "bob"} <= set(scene.enrolling.enrolled[1:]))
    assert scene.enrolling.enrolled[0] == "alice"
    assert sorted(scene.enrolling.enrolled) == ["alice", "alice", "bob"]
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)


async def test_profiles_that_swap_what_they_say_are_refused_nothing(serving: accounts_d.Scene) -> None:
    hosts = {"alice": "server3", "bob": "server2", "carol": "server4"}
    for name, host in hosts.items():
        serving.write(name, GOOD.replace("server2", host))
    serving.supervisor.reload()
    await serving.becomes(alice=State.OK, bob=State.OK, carol=State.OK)
    for turn in range(3):
        hosts = dict(zip(hosts, [*list(hosts.values())[1:], hosts["alice"]], strict=True))
        serving.enrolling.enrolled.clear()
        for name, host in hosts.items():
            serving.write(name, GOOD.replace("server2", host) + f"# {turn}\n")
        serving.supervisor.reload()
        await serving.until(lambda: serving.hosts == hosts)  # noqa: B023 - awaited here
        await serving.until(lambda: serving.enrolling.claimed == hosts)  # noqa: B023
    assert "account.misconfigured" not in serving.stage.events


async def test_a_profile_that_takes_over_from_one_that_is_removed_is_refused_nothing(
    serving: accounts_d.Scene,
) -> None:
    serving.write("alice", GOOD.replace("server2", "server3"))
    serving.supervisor.reload()
    await serving.becomes(alice=State.OK, bob=State.OK)
    serving.remove("bob")
    serving.write("alice")
    serving.supervisor.reload()
    await serving.until(lambda: serving.states == {"alice": State.OK} and serving.hosts == {"alice": "server2"})
    assert "account.misconfigured" not in serving.stage.events


async def test_who_fails_to_work_by_its_new_profile_keeps_nobody_from_what_it_had(serving: accounts_d.Scene) -> None:
    serving.write("alice", GOOD.replace("server2", "server3"))
    serving.supervisor.reload()
    await serving.becomes(alice=State.OK, bob=State.OK)
    serving.enrolling.wrong_for["bob"] = errors.ProfileError("bob.toml", "settings_file", "is not there")
    serving.write("bob", GOOD.replace("server2", "server4"))
    serving.write("alice")
    serving.supervisor.reload()
    await serving.until(lambda: serving.enrolling.claimed == {"alice": "server2"})
    await serving.becomes(alice=State.OK, bob=State.MISCONFIGURED)
    dave = await serving.enrolling.enrol(served.profile("dave").model_copy(update={"host": "server2"}))
    with pytest.raises(errors.ProfileError, match="account alice already serves"):
        await asyncio.wait_for(serving.enrolling.claim(dave), 30)


async def test_a_young_profile_is_shown_as_waiting_until_it_keeps_still(scene: accounts_d.Scene) -> None:
    running = asyncio.create_task(scene.supervisor.run())
    await scene.until(lambda: bool(scene.told.line("bob").unfinished))
    assert "nothing of it is served yet" in scene.told.line("bob").unfinished
    assert scene.told.line("bob").state is State.STARTING
    assert "accounts.unfinished" in scene.stage.events
    await scene.becomes(bob=State.OK)
    assert scene.told.line("bob").unfinished == ""
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)


async def test_a_bad_profile_is_quarantined_by_name_and_touches_nobody_else(serving: accounts_d.Scene) -> None:
    serving.write("eve", "unix_usr = 'x'\n")
    serving.supervisor.reload()
    await serving.becomes(bob=State.OK, eve=State.MISCONFIGURED)
    serving.supervisor.reload()
    serving.write("eve", GOOD.replace("server2", "server3"))
    serving.supervisor.reload()
    await serving.becomes(bob=State.OK, eve=State.OK)
    assert serving.stage.events.count("profile.refused") == 1


async def test_a_profile_that_turns_bad_keeps_its_last_good_version_with_a_warning(serving: accounts_d.Scene) -> None:
    serving.write("bob", "this is no TOML")
    serving.supervisor.reload()
    await serving.until(lambda: bool(serving.told.line("bob").refusal))
    await serving.becomes(bob=State.OK)
    assert serving.told.line("bob").refusal.endswith("its last good version goes on")
    (told,) = [event for event in serving.told.snapshot().events if event.name == "profile.refused"]
    assert told.fields["served_by"] == "the last good version"
    assert "account.stopped" not in serving.stage.events
    serving.write("bob")
    serving.supervisor.reload()
    await serving.until(lambda: not serving.told.line("bob").refusal)
    assert serving.stage.events.count("profile.accepted") == 1


async def test_a_profile_that_is_disabled_is_shown_and_not_served(serving: accounts_d.Scene) -> None:
    serving.write("bob", GOOD + "enabled = false\n")
    serving.supervisor.reload()
    await serving.becomes(bob=State.DISABLED)
    serving.write("bob")
    serving.supervisor.reload()
    await serving.becomes(bob=State.OK)


async def test_accounts_go_on_when_the_directory_cannot_be_read(serving: accounts_d.Scene) -> None:
    serving.accounts_dir.rename(serving.accounts_dir.with_name("away"))
    serving.supervisor.reload()
    await serving.until(lambda: "accounts.unreadable" in serving.stage.events)
    assert serving.states == {"bob": State.OK}
    assert "account.stopped" not in serving.stage.events


async def test_a_stop_ends_every_worker(scene: accounts_d.Scene) -> None:
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.OK)
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)
    assert scene.states == {"bob": State.STOPPING}
    assert scene.told.snapshot().draining
    assert scene.stage.events[-1] == "account.stopped"


async def test_a_cancellation_leaves_no_worker_behind(scene: accounts_d.Scene) -> None:
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.OK)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("worker:")]


async def test_without_accounts_d_the_service_does_not_start(scene: accounts_d.Scene) -> None:
    scene.accounts_dir.rename(scene.accounts_dir.with_name("away"))
    with pytest.raises(errors.SettingsError):
        await scene.supervisor.run()


async def test_once_looks_after_every_account_and_says_whether_all_fared_well(scene: accounts_d.Scene) -> None:
    assert await scene.supervisor.once()
    scene.write("eve", "unix_usr = 'x'\n")
    assert not await scene.supervisor.once()
    scene.remove("eve")
    scene.enrolling.wrong = errors.SudoRefusedError("no rule")
    assert not await scene.supervisor.once()


async def test_a_defect_of_one_account_in_once_is_told_and_the_others_are_served(scene: accounts_d.Scene) -> None:
    scene.write("eve", GOOD.replace("server2", "server3"))
    scene.enrolling.wrong_for["eve"] = ZeroDivisionError("a defect")
    assert not await scene.supervisor.once()
    assert scene.states["bob"] is State.OK
    (crash,) = [event for event in scene.told.snapshot().events if event.name == "task.crashed"]
    assert (crash.account, crash.fields["task"]) == ("eve", "once:eve")
    assert "ZeroDivisionError" in str(crash.fields["error"])


async def test_a_defect_of_one_account_in_the_service_is_told_and_the_others_are_served(
    scene: accounts_d.Scene,
) -> None:
    scene.write("eve", GOOD.replace("server2", "server3"))
    scene.enrolling.wrong_for["eve"] = ZeroDivisionError("a defect")
    running = asyncio.create_task(scene.supervisor.run())
    await scene.until(lambda: scene.states.get("bob") is State.OK and "task.crashed" in scene.stage.events)
    scene.enrolling.wrong_for.clear()
    await scene.becomes(bob=State.OK, eve=State.OK)
    scene.supervisor.stop()
    await running


async def test_a_profile_that_is_renamed_to_what_is_no_profile_is_not_served_any_more(
    serving: accounts_d.Scene,
) -> None:
    (serving.accounts_dir / "bob.toml").rename(serving.accounts_dir / "bob.off")
    serving.supervisor.reload()
    await serving.becomes(**{"bob.off": State.MISCONFIGURED})
    assert "account.stopped" in serving.stage.events


async def test_a_file_beside_a_profile_that_is_none_says_nothing_of_it(serving: accounts_d.Scene) -> None:
    (serving.accounts_dir / "bob.txt").write_text("notes")
    serving.supervisor.reload()
    await serving.becomes(**{"bob": State.OK, "bob.txt": State.MISCONFIGURED})
    assert serving.told.line("bob").refusal == ""
