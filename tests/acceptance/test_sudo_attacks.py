"""Whoever has the service user gets the mediator's verbs as the accounts' users, and nothing else, from real sudo.

The rules are those that ``niassa-orch sudoers --install`` puts in place. An engine that leaves a trace shows whether
anything was launched; settings with a marker show whether anything was told.
"""

import collections
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable, Iterator

import pytest

from niassa_orch.admin import placing, sudoers_install
from niassa_orch.sandbox import unix_users
from niassa_orch.seqware import installation, sudo_rules
from tests.acceptance import sudo_attacks
from tests.integration.seqware import workshop

_REASON = unix_users.skip_reason()
pytestmark = [pytest.mark.real_users, pytest.mark.skipif(_REASON is not None, reason=_REASON or "")]

MARKER = "canary-of-the-settings"
#: The engine: leaves a trace where everybody may write.
ENGINE = "import os\nopen(os.environ['HOME'] + '/launched', 'w')\n"


class Field:
    """bob is a member of the group, eve is not; both have settings with a marker."""

    def __init__(self, users: unix_users.UnixUsers) -> None:
        self.users = users
        engine = workshop.write_engine(users.root / "seqware", ENGINE)
        engine.write_text(f"#!{shutil.which('python3', path='/usr/bin:/bin')} -I\n{ENGINE}", "utf-8")
        subprocess.run(["gpasswd", "-d", users["eve"].name, users.group], check=True, capture_output=True)
        for name in ("bob", "eve"):
            folder = users[name].home / ".seqware"
            folder.mkdir()
            (folder / "settings").write_text(f"SW_REST_PASS={MARKER}\n")
            for path in (folder, folder / "settings"):
                os.chown(path, users[name].uid, users[name].gid)
        self.rules = sudo_rules.Rules(users.service.name, users.group, users.owned / "libexec" / "mediator")
        self.place = placing.Placing(self.rules, users.sudoers)
        sudoers_install.install(self.place, installation.MediatorConfiguration((str(engine),)))
        self.prey = sudo_attacks.Prey(
            self.rules.mediator, users["bob"].name, users["eve"].name, users.service.name, self.tricks()
        )

    def tricks(self) -> dict[str, pathlib.Path]:
        """What the service user can make in a folder of its own."""
        folder = self.users.service.home / "tricks"
        made = {name: folder / name.replace(" ", "-") / "mediator" for name in ("link", "copy", "script", "engine")}
        for path in made.values():
            path.parent.mkdir(parents=True)
        made["link"].symlink_to(self.rules.mediator)
        shutil.copy(self.rules.mediator, made["copy"])
        made["script"].write_text("#!/bin/sh\necho EVIL; id\n")
        made["script"].chmod(0o755)
        made["engine"].symlink_to(self.users.root / "seqware")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.users.service.uid, self.users.service.gid, follow_symlinks=False)
        return made

    def call(self, *argv: str, **environment: str) -> workshop.Ran:
        done = self.users.run(self.users.service, argv, env={sudo_attacks.KEPT: "/evil", **environment}, input="")
        return workshop.Ran(done.returncode, done.stdout, done.stderr)

    def launched(self) -> bool:
        """Whether the engine ran since the last look."""
        traces = [self.users[name].home / "launched" for name in ("bob", "eve")]
        found = [trace for trace in traces if trace.exists()]
        for trace in found:
            trace.unlink()
        return bool(found)


@pytest.fixture(scope="module")
def field() -> Iterator[Field]:
    with unix_users.unix_users("bob", "eve") as users:
        users.forbid()
        yield Field(users)


KINDS = {
    "words for the mediator": 60,
    "words at random": 50,
    "as somebody else": 40,
    "another program": 80,
    "an option of sudo's": 15,
    "a variable": 25,
    "another path": 12,
    "another name of the file": 16,
    "another spelling": 4,
    "joined words": 5,
}


def test_there_are_at_least_two_hundred_calls_and_no_two_are_alike(
    field: Field, record_property: Callable[[str, object], None]
) -> None:
    attacks = sudo_attacks.generated(field.prey)
    counts = collections.Counter(attack.kind for attack in attacks)
    record_property("calls", len(attacks))
    assert len(attacks) == len({attack.argv for attack in attacks}) >= 200
    assert set(counts) == set(KINDS)
    assert all(counts[kind] >= least for kind, least in KINDS.items()), counts


@pytest.mark.parametrize("kind", KINDS)
def test_every_other_call_is_refused_and_nothing_is_launched_or_told(field: Field, kind: str) -> None:
    tried = [attack for attack in sudo_attacks.generated(field.prey) if attack.kind == kind]
    passed = {}
    for attack in tried:
        ran = field.call(*attack.argv)
        if not (_refused_by_sudo(ran) or _refused_by_the_mediator(ran)) or MARKER in ran.out + ran.err:
            passed[attack.argv] = ran
    assert (passed, field.launched()) == ({}, False)
    assert len(tried) >= KINDS[kind]


def test_the_verbs_that_are_allowed_work(field: Field) -> None:
    mediator, bob = str(field.rules.mediator), field.users["bob"].name
    calls = {
        words: field.call("sudo", "-n", "-H", "-u", bob, "--", mediator, *words)
        for words in (("version",), ("settings",), ("lock",), ("launch", "1", "2"), ("launch-whitestar", "1"))
    }
    assert {words: ran.exit_code for words, ran in calls.items()} == dict.fromkeys(calls, 0)
    assert calls["version",].records[0]["user"] == bob
    assert field.launched()
    for verb, stdin in (("texts", "[]"), ("probe", '{"url": "http://127.0.0.1:1/oozie"}')):
        argv = ["sudo", "-n", "-H", "-u", bob, "--", mediator, verb]
        done = field.users.run(field.users.service, argv, input=stdin)
        assert (done.returncode, done.stderr) == (0, "")
    assert field.call("sudo", "-n", "-H", "-u", bob, "--", mediator, "propagate", "1").exit_code == 0
    assert field.launched()


@pytest.mark.parametrize("caller", ["bob", "eve"])
def test_nobody_but_the_service_user_may_call_it(field: Field, caller: str) -> None:
    for target in ("bob", "eve"):
        argv = ["sudo", "-n", "-H", "-u", field.users[target].name, "--", str(field.rules.mediator), "version"]
        done = field.users.run(field.users[caller], argv)
        assert (done.returncode, done.stdout) == (1, "")


@pytest.mark.parametrize("site", ["", f'env_keep += "PYTHONPATH LC_ALL {sudo_attacks.KEPT}"', "!env_reset"])
def test_nothing_of_the_callers_environment_reaches_the_account_whatever_a_site_keeps(field: Field, site: str) -> None:
    """A rule for everybody that keeps a variable could else let the service user load its own code as any account."""
    before = f"Defaults:{field.rules.service_user} {site}\n" if site else ""
    _put(field.place.fragment, before + field.rules.text(), 0o440)
    mediator = field.rules.mediator.read_text()
    _put(field.rules.mediator, "#!/bin/sh\nenv\n", 0o755)
    try:
        argv = ["sudo", "-n", "-H", "-u", field.users["bob"].name, "--", str(field.rules.mediator)]
        hostile = dict.fromkeys(("PYTHONPATH", sudo_attacks.KEPT, "SECRET", "HOME", "MAIL", "PS4", "DISPLAY"), "/evil")
        ran = field.call(*argv, **hostile, TZ="../../evil", LANG="/evil", TERM="/evil", SUDO_UID="0")
    finally:
        _put(field.rules.mediator, mediator, 0o755)
        _put(field.place.fragment, field.rules.text(), 0o440)
    assert (ran.exit_code, ran.err) == (0, "")
    environment = dict(line.split("=", 1) for line in ran.out.splitlines())
    own = {"HOME", "USER", "LOGNAME", "SHELL", "MAIL", "PATH", "TERM", "PWD"}
    assert set(environment) <= own | {"SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND", "SUDO_HOME"}
    assert "evil" not in ran.out
    assert environment["SUDO_UID"] == str(field.users.service.uid)


def _put(path: pathlib.Path, text: str, mode: int) -> None:
    """Whole at once, by a name that sudo skips: others read all rules meanwhile."""
    staged = path.with_name(f"{path.name}.new")
    staged.write_text(text)
    staged.chmod(mode)
    staged.replace(path)


def _refused_by_sudo(ran: workshop.Ran) -> bool:
    """sudo's own words and exit code, and not a word from anything that it may have run."""
    words = ran.err.startswith(("sudo: ", "usage: ", "Sorry, user"))
    return ran.exit_code == 1 and ran.out == "" and words


def _refused_by_the_mediator(ran: workshop.Ran) -> bool:
    """One record that says no, and nothing else."""
    return ran.exit_code == 64 and ran.err == "" and len(ran.out.splitlines()) == 1 and bool(ran.refused)
