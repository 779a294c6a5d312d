"""The links of one account on this machine: its Unix user, sudo, its settings and engine, the lock, its crontab.

Looks through the mediator, as the service does, and changes nothing: no engine is run. Called by ``check``.
"""

import asyncio
import collections.abc
import os
import pathlib
import pwd
import shlex
import stat
import subprocess

from niassa_orch import errors
from niassa_orch.admin import links
from niassa_orch.config import profiles
from niassa_orch.core import engine_lock
from niassa_orch.domain import crontabs
from niassa_orch.seqware import call, identity, query

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
_SUDO_SECONDS = 60.0
_LIST = ("sudo", "-n", "-l", "-u")


def home(profile: profiles.Profile) -> links.Link:
    """The home of the Unix user, where the engine keeps its settings and its lock. Blocks."""
    link = "home"
    path = pathlib.Path(pwd.getpwnam(profile.unix_user).pw_dir)
    make = f"install -d -m 700 -o {profile.unix_user} {shlex.quote(str(path))}"
    try:
        status = path.stat()
    except FileNotFoundError:
        return links.bad(link, f"{path} of {profile.unix_user} does not exist", make)
    except OSError as exc:
        return links.look(link, f"{path} cannot be looked at: {exc.strerror}", "")
    if not stat.S_ISDIR(status.st_mode):
        return links.bad(link, f"{path} is no directory", make)
    if status.st_uid != pwd.getpwnam(profile.unix_user).pw_uid:
        owner = f"chown {profile.unix_user} {shlex.quote(str(path))}"
        return links.look(link, f"{path} belongs to uid {status.st_uid}, not to {profile.unix_user}", owner)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        close = f"chmod go-w {shlex.quote(str(path))}"
        return links.look(link, f"others may change {path}, and so what {profile.unix_user} runs", close)
    return links.ok(link, f"{path} belongs to {profile.unix_user}")


async def sudo(whose: identity.Identity, mediator: pathlib.Path) -> links.Link:
    """Whether sudo runs each verb as the user; sudo is asked, nothing is run."""
    link = "sudo"
    if whose.own:
        return links.ok(link, f"is not needed: the service runs as {whose.unix_user} itself")
    refused = [verb for verb, words in _CALLS.items() if not await _is_allowed(whose, mediator, verb, words)]
    me = pwd.getpwuid(os.geteuid()).pw_name
    if not refused:
        return links.ok(link, f"{me} may run each of {len(_CALLS)} verbs of {mediator} as {whose.unix_user}")
    mend = f"usermod -aG niassa-accounts {whose.unix_user}; if it is a member already: niassa-orch sudoers --check"
    which = "any verb" if len(refused) == len(_CALLS) else ", ".join(refused)
    return links.bad(link, f"{me} may not run {which} of {mediator} as {whose.unix_user}", mend)


async def _is_allowed(
    whose: identity.Identity, mediator: pathlib.Path, verb: identity.Verb, words: tuple[int, ...]
) -> bool:
    call_itself = identity.argv(identity.Identity("", own=True), mediator, verb, words)
    return await asyncio.to_thread(_says_yes, [*_LIST, whose.unix_user, "--", *call_itself])


def _says_yes(argv: list[str]) -> bool:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=call.environment(),
            start_new_session=True,
            timeout=_SUDO_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


async def settings_file(whose: identity.Identity, mediator: pathlib.Path) -> links.Link:
    """Whether the mediator reads the user's seqware settings, and nobody else can."""
    link = "settings"
    try:
        found = await query.settings(identity.argv(whose, mediator, "settings"))
    except errors.EngineCallError as exc:
        return links.bad(link, str(exc), f"as {whose.unix_user}: look at ~/.seqware/settings")
    path = shlex.quote(found.path)
    if found.owner_uid not in (0, pwd.getpwnam(whose.unix_user).pw_uid):
        seen = f"{found.path} belongs to uid {found.owner_uid}, who may change what {whose.unix_user} runs"
        return links.bad(link, seen, f"chown {whose.unix_user} {path}")
    if found.mode & (stat.S_IRWXG | stat.S_IRWXO):
        seen = f"{found.path} has mode {found.mode:o}: others may read the password in it"
        return links.look(link, seen, f"chmod 600 {path}")
    return links.ok(link, f"{found.path} can be read by {whose.unix_user} alone")


async def engine(whose: identity.Identity, mediator: pathlib.Path) -> links.Link:
    """Whether the user can run the seqware command, and which version its wrapper says; it is not run."""
    link = "engine"
    try:
        told = await query.version(identity.argv(whose, mediator, "version"))
    except errors.EngineCallError as exc:
        return links.bad(link, str(exc), "niassa-orch sudoers --check")
    if told.user != whose.unix_user:
        return links.bad(link, f"the mediator runs as {told.user}, not as {whose.unix_user}", "look at sudo's rules")
    if not told.engine_runs:
        mend = f"install it, or name another in command of {mediator.with_name('mediator.json')}"
        return links.bad(link, f"{told.command} cannot be run by {whose.unix_user}", mend)
    version = f"version {told.engine_version}" if told.engine_version else "its wrapper tells no version"
    return links.ok(link, f"{told.command}, {version}")


async def lock(whose: identity.Identity, mediator: pathlib.Path, host: str) -> links.Link:
    """Whether the engine's lock is free."""
    link = "engine lock"
    try:
        held = await query.locks(identity.argv(whose, mediator, "lock"))
    except errors.EngineCallError as exc:
        return links.bad(link, str(exc), f"as {whose.unix_user}: ls -l ~/.junique")
    if not held:
        return links.ok(link, f"nobody holds a lock of {whose.unix_user}")
    seen = engine_lock.in_words(whose.unix_user, held, host)
    return links.look(link, seen, "a call of ours, or a crontab of that user: launches wait for it")


async def crontab(whose: identity.Identity, mediator: pathlib.Path) -> links.Link:
    """Whether the user's crontab still launches or propagates."""
    link = "crontab"
    try:
        found = await query.crontab(identity.argv(whose, mediator, "crontab"))
    except errors.EngineCallError as exc:
        return links.look(link, str(exc), f"crontab -l -u {whose.unix_user}")
    lines = crontabs.engine_lines(found.text, found.scripts) if found.installed else ()
    if not lines:
        return links.ok(link, f"{whose.unix_user} has no crontab that launches or propagates")
    numbers = ", ".join(str(line.number) for line in lines)
    seen = f"the crontab of {whose.unix_user} still calls seqware (line {numbers})"
    return links.look(link, seen, f"crontab -e -u {whose.unix_user}: put a # before line {numbers}")
