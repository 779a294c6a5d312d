"""Every link between us and a run, looked at side by side: what is broken, and the command that mends it.

Changes nothing: for accounts of our own Unix user the mediator is installed in a directory that is taken away after.
An account is looked at as far as the links before hold. Called by ``commands.check``.
"""

import asyncio
import collections
import dataclasses
import pathlib
import shlex
from collections.abc import Awaitable, Callable, Collection, Mapping

from niassa_orch import errors
from niassa_orch.admin import check_account, check_hosts, check_machine, check_neighbours, links, patience
from niassa_orch.config import profiles, settings, shelf, user_settings
from niassa_orch.core import crontab_guard, enrolling
from niassa_orch.seqware import identity

#: So many accounts at once: each starts some dozen processes.
_AT_ONCE = 8
#: For one look at the machine: a journal of many months is read whole.
_MACHINE_SECONDS = 120.0

#: Who waits before a terminal does not wait for four tries of half a minute, nor for two minutes on a list.
_HTTP_MOST = {"timeout_seconds": 10.0, "list_timeout_seconds": 30.0, "attempts": 1}

Tell = Callable[[links.Link], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What has to be looked at."""

    profiles: tuple[profiles.Profile, ...]
    refused: tuple[errors.ProfileError, ...]

    @property
    def names(self) -> list[str]:
        """Of all accounts, in order."""
        return sorted([*(profile.name for profile in self.profiles), *map(_name, self.refused)])


def chosen(service: settings.Settings, names: Collection[str]) -> Checked:
    """The profiles with these names, all of them where there is none.

    Raises:
        SettingsError: accounts.d cannot be read, or has no such profile.
    """
    found = shelf.load(service.accounts_dir, service)
    everything = Checked(found.profiles, found.quarantined)
    unknown = sorted(set(names) - set(everything.names))
    if unknown:
        there = ", ".join(everything.names) or "none at all"
        message = f"{service.accounts_dir} has no profile {', '.join(unknown)}; it has: {there}"
        raise errors.SettingsError(message)
    return Checked(
        tuple(profile for profile in found.profiles if not names or profile.name in names),
        tuple(exc for exc in found.quarantined if not names or _name(exc) in names),
    )


def hasty(service: settings.Settings) -> settings.Settings:
    """The settings for somebody who waits: no server is waited for as long as the service would."""
    http = {key: min(most, getattr(service.http, key)) for key, most in _HTTP_MOST.items()}
    return service.model_copy(update={"http": service.http.model_copy(update=http)})


async def look(service: settings.Settings, enrol: enrolling.Enrolling, checked: Checked, tell: Tell) -> None:
    """Look at the machine, then at the accounts, side by side.

    Args:
        service: The settings of the process.
        enrol: Makes accounts of profiles.
        checked: What ``chosen`` found.
        tell: Given each finding as it is made; those of one account come together, but for what several make.
    """
    await _machine(service, checked, tell)
    lists, places = check_hosts.Lists(), asyncio.Semaphore(_AT_ONCE)
    looked: list[crontab_guard.Launching] = []

    async def one(profile: profiles.Profile) -> None:
        async with places:
            for finding in await _account(service, enrol, profile, lists, looked):
                tell(dataclasses.replace(finding, account=profile.name))

    async with asyncio.TaskGroup() as group:
        for profile in checked.profiles:
            group.create_task(one(profile), name=f"check:{profile.name}")
    for seen in looked:
        for finding in check_account.others_crontabs(seen.account, looked):
            tell(dataclasses.replace(finding, account=seen.account.name))


async def _machine(service: settings.Settings, checked: Checked, tell: Tell) -> None:
    """What all accounts share, and the profiles that make none."""
    for name, look_at in check_machine.looks(service, checked.profiles):
        try:
            found = await patience.look(look_at, _MACHINE_SECONDS)
        except TimeoutError:
            mend = "mount; dmesg | tail  # does a file system or a DNS server not answer?"
            found = [links.bad(name, f"no answer within {_MACHINE_SECONDS:.0f} s", mend)]
        for finding in found:
            tell(finding)
    for exc in checked.refused:
        mend = f"vi {shlex.quote(str(service.accounts_dir / exc.file))}"
        tell(dataclasses.replace(links.bad("profile", str(exc), mend), account=_name(exc)))


async def _account(
    service: settings.Settings,
    enrol: enrolling.Enrolling,
    profile: profiles.Profile,
    lists: check_hosts.Lists,
    looked: list[crontab_guard.Launching],
) -> list[links.Link]:
    """Everything of one account; what its crontab launches is added to what was ``looked`` at."""
    if not profile.enabled:
        return [links.ok("profile", "is disabled: nothing of it is served")]
    try:
        whose, mediator = enrol.way(profile)
    except errors.EngineCallError as exc:
        return [links.bad("profile", str(exc), "df /tmp")]
    near, closed = await _near(profile, whose, mediator)
    first, enrolled = await _profile(service, enrol, profile, closed)
    host, beside = enrolled.account.host if enrolled else "", profile.launching.beside_cron

    async def crontab() -> links.Link:
        link, lines = await check_account.crontab(whose, mediator, beside=beside)
        if enrolled is not None:
            looked.append(crontab_guard.Launching(enrolled.account, lines, service.effective_host))
        return link

    through = (
        _unless(closed["lock"], "engine lock", lambda: check_account.lock(whose, mediator, host)),
        _unless(closed["crontab"], "crontab", crontab),
    )
    *last, far = await asyncio.gather(*through, _neighbours(enrolled, lists, closed["probe"]))
    return [first, *near, *last, *far]


async def _near(
    profile: profiles.Profile, whose: identity.Identity, mediator: pathlib.Path
) -> tuple[list[links.Link], Mapping[str, str]]:
    """The links to the mediator and to the user's settings; and why a verb is not to be asked, ``""`` where it is."""
    user = profile.unix_user
    home, (sudo, refused) = await asyncio.gather(check_account.home(profile), check_account.sudo(whose, mediator))
    closed = collections.defaultdict(str, {verb: f"sudo does not run {verb} as {user}" for verb in refused})
    engine, answers = links.skipped("engine", closed["version"]), True
    if not closed["version"]:
        engine, answers = await check_account.engine(whose, mediator)
    if not answers:
        closed = collections.defaultdict(lambda: f"the mediator does not answer as {user}")
    elif home.verdict is links.Verdict.BAD:
        for verb in ("settings", "lock", "crontab"):
            closed[verb] = closed[verb] or f"the home of {user} cannot be used"
    settings_file = await _unless(
        closed["settings"], "settings", lambda: check_account.settings_file(whose, mediator, profile)
    )
    if settings_file.verdict is links.Verdict.BAD:
        closed["settings"] = f"the seqware settings of {user} cannot be used"
    return [home, sudo, engine, settings_file], closed


async def _unless(closed: str, name: str, look_at: Callable[[], Awaitable[links.Link]]) -> links.Link:
    return links.skipped(name, closed) if closed else await look_at()


async def _profile(
    service: settings.Settings, enrol: enrolling.Enrolling, profile: profiles.Profile, closed: Mapping[str, str]
) -> tuple[links.Link, enrolling.Enrolled | None]:
    """Whether the profile makes an account, and that account; what kept its settings from us is told elsewhere."""
    link = "profile"
    if closed["settings"] and user_settings.needs_user_settings(profile):
        return links.skipped(link, f"what it leaves out is not known: {closed['settings']}"), None
    try:
        enrolled = await enrol.enrol(profile)
    except errors.NiassaOrchError as exc:
        return links.bad(link, str(exc), _mend(service, profile, exc)), None
    account = enrolled.account
    seen = f"{account.web_user} on {account.host} runs as {account.unix_user}"
    if enrolled.warning:
        return links.look(link, f"{seen}; {enrolled.warning}", _edit_theirs(profile)), enrolled
    return links.ok(link, seen), enrolled


def _mend(service: settings.Settings, profile: profiles.Profile, exc: errors.NiassaOrchError) -> str:
    """Where that stands which is wrong: keys in capitals are those of the user's seqware settings."""
    if isinstance(exc, errors.ProfileError) and (exc.key.isupper() or exc.file != profile.file):
        return _edit_theirs(profile)
    if isinstance(exc, errors.ProfileError):
        return f"vi {shlex.quote(str(service.accounts_dir / profile.file))}"
    return f"niassa-orch accounts show {shlex.quote(profile.name)}"


def _edit_theirs(profile: profiles.Profile) -> str:
    return f"vi {shlex.quote(str(profile.settings_path()))}  # as {profile.unix_user}, or root"


async def _neighbours(enrolled: enrolling.Enrolled | None, lists: check_hosts.Lists, unasked: str) -> list[links.Link]:
    """The links to web service and Oozie; ``unasked``: why the user is not to be asked to ask Oozie."""
    if enrolled is None:
        return [links.skipped(name, "the profile makes no account") for name in ("login", "oozie")]
    login = await check_neighbours.login(enrolled)
    if login[0].verdict is links.Verdict.BAD:
        where = links.skipped("scheduled for", "the web service says nothing to us")
    else:
        where = await check_hosts.look(enrolled, lists)
    return [*login, where, *await check_neighbours.oozie(enrolled, unasked)]


def _name(exc: errors.ProfileError) -> str:
    return exc.file.removesuffix(".toml")
