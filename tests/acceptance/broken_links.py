"""Ways in which a link between the service and a run of alice breaks, each with what ``check`` says of it.

Each is broken in a block and whole again after it, whatever happens in between. Used by ``test_check``.
"""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator

from niassa_orch.sandbox import unix_users
from tests.acceptance import stages

_LOCK = """
import fcntl, os, sys
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
lock = open(sys.argv[1], "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """Where something is broken: alice of a stage."""

    people: stages.People
    stage: stages.Stage

    @property
    def user(self) -> unix_users.UnixUser:
        """Her Unix user."""
        return self.people.made["alice"]

    @property
    def settings(self) -> pathlib.Path:
        """Her seqware settings."""
        return self.user.home / ".seqware" / "settings"

    @property
    def profile(self) -> pathlib.Path:
        """Her profile."""
        return self.stage.profile("alice")


@dataclasses.dataclass(frozen=True, slots=True)
class Break:
    """One way.

    Args:
        what: In words.
        broken: Breaks it for a block.
        link: Of alice, which then is not well.
        verdict: ``bad`` or ``look``.
        seen: What the finding says, among other words.
        mend: The end of the command that mends it, ``{0}`` the site.
    """

    what: str
    broken: Callable[[Site], contextlib.AbstractContextManager[object]]
    link: str
    verdict: str
    seen: str
    mend: str


@contextlib.contextmanager
def rewritten(path: pathlib.Path, change: Callable[[str], str]) -> Iterator[None]:
    """A file with other words in it, its owner and mode as they were."""
    text = path.read_text("latin-1")
    changed = change(text)
    assert changed != text
    path.write_text(changed, "latin-1")
    try:
        yield
    finally:
        path.write_text(text, "latin-1")


@contextlib.contextmanager
def moved(path: pathlib.Path) -> Iterator[None]:
    """A file or folder that is not where it belongs."""
    away = path.rename(path.with_name(f"{path.name}.away"))
    try:
        yield
    finally:
        away.rename(path)


@contextlib.contextmanager
def closed(path: pathlib.Path, mode: int, owner: int | None = None) -> Iterator[None]:
    """A file or folder with another mode, or owner."""
    status = path.stat()
    shutil.chown(path, owner if owner is not None else status.st_uid)
    path.chmod(mode)
    try:
        yield
    finally:
        shutil.chown(path, status.st_uid)
        path.chmod(status.st_mode & 0o7777)


def setting(key: str, value: str) -> Callable[[Site], contextlib.AbstractContextManager[None]]:
    """Her seqware settings with another value for this key."""
    return lambda site: rewritten(
        site.settings, lambda text: re.sub(rf"^{key}=.*$", f"{key}={value}", text, flags=re.MULTILINE)
    )


def _says(line: str, instead: str) -> Callable[[Site], contextlib.AbstractContextManager[None]]:
    return lambda site: rewritten(site.profile, lambda text: re.sub(line, instead, text, count=1))


def _only(*verbs: str) -> Callable[[Site], contextlib.AbstractContextManager[None]]:
    def allow(site: Site) -> contextlib.AbstractContextManager[None]:
        mediator = str(site.people.made.mediator)
        each = ", ".join(f"{mediator} {verb}" for verb in verbs) or f'{mediator} ""'
        rules = site.people.made.sudoers
        return rewritten(rules, lambda text: text.replace(f"NOSETENV: {mediator}", f"NOSETENV: {each}"))

    return allow


@contextlib.contextmanager
def _no_member(site: Site) -> Iterator[None]:
    subprocess.run(["gpasswd", "-d", site.user.name, site.people.made.group], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["usermod", "-aG", site.people.made.group, site.user.name], check=True, capture_output=True)


@contextlib.contextmanager
def _no_engine(site: Site) -> Iterator[None]:
    """Only root may run it: the machine sees a program, and alice cannot."""
    with closed(site.stage.place.engine, 0o744):
        yield


@contextlib.contextmanager
def _locked(site: Site) -> Iterator[None]:
    """As a crontab's call does, which began before us."""
    file = site.user.home / ".junique" / f"seqware-{stages.HOST}.lock"
    argv = site.people.made.python(_LOCK, file)
    with site.people.made.popen(site.user, argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "held\n"
            yield
        finally:
            holder.stdin.close()
            holder.wait(30)
            shutil.rmtree(file.parent)


@contextlib.contextmanager
def crontab(site: Site) -> Iterator[None]:
    """The set-up of before goes on."""
    text = 'MAILTO=""\n* * * * * seqware workflow-run launch-scheduled\n'
    subprocess.run(["crontab", "-u", site.user.name, "-"], input=text, text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["crontab", "-r", "-u", site.user.name], check=True)


_SERVICE = "{0.people.made.service.name}"
_MEDIATOR = "{0.people.made.mediator}"
_RULES = f"niassa-orch sudoers --check --service-user {_SERVICE} --mediator {_MEDIATOR}  # as root"
_ALL_VERBS = (
    "launch *",
    "launch-whitestar *",
    "propagate *",
    "settings",
    "texts",
    "lock",
    "crontab",
    "probe",
    "version",
)

OF_THE_PROFILE = (
    Break("a key that is none", _says("^", "colour = 3\n"), "profile", "bad", "colour: unknown key", "vi {0.profile}"),
    Break(
        "a Unix user that is gone",
        _says('unix_user = ".*"', 'unix_user = "niorch-gone"'),
        "profile",
        "bad",
        "no Unix user 'niorch-gone'",
        "vi {0.profile}",
    ),
    Break(
        "a host that no query can hold",
        _says('host = ".*"', 'host = "it\'s"'),
        "profile",
        "bad",
        "host",
        "vi {0.profile}",
    ),
)
OF_SUDO = (
    Break("no rule", lambda site: moved(site.people.made.sudoers), "sudo", "bad", "any verb", _RULES),
    Break(
        "a rule without a verb",
        _only(*(verb for verb in _ALL_VERBS if verb != "propagate *")),
        "sudo",
        "bad",
        "may not run propagate of",
        _RULES,
    ),
    Break(
        "not a member of the group",
        _no_member,
        "sudo",
        "bad",
        "any verb",
        "usermod -aG {0.people.made.group} {0.user.name}  # as root",
    ),
)
OF_HOME = (
    Break(
        "no home",
        lambda site: moved(site.user.home),
        "home",
        "bad",
        "does not exist",
        "install -d -m 700 -o {0.user.name} {0.user.home}  # as root",
    ),
    Break(
        "a home that the group may change",
        lambda site: closed(site.user.home, 0o775),
        "home",
        "look",
        "others may change",
        "chmod go-w {0.user.home}  # as {0.user.name}, or root",
    ),
    Break(
        "a home of somebody else",
        lambda site: closed(site.user.home, 0o755, site.people.made["bob"].uid),
        "home",
        "look",
        "belongs to",
        "chown {0.user.name} {0.user.home}  # as root",
    ),
)
OF_SETTINGS = (
    Break(
        "settings that all may read",
        lambda site: closed(site.settings, 0o644),
        "settings",
        "look",
        "has mode 644",
        "chmod 600 {0.settings}  # as {0.user.name}, or root",
    ),
    Break(
        "settings of somebody else",
        lambda site: closed(site.settings, 0o644, site.people.made["bob"].uid),
        "settings",
        "bad",
        "who may change what",
        "chown {0.user.name} {0.settings}  # as root",
    ),
    Break(
        "settings that she cannot read",
        lambda site: closed(site.settings, 0o000),
        "settings",
        "bad",
        "Permission denied",
        "chown {0.user.name} {0.settings} && chmod 600 {0.settings}",
    ),
    Break(
        "no settings",
        lambda site: moved(site.settings),
        "settings",
        "bad",
        "No such file",
        "install -D -m 600 -o {0.user.name} SETTINGS {0.settings}",
    ),
)
OF_ENGINE = (
    Break(
        "an engine that only root may run",
        _no_engine,
        "engine",
        "bad",
        "cannot be run by",
        "ls -lL {0.stage.place.engine}",
    ),
    Break("a lock that is held", _locked, "engine lock", "look", "is held by pid", "ps -fu {0.user.name}"),
)
OF_WEB_SERVICE = (
    Break(
        "a wrong password",
        setting("SW_REST_PASS", "wrong"),
        "login",
        "bad",
        "refuses the login of alice@lab.net",
        "niassa-orch accounts show alice",
    ),
    Break(
        "no web service there",
        setting("SW_REST_URL", "http://127.0.0.1:9/x"),
        "login",
        "bad",
        "no connection",
        "curl -sSI http://127.0.0.1:9/x/metrics",
    ),
)
OF_OOZIE = (
    Break(
        "no Oozie there",
        setting("OOZIE_URL", "http://127.0.0.1:9/oozie"),
        "oozie",
        "bad",
        "no connection",
        "curl -sS http://127.0.0.1:9/oozie/versions",
    ),
    Break(
        "something that is not Oozie",
        lambda site: setting("OOZIE_URL", str(site.stage.web.url))(site),
        "oozie",
        "bad",
        "does not answer as an Oozie should",
        "curl -sS {0.stage.web.url}/versions",
    ),
    Break("no Oozie named", setting("OOZIE_URL", ""), "oozie", "look", "names no Oozie", "OOZIE_URL=http"),
)
OF_OOZIE_AS_THE_USER = (
    Break(
        "no Oozie there",
        setting("OOZIE_URL", "http://127.0.0.1:9/oozie"),
        "oozie",
        "bad",
        "does not answer {0.user.name}: Connection refused",
        "sudo -u {0.user.name} curl -sS http://127.0.0.1:9/oozie/versions",
    ),
    Break(
        "a rule without the probe",
        _only(*(verb for verb in _ALL_VERBS if verb != "probe")),
        "sudo",
        "bad",
        "may not run probe of",
        _RULES,
    ),
)
