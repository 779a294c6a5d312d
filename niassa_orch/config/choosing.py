"""Which value counts for a key of a profile, and who said it: the choice and its origin are made in one place.

A ``Choosing`` is filled while ``user_settings.merge`` makes an account: what the profile states counts, else the user's
own seqware settings, else the service's. Who shows a profile reads ``made`` afterwards, also when merging stopped on
the way. It holds no secret: of a password it knows the place. Called by ``user_settings``, ``core.enrolling`` and
``core.census``.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import TypeVar

from niassa_orch import errors
from niassa_orch.config import credentials, profile_keys, profiles
from niassa_orch.config import settings as service_settings

#: Not a key of a profile, but a value that every account has.
PASSWORD = "web_service.password"  # noqa: S105 - a key, no password

#: Every value of an account in the order of the document; of its three sources of a password only the one that counts.
KEYS = tuple(
    PASSWORD if key == "web_service.password_file" else key
    for key in dict(profile_keys.every_key())
    if key not in ("web_service.password_credential", "web_service.password_env")
)

_T = TypeVar("_T")


class Source(enum.StrEnum):
    """Who said a value."""

    PROFILE = "profile"
    SEQWARE = "seqware settings"
    SERVICE = "service settings"
    DEFAULT = "default"


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """The value that counts for a key, and who said it; ``where`` is the place to look at or to change."""

    key: str
    value: str
    source: Source
    where: str = ""


class Choosing:
    """Chooses values for one profile.

    Args:
        profile: What the administrator wrote; all that it states is chosen.
        settings: What holds for all accounts.
    """

    def __init__(self, profile: profiles.Profile, settings: service_settings.Settings) -> None:
        self._profile = profile
        self._settings = settings
        self._file = str(settings.accounts_dir / profile.file)
        self._made: dict[str, Choice] = {}
        for key, (value, is_said) in profile_keys.stated(profile).items():
            if value is not None:
                source = Source.PROFILE if is_said else Source.DEFAULT
                self._note(key, value, source, self._file if is_said else "")

    @property
    def made(self) -> Mapping[str, Choice]:
        """What was chosen until now, by key."""
        return dict(self._made)

    @property
    def place(self) -> str:
        """The user's seqware settings, for people."""
        return f"{self._profile.settings_file} of {self._profile.unix_user}"

    def required(self, key: str, their_key: str, their_value: str | None, check: Callable[[str], str]) -> str:
        """What the user's settings say for a key that the profile leaves out.

        Raises:
            errors.UserSettingsError: Nothing, or something that cannot be used.
        """
        if their_value is None or not their_value.strip():
            raise self.missing(key, their_key)
        return self._theirs(key, their_key, self.checked(their_key, their_value, check))

    def optional(self, key: str, their_key: str, their_value: str | None, check: Callable[[str], str]) -> str:
        """The same for a key that may be missing; ``""`` then."""
        if their_value is None or not their_value.strip():
            self._note(key, "", Source.DEFAULT, f"no {their_key} in {self.place} either")
            return ""
        return self._theirs(key, their_key, self.checked(their_key, their_value, check))

    def of_service(self, key: str, setting: str, value: _T) -> _T:
        """What the service's settings say for a key that the profile leaves out; their key is ``setting``."""
        said = self._settings.origin(setting)
        self._note(
            key,
            value,
            Source.SERVICE if said else Source.DEFAULT,
            f"{setting} in {said}" if said else f"{setting} of the service",
        )
        return value

    def elsewhere(self, key: str, where: str) -> None:
        """Something outside of all settings says it."""
        self._note(key, "", Source.DEFAULT, where)

    def leave_rest(self) -> None:
        """The account is whole: what was not chosen by now, nobody says."""
        for key in KEYS:
            self._made.setdefault(key, Choice(key, "", Source.DEFAULT))

    def password(self, their_key: str = "") -> None:
        """A password was chosen: that of ``their_key`` in the user's settings, else the one that the profile names."""
        source = Source.SEQWARE if their_key else Source.PROFILE
        place = f"{their_key} in {self.place}" if their_key else self._named_place()
        self._note(PASSWORD, credentials.MASK, source, place)

    def checked(self, their_key: str, their_value: str, check: Callable[[str], str]) -> str:
        """A value of the user's settings in its normal form.

        Raises:
            errors.UserSettingsError: It cannot be used; it is not repeated.
        """
        try:
            return check(their_value)
        except ValueError as exc:
            reason = f"{exc} (in {self.place})"
        raise errors.UserSettingsError(self._profile.file, their_key, reason)

    def missing(self, key: str, their_key: str) -> errors.UserSettingsError:
        """The error for what neither says."""
        reason = f"is missing, and so is {their_key} in {self.place}: write one of them"
        return errors.UserSettingsError(self._profile.file, key, reason)

    def _named_place(self) -> str:
        return self._settings.secrets.place(self._profile.web_service)

    def _theirs(self, key: str, their_key: str, value: str) -> str:
        self._note(key, value, Source.SEQWARE, f"{their_key} in {self.place}")
        return value

    def _note(self, key: str, value: object, source: Source, where: str) -> None:
        self._made[key] = Choice(key, _text(value), source, where)


def _text(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case tuple():
            return " ".join(map(str, value))
        case _:
            return str(value)
