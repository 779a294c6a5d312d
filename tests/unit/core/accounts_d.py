"""accounts.d as real files, and the supervisor that serves them: what tests of the supervisor share."""

import os
import pwd
from collections.abc import Callable

from niassa_orch.config import settings
from niassa_orch.core import account_line, supervisor
from tests.fakes import stage as stages
from tests.unit.core import served

USER = pwd.getpwuid(os.geteuid()).pw_name
GOOD = f'unix_user = "{USER}"\nhost = "server2"\n'


class Scene:
    """The accounts' neighbours are in memory, and every account is Bob under the profile's name and host."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        self.accounts_dir = stage.directory / "accounts.d"
        self.accounts_dir.mkdir(mode=0o755)
        self.told = stage.told
        self.slots = stage.slots
        self.enrolling = served.Enrolling(stage)
        self.supervisor = self.new_supervisor()

    def new_supervisor(self, watch: settings.AccountsWatch = settings.AccountsWatch.OFF) -> supervisor.Supervisor:
        """Of a process that begins now; as a rule it hears nothing of accounts.d but what a test asks for."""
        service = settings.Settings(accounts_dir=self.accounts_dir, accounts_watch=watch, allow_root=True)
        return supervisor.Supervisor(served.desk(self.stage, self.enrolling, service))

    def write(self, name: str, text: str = GOOD) -> None:
        """A profile."""
        path = self.accounts_dir / f"{name}.toml"
        path.write_text(text)
        path.chmod(0o644)

    def remove(self, name: str) -> None:
        """A profile."""
        (self.accounts_dir / f"{name}.toml").unlink()

    @property
    def states(self) -> dict[str, account_line.State]:
        """As the board shows them."""
        return {line.name: line.state for line in self.told.snapshot().accounts}

    @property
    def hosts(self) -> dict[str, str]:
        """By account, as far as it is known."""
        return {line.name: line.account.host for line in self.told.snapshot().accounts if line.account is not None}

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the service work until this holds."""
        await self.stage.until(holds)

    async def becomes(self, **states: account_line.State) -> None:
        """Let the service work until the board shows these."""
        await self.until(lambda: self.states == states)
