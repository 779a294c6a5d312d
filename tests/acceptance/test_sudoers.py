"""``niassa-orch sudoers`` on this host: installs for Unix users made for it, finds what is wrong, says what helps."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from niassa_orch import errors
from niassa_orch.admin import asking_sudo, findings, placing, sudoers, sudoers_install
from niassa_orch.sandbox import unix_users
from niassa_orch.seqware import installation, sudo_rules
from tests.integration.cli import commands

_REASON = unix_users.skip_reason()
pytestmark = [pytest.mark.real_users, pytest.mark.skipif(_REASON is not None, reason=_REASON or "")]


class Host:
    """Names and places of our own in a host that stays as it was."""

    def __init__(self, users: unix_users.UnixUsers, fragment: pathlib.Path | None = None) -> None:
        self.users = users
        self.folder = users.owned / "libexec" / "orch"
        self.mediator = self.folder / "mediator"
        self.configuration = self.folder / "mediator.json"
        self.fragment = fragment or users.sudoers
        rules = sudo_rules.Rules(users.service.name, users.group, self.mediator)
        self.place = placing.Placing(rules, self.fragment)
        self.options = ["--service-user", users.service.name, "--group", users.group]
        self.options += ["--mediator", str(self.mediator), "--fragment", str(self.fragment)]

    def sudoers(self, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return commands.done("sudoers", *self.options, *words, **environment)

    def install(self) -> None:
        done = self.sudoers("--install", "--seqware", "/bin/true")
        assert done.returncode == 0, done

    def install_at_once(self) -> None:
        """The same without a process of its own."""
        sudoers_install.install(self.place, installation.MediatorConfiguration(("/bin/true",)))

    def look(self) -> list[findings.Finding]:
        """What --check looks at, but for what other tests do to the rules of this host meanwhile."""
        return [one for one in sudoers.look(self.place) if one.subject != "/etc/sudoers"]

    def look_at_files(self) -> list[findings.Finding]:
        """The same where the rules lie in a folder that sudo does not read."""
        unread = ("sudo does not read it", "sudo does not let it run")
        return [one for one in self.look() if not one.wrong.startswith(unread)]

    def wrong(self) -> list[dict[str, str]]:
        """What --check says is wrong; its exit code says the same."""
        done = self.sudoers("--check", "--json")
        found: list[dict[str, str]] = json.loads(done.stdout)["findings"]
        assert done.returncode == bool(found), done
        return found

    def mediate(self, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = ["sudo", "-n", "-H", "-u", self.users["bob"].name, "--", str(self.mediator), *words]
        return self.users.run(self.users.service, argv)


@pytest.fixture
def host() -> Iterator[Host]:
    with unix_users.unix_users("bob") as users:
        users.forbid()
        try:
            yield Host(users)
        finally:
            for kept in users.sudoers.parent.glob(f"{users.sudoers.name}[.-]*"):
                kept.unlink()


@pytest.fixture(scope="module")
def shared() -> Iterator[Host]:
    with unix_users.unix_users("bob", "eve") as users:
        users.forbid()
        yield Host(users, users.owned / "sudoers.d" / users.sudoers.name)


@pytest.fixture
def installed(shared: Host) -> Iterator[Host]:
    """Installed anew for each test, in a folder that sudo does not read: what is spoiled there disturbs nobody."""
    shared.fragment.parent.mkdir(exist_ok=True)
    yield shared
    shutil.rmtree(shared.users.owned / "libexec", ignore_errors=True)
    shutil.rmtree(shared.fragment.parent)


def test_it_installs_and_the_mediator_runs_and_nothing_is_wrong_then(host: Host) -> None:
    assert [one["subject"] for one in host.wrong()] == [
        str(host.mediator),
        str(host.fragment),
        host.users.service.name,
    ]
    assert host.mediate("version").returncode == 1
    before = os.umask(0o077)
    try:
        host.install()
    finally:
        os.umask(before)
    assert host.wrong() == []
    assert "nothing is wrong" in host.sudoers("--check").stdout
    said = json.loads(host.mediate("version").stdout)
    assert (said["user"], said["command"]) == (host.users["bob"].name, ["/bin/true"])
    modes = {path: path.stat().st_mode & 0o7777 for path in (host.mediator, host.configuration, host.fragment)}
    assert modes == {host.mediator: 0o755, host.configuration: 0o644, host.fragment: 0o440}
    assert host.fragment.read_text() == host.sudoers().stdout
    assert sorted(path.name for path in host.folder.iterdir()) == ["mediator", "mediator.json"]


def test_a_mediator_json_that_is_there_is_kept_and_a_mediator_of_another_version_renewed(host: Host) -> None:
    host.install_at_once()
    own = '{"command": ["/bin/false"], "max_accessions": 7}'
    host.configuration.write_text(own)
    host.mediator.write_text("#!/bin/sh\necho old\n")
    (found,) = host.look()
    assert "another version, or changed by somebody" in found.wrong
    done = host.sudoers("--install")
    assert (done.returncode, host.configuration.read_text()) == (0, own)
    assert f"{host.configuration}: kept as it was" in done.stdout
    assert "  - echo old" in done.stdout
    assert host.mediator.read_text() == installation.script()


def test_rules_that_were_edited_by_hand_are_kept_where_sudo_does_not_read_them(host: Host) -> None:
    host.install_at_once()
    _append_rule(host, f"{host.users.service.name} ALL = (root) NOPASSWD: /bin/ls\n")
    assert [one.wrong.partition(": ")[2] for one in host.look()[1:]] == ["(root) NOPASSWD: /bin/ls"]
    host.install_at_once()
    (kept,) = host.fragment.parent.glob(f"{host.fragment.name}.replaced-*")
    assert "/bin/ls" in kept.read_text()
    assert host.look() == []
    assert {str(host.fragment), str(kept)} & asking_sudo.files_read() == {str(host.fragment)}
    # But for its name it would be read, as all that lies there.
    kept.rename(host.fragment.with_name(f"{host.fragment.name}-kept"))
    assert [one.wrong.partition(": ")[2] for one in host.look()] == ["(root) NOPASSWD: /bin/ls"]


#: In a mount namespace of its own another visudo takes the place of this host's; what follows is run there.
ANOTHER_VISUDO = 'mount --bind "$0" "$(command -v visudo)" && exec "$@"'


@pytest.mark.parametrize("before", ["rules", None])
def test_rules_that_visudo_refuses_never_come_into_place(
    host: Host, tmp_path: pathlib.Path, before: str | None
) -> None:
    """As a sudo that does not know one of their options would refuse them."""
    another = tmp_path / "visudo"
    another.write_text('#!/bin/sh\necho "$2:7: unknown defaults entry" >&2\nexit 1\n')
    another.chmod(0o755)
    host.install_at_once()
    host.mediator.write_text("older")
    rules = host.fragment.read_bytes()
    if before is None:
        host.users.forbid()
    install = [*commands.COMMAND, "sudoers", *host.options, "--install"]
    unshared = ["unshare", "--mount", "--propagation", "private", "sh", "-c", ANOTHER_VISUDO, str(another)]
    done = subprocess.run([*unshared, *install], capture_output=True, text=True, check=False, timeout=60)
    if done.stderr.startswith(("unshare: ", "mount: ")):
        pytest.skip(f"needs a mount namespace of its own: {done.stderr.strip()}")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing was installed: visudo refuses the rules" in done.stderr
    assert "unknown defaults entry" in done.stderr
    assert host.mediator.read_text() == "older"
    left = [path.name for path in host.fragment.parent.iterdir() if host.fragment.name in path.name]
    assert left == ([host.fragment.name] if before else [])
    assert before is None or host.fragment.read_bytes() == rules


def test_who_is_not_root_installs_nothing_and_hears_how(host: Host) -> None:
    if unix_users.closed_reason() is not None:
        pytest.skip(str(unix_users.closed_reason()))
    argv = [sys.executable, "-B", "-m", "niassa_orch", "sudoers", *host.options]
    done = host.users.run(host.users.service, [*argv, "--install"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("niassa-orch: only root can install what sudo trusts: sudo niassa-orch sudoers")
    host.install()
    done = host.users.run(host.users.service, [*argv, "--check"])
    assert done.returncode == 1
    assert f"{host.fragment}: cannot be looked at as {host.users.service.name}" in done.stdout
    assert "mend: as root: niassa-orch sudoers --check" in done.stdout


def test_nothing_is_installed_where_others_than_root_decide(host: Host) -> None:
    folder = host.users.owned / "libexec"
    folder.mkdir()
    bob = host.users["bob"]
    for owner, mode, words in (
        (bob.uid, 0o755, f"belongs to {bob.name}"),
        (0, 0o775, "the group root may change it"),
        (0, 0o777, "everybody may change it"),
    ):
        os.chown(folder, owner, 0)
        folder.chmod(mode)
        with pytest.raises(errors.InstallationError) as caught:
            host.install_at_once()
        assert f"{folder}: {words}" in str(caught.value)
        assert (list(folder.iterdir()), host.fragment.exists()) == ([], False)
    os.chown(folder, 0, 0)
    folder.chmod(0o755)
    host.install_at_once()


#: What somebody did to an installation, and words of what must be found. The mend is then run as it is printed.
_Spoil = Callable[[Host], object]
SPOILED: dict[str, tuple[_Spoil, str]] = {
    "fragment gone": (lambda host: host.fragment.unlink(), "is not there: sudo lets the service do nothing"),
    "fragment 0644": (lambda host: host.fragment.chmod(0o644), "has mode 0644, not 0440"),
    "fragment writable": (lambda host: host.fragment.chmod(0o460), "the group root may change it"),
    "fragment another's": (lambda host: _give(host.fragment, host), "belongs to "),
    "fragment with more": (lambda host: _append(host.fragment, "# more\n"), "differs from what niassa-orch"),
    "fragment of nonsense": (lambda host: _append(host.fragment, "nonsense\n"), "visudo refuses it"),
    "fragment a folder": (lambda host: _folder(host.fragment), "is not a plain file"),
    "fragment a link": (lambda host: _link(host.fragment, host), "is not a plain file"),
    "mediator gone": (lambda host: host.mediator.unlink(), "is not there: no account can be served"),
    "mediator changed": (lambda host: _append(host.mediator, "\n"), "is not the mediator of niassa-orch"),
    "mediator 0700": (lambda host: host.mediator.chmod(0o700), "has mode 0700: the accounts' users cannot use it"),
    "mediator 0775": (lambda host: host.mediator.chmod(0o775), "the group root may change it"),
    "mediator 0757": (lambda host: host.mediator.chmod(0o757), "everybody may change it"),
    "mediator another's": (lambda host: _give(host.mediator, host), "belongs to "),
    "mediator a folder": (lambda host: _folder(host.mediator), "is not a plain file"),
    "mediator a link": (lambda host: _link(host.mediator, host), "is not a plain file"),
    "json gone": (lambda host: host.configuration.unlink(), "is not there: the mediator refuses every call"),
    "json 0600": (lambda host: host.configuration.chmod(0o600), "has mode 0600: the accounts' users cannot use it"),
    "json 0666": (lambda host: host.configuration.chmod(0o666), "everybody may change it"),
    "json another's": (lambda host: _give(host.configuration, host), "belongs to "),
    "json a folder": (lambda host: _folder(host.configuration), "is not a plain file"),
    "json a link": (lambda host: _link(host.configuration, host), "is a symbolic link, which the mediator refuses"),
    "folder another's": (lambda host: _give(host.folder, host), "belongs to "),
    "folder 0775": (lambda host: host.folder.chmod(0o775), "the group root may change it"),
    "folder sticky": (lambda host: host.folder.chmod(0o1777), "everybody may change it"),
    "folder closed": (lambda host: host.folder.chmod(0o700), "the accounts' users may not enter it"),
    "above another's": (lambda host: _give(host.folder.parent, host), "belongs to "),
    "above 0775": (lambda host: host.folder.parent.chmod(0o775), "the group root may change it"),
    "above behind a link of another's": (lambda host: _redirect(host), "belongs to "),
    "listed writer": (lambda host: _list_writer(host.mediator, host), "its access list lets niorch-"),
    "root a member": (lambda host: _member("root", host), "and is root"),
    "administrator a member": (lambda host: _administrator(host.users["eve"].name), "and is in the group disk"),
    "administrator serves": (
        lambda host: _administrator(host.users.service.name),
        "whoever takes over the service has",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_spoiled_is_found_and_the_command_that_is_named_mends_it(installed: Host, name: str) -> None:
    installed.install_at_once()
    spoil, words = SPOILED[name]
    spoil(installed)
    try:
        found = installed.look_at_files()
        assert any(words in one.wrong for one in found), found
        for _ in range(3):  # one mend may bring the next to light
            for mend in dict.fromkeys(_runnable(one.mend) for one in found):
                subprocess.run(["sh", "-c", mend], check=False, capture_output=True)
            found = installed.look_at_files()
        assert found == []
    finally:
        users = installed.users
        for user, group in (("root", users.group), (users["eve"].name, "disk"), (users.service.name, "disk")):
            subprocess.run(["gpasswd", "-d", user, group], check=False, capture_output=True)


def test_what_a_command_cannot_mend_is_found_too(host: Host) -> None:
    host.install_at_once()
    service = host.users.service.name
    for text, words in (
        ("nonsense", "not the JSON that it should be"),
        ('{"command": ["/bin/true"], "deadline": 1}', "unknown key"),
        ('{"command": ["/nowhere/seqware"]}', "command names /nowhere/seqware, which cannot be run"),
        ('{"command": ["/bin/true"], "allow_root": true}', "allow_root lets the engine run as root"),
        ('{"command": ["/bin/true"], "users": {"bob": {"command": "x"}}}', "for bob: command has a wrong value"),
        ('{"command": ["/bin/true"], "users": {"bob": {"command": ["/no"]}}}', "users, bob: command names /no"),
    ):
        host.configuration.write_text(text)
        assert [words in one.wrong for one in host.look()] == [True], host.look()
    host.configuration.write_text('{"command": ["/bin/true"]}')
    _append_rule(host, f"{service} ALL = (root) NOPASSWD: /bin/ls\n")
    assert [one.wrong.partition(": ")[2] for one in host.look()[1:]] == ["(root) NOPASSWD: /bin/ls"]


def _runnable(mend: str) -> str:
    """The mend as it is printed, where ``niassa-orch`` is what these tests belong to."""
    command = mend.rpartition("; then ")[2] if mend.startswith("look: ") else mend
    named = f"{sys.executable} -m niassa_orch sudoers"
    assert "niassa-orch sudoers" not in command or "--service-user" in command
    return command.replace("niassa-orch sudoers --install", f"{named} --install --seqware /bin/true")


def _give(path: pathlib.Path, host: Host) -> None:
    os.chown(path, host.users["eve"].uid, 0)


def _append(path: pathlib.Path, text: str) -> None:
    path.write_bytes(path.read_bytes() + text.encode())


def _append_rule(host: Host, text: str) -> None:
    """Whole at once: others read all rules meanwhile."""
    staged = host.fragment.with_name(f"{host.fragment.name}.new")
    staged.write_text(host.fragment.read_text() + text)
    staged.chmod(0o440)
    staged.replace(host.fragment)


def _link(path: pathlib.Path, host: Host) -> None:
    elsewhere = host.users.owned / f"elsewhere-{path.name}"
    shutil.copy2(path, elsewhere)
    path.unlink()
    path.symlink_to(elsewhere)


def _folder(path: pathlib.Path) -> None:
    path.unlink()
    path.mkdir()


def _redirect(host: Host) -> None:
    """The folder above becomes a link to a folder of eve's."""
    moved = host.users.owned / "moved"
    shutil.rmtree(moved, ignore_errors=True)
    host.folder.parent.rename(moved)
    host.folder.parent.symlink_to("moved")
    os.chown(moved, host.users["eve"].uid, 0)


def _list_writer(path: pathlib.Path, host: Host) -> None:
    """``setfacl -m u:eve:rwx``, as the kernel takes it: version 2, then kind, permissions, id."""
    nobody = 0xFFFFFFFF
    entries = [(1, 7, nobody), (2, 7, host.users["eve"].uid), (4, 5, nobody), (16, 7, nobody), (32, 5, nobody)]
    packed = (2).to_bytes(4, "little")
    for kind, permissions, number in entries:
        packed += kind.to_bytes(2, "little") + permissions.to_bytes(2, "little") + number.to_bytes(4, "little")
    os.setxattr(path, "system.posix_acl_access", packed)


def _member(user: str, host: Host) -> None:
    subprocess.run(["gpasswd", "-a", user, host.users.group], check=True, capture_output=True)


def _administrator(user: str) -> None:
    subprocess.run(["gpasswd", "-a", user, "disk"], check=True, capture_output=True)
