"""Real crontabs of real Unix users, read with the machine's own ``crontab``; no cron daemon runs for it."""

import json
import pathlib
import shutil
import subprocess
import typing
from collections.abc import Iterator

import pytest

from niassa_orch.sandbox import unix_users
from tests.acceptance import stages

pytestmark = [
    pytest.mark.real_users,
    pytest.mark.skipif(shutil.which("crontab") is None, reason="there is no crontab command (Debian: cron)"),
]

SETTINGS = (
    "SW_REST_URL=http://127.0.0.1:9/SeqWareWebService\nSW_REST_USER={0}@lab.net\nSW_REST_PASS=sesame-of-{0}\n"
    "SW_METADATA_METHOD=webservice\nOOZIE_URL=http://127.0.0.1:9/oozie\n"
)
SCRIPT = (
    "#!/bin/bash\nseqware workflow-run launch-scheduled --host server2\n"
    "seqware workflow-run propagate-statuses --threads 10 --host server2\n"
)
CRONTAB = 'MAILTO=""\n# Niassa\n* * * * * {}/cron.sh >> {}/cron.log 2>&1\n'


class Site:
    """Accounts with crontabs, and a directory for profiles."""

    def __init__(self, people: stages.People, directory: pathlib.Path) -> None:
        self.people = people
        self.profiles = directory / "accounts.d"
        self.profiles.mkdir(parents=True)
        self.config = directory / "niassa-orch.toml"
        self.config.write_text(f'accounts_dir = "{self.profiles}"\nhost = "server2"\n', "utf-8")
        self.config.chmod(0o644)

    def settle(self, name: str) -> unix_users.UnixUser:
        """Give an account a script, seqware settings that nobody else may read, and a crontab."""
        user = self.people.made[name]
        put = 'umask 077; mkdir -p "$(dirname "$1")"; cat > "$1"'
        for path, text in ((".seqware/settings", SETTINGS.format(name)), ("cron.sh", SCRIPT)):
            self.people.made.run(user, ["sh", "-c", put, "sh", user.home / path], input=text).check_returncode()
        self.people.made.run(user, ["chmod", "700", user.home / "cron.sh"]).check_returncode()
        crontab = CRONTAB.format(user.home, user.home)
        subprocess.run(["crontab", "-u", user.name, "-"], input=crontab, text=True, check=True, capture_output=True)
        return user

    def run(self, *words: str, user: unix_users.UnixUser | None = None) -> "subprocess.CompletedProcess[str]":
        """The command as root, or as somebody; in its words there is no password."""
        argv = [*self.people.staged.argv, "--config", str(self.config), "import", *words]
        environment = dict(self.people.staged.environment)
        if user is None:
            ended = subprocess.run(
                argv,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin", **environment},
                capture_output=True,
                text=True,
                cwd="/",
            )
        else:
            ended = self.people.made.run(user, argv, env=environment)
        assert "sesame" not in ended.stdout + ended.stderr
        return ended


@pytest.fixture
def site(people: stages.People, open_directory: pathlib.Path) -> Iterator[Site]:
    made = Site(people, open_directory)
    try:
        yield made
    finally:
        for user in people.made.by_name.values():
            subprocess.run(["crontab", "-r", "-u", user.name], capture_output=True, check=False)
            shutil.rmtree(user.home / ".seqware", ignore_errors=True)
            (user.home / "cron.sh").unlink(missing_ok=True)


def crontab_of(user: unix_users.UnixUser) -> str:
    return subprocess.run(["crontab", "-l", "-u", user.name], capture_output=True, text=True, check=True).stdout


def test_root_imports_the_crontabs_of_several_users_and_one_line_is_a_profile(site: Site) -> None:
    alice, bob = site.settle("alice"), site.settle("bob")
    before = [crontab_of(user) for user in (alice, bob)]
    ended = site.run(alice.name, bob.name)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    texts = {file.name: file.read_text("utf-8") for file in site.profiles.iterdir()}
    assert texts == {f"{user.name}.toml": f'unix_user = "{user.name}"\n' for user in (alice, bob)}
    for user, text in zip((alice, bob), before, strict=True):
        assert f"crontab -e -u {user.name}: put # before" in ended.stdout
        number = text.splitlines().index(f"* * * * * {user.home}/cron.sh >> {user.home}/cron.log 2>&1") + 1
        assert f"line {number}: * * * * * {user.home}/cron.sh" in ended.stdout
    assert [crontab_of(user) for user in (alice, bob)] == before
    again = json.loads(site.run("--json", alice.name, bob.name).stdout)
    assert [one["state"] for one in again["profiles"]] == ["there already", "there already"]


def test_nothing_is_read_with_other_rights_than_those_of_its_user(site: Site) -> None:
    """A crontab and a link that name what is not theirs lead root nowhere."""
    alice, bob = site.settle("alice"), site.settle("bob")
    (bob.home / ".seqware" / "settings").unlink()
    (bob.home / ".seqware" / "settings").symlink_to(alice.home / ".seqware" / "settings")
    found = told(site.run("--json", bob.name))
    assert "Permission denied" in found["profiles"][0]["reason"]
    line = f"* * * * * {alice.home}/cron.sh\n"
    subprocess.run(["crontab", "-u", bob.name, "-"], input=line, text=True, check=True, capture_output=True)
    found = told(site.run("--json", bob.name))
    assert found["profiles"] == []
    assert f"{alice.home}/cron.sh cannot be read as {bob.name}" in found["not_understood"][0]["reason"]
    assert list(site.profiles.iterdir()) == []


def test_a_user_sees_the_own_crontab_and_nobody_elses(site: Site) -> None:
    alice, bob = site.settle("alice"), site.settle("bob")
    found = json.loads(site.run("--json", "--dry-run", bob.name, user=bob).stdout)
    assert [(one["unix_user"], one["state"]) for one in found["profiles"]] == [(bob.name, "would be written")]
    found = told(site.run("--json", "--dry-run", alice.name, user=bob))
    assert f"only root may read the crontab of {alice.name}" in found["not_understood"][0]["reason"]


def test_the_service_user_reads_settings_through_the_mediator(site: Site) -> None:
    bob = site.settle("bob")
    site.people.made.allow(site.people.made.mediator)
    site.people.install(pathlib.Path("/usr/local/bin/seqware"))
    site.config.write_text(site.config.read_text() + f'[engine]\nmediator = "{site.people.made.mediator}"\n', "utf-8")
    crontab = site.profiles.parent / "crontab"
    crontab.write_text("* * * * * seqware workflow-run launch-scheduled\n", "utf-8")
    ended = site.run("--json", "--dry-run", "--file", f"{bob.name}:{crontab}", user=site.people.made.service)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    (one,) = json.loads(ended.stdout)["profiles"]
    assert (one["unix_user"], one["web_service_account"]) == (bob.name, "bob@lab.net")


def test_a_user_without_a_crontab_is_no_trouble(site: Site) -> None:
    ended = site.run(site.people.made["alice"].name)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "No line of these crontabs is known to launch or propagate." in ended.stdout


def told(ended: "subprocess.CompletedProcess[str]") -> dict[str, typing.Any]:
    """What a command found that did not fare well."""
    assert ended.returncode == 1, ended.stdout + ended.stderr
    found: dict[str, typing.Any] = json.loads(ended.stdout)
    return found
