"""Who may look and who may order, with real Unix users: the socket's mode lets in, the group's members give orders."""

import asyncio
import json
import os
import pathlib
import shutil
import stat

import pytest

from niassa_orch.sandbox import unix_users
from tests.acceptance import stages

pytestmark = pytest.mark.real_users

#: Is a member of no group of ours.
STRANGER = unix_users.UnixUser("nobody", 65534, 65534, pathlib.Path("/"))


class Desk:
    """The folder of the control socket, and who knocks there.

    Args:
        stage: With a service.
        people: Alice among them, a member of the group.
        folder: The service's.
    """

    def __init__(self, stage: stages.Stage, people: stages.People, folder: pathlib.Path) -> None:
        self._stage = stage
        self._people = people
        self.folder = folder
        folder.mkdir()
        service = people.made.service
        shutil.chown(folder, service.name, people.made.group)
        # So that the service's user, who need not be a member, gives the socket to the group.
        folder.chmod(0o2755)

    @property
    def settings(self) -> dict[str, str]:
        """For the service, and for those who ask it."""
        return {"RUNTIME_DIR": str(self.folder), "CONTROL__GROUP": self._people.made.group}

    async def command(self, user: unix_users.UnixUser, *words: str) -> tuple[int, str]:
        """The exit code of a command of this user, and all that it said."""
        argv = [*self._people.staged.argv, "--config", str(self._stage.place.config_file), *words]
        settings = {f"NIASSA_ORCH_{key}": value for key, value in self.settings.items()}
        environment = {**self._people.staged.environment, **settings}
        done = await asyncio.to_thread(self._people.made.run, user, argv, env=environment)
        return done.returncode, done.stdout + done.stderr


async def test_members_of_the_group_order_by_name_others_look_where_they_may_connect_and_strangers_do_nothing(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    alice, service_user = people.made["alice"], people.made.service.name
    async with stages.of_people(open_directory, people) as stage:
        desk = Desk(stage, people, people.made.root / f"run-{os.urandom(3).hex()}")
        socket = desk.folder / "control.sock"
        async with stage.service(**desk.settings) as service:
            await service.tells("account.started", account="bob")
            assert stat.S_IMODE(socket.stat().st_mode) == 0o660
            code, said = await desk.command(alice, "pause", "bob", "--reason", "disk")
            assert (code, said.partition(" since ")[0]) == (
                0,
                f"paused, propagation too, for bob by order of {alice.name}",
            )
            code, said = await desk.command(STRANGER, "status")
            assert (code, "you may not ask the service" in said) == (1, True)

            # As with [control] mode = "0666".
            socket.chmod(0o666)
            code, said = await desk.command(STRANGER, "status", "--json")
            assert code == 0, said
            assert {account["name"] for account in json.loads(said)["accounts"]} == {"alice", "bob"}
            code, said = await desk.command(STRANGER, "stop-launching", "--all", "--reason", "why not")
            assert (code, "nobody may look, and give no orders; root, " in said) == (1, True)
        # Without a service a member has no say: the journal is not hers.
        code, said = await desk.command(alice, "resume", "bob")
        assert (code, f"only root and {service_user} write into its journal" in said) == (1, True)
        assert _trailed(stage, "bob") == [("pause", f"{alice.name} (uid {alice.uid})")] * 2
        assert {what for what, _ in _trailed(stage, "_service")} == {"start", "stop"}


def _trailed(stage: stages.Stage, name: str) -> list[tuple[str, str]]:
    lines = (stage.place.state_dir / "audit" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [(one["what"], one["operator"]) for one in map(json.loads, lines)]
