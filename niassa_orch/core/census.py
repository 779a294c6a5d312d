"""Every profile completed, or the reason why not: what the ``accounts`` commands show. Serves nobody, changes nothing.

Users' own seqware settings are read as those users, as the service does; no web service and no Oozie is asked. A
disabled profile is shown as it stands in its file, and nobody is asked about it.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from niassa_orch import errors
from niassa_orch.config import checks, choosing, documents, guarded, profiles, settings, shelf, suggestions
from niassa_orch.core import enrolling
from niassa_orch.domain import accounts

_LIMIT_BYTES = 64 * 1024
#: So many names are told to somebody who asked for one that there is not.
_NAMES = 20
#: Each starts a few processes.
_AT_ONCE = 8


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an account, ``""`` where nothing is: all of it, or what its profile alone states."""

    web_user: str = ""
    host: str = ""
    web_service_url: str = ""
    oozie_url: str = ""
    default_engine: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One profile: what is known of its account, and the reason why it is refused, or ``""``."""

    profile: str
    unix_user: str
    enabled: bool
    account: Facts = Facts()
    reason: str = ""

    @property
    def state(self) -> str:
        """``ok``, ``disabled`` or ``refused``, then with a reason."""
        return "refused" if self.reason else "ok" if self.enabled else "disabled"


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """One profile with every value that counts for it, as far as it is known.

    Args:
        entry: As in the table.
        file: The profile's path.
        values: What was chosen, by key in the order of the document; ``None`` for what is not known.
        warning: Something that a person should look at though the account works, or ``""``.
    """

    entry: Entry
    file: str
    values: Mapping[str, choosing.Choice | None]
    warning: str = ""


async def show(service: settings.Settings, enrol: enrolling.Enrolling, name: str) -> Shown:
    """One profile completed, and who said each of its values; raises like ``take``.

    Raises:
        ProfileError: There is no such profile; the message says which there are.
    """
    found = await asyncio.to_thread(shelf.load, service.accounts_dir, service)
    file = f"{name}.toml"
    for exc in found.quarantined:
        if exc.file == file:
            refused = await asyncio.to_thread(_refused, service, exc)
            return Shown(refused, str(service.accounts_dir / file), {})
    for profile in found.profiles:
        if profile.file == file:
            return await _shown(profile, service, enrol)
    known = [profile.file for profile in found.profiles] + [exc.file for exc in found.quarantined]
    raise errors.ProfileError(file, "", _no_such(service, name, sorted(one.removesuffix(".toml") for one in known)))


async def show_all(service: settings.Settings, enrol: enrolling.Enrolling) -> list[Shown]:
    """Every profile completed, by name, as ``show`` does, some of them at once; raises like ``take``."""
    found = await asyncio.to_thread(shelf.load, service.accounts_dir, service)
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(profile: profiles.Profile) -> Shown:
        async with places:
            return await _shown(profile, service, enrol)

    shown = await asyncio.gather(*map(one, found.profiles))
    refused = [await asyncio.to_thread(_refused, service, exc) for exc in found.quarantined]
    shown += [Shown(entry, str(service.accounts_dir / f"{entry.profile}.toml"), {}) for entry in refused]
    return sorted(shown, key=lambda one: one.entry.profile)


async def _shown(profile: profiles.Profile, service: settings.Settings, enrol: enrolling.Enrolling) -> Shown:
    chosen = choosing.Choosing(profile, service)
    entry = Entry(profile.name, profile.unix_user, profile.enabled, _stated(profile, service))
    warning = ""
    if profile.enabled:
        try:
            whole = await enrol.complete(profile, chosen)
            entry = dataclasses.replace(entry, account=_known(whole.account))
            warning = whole.warning
            chosen.leave_rest()
        except errors.NiassaOrchError as exc:
            entry = dataclasses.replace(entry, reason=str(exc))
    values = {key: chosen.made.get(key) for key in choosing.KEYS}
    return Shown(entry, str(service.accounts_dir / profile.file), values, warning)


def _no_such(service: settings.Settings, name: str, known: Sequence[str]) -> str:
    if not known:
        return f"is not in {service.accounts_dir}, and no other profile is"
    near = suggestions.closest(name, known)
    most = ", ".join(known[:_NAMES]) + (f" and {len(known) - _NAMES} more" if len(known) > _NAMES else "")
    return f"is not in {service.accounts_dir}" + (f"; did you mean {near}?" if near else "") + f" There are: {most}"


async def take(service: settings.Settings, enrol: enrolling.Enrolling) -> tuple[Entry, ...]:
    """All profiles of ``accounts_dir`` by name, refused and disabled ones included.

    Raises:
        SettingsError: The directory cannot be read.
    """
    found = await asyncio.to_thread(shelf.load, service.accounts_dir, service)
    holders: dict[tuple[str, str, str], str] = {}
    entries = [await _entry(profile, service, enrol, holders) for profile in found.profiles]
    entries += [await asyncio.to_thread(_refused, service, exc) for exc in found.quarantined]
    return tuple(sorted(entries, key=lambda entry: entry.profile))


async def enrolled(
    service: settings.Settings, enrol: enrolling.Enrolling
) -> tuple[list[enrolling.Enrolled], dict[str, str]]:
    """Every enabled account that can be worked for, and why the others cannot, by name; raises like ``take``."""
    found = await asyncio.to_thread(shelf.load, service.accounts_dir, service)
    refused = {exc.file.removesuffix(".toml"): str(exc) for exc in found.quarantined}
    known = []
    for profile in found.profiles:
        if profile.enabled:
            try:
                known.append(await enrol.enrol(profile))
            except errors.NiassaOrchError as exc:
                refused[profile.name] = str(exc)
    return known, refused


async def _entry(
    profile: profiles.Profile,
    service: settings.Settings,
    enrol: enrolling.Enrolling,
    holders: dict[tuple[str, str, str], str],
) -> Entry:
    entry = Entry(profile.name, profile.unix_user, profile.enabled, _stated(profile, service))
    if not profile.enabled:
        return entry
    try:
        account = (await enrol.complete(profile)).account
    except errors.NiassaOrchError as exc:
        return dataclasses.replace(entry, reason=str(exc))
    holder = holders.setdefault(account.claim, account.name)
    reason = "" if holder == account.name else str(_double(profile, account, holder))
    return dataclasses.replace(entry, account=_known(account), reason=reason)


def _double(profile: profiles.Profile, account: accounts.Account, holder: str) -> errors.ProfileError:
    """Both would launch the same runs."""
    reason = (
        f"account {holder} already serves {account.web_user} on {account.host} at {account.web_service_url}; "
        "remove or disable one of the two profiles"
    )
    return errors.ProfileError(profile.file, "", reason)


def _known(account: accounts.Account) -> Facts:
    return Facts(*(getattr(account, field.name) for field in dataclasses.fields(Facts)))


def _stated(profile: profiles.Profile, service: settings.Settings) -> Facts:
    keys, engine = profile.web_service, profile.engine
    host = profile.host or service.effective_host
    return Facts(keys.user or "", host, keys.url or "", engine.oozie_url or "", engine.default_engine or "")


def _refused(service: settings.Settings, exc: errors.ProfileError) -> Entry:
    """A refused profile with what can be read of it all the same; one that says it is disabled is just that."""
    name = exc.file.removesuffix(".toml")
    document: dict[str, Any] = {}
    with contextlib.suppress(guarded.FileRefusedError, documents.DocumentError):
        content = guarded.read_bytes(
            service.accounts_dir / exc.file, forbidden_mode=guarded.WRITABLE_BY_OTHERS, limit_bytes=_LIMIT_BYTES
        )
        document = documents.parse_toml(content)
    unix_user = _text(document, "unix_user", str)
    if not document:
        return Entry(name, unix_user, enabled=True, reason=str(exc))
    keys, engine = _table(document, "web_service"), _table(document, "engine")
    facts = Facts(
        web_user=_text(keys, "user", checks.web_user),
        host=_text(document, "host", checks.query_text) if "host" in document else service.effective_host,
        web_service_url=_text(keys, "url", checks.base_url),
        oozie_url=_text(engine, "oozie_url", checks.base_url),
        default_engine=_text(engine, "default_engine", checks.query_text),
    )
    enabled = document.get("enabled") is not False
    return Entry(name, unix_user, enabled, facts, reason=str(exc) if enabled else "")


def _table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = document.get(key)
    return table if isinstance(table, dict) else {}


def _text(table: Mapping[str, Any], key: str, check: Callable[[str], str]) -> str:
    """A text that could be used; what is refused is not shown, since a URL that is refused may hold a password."""
    value = table.get(key)
    try:
        return check(value) if isinstance(value, str) else ""
    except ValueError:
        return ""
