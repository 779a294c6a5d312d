"""``niassa-orch check`` on a host that is ill: sudo hangs, a file server is gone, the host has several names.

Each in namespaces of its own, so that nobody else on this host meets it.
"""

import os
import pathlib
import subprocess
import sys

import pytest

from niassa_orch.sandbox import unix_users
from tests.acceptance import broken_links, checking, machine, stages

pytestmark = pytest.mark.real_users
#: As root, before the check: a home on a file server that says nothing. It is gone with the last who has it open.
_GONE = """
import ctypes, os, sys
server = os.open("/dev/fuse", os.O_RDWR)
os.set_inheritable(server, True)
options = f"fd={server},rootmode=40000,user_id=0,group_id=0,allow_other"
if ctypes.CDLL(None, use_errno=True).mount(b"gone", os.fsencode(sys.argv[1]), b"fuse", 0, options.encode()):
    sys.exit(f"mount: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])
"""


def crew(people: stages.People, namespaces: tuple[str, ...], prepare: tuple[str, ...]) -> stages.Crew:
    """The service's user in namespaces in which ``prepare``, a command that ends in running its words, was run."""
    who = people.made.service
    become = ("setpriv", f"--reuid={who.uid}", f"--regid={who.gid}", "--clear-groups", "--")
    prefix = ("unshare", *namespaces, "--mount", "--propagation", "private", *prepare)
    tried = subprocess.run([*prefix, *become, "true"], capture_output=True, text=True, check=False, timeout=60)
    if tried.returncode != 0:
        pytest.skip(f"needs namespaces of its own: {tried.stderr.strip()}")
    plain = people.crew()
    return stages.Crew((*prefix, *become, *plain.argv), None, plain.environment)


def started_by(user: unix_users.UnixUser, name: str) -> list[int]:
    """The processes of this name that a Unix user started, whoever they have become since."""

    def is_one(entry: pathlib.Path) -> bool:
        status = (entry / "status").read_text()
        return f"Name:\t{name}\n" in status and f"\nUid:\t{user.uid}\t" in status

    return machine.processes(is_one)


@pytest.mark.skipif(not list(pathlib.Path("/").glob("usr/lib*/**/pam_exec.so")), reason="there is no pam_exec.so")
async def test_a_sudo_that_hangs_is_ended_and_told_and_nothing_behind_it_is_looked_at(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    """As where a module of PAM waits for a directory service: for alice when a mend is looked for, for bob always."""
    place = open_directory.with_name("pam")
    held = crew(
        people, (), ("sh", "-c", 'mount --bind "$0" /etc/pam.d/sudo && exec "$@"', str(_holding(people, place)))
    )
    no_member = broken_links.OF_SUDO[2]
    try:
        async with stages.of_people(open_directory, people, crew=held) as stage:
            with no_member.broken(broken_links.Site(people, stage)):
                found = await checking.check(stage)
            assert started_by(people.made.service, "sudo") == []
            assert len(started_by(people.made.service, "cat")) == 2, "both were held"
    finally:
        machine.end_processes_of(place)
    assert found.wrong() == {(name, "sudo"): "bad" for name in ("alice", "bob")}
    assert no_member.seen in found.links["alice", "sudo"].seen
    assert found.links["alice", "sudo"].mend.startswith("niassa-orch sudoers --check")
    assert found.links["bob", "sudo"].seen == "sudo does not answer within 30 s"
    assert found.links["bob", "sudo"].mend.startswith(f"time sudo -n -l -u {people.made['bob'].name}  # as ")
    behind = ("engine", "settings", "engine lock", "crontab")
    assert {(name, link) for name in ("alice", "bob") for link in behind} <= found.skipped()


def _holding(people: stages.People, place: pathlib.Path) -> pathlib.Path:
    """What PAM shall do for sudo: wait when it is asked about bob, or about nobody."""
    place.mkdir()
    rules, hold, gate = (place / name for name in ("sudo", "hold", "gate"))
    os.mkfifo(gate, 0o644)
    asked = f"grep -qzx -e {people.made['bob'].name} /proc/$PPID/cmdline || ! grep -qzx -e -u /proc/$PPID/cmdline"
    hold.write_text(f"#!/bin/sh\nif {asked}; then exec cat {gate}; fi\n")
    hold.chmod(0o755)
    rules.write_text(f"auth required pam_permit.so\naccount required pam_exec.so {hold}\n")
    return rules


@pytest.mark.skipif(not pathlib.Path("/dev/fuse").exists(), reason="there is no /dev/fuse")
async def test_a_home_on_a_file_server_that_is_gone_is_told_and_the_other_account_is_well(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    home = people.made["alice"].home
    gone = crew(people, (), (sys.executable, "-c", _GONE, str(home)))
    async with stages.of_people(open_directory, people, crew=gone) as stage:
        found = await checking.check(stage)
        assert found.wrong() == {("alice", "home"): "bad"}
        behind = {("alice", link) for link in ("settings", "engine lock", "crontab", "profile", "login", "oozie")}
        assert found.skipped() == behind
        assert found.links["alice", "home"].seen == f"{home} does not answer within 10 s"
        assert found.links["alice", "home"].mend.startswith(f"findmnt -T {home}")
        assert machine.processes_of_user(people.made["alice"].uid) == []
        assert started_by(people.made.service, "sudo") == []


async def test_a_host_of_two_names_is_told_which_of_them_counts_and_the_key_that_settles_it(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    """``hostname --long`` says the first name of a line of /etc/hosts, Python the first of it with a dot."""
    hosts = open_directory.with_name("hosts")
    hosts.write_text("127.0.0.1 localhost\n127.0.1.1 node7 node7.lab.net\n")
    prepare = ("sh", "-c", 'mount --bind "$0" /etc/hosts && hostname node7 && exec "$@"', str(hosts))
    named = crew(people, ("--uts",), prepare)
    async with stages.of_people(open_directory, people, crew=named) as stage:
        await stage.schedule("bob", host="node7")
        with broken_links.rewritten(stage.profile("bob"), lambda text: text.replace("host =", "# host =")):
            found = await checking.check(stage, "bob")
            settled = await checking.check(stage, "bob", HOST="node7")
    assert found.wrong() == {("", "host"): "look", ("bob", "scheduled for"): "look"}
    told = found.links["", "host"]
    assert told.seen == (
        "runs are launched that were scheduled for node7.lab.net (this machine's full name, since host is not set); "
        "hostname --long says node7"
    )
    assert told.mend == 'host = "node7"  # or "node7.lab.net": in the settings, as users write it after --host'
    assert "no run of bob@lab.net for node7.lab.net; others for node7 (1)" in found.links["bob", "scheduled for"].seen
    assert found.links["bob", "scheduled for"].mend.startswith('host = "node7"  # in bob.toml')
    assert settled.wrong() == {}
    assert settled.links["", "host"].seen == (
        "runs are launched that were scheduled for node7 (host of the settings); getfqdn says node7.lab.net"
    )
    assert "1 run of bob@lab.net for node7" in settled.links["bob", "scheduled for"].seen
