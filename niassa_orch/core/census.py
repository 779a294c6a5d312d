"""Every profile completed, or the reason why not: what the ``accounts`` command shows. Serves nobody, changes nothing.

Users' own seqware settings are read as those users, as the service does; no web service and no Oozie is asked.
"""

import asyncio
import dataclasses

from niassa_orch import errors
from niassa_orch.config import profiles, settings
from niassa_orch.core import enrolling
from niassa_orch.domain import accounts


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One profile: its account, or the reason why there is none."""

    profile: str
    unix_user: str
    enabled: bool
    account: accounts.Account | None = None
    reason: str = ""


async def take(service: settings.Settings, enrol: enrolling.Enrolling) -> tuple[Entry, ...]:
    """All profiles of ``accounts_dir`` by name, refused ones included.

    Raises:
        SettingsError: The directory cannot be read.
    """
    found = await asyncio.to_thread(profiles.load, service.accounts_dir, service)
    entries = [await _entry(profile, enrol) for profile in found.profiles]
    entries += [Entry(exc.file.removesuffix(".toml"), "", enabled=True, reason=str(exc)) for exc in found.quarantined]
    return tuple(sorted(entries, key=lambda entry: entry.profile))


async def _entry(profile: profiles.Profile, enrol: enrolling.Enrolling) -> Entry:
    try:
        account = (await enrol.complete(profile)).account
        if profile.enabled:
            enrol.claim(profile, account)
    except errors.NiassaOrchError as exc:
        return Entry(profile.name, profile.unix_user, profile.enabled, reason=str(exc))
    return Entry(profile.name, profile.unix_user, profile.enabled, account)
