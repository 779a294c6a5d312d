"""A profile as an import would write it: its name, its few keys, and whether it is there already.

Keys are as few as can be: what the user's own seqware settings and the service's settings say is left to them. A file
that is there is never written over: what is different is told. Called by ``migrate``.
"""

import collections.abc
import dataclasses
import itertools
import json
import os
import pathlib
import re

import pydantic

from niassa_orch import errors
from niassa_orch.config import documents, guarded, profile_keys, profiles
from niassa_orch.config import settings as service_settings
from niassa_orch.domain import accounts

_SETTINGS_FILE = ".seqware/settings"
_GENERIC = re.compile(r"(^|[._-])(seqware|settings|properties|conf|cfg|txt)(?=$|[._-])")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._@-]+")
_LIMIT_BYTES = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Whose runs a crontab launches: the Unix user, the absolute path of the seqware settings, the host string."""

    unix_user: str
    settings: str
    host: str


def names(wanted: collections.abc.Sequence[Wanted], homes: collections.abc.Mapping[str, str]) -> dict[Wanted, str]:
    """A name for each profile: the Unix user's without ``niassa-``, and what tells two of one user apart."""
    given: dict[Wanted, str] = {}
    taken: set[str] = set()
    for one in wanted:
        name = one.unix_user.removeprefix("niassa-") or one.unix_user
        hosts = {other.host for other in wanted if (other.unix_user, other.settings) == (one.unix_user, one.settings)}
        parts = [name, _label(one, homes.get(one.unix_user, "")), one.host if len(hosts) > 1 else ""]
        tried = (_clean("-".join(filter(None, [first, *parts[1:]]))) for first in (name, one.unix_user))
        numbered = (f"{_clean(one.unix_user)}-{number}" for number in itertools.count(2))
        # Also a name with a number may be somebody's already: a Unix user is called niassa-bob-2.
        given[one] = next(found for found in itertools.chain(tried, numbered) if found not in taken)
        taken.add(given[one])
    return given


def keys(wanted: Wanted, home: str, service: service_settings.Settings) -> dict[str, str]:
    """The keys of a profile, as few as can be."""
    found = {"unix_user": wanted.unix_user}
    if wanted.host != service.effective_host:
        found["host"] = wanted.host
    settings = settings_file(wanted, home)
    return found if settings == f"~/{_SETTINGS_FILE}" else {**found, "settings_file": settings}


def settings_file(wanted: Wanted, home: str) -> str:
    """The seqware settings as a profile names them: ``~/...`` where they are in the user's home."""
    inside = wanted.settings.startswith(f"{home}/") and home not in ("", "/")
    return "~" + wanted.settings.removeprefix(home) if inside else wanted.settings


def profile(name: str, document: collections.abc.Mapping[str, str]) -> profiles.Profile:
    """The profile that these keys are.

    Raises:
        ProfileError: One of them cannot be used.
    """
    try:
        checked = profile_keys.ProfileKeys.model_validate(dict(document))
    except pydantic.ValidationError as exc:
        problem = documents.explain(exc, profile_keys.ProfileKeys)[0]
        file = f"{name}.toml"
        raise errors.ProfileError(file, problem.key, problem.reason) from exc
    return profiles.Profile(name=name, **{key: getattr(checked, key) for key in profile_keys.ProfileKeys.model_fields})


def text(document: collections.abc.Mapping[str, str]) -> str:
    """The keys as TOML."""
    # A JSON string is a TOML basic string, but for the one control character that JSON leaves as it is.
    quoted = {key: json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f") for key, value in document.items()}
    return "".join(f"{key} = {value}\n" for key, value in quoted.items())


def same(
    wanted: Wanted, known: collections.abc.Iterable[profiles.Profile], service: service_settings.Settings
) -> profiles.Profile | None:
    """The profile that serves the same already, whatever its name is."""
    for one in known:
        try:
            theirs = Wanted(one.unix_user, str(one.settings_path()), one.host or service.effective_host)
        except errors.ProfileError:
            continue
        if theirs == wanted:
            return one
    return None


def not_instead(there: profiles.Profile, account: accounts.Account) -> str:
    """Why a profile for the same Unix user, settings and host does not do what the crontab does; ``""`` if it does.

    Args:
        there: The profile that is there.
        account: Whose runs the crontab launches.
    """
    keys = there.web_service
    if keys.user not in (None, account.web_user) or keys.url not in (None, account.web_service_url):
        return f"{there.file} says another login or web service ([web_service]) than the settings of the crontab's call"
    held = [f"shadow = {str(there.shadow).lower()}"] if there.shadow else []
    held += ["paused"] if there.launching.paused else []
    return f"{there.file} says {' and '.join(held)}: nothing is launched by it yet" if held else ""


def difference(path: pathlib.Path, document: collections.abc.Mapping[str, str]) -> str:
    """What a file that is there says differently, or ``""`` where there is none.

    Only keys that we would write are quoted: any other may hold what is nobody's business.
    """
    if not os.path.lexists(path):
        return ""
    try:
        content = guarded.read_bytes(path, forbidden_mode=guarded.WRITABLE_BY_OTHERS, limit_bytes=_LIMIT_BYTES)
        theirs = documents.parse_toml(content)
    except (guarded.FileRefusedError, documents.DocumentError) as exc:
        return f"{path} is there and cannot be read as a profile: {exc}"
    said = [
        f"{key} is {theirs.get(key)!r} there and would be {document.get(key)!r}"
        for key in ("unix_user", "host", "settings_file")
        if theirs.get(key) != document.get(key)
    ]
    more = sorted(theirs.keys() - {"unix_user", "host", "settings_file"})
    said += [f"it says {', '.join(more)} besides"] if more else []
    return f"{path} is there and says something else: {'; '.join(said) or 'its keys are written differently'}"


def write(path: pathlib.Path, content: str) -> None:
    """Write a new profile, whole and readable by everybody, and never over one that is there.

    Raises:
        OSError: It cannot be written, or is there.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode())
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # which, unlike a rename, fails where somebody was faster
    finally:
        draft.unlink(missing_ok=True)


def _label(wanted: Wanted, home: str) -> str:
    """What of a settings file's path is not the same for everybody, ``""`` for the usual one."""
    if wanted.settings == f"{home}/{_SETTINGS_FILE}":
        return ""
    parts = wanted.settings.removeprefix(f"{home}/").split("/")
    telling = [found for part in reversed(parts) if (found := _GENERIC.sub("", part).strip("._-"))]
    return telling[0] if telling else "other"


def _clean(name: str) -> str:
    return _NOT_IN_NAMES.sub("-", name).lstrip("._@-") or "account"
