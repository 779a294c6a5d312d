"""The links of one account on this machine: its Unix user, sudo, its settings and engine, the lock, its crontab.

Looks through the mediator, as the service does, and changes nothing: no engine is run. Called by ``commands.check``.
"""

import collections.abc
import contextlib
import errno
import functools
import grp
import os
import pathlib
import pwd
import re
import shlex
import stat
import time

from niassa_orch import errors
from niassa_orch.admin import asking_sudo, links, patience, placing, trust
from niassa_orch.config import profiles
from niassa_orch.core import crontab_guard, engine_lock
from niassa_orch.domain import accounts, crontabs
from niassa_orch.seqware import answers, identity, query

#: Each as the service calls it; the number is asked about, nothing is launched.
_CALLS: collections.abc.Mapping[identity.Verb, tuple[int, ...]] = {
    "launch": (1,),
    "launch-whitestar": (1,),
    "propagate": (1,),
    "settings": (),
    "texts": (),
    "lock": (),
    "crontab": (),
    "probe": (),
    "version": (),
}
_HOME_SECONDS = 10.0
_NO_HOME = "/nonexistent"
#: For all verbs together: twenty of them may be a DNS server that is silent.
_SUDO_SECONDS = 30.0
#: For a sudo that was ended to be gone.
_GONE_SECONDS = 5.0


async def home(profile: profiles.Profile) -> links.Link:
    """The home of the Unix user, where the engine keeps its settings and its lock."""
    path = pathlib.Path(pwd.getpwnam(profile.unix_user).pw_dir)
    try:
        return await patience.look(functools.partial(_home, profile.unix_user, path), _HOME_SECONDS)
    except TimeoutError:
        seen = f"{path} does not answer within {_HOME_SECONDS:.0f} s"
        return links.bad("home", seen, f"findmnt -T {shlex.quote(str(path))}  # is its file server there?")


def _home(unix_user: str, path: pathlib.Path) -> links.Link:
    link, quoted = "home", shlex.quote(str(path))
    make = f"install -d -m 700 -o {unix_user} {quoted}  # as root"
    try:
        status = path.stat()
    except FileNotFoundError:
        if path.is_relative_to(_NO_HOME):
            # What system users get who are to have none: nobody would make it.
            path = pathlib.Path("/home") / unix_user
            make = f"usermod -d {path} {unix_user} && install -d -m 700 -o {unix_user} {path}  # as root"
            return links.bad(link, f"{unix_user} has no home ({_NO_HOME}), and the engine needs one", make)
        return links.bad(link, f"{path} of {unix_user} does not exist", make)
    except PermissionError:
        return links.ok(link, f"{path} is closed to the service, which needs nothing there")
    except OSError as exc:
        return links.bad(link, f"{path} cannot be looked at: {exc.strerror}", f"ls -ld {quoted}  # as root")
    if not stat.S_ISDIR(status.st_mode):
        return links.bad(link, f"{path} of {unix_user} is no directory", f"ls -ld {quoted}  # make it one")
    if status.st_uid != pwd.getpwnam(unix_user).pw_uid:
        seen = f"{path} belongs to {trust.user_name(status.st_uid)}, not to {unix_user}"
        return links.look(link, seen, f"chown {unix_user} {quoted}  # as root")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        seen = f"others may change {path}, and so what {unix_user} runs"
        return links.look(link, seen, f"chmod go-w {quoted}  # as {unix_user}, or root")
    return links.ok(link, f"{path} belongs to {unix_user}")


async def sudo(whose: identity.Identity, mediator: pathlib.Path) -> tuple[links.Link, frozenset[str]]:
    """Whether sudo runs each verb as the user, and those that it does not; sudo is asked, nothing is run."""
    link, me = "sudo", trust.user_name(os.geteuid())
    if whose.own:
        return links.ok(link, f"is not needed: the service runs as {whose.unix_user} itself"), frozenset()
    try:
        refused = await patience.look(functools.partial(_refused, whose, mediator), _SUDO_SECONDS + _GONE_SECONDS)
    except TimeoutError:
        mend = f"time sudo -n -l -u {whose.unix_user}  # as {me}: what does it wait for?"
        return links.bad(link, f"sudo does not answer within {_SUDO_SECONDS:.0f} s", mend), frozenset(_CALLS)
    if not refused:
        seen = f"{me} may run each of {len(_CALLS)} verbs of {mediator} as {whose.unix_user}"
        return links.ok(link, seen), frozenset()
    which = "any verb" if len(refused) == len(_CALLS) else ", ".join(refused)
    said = next((f" (sudo said: {said})" for said in refused.values() if said), "")
    seen = f"{me} may not run {which} of {mediator} as {whose.unix_user}{said}"
    mend = await patience.look(functools.partial(_allowing, whose, mediator, me), _SUDO_SECONDS + _GONE_SECONDS)
    return links.bad(link, seen, mend), frozenset(refused)


def _refused(whose: identity.Identity, mediator: pathlib.Path) -> dict[str, str]:
    """The verbs that sudo does not run, and what it says. Blocks; raises TimeoutError."""
    bare, until = identity.Identity(whose.unix_user, own=True), time.monotonic() + _SUDO_SECONDS
    asked = {
        verb: asking_sudo.refusal(whose.unix_user, identity.argv(bare, mediator, verb, words), until - time.monotonic())
        for verb, words in _CALLS.items()
    }
    return {verb: said for verb, said in asked.items() if said is not None}


def _allowing(whose: identity.Identity, mediator: pathlib.Path, me: str) -> str:
    """What lets sudo say yes: with a rule for a group a member more, else the look that knows all reasons. Blocks."""
    for rule in asking_sudo.granted_to_us(_SUDO_SECONDS):
        group = re.match(r"\(%([^)\s]+)\)", rule)
        if group and rule.split()[-1] == str(mediator) and not _is_member(whose.unix_user, group[1]):
            return f"usermod -aG {group[1]} {whose.unix_user}  # as root"
    try:
        return f"{placing.of_service(me, mediator).command('--check')}  # as root"
    except errors.SettingsError:
        return "niassa-orch sudoers --check  # as root"


def _is_member(unix_user: str, group: str) -> bool:
    with contextlib.suppress(KeyError):
        return grp.getgrnam(group).gr_gid in os.getgrouplist(unix_user, pwd.getpwnam(unix_user).pw_gid)
    return False


async def settings_file(whose: identity.Identity, mediator: pathlib.Path, profile: profiles.Profile) -> links.Link:
    """Whether the mediator reads the user's seqware settings, and nobody else can."""
    link = "settings"
    try:
        found = await query.settings(identity.argv(whose, mediator, "settings"))
    except errors.EngineCallError as exc:
        return links.bad(link, str(exc), _readable(whose.unix_user, profile, str(exc)))
    path = shlex.quote(found.path)
    if found.owner_uid not in (0, pwd.getpwnam(whose.unix_user).pw_uid):
        seen = f"{found.path} belongs to {trust.user_name(found.owner_uid)}, who may change what {whose.unix_user} runs"
        return links.bad(link, seen, f"chown {whose.unix_user} {path}  # as root")
    if found.mode & (stat.S_IRWXG | stat.S_IRWXO):
        seen = f"{found.path} has mode {found.mode:o}: others may read the password in it"
        return links.look(link, seen, f"chmod 600 {path}  # as {whose.unix_user}, or root")
    return links.ok(link, f"{found.path} can be read by {whose.unix_user} alone")


def _readable(unix_user: str, profile: profiles.Profile, why: str) -> str:
    path = shlex.quote(str(profile.settings_path()))
    if os.strerror(errno.ENOENT) in why:
        return f"install -D -m 600 -o {unix_user} SETTINGS {path}  # as root: a file with SW_REST_URL and so on"
    return f"chown {unix_user} {path} && chmod 600 {path}; namei -l {path}  # as root: {unix_user} must get there"


async def engine(whose: identity.Identity, mediator: pathlib.Path) -> tuple[links.Link, bool]:
    """Whether the user can run the seqware command (it is not run), its version; and whether the mediator answers."""
    link, argv = "engine", identity.argv(whose, mediator, "version")
    try:
        told = await query.version(argv)
    except errors.EngineCallError as exc:
        return links.bad(link, str(exc), f"{shlex.join(argv)}  # as {trust.user_name(os.geteuid())}"), False
    return _engine(told, whose, mediator), True


def _engine(told: answers.Version, whose: identity.Identity, mediator: pathlib.Path) -> links.Link:
    link = "engine"
    if told.user != whose.unix_user:
        seen = f"the mediator runs as {told.user}, not as {whose.unix_user}"
        return links.bad(link, seen, f"getent passwd {whose.unix_user} {told.user}  # two names of one number?")
    if not told.engine_runs:
        where = "engine.command" if whose.own else f"command in {mediator.with_name('mediator.json')}"
        mend = f"ls -lL {shlex.quote(told.command)}  # mend it, or name another: {where}"
        return links.bad(link, f"{told.command} cannot be run by {whose.unix_user}", mend)
    version = f"version {told.engine_version}" if told.engine_version else "its wrapper tells no version"
    return links.ok(link, f"{told.command}, {version}")


async def lock(whose: identity.Identity, mediator: pathlib.Path, host: str) -> links.Link:
    """Whether the engine's lock is free."""
    link = "engine lock"
    try:
        held = await query.locks(identity.argv(whose, mediator, "lock"))
    except errors.EngineCallError as exc:
        return links.bad(link, str(exc), f"ls -la ~{whose.unix_user}/.junique  # as root")
    if not held:
        return links.ok(link, f"nobody holds a lock of {whose.unix_user}")
    seen = engine_lock.in_words(whose.unix_user, held, host)
    mend = f"ps -fu {whose.unix_user}  # a call of ours, or of a crontab? launches wait until it ends"
    return links.look(link, seen, mend)


async def crontab(whose: identity.Identity, mediator: pathlib.Path, *, beside: bool) -> tuple[links.Link, str]:
    """Whether the user's crontab still launches or propagates; and the lines that launch, in words, if that matters.

    ``beside``: the profile says that we launch whatever it does.
    """
    link = "crontab"
    try:
        found = await query.crontab(identity.argv(whose, mediator, "crontab"))
    except errors.EngineCallError as exc:
        seen = f"it cannot be known whether a crontab of {whose.unix_user} launches: {exc}"
        mend = f"crontab -l -u {whose.unix_user}  # as root; {crontab_guard.UNLESS}"
        return (links.look if beside else links.bad)(link, seen, mend), ""
    lines = crontabs.engine_lines(found.text, found.scripts) if found.installed else ()
    if not lines:
        return links.ok(link, f"{whose.unix_user} has no crontab that launches or propagates"), ""
    where = crontabs.named(lines)
    seen = f"the crontab of {whose.unix_user} still calls seqware ({where})"
    launching = [line for line in lines if line.launches and not beside]
    mend = f"crontab -e -u {whose.unix_user}  # as root: put a # before {where}"
    return links.look(link, seen, mend), crontabs.named(launching) if launching else ""


def others_crontabs(
    account: accounts.Account, launching: collections.abc.Iterable[crontab_guard.Launching]
) -> collections.abc.Iterator[links.Link]:
    """The crontabs of other Unix users that launch runs of this account too."""
    for one in launching:
        if one.touches(account):
            user = one.account.unix_user
            mend = f"crontab -e -u {user}  # as root: put a # before {one.lines}"
            seen = f"that of {user} ({one.lines}) launches runs of {account.name} too, as {user}"
            yield links.look("others' crontabs", seen, mend)
