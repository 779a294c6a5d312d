"""docs/migrating-from-cron.md from its second step to its last, with three Unix users whose crontabs the test plays.

What ``check`` and ``shadow report`` print meanwhile is tried elsewhere.
"""

import asyncio
import json
import os
import pathlib
import re
import shutil
import subprocess
import typing
from collections.abc import AsyncIterator, Iterator

import pytest

from niassa_orch.sandbox import staging, unix_users
from tests.acceptance import stages

pytestmark = [
    pytest.mark.real_users,
    pytest.mark.skipif(shutil.which("crontab") is None, reason="there is no crontab command (Debian: cron)"),
]

NAMES = ("alice", "bob", "carol")


class Site:
    """Three accounts that crontabs serve, each with a host string of its own; no profiles yet."""

    def __init__(self, stage: stages.Stage, people: stages.People) -> None:
        self.stage, self.people = stage, people
        self.runs: dict[str, list[int]] = {name: [] for name in NAMES}
        for name in NAMES:
            stage.profile(name).unlink()
            self._settle(name)

    def _settle(self, name: str) -> None:
        """Alice's and carol's lines call a script, bob's calls the engine itself."""
        home, engine = self.people.made[name].home, self.stage.place.engine
        launch, propagate = (
            f"{engine} workflow-run {verb} --host {name}.lab.net" for verb in ("launch-scheduled", "propagate-statuses")
        )
        self.put(name, "cron.sh", f"#!/bin/bash\n{launch}\n{propagate} --threads 10\n")
        command = f"{launch} && {propagate}" if name == "bob" else f"bash {home}/cron.sh >> {home}/cron.log 2>&1"
        self.edit_crontab(name, f'MAILTO=""\n# Niassa\n* * * * * {command}\n')

    def put(self, name: str, file: str, text: str) -> None:
        """Write a file of a user's, as that user."""
        argv = ["sh", "-c", 'cat > "$HOME/$1"', "sh", file]
        self.people.made.run(self.people.made[name], argv, input=text).check_returncode()

    def crontab(self, name: str) -> str:
        """A user's crontab."""
        argv = ["crontab", "-l", "-u", self.people.made[name].name]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def edit_crontab(self, name: str, text: str) -> None:
        """Put another one in its place."""
        argv = ["crontab", "-u", self.people.made[name].name, "-"]
        subprocess.run(argv, input=text, capture_output=True, text=True, check=True)

    def disable(self, found: dict[str, typing.Any], *names: str) -> None:
        """Put # before the lines that an import named, and no others."""
        for name in names:
            edit = f"crontab -e -u {self.people.made[name].name}"
            numbers = {line["number"] for one in found["disable"] if one["edit"] == edit for line in one["lines"]}
            lines = enumerate(self.crontab(name).splitlines(), start=1)
            self.edit_crontab(name, "".join(f"{'#' * (number in numbers)}{line}\n" for number, line in lines))

    async def minute(self) -> None:
        """What cron does in a minute."""
        for name in NAMES:
            for command in re.findall(r"^\* \* \* \* \* (.*)", self.crontab(name), re.MULTILINE):
                argv = ["sh", "-c", command]
                done = await asyncio.to_thread(self.people.made.run, self.people.made[name], argv)
                assert done.returncode == 0, done.stdout + done.stderr

    async def read_crontabs(self, *words: str, exit_code: int = 0) -> dict[str, typing.Any]:
        """Ask ``import`` as root."""
        crew, users = self.stage.crew, [self.people.made[name].name for name in NAMES]
        argv = [*crew.argv, "--config", str(self.stage.place.config_file), "import", "--json", *words, *users]
        environment = {"PATH": os.environ["PATH"], **crew.environment}
        done = await asyncio.to_thread(
            lambda: subprocess.run(argv, cwd="/", env=environment, capture_output=True, text=True, check=False)
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        found: dict[str, typing.Any] = json.loads(done.stdout)
        return found

    async def schedule(self, *names: str) -> None:
        """A run for each account."""
        for name in names:
            self.runs[name].append(await self.stage.schedule(name, host=f"{name}.lab.net"))

    def profile(self, name: str) -> pathlib.Path:
        """As the import names it: after the Unix user."""
        return self.stage.profile(self.people.made[name].name)

    async def says(self, *words: str, exit_code: int = 0) -> str:
        """What a command of the service's user prints."""
        asked = await self.stage.start(*words)
        assert await asked.ended(60) == exit_code, asked.text
        return asked.text


@pytest.fixture(scope="module")
def three() -> Iterator[stages.People]:
    """Unix users of this test's own."""
    reason = unix_users.skip_reason()
    if reason is not None:
        pytest.skip(reason)
    before = os.umask(0o022)
    try:
        with unix_users.unix_users(*NAMES) as made:
            try:
                yield stages.People(made, staging.stage(made.root / "installation", made.service.uid))
            finally:
                for user in made.by_name.values():
                    subprocess.run(["crontab", "-r", "-u", user.name], capture_output=True, check=False)
    finally:
        os.umask(before)


@pytest.fixture
async def site(three: stages.People) -> AsyncIterator[Site]:
    async with stages.of_people(three.made.root / "sandbox", three) as stage:
        yield Site(stage, three)


async def test_three_crontabs_become_one_service_and_one_goes_back(site: Site) -> None:
    found = await _import(site)
    await _believe(site)
    await _switch(site, found)
    await _go_back(site)
    await site.stage.launched_once(*(run for runs in site.runs.values() for run in runs))


async def _import(site: Site) -> dict[str, typing.Any]:
    """Steps 2 to 4: carol's settings are broken at first, and her line is left at work."""
    settings = site.people.made["carol"].home / ".seqware" / "settings"
    whole = settings.read_text("latin-1")
    site.put("carol", ".seqware/settings", re.sub("SW_REST_URL.*\n", "", whole))
    found = await site.read_crontabs("--dry-run", exit_code=1)
    assert list(site.stage.place.accounts_dir.iterdir()) == []
    carol = f"crontab of {site.people.made['carol'].name}"
    assert ([one["crontab"] for one in found["leave"]], len(found["disable"])) == ([carol], 2)
    site.put("carol", ".seqware/settings", whole)
    before = [site.crontab(name) for name in NAMES]
    found = await site.read_crontabs()
    assert (len(found["disable"]), found["leave"]) == (3, [])
    written = {file.name: file.read_text("utf-8") for file in site.stage.place.accounts_dir.iterdir()}
    users = {name: site.people.made[name].name for name in NAMES}
    assert written == {
        f"{user}.toml": f'unix_user = "{user}"\nhost = "{name}.lab.net"\n' for name, user in users.items()
    }
    assert [site.crontab(name) for name in NAMES] == before
    return found


async def _believe(site: Site) -> None:
    """Step 5: everything is decided, and the crontabs do it."""
    async with site.stage.service("run", "--shadow") as service:
        await site.schedule(*NAMES)
        for (run,) in site.runs.values():
            await service.tells("shadow.would_launch", accessions=run)
        await site.minute()
        for (run,) in site.runs.values():
            await service.tells("shadow.agreed", accession=run, wanted="launched")
        assert service.events("launch.called") == []


async def _switch(site: Site, found: dict[str, typing.Any]) -> None:
    """Step 6: a line that was forgotten keeps the service from launching for its user, and from nothing else."""
    site.disable(found, "alice", "bob")
    await site.schedule(*NAMES)
    said = await site.says("once", exit_code=1)
    assert f"the crontab of {site.people.made['carol'].name} still launches (line 3)" in said
    records = await site.stage.web.runs()
    waiting = [name for name in NAMES if records[site.runs[name][-1]]["status"] == "submitted"]
    assert waiting == ["carol"]
    await site.minute()
    site.disable(found, "carol")
    left = await site.read_crontabs("--dry-run")
    assert (left["profiles"], left["disable"], left["leave"]) == ([], [], [])


async def _go_back(site: Site) -> None:
    """The service works for all; then bob's crontab does again."""
    async with site.stage.service() as service:
        await site.schedule(*NAMES)
        for name in NAMES:
            await service.tells("launch.verified", accession=site.runs[name][-1])
        await site.stage.web.reach("completed", *(run for runs in site.runs.values() for run in runs))
        profile = site.profile("bob")
        profile.write_text(f"enabled = false\n{profile.read_text('utf-8')}", "utf-8")
        await service.tells("account.stopped", account=site.people.made["bob"].name)
        assert "every launch is settled" in await site.says("doubts")
        site.edit_crontab("bob", site.crontab("bob").replace("#* *", "* *"))
        await site.schedule("bob", "alice")
        await site.minute()
        await service.tells("launch.verified", accession=site.runs["alice"][-1])
        assert service.events("launch.called", accessions=site.runs["bob"][-1]) == []
