"""The profiles of ``accounts.d``: one file an account, each taken or refused alone.

What a profile is, how one file becomes one, and what profiles say of each other. Nothing here reads as another user:
what a profile leaves out comes from ``user_settings``. Which files there are, and when they are read, is in ``shelf``,
which calls this.
"""

import dataclasses
import os
import pwd
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pydantic

from niassa_orch import errors
from niassa_orch.config import documents, guarded, profile_keys
from niassa_orch.config import settings as service_settings

_LIMIT_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*\.toml")


class Profile(profile_keys.ProfileKeys):
    """One account as its file tells it; ``name`` is the file's stem. It holds no secret, only where one is."""

    name: str

    @property
    def file(self) -> str:
        """The name of the profile's file."""
        return f"{self.name}.toml"

    def settings_path(self) -> Path:
        """``settings_file`` as a path; ``~`` is the home directory of ``unix_user`` in the user database.

        Raises:
            errors.ProfileError: The Unix user is gone.
        """
        if not self.settings_file.startswith("~/"):
            return Path(self.settings_file)
        return Path(_unix_user(self.file, self.unix_user).pw_dir, self.settings_file[2:])


@dataclasses.dataclass(frozen=True, slots=True)
class Profiles:
    """What a look at ``accounts.d`` brought: profiles by name, disabled ones among them, and what was refused."""

    profiles: tuple[Profile, ...]
    quarantined: tuple[errors.ProfileError, ...]


def together(found: Collection[Profile | errors.ProfileError], settings: service_settings.Settings) -> Profiles:
    """What the files of a directory brought, each for itself, as a whole: of two that say the same, one is refused."""
    profiles = sorted((each for each in found if isinstance(each, Profile)), key=lambda profile: profile.name)
    refused = [each for each in found if isinstance(each, errors.ProfileError)]
    doubles = _doubles(profiles, settings)
    return Profiles(
        profiles=tuple(profile for profile in profiles if profile.name not in doubles),
        quarantined=tuple(sorted([*refused, *doubles.values()], key=lambda error: error.file)),
    )


def read(path: Path, directory: int, settings: service_settings.Settings) -> Profile:
    """Read one profile.

    Args:
        path: The file.
        directory: An open descriptor of the directory that holds it.
        settings: For ``allow_root``.

    Raises:
        errors.ProfileError: It cannot be used; with file, key and reason.
    """
    if not _NAME.fullmatch(path.name):
        reason = (
            "is no name of a profile: letters, digits and ._@- and .toml at the end; "
            "a file that is not meant to be read may end in .disabled"
        )
        raise errors.ProfileError(shown(path.name), "", reason)
    try:
        guarded.check_owner_and_mode(path.parent, os.fstat(directory), guarded.WRITABLE_BY_OTHERS)
        content = guarded.read_bytes(
            path, forbidden_mode=guarded.WRITABLE_BY_OTHERS, limit_bytes=_LIMIT_BYTES, directory=directory
        )
        document = documents.parse_toml(content)
    except (guarded.FileRefusedError, documents.DocumentError) as exc:
        raise errors.ProfileError(path.name, "", str(exc)) from exc
    profile = _parse(path.name, document)
    _check_unix_user(profile, settings)
    _check_files(profile, settings)
    return profile


def _parse(file: str, document: dict[str, Any]) -> Profile:
    try:
        keys = profile_keys.ProfileKeys.model_validate(document)
    except pydantic.ValidationError as exc:
        first, *others = documents.explain(exc, profile_keys.ProfileKeys)
        more = "".join(f"; {problem.key}: {problem.reason}" for problem in others)
        raise errors.ProfileError(file, first.key, first.reason + more) from exc
    return Profile(name=file.removesuffix(".toml"), **{key: getattr(keys, key) for key in keys.model_fields_set})


def _unix_user(file: str, unix_user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(unix_user)
    except (KeyError, ValueError) as exc:
        reason = f"this machine has no Unix user {shown(unix_user)!r}: make it, or correct the name"
        raise errors.ProfileError(file, "unix_user", reason) from exc


def _check_unix_user(profile: Profile, settings: service_settings.Settings) -> None:
    """Root is refused under any name, except where a service that is root itself was told to allow it."""
    allowed = settings.allow_root and os.geteuid() == 0
    if _unix_user(profile.file, profile.unix_user).pw_uid == 0 and not allowed:
        reason = "is root, which no account's work may run as: name a user of the account's own"
        raise errors.ProfileError(profile.file, "unix_user", reason)


def _check_files(profile: Profile, settings: service_settings.Settings) -> None:
    """A password that is missing or open to others is better refused now than at the first request."""
    keys = profile.web_service
    try:
        settings.secrets.read(keys)
    except errors.CredentialError as exc:
        raise errors.ProfileError(profile.file, f"web_service.{keys.password_source}", str(exc)) from exc
    if keys.ca_file and not os.access(keys.ca_file, os.R_OK):
        reason = f"{keys.ca_file} does not exist, or cannot be read by the service's user"
        raise errors.ProfileError(profile.file, "web_service.ca_file", reason)


def _doubles(profiles: list[Profile], settings: service_settings.Settings) -> dict[str, errors.ProfileError]:
    """Enabled profiles that say the same web service, user and host as an enabled one before them.

    What a profile leaves out, its seqware settings say: two that leave it to the same file say the same.
    """
    holders: dict[tuple[str, str, str], str] = {}
    doubles: dict[str, errors.ProfileError] = {}
    for profile in profiles:
        keys = profile.web_service
        if not profile.enabled:
            continue
        theirs = f"{profile.settings_file} of {profile.unix_user}"
        claim = (keys.url or theirs, keys.user or theirs, profile.host or settings.effective_host)
        holder = holders.setdefault(claim, profile.file)
        if holder != profile.file:
            reason = f"same web service, user and host as {holder}: disable one of them (enabled = false)"
            doubles[profile.name] = errors.ProfileError(profile.file, "web_service.user", reason)
    return doubles


def shown(text: str) -> str:
    """A text as it may be printed."""
    return text if text.isprintable() else ascii(text)[1:-1]
