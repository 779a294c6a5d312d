import asyncio
import os
import pathlib
import pwd
import typing
from collections.abc import AsyncIterator, Callable

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import board, pool, state_directory, supervisor, worker
from tests.fakes import neighbours_in_memory as fakes
from tests.unit.core import test_worker

State = board.State
USER = pwd.getpwuid(os.geteuid()).pw_name
GOOD = f'unix_user = "{USER}"\nhost = "server2"\n'


class Scene:
    """accounts.d as real files; the accounts' neighbours are in memory, and every account is Bob."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.accounts_dir = directory / "accounts.d"
        self.accounts_dir.mkdir(mode=0o755)
        self.told = fakes.board_of()
        self.enrolling = test_worker.Enrolling(fakes.enrolled(fakes.WebServiceInMemory(), fakes.OozieInMemory()))
        service = settings.Settings(accounts_dir=self.accounts_dir, allow_root=True)
        self.slots = pool.Pool(4)
        stand_in = typing.cast(typing.Any, self.enrolling)
        state = state_directory.StateDirectory(directory)
        desk = worker.Desk(service, self.told, self.slots, pool.EngineTurns(2), state, stand_in)
        self.supervisor = supervisor.Supervisor(desk)

    def write(self, name: str, text: str = GOOD) -> None:
        path = self.accounts_dir / f"{name}.toml"
        path.write_text(text)
        path.chmod(0o644)

    def remove(self, name: str) -> None:
        (self.accounts_dir / f"{name}.toml").unlink()

    @property
    def states(self) -> dict[str, board.State]:
        return {line.name: line.state for line in self.told.snapshot().accounts}

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the service work until this holds."""
        async with asyncio.timeout(30):
            while not holds():  # noqa: ASYNC110 - the board tells nobody when it changes
                await asyncio.sleep(0.005)

    async def becomes(self, **states: board.State) -> None:
        await self.until(lambda: self.states == states)


@pytest.fixture
async def scene(tmp_path: pathlib.Path) -> AsyncIterator[Scene]:
    found = Scene(tmp_path)
    found.write("bob")
    yield found


@pytest.fixture
async def serving(scene: Scene) -> AsyncIterator[Scene]:
    """The service runs with one account, bob, that is well."""
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.OK)
    yield scene
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)


async def test_a_profile_that_appears_is_served_and_one_that_goes_is_not_any_more(serving: Scene) -> None:
    serving.write("alice", GOOD.replace("server2", "server3"))
    serving.supervisor.reload()
    await serving.becomes(alice=State.OK, bob=State.OK)
    assert serving.slots.accounts == 2
    serving.remove("bob")
    serving.supervisor.reload()
    await serving.becomes(alice=State.OK)
    assert serving.enrolling.released == ["bob"]


async def test_a_bad_profile_is_quarantined_by_name_and_touches_nobody_else(serving: Scene) -> None:
    serving.write("eve", "unix_usr = 'x'\n")
    serving.supervisor.reload()
    await serving.becomes(bob=State.OK, eve=State.MISCONFIGURED)
    serving.supervisor.reload()
    serving.write("eve", GOOD.replace("server2", "server3"))
    serving.supervisor.reload()
    await serving.becomes(bob=State.OK, eve=State.OK)
    assert fakes.names(serving.told).count("profile.refused") == 1


async def test_a_profile_that_turns_bad_keeps_its_last_good_version_with_a_warning(serving: Scene) -> None:
    serving.write("bob", "this is no TOML")
    serving.supervisor.reload()
    await serving.until(lambda: bool(serving.told.line("bob").refusal))
    await serving.becomes(bob=State.OK)
    assert "account.stopped" not in fakes.names(serving.told)
    serving.write("bob")
    serving.supervisor.reload()
    await serving.until(lambda: not serving.told.line("bob").refusal)


async def test_a_profile_that_is_disabled_is_shown_and_not_served(serving: Scene) -> None:
    serving.write("bob", GOOD + "enabled = false\n")
    serving.supervisor.reload()
    await serving.becomes(bob=State.DISABLED)
    serving.write("bob")
    serving.supervisor.reload()
    await serving.becomes(bob=State.OK)


async def test_accounts_go_on_when_the_directory_cannot_be_read(serving: Scene) -> None:
    serving.accounts_dir.rename(serving.accounts_dir.with_name("away"))
    serving.supervisor.reload()
    await serving.until(lambda: "accounts.unreadable" in fakes.names(serving.told))
    assert serving.states == {"bob": State.OK}
    assert "account.stopped" not in fakes.names(serving.told)


async def test_a_stop_ends_every_worker(scene: Scene) -> None:
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.OK)
    scene.supervisor.stop()
    await asyncio.wait_for(running, 30)
    assert scene.states == {"bob": State.STOPPING}
    assert scene.told.snapshot().draining
    assert fakes.names(scene.told)[-1] == "account.stopped"


async def test_a_cancellation_leaves_no_worker_behind(scene: Scene) -> None:
    running = asyncio.create_task(scene.supervisor.run())
    await scene.becomes(bob=State.OK)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("worker:")]


async def test_without_accounts_d_the_service_does_not_start(scene: Scene) -> None:
    scene.accounts_dir.rename(scene.accounts_dir.with_name("away"))
    with pytest.raises(errors.SettingsError):
        await scene.supervisor.run()


async def test_once_looks_after_every_account_and_says_whether_all_fared_well(scene: Scene) -> None:
    assert await scene.supervisor.once()
    scene.write("eve", "unix_usr = 'x'\n")
    assert not await scene.supervisor.once()
    scene.remove("eve")
    scene.enrolling.wrong = errors.SudoRefusedError("no rule")
    assert not await scene.supervisor.once()
