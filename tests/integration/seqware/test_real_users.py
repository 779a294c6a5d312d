import collections.abc
import json
import os
import pathlib
import pwd
import resource
import shutil
import subprocess

import pytest

from niassa_orch.domain import runs
from niassa_orch.sandbox import unix_users
from niassa_orch.seqware import identity, installation, transcript
from tests.integration.seqware import workshop
from tests.integration.seqware.test_mediator import HOSTILE

_REASON = unix_users.skip_reason() or unix_users.closed_reason()
pytestmark = [
    pytest.mark.real_users,
    pytest.mark.skipif(_REASON is not None, reason=_REASON or ""),
]

#: What the service does, as the service user: start a call, wait for it.
START = """
import asyncio, json, pathlib, sys
from niassa_orch.domain import runs
from niassa_orch.seqware import call
header = call.CallHeader.now("bob", "niassa-bob", "launch", [runs.Accession(1234)], runs.EngineFamily.OOZIE)
async def main():
    started = await call.start(json.loads(sys.argv[1]), pathlib.Path(sys.argv[2]), header)
    print("STARTED", flush=True)
    print(await started.wait())
asyncio.run(main())
"""

#: Asks, and says what became of it.
ASK = """
import asyncio, json, sys
from niassa_orch.seqware import query
try:
    print(asyncio.run(query.settings(json.loads(sys.argv[1]))).content.decode())
except Exception as error:
    print(type(error).__name__, error)
"""


class People:
    """Users, a mediator in root's directory, and an engine."""

    def __init__(self, users: unix_users.UnixUsers) -> None:
        self.users = users
        self.service = users.service

    def install(self, code: str = workshop.SHOW, **options: object) -> pathlib.Path:
        engine = workshop.write_engine(self.users.root / "seqware", code)
        shebang = f"#!{shutil.which('python3', path='/usr/bin:/bin')} -I\n"
        engine.write_text(shebang + code, "utf-8")
        fields = {"command": (str(engine),), "kill_grace_seconds": 0.3, **options}
        return installation.install(self.users.owned, installation.MediatorConfiguration(**fields))  # type: ignore[arg-type]

    def settings(self, name: str, text: str) -> None:
        user = self.users[name]
        folder = user.home / ".seqware"
        folder.mkdir(exist_ok=True)
        (folder / "settings").unlink(missing_ok=True)
        (folder / "settings").write_text(text)
        for path in (folder, folder / "settings"):
            os.chown(path, user.uid, user.gid)
        (folder / "settings").chmod(0o600)
        folder.chmod(0o700)

    def argv(self, name: str, verb: identity.Verb, *accessions: int) -> list[str]:
        return identity.argv(identity.Identity(self.users[name].name), self.users.mediator, verb, accessions)

    def sudo(self, name: str, *words: str, **options: object) -> workshop.Ran:
        """What the service user gets when it calls sudo itself."""
        argv = ["sudo", "-n", "-H", "-u", self.users[name].name, "--", str(self.users.mediator), *words]
        done = self.users.run(self.service, argv, **options)
        return workshop.Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def made() -> collections.abc.Iterator[People]:
    with unix_users.unix_users("bob", "eve") as users:
        yield People(users)


@pytest.fixture
def people(made: People) -> People:
    made.users.allow(made.users.mediator)
    made.install()
    made.settings("bob", "SW_REST_PASS=of-bob\n")
    made.settings("eve", "SW_REST_PASS=of-eve\n")
    return made


def test_each_call_runs_as_its_own_user_in_an_environment_of_its_own(people: People) -> None:
    for name in ("bob", "eve"):
        user = people.users[name]
        ran = people.sudo(name, "launch", "1234", env={"TZ": "Asia/Tokyo", "JAVA_TOOL_OPTIONS": "x", "LC_ALL": "C"})
        seen = ran.seen
        assert (seen["uid"], seen["gid"], seen["cwd"], seen["umask"]) == (user.uid, user.gid, str(user.home), 0o022)
        assert (seen["env"].pop("LC_CTYPE", "C.UTF-8"), seen["env"].pop("TZ")) == ("C.UTF-8", "Asia/Tokyo")
        assert seen["env"] == {
            "HOME": str(user.home),
            "USER": user.name,
            "LOGNAME": user.name,
            "SHELL": "/bin/sh",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "SEQWARE_SETTINGS": str(user.home / ".seqware" / "settings"),
            "SEQWARE_JVM_OPTS": "-Dsun.net.http.retryPost=false",
        }
        assert (ran.records[0]["user"], ran.records[0]["uid"], ran.records[1]["exit_code"]) == (user.name, user.uid, 0)


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_service_user_gets_no_other_verb_or_argument_through(people: People, words: list[str]) -> None:
    trace = people.users["bob"].home / "launched"
    people.install(f"open({str(trace)!r}, 'w')")
    assert people.sudo("bob", *words).refused
    assert not trace.exists()


@pytest.mark.parametrize("option", [["-E"], ["-s"], ["-i"], ["-g", "root"], ["-u", "root"], ["-D", "/var"], ["X=y"]])
def test_sudo_itself_gives_the_service_user_nothing_more(people: People, option: list[str]) -> None:
    argv = ["sudo", "-n", "-u", people.users["bob"].name, *option, str(people.users.mediator), "version"]
    done = people.users.run(people.service, argv)
    assert (done.returncode, done.stdout) == (1, ""), done


def test_the_service_user_may_run_nothing_but_the_mediator(people: People) -> None:
    for command in ("/bin/sh", "/usr/bin/python3", str(people.users.root / "seqware"), "/usr/bin/env"):
        argv = ["sudo", "-n", "-u", people.users["bob"].name, "--", command]
        assert people.users.run(people.service, argv).returncode == 1


def test_a_configuration_of_the_service_users_decides_nothing(people: People) -> None:
    for name in ("mediator.json", "mediator", "."):
        people.install()
        target = people.users.owned / name
        before = target.stat()
        os.chown(target, people.service.uid, people.service.gid)
        try:
            assert f"belongs to uid {people.service.uid}" in people.sudo("bob", "launch", "1").refused
        finally:
            os.chown(target, before.st_uid, before.st_gid)
    assert people.sudo("bob", "launch", "1").exit_code == 0


def test_a_mediator_in_a_home_of_the_service_users_is_refused(people: People) -> None:
    configuration = installation.MediatorConfiguration(command=("/bin/true",))
    mediator = installation.install(people.service.home / "private", configuration)
    people.users.allow(mediator)
    ran = people.users.run(people.service, ["sudo", "-n", "-u", people.users["bob"].name, "--", mediator, "version"])
    assert f"{people.service.home} belongs to uid {people.service.uid}" in ran.stdout


def test_settings_that_the_account_cannot_read_stop_every_launch(people: People) -> None:
    (people.users["bob"].home / ".seqware" / "settings").unlink()
    assert "settings cannot be read as" in people.sudo("bob", "launch", "1").refused
    settings = people.users["bob"].home / ".seqware" / "settings"
    settings.symlink_to(people.users["eve"].home / ".seqware" / "settings")
    assert "Permission denied" in people.sudo("bob", "launch", "1").refused
    assert "Permission denied" in people.sudo("bob", "settings").refused


def test_the_service_asks_for_settings_that_it_cannot_read_itself(people: People) -> None:
    path = people.users["bob"].home / ".seqware" / "settings"
    assert people.users.run(people.service, ["cat", path]).returncode != 0
    ran = people.users.run(people.service, people.users.python(ASK, json.dumps(people.argv("bob", "settings"))))
    assert ran.stdout == "SW_REST_PASS=of-bob\n\n"


def test_a_missing_rule_is_named(people: People) -> None:
    people.users.forbid()
    ran = people.users.run(people.service, people.users.python(ASK, json.dumps(people.argv("bob", "settings"))))
    rule = f"`{people.service.name} ALL=({people.users['bob'].name}) NOPASSWD: {people.users.mediator}`"
    assert ran.stdout.startswith("SudoRefusedError the mediator did not run")
    assert rule in ran.stdout


def test_a_missing_rule_leaves_sudos_words_in_the_transcript(people: People) -> None:
    people.users.forbid()
    path = people.service.home / "refused"
    code = people.users.python(START, json.dumps(people.argv("bob", "launch", 1234)), path)
    assert people.users.run(people.service, code).stdout == "STARTED\n1\n"
    found = transcript.parse(path.read_bytes(), [runs.Accession(1234)])
    assert not found.begun
    message = identity.explain_refusal(identity.Identity("b"), people.users.mediator, found.preamble, service_user="s")
    assert f"`s ALL=(b) NOPASSWD: {people.users.mediator}`" in message


def test_a_call_through_sudo_leaves_a_whole_transcript_that_the_account_cannot_read(people: People) -> None:
    path = people.service.home / "whole"
    code = people.users.python(START, json.dumps(people.argv("bob", "launch", 1234)), path)
    assert people.users.run(people.service, code).stdout == "STARTED\n0\n"
    found = transcript.parse(path.read_bytes(), [runs.Accession(1234)])
    assert (found.begun, found.ended, found.preamble) == (True, True, "")
    assert path.stat().st_uid == people.service.uid
    assert people.users.run(people.users["bob"], ["cat", path]).returncode != 0


def test_at_the_deadline_all_of_the_call_is_killed_as_the_other_user(people: People) -> None:
    def call(seconds: float) -> workshop.Ran:
        people.install(workshop.STUBBORN, deadline_seconds=seconds)
        return people.sudo("bob", "launch", "1")

    ran = workshop.in_time(call, lambda ran: "STANDING" in ran.out)
    processes = workshop.pids(ran.out)
    assert (ran.exit_code, ran.records[-1]["timed_out"], len(processes)) == (124, True, 3)
    assert not [pid for pid in processes if workshop.lives(pid)]


def test_the_deadline_holds_and_the_lock_tells_after_the_service_and_sudo_were_killed(people: People) -> None:
    people.install(workshop.STUBBORN, deadline_seconds=8)
    path = people.service.home / "orphaned"
    code = people.users.python(START, json.dumps(people.argv("bob", "launch", 1234)), path)
    with people.users.popen(people.service, code, stdout=subprocess.PIPE) as caller:
        workshop.until(lambda: "STANDING" in workshop.read(path))
        mediator = json.loads(workshop.read(path).splitlines()[1])["pid"]
        sudo = int(pathlib.Path(f"/proc/{mediator}/stat").read_text().rpartition(")")[2].split()[1])
        caller.kill()
    assert "sudo" in pathlib.Path(f"/proc/{sudo}/comm").read_text()
    os.kill(sudo, 9)
    processes = workshop.pids(workshop.read(path))
    assert [pid for pid in processes if workshop.lives(pid)] == processes
    held = people.users.python(
        "import sys, pathlib\nfrom niassa_orch.seqware import call\nprint(call.is_held(pathlib.Path(sys.argv[1])))",
        path,
    )
    assert people.users.run(people.service, held).stdout == "True\n"
    workshop.until(lambda: '"end"' in workshop.read(path))
    workshop.until(lambda: people.users.run(people.service, held).stdout == "False\n")
    assert not [pid for pid in processes if workshop.lives(pid)]
    assert transcript.parse(path.read_bytes(), [runs.Accession(1234)]).timed_out


def test_sudo_passes_a_signal_of_the_service_on_to_the_whole_call(people: People) -> None:
    people.install(workshop.STUBBORN, deadline_seconds=60)
    path = people.service.home / "signalled"
    with (
        path.open("wb") as file,
        people.users.popen(people.service, people.argv("bob", "launch", 1), stdout=file) as sudo,
    ):
        workshop.until(lambda: "STANDING" in workshop.read(path))
        people.users.run(people.service, ["kill", "-TERM", str(sudo.pid)])
        assert sudo.wait(30) == 137
    assert json.loads(workshop.read(path).splitlines()[-1])["signalled"] == 15
    assert not [pid for pid in workshop.pids(workshop.read(path)) if workshop.lives(pid)]


@pytest.mark.parametrize("name", ["INT", "HUP", "QUIT", "ALRM", "USR1", "USR2"])
def test_no_signal_that_the_service_gives_sudo_takes_the_deadline_from_the_engine(people: People, name: str) -> None:
    """A SIGALRM makes sudo kill the mediator after two seconds, which is before our grace is over."""
    grace = 2.5 if name == "ALRM" else 0.3
    people.install(workshop.STUBBORN, deadline_seconds=60, kill_grace_seconds=grace)
    path = people.service.home / f"signalled-{name}"
    argv = people.argv("bob", "launch", 1)
    with path.open("wb") as file, people.users.popen(people.service, argv, stdout=file) as sudo:
        workshop.until(lambda: "STANDING" in workshop.read(path))
        people.users.run(people.service, ["kill", f"-{name}", str(sudo.pid)])
        sudo.wait(30)
    workshop.until(lambda: '"end"' in workshop.read(path))
    assert json.loads(workshop.read(path).splitlines()[-1])["signalled"] is not None
    assert not [pid for pid in workshop.pids(workshop.read(path)) if workshop.lives(pid)]


def test_groups_of_the_service_that_sudo_keeps_are_refused(people: People) -> None:
    argv = ["sudo", "-n", "-P", "-H", "-u", people.users["bob"].name, "--", str(people.users.mediator)]
    for words in (["launch", "1"], ["settings"], ["version"]):
        done = people.users.run(people.service, [*argv, *words])
        refused = workshop.Ran(done.returncode, done.stdout, done.stderr).refused
        assert f"groups that {people.users['bob'].name} is not in ({people.service.gid})" in refused


def test_limits_of_the_service_that_sudo_passes_on_are_refused(people: People) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (1000, 1000))

    assert "RLIMIT_CPU is 1000" in people.sudo("bob", "launch", "1", preexec_fn=limit).refused


def test_who_holds_an_accounts_lock_is_told_for_that_account_alone(people: People) -> None:
    bob, eve = people.users["bob"], people.users["eve"]
    for user in (bob, eve):
        (user.home / ".junique").mkdir(exist_ok=True)
        os.chown(user.home / ".junique", user.uid, user.gid)
    python = shutil.which("python3", path="/usr/bin:/bin") or ""
    lock = bob.home / ".junique" / "seqware-host.lock"
    pipe = subprocess.PIPE
    argv = [python, "-c", workshop.HOLD, str(lock), "exclusive"]
    with people.users.popen(bob, argv, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "HELD\n"
        # eve may neither ask about it through a link, nor through a file of bob's in her own directory.
        (eve.home / ".junique" / "link.lock").symlink_to(lock)
        os.link(lock, eve.home / ".junique" / "hard.lock")
        held = [{"name": "seqware-host.lock", "pid": process.pid, "command": "python3 ..."}]
        assert [record["held"] for record in people.sudo("bob", "lock").records] == [held]
        assert [record["held"] for record in people.sudo("eve", "lock").records] == [[]]
    assert [record["held"] for record in people.sudo("bob", "lock").records] == [[]]


def test_a_transcript_on_a_full_disk_gets_no_last_record(people: People) -> None:
    disk = people.users.root / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size=256k,uid={people.service.uid}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a small file system")
    try:
        path = disk / "transcript"
        argv = people.argv("bob", "launch", 1)
        with path.open("wb") as file, people.users.popen(people.service, argv, stdout=file) as sudo:
            assert sudo.wait(30) == 74
        found = transcript.parse(path.read_bytes(), [runs.Accession(1)])
        assert (found.begun, found.ended) == (True, False)
        assert "SEEN" in found.tail
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_call_that_fills_the_disk_of_its_transcript_is_ended_without_a_last_record(people: People) -> None:
    disk = people.users.root / "filled"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size=4m,uid={people.service.uid}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("this machine lets nobody mount a small file system")
    try:
        code = f"import time\nopen({str(disk / 'filler')!r}, 'wb').write(b'x' * (7 << 19))\ntime.sleep(600)"
        people.install(code, deadline_seconds=60)
        path = disk / "transcript"
        argv = people.argv("bob", "launch", 1)
        with path.open("wb") as file, people.users.popen(people.service, argv, stdout=file) as sudo:
            assert sudo.wait(30) == 74
        found = transcript.parse(path.read_bytes(), [runs.Accession(1)])
        assert (found.begun, found.ended) == (True, False)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_users_groups_rules_and_processes_are_gone_afterwards_also_after_a_failure() -> None:
    kept: list[unix_users.UnixUsers] = []

    def fail() -> None:
        with unix_users.unix_users("zoe") as users:
            kept.append(users)
            process = users.popen(users["zoe"], ["sleep", "600"])
            kept_process.append(process)
            msg = "on purpose"
            raise LookupError(msg)

    kept_process: list[subprocess.Popen[str]] = []
    with pytest.raises(LookupError, match="on purpose"):
        fail()
    assert kept_process[0].wait(10) == -9
    (users,) = kept
    for user in (users.service, users["zoe"]):
        with pytest.raises(KeyError):
            pwd.getpwnam(user.name)
    assert not users.root.exists()
    assert not users.sudoers.exists()
    assert users.group not in pathlib.Path("/etc/group").read_text()
