"""Every link between us and a run, looked at side by side: what is broken, and the command that mends it.

Changes nothing: for accounts of our own Unix user the mediator is installed in a directory that is taken away after.
An account is looked at as far as the links before hold. Called by ``cli_check``.
"""

import asyncio
import dataclasses
import pathlib
from collections.abc import Callable, Collection, Iterable

from niassa_orch import errors
from niassa_orch.admin import check_account, check_machine, check_neighbours, links
from niassa_orch.config import profiles, settings, shelf
from niassa_orch.core import enrolling
from niassa_orch.seqware import identity

#: So many accounts at once: each starts some dozen processes.
_AT_ONCE = 8

Tell = Callable[[links.Link], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Checked:
    """What has to be looked at."""

    profiles: tuple[profiles.Profile, ...]
    refused: tuple[errors.ProfileError, ...]


def chosen(service: settings.Settings, names: Collection[str]) -> Checked:
    """The profiles with these names, all of them where there is none.

    Raises:
        SettingsError: accounts.d cannot be read, or has no such profile.
    """
    found = shelf.load(service.accounts_dir, service)
    known = {profile.name for profile in found.profiles} | {_name(exc) for exc in found.quarantined}
    unknown = sorted(set(names) - known)
    if unknown:
        message = f"{service.accounts_dir} has no profile {', '.join(unknown)}; it has: {', '.join(sorted(known))}"
        raise errors.SettingsError(message)
    return Checked(
        tuple(profile for profile in found.profiles if not names or profile.name in names),
        tuple(exc for exc in found.quarantined if not names or _name(exc) in names),
    )


async def look(service: settings.Settings, enrol: enrolling.Enrolling, checked: Checked, tell: Tell) -> None:
    """Look at the machine, then at the accounts, side by side.

    Args:
        service: The settings of the process.
        enrol: Makes accounts of profiles.
        checked: What ``chosen`` found.
        tell: Given each finding as it is made; those of one account come together.
    """
    for finding in await asyncio.to_thread(check_machine.look, service):
        tell(finding)
    for exc in checked.refused:
        mend = f"edit {service.accounts_dir / exc.file}"
        tell(dataclasses.replace(links.bad("profile", str(exc), mend), account=_name(exc)))
    seen_hosts, places = check_neighbours.SeenHosts(), asyncio.Semaphore(_AT_ONCE)

    async def one(profile: profiles.Profile) -> None:
        async with places:
            for finding in await _account(enrol, profile, seen_hosts):
                tell(dataclasses.replace(finding, account=profile.name))

    async with asyncio.TaskGroup() as group:
        for profile in checked.profiles:
            group.create_task(one(profile), name=f"check:{profile.name}")


async def _account(
    enrol: enrolling.Enrolling, profile: profiles.Profile, seen_hosts: check_neighbours.SeenHosts
) -> Iterable[links.Link]:
    if not profile.enabled:
        return [links.ok("profile", "is disabled: nothing of it is served")]
    try:
        enrolled = await enrol.enrol(profile)
    except errors.NiassaOrchError as exc:
        whose, mediator = enrol.way(profile)
        first = links.bad("profile", str(exc), f"niassa-orch accounts show {profile.name}")
        return [first, *await _machine(profile, whose, mediator, "")]
    account = enrolled.account
    seen = f"{account.web_user} on {account.host} runs as {account.unix_user}"
    warned = links.look("profile", f"{seen}; {enrolled.warning}", "") if enrolled.warning else None
    near, far = await asyncio.gather(
        _machine(profile, enrolled.identity, enrolled.mediator, account.host), _neighbours(enrolled, seen_hosts)
    )
    return [warned or links.ok("profile", seen), *near, *far]


async def _machine(
    profile: profiles.Profile, whose: identity.Identity, mediator: pathlib.Path, host: str
) -> list[links.Link]:
    found = [await asyncio.to_thread(check_account.home, profile), await check_account.sudo(whose, mediator)]
    if found[-1].verdict is links.Verdict.BAD:
        return found
    through_mediator = await asyncio.gather(
        check_account.settings_file(whose, mediator),
        check_account.engine(whose, mediator),
        check_account.lock(whose, mediator, host),
        check_account.crontab(whose, mediator),
    )
    return [*found, *through_mediator]


async def _neighbours(enrolled: enrolling.Enrolled, seen_hosts: check_neighbours.SeenHosts) -> list[links.Link]:
    login = await check_neighbours.login(enrolled)
    if login[0].verdict is links.Verdict.BAD:
        where = links.skipped("scheduled for", "the web service says nothing to us")
    else:
        where = await check_neighbours.hosts(enrolled, seen_hosts)
    return [*login, where, *await check_neighbours.oozie(enrolled)]


def _name(exc: errors.ProfileError) -> str:
    return exc.file.removesuffix(".toml")
