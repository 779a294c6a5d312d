"""The seqware settings of an account's Unix user, and how they complete a profile.

``parse`` reads the bytes of a Java properties file as Java does; ``merge`` makes the account and its login. Whoever
calls has read the file as that user: nothing here opens one. The file holds a password and is written by somebody who
is not trusted, so no part of it stands in any message. Called by ``core`` when an account is enrolled.
"""

import dataclasses
import io

import javaproperties
import pydantic

from niassa_orch import errors
from niassa_orch.config import checks, choosing, credentials, profiles
from niassa_orch.config import settings as service_settings
from niassa_orch.domain import accounts

LIMIT_BYTES = 64 * 1024
# A value over many lines costs the parser the square of their number, on our event loop.
_LIMIT_CONTINUATIONS = 100


@dataclasses.dataclass(frozen=True, slots=True)
class UserSettings:
    """What we use of a seqware settings file; ``None`` where it says nothing. Texts as Java sees them, untrimmed.

    Invariant: nothing in its repr is a secret. A URL may hold a login, so that URLs are not in it.
    """

    rest_url: str | None = dataclasses.field(default=None, repr=False)
    rest_user: str | None = None
    rest_password: pydantic.SecretStr | None = None
    metadata_method: str | None = None
    default_engine: str | None = None
    oozie_url: str | None = dataclasses.field(default=None, repr=False)
    oozie_work_dir: str | None = None
    lock_id: str | None = None


def parse(content: bytes, file: str = "~/.seqware/settings") -> UserSettings:
    """Read a Java properties file: ISO-8859-1, escapes, trailing blanks kept, keys in any case (protocol, section 2).

    Args:
        content: The whole file.
        file: Its name, for messages.

    Raises:
        errors.UserSettingsError: It is too large, or has an escape that Java refuses as well.
    """
    _check_size(content, file)
    line = 1
    found: dict[str, str] = {}
    try:
        for element in javaproperties.parse(io.BytesIO(content)):
            if isinstance(element, javaproperties.KeyValue):
                found[element.key.upper()] = element.value
            line += element.source.count("\n")
    except javaproperties.InvalidUEscapeError:
        reason = f"an entry that begins at line {line} has a \\u without four hexadecimal digits after it"
    else:
        return _taken(found)
    # Raised outside the handler: the parser's error quotes the file.
    raise errors.UserSettingsError(file, "", reason)


def needs_user_settings(profile: profiles.Profile) -> bool:
    """Whether the profile leaves out something that only the user's own settings can say.

    Where the engine propagates, which Oozie it asks is such a thing, whatever the profile says.
    """
    keys = profile.web_service
    whole = keys.url and keys.user and keys.password_source and profile.engine.oozie_url
    return not whole or profile.propagation is accounts.Propagation.ENGINE


def merge(
    profile: profiles.Profile,
    user_settings: UserSettings | None,
    password: pydantic.SecretStr | None,
    settings: service_settings.Settings,
    chosen: choosing.Choosing | None = None,
) -> tuple[accounts.Account, credentials.Login]:
    """Complete a profile with the user's own settings; the profile wins.

    Args:
        profile: What the administrator wrote.
        user_settings: What the Unix user wrote, or ``None`` when it was not read.
        password: The one that the profile names, or ``None`` when it names none.
        settings: For what neither says.
        chosen: Of this profile and these settings; told of every value and who said it.

    Raises:
        errors.UserSettingsError: Something is in neither, or is no URL or user; with the key and what to do.
    """
    theirs = user_settings or UserSettings()
    chosen = chosen or choosing.Choosing(profile, settings)
    _check_method(profile, theirs, chosen)
    if profile.propagation is accounts.Propagation.ENGINE:
        _check_oozie(profile, theirs, chosen)
    account = _account(profile, theirs, settings, chosen)
    if password is None:
        return account, credentials.Login(account.web_user, _their_password(profile, theirs, account.web_user, chosen))
    chosen.password()
    return account, credentials.Login(account.web_user, password)


def same_web_service(account_url: str, their_url: str) -> bool:
    """Whether two URLs name one web service in two spellings. One that is unusable names none; neither is repeated.

    The engine asks the web service of the user's own settings whatever a profile says: say so where they differ, but do
    not quote theirs, which may hold a login.

    Args:
        account_url: ``Account.web_service_url``.
        their_url: ``UserSettings.rest_url``, as it was read.
    """
    try:
        return checks.base_url(account_url) == checks.base_url(their_url)
    except ValueError:
        return False


def _account(
    profile: profiles.Profile,
    theirs: UserSettings,
    settings: service_settings.Settings,
    chosen: choosing.Choosing,
) -> accounts.Account:
    keys, engine, launching = profile.web_service, profile.engine, profile.launching
    most = settings.launching
    return accounts.Account(
        name=profile.name,
        unix_user=profile.unix_user,
        host=profile.host or chosen.of_service("host", "host", settings.effective_host),
        web_service_url=keys.url or chosen.required("web_service.url", "SW_REST_URL", theirs.rest_url, checks.base_url),
        web_user=keys.user or chosen.required("web_service.user", "SW_REST_USER", theirs.rest_user, checks.web_user),
        oozie_url=engine.oozie_url
        or chosen.optional("engine.oozie_url", "OOZIE_URL", theirs.oozie_url, checks.base_url),
        default_engine=engine.default_engine
        or chosen.optional("engine.default_engine", "SW_DEFAULT_WORKFLOW_ENGINE", theirs.default_engine, _engine_name),
        polls_alone=keys.poll == "own",
        in_flight=launching.in_flight
        or chosen.of_service("launching.in_flight", "launching.account_in_flight", most.account_in_flight),
        a_beat=launching.a_beat
        or chosen.of_service("launching.a_beat", "launching.account_a_beat", most.account_a_beat),
        an_hour=launching.an_hour,
        hours=launching.hours,
        paused=launching.paused,
        beside_cron=launching.beside_cron,
        shadow=profile.shadow or (settings.shadow and chosen.of_service("shadow", "shadow", settings.shadow)),
        propagation=profile.propagation,
    )


def _check_size(content: bytes, file: str) -> None:
    if len(content) > LIMIT_BYTES:
        reason = f"is larger than {LIMIT_BYTES} bytes"
        raise errors.UserSettingsError(file, "", reason)
    if sum(line.endswith(b"\\") for line in content.splitlines()) > _LIMIT_CONTINUATIONS:
        reason = f"continues more than {_LIMIT_CONTINUATIONS} lines with a backslash"
        raise errors.UserSettingsError(file, "", reason)


def _taken(found: dict[str, str]) -> UserSettings:
    password = found.get("SW_REST_PASS")
    return UserSettings(
        rest_url=found.get("SW_REST_URL"),
        rest_user=found.get("SW_REST_USER"),
        rest_password=pydantic.SecretStr(password) if password else None,
        metadata_method=found.get("SW_METADATA_METHOD"),
        default_engine=found.get("SW_DEFAULT_WORKFLOW_ENGINE"),
        oozie_url=found.get("OOZIE_URL"),
        oozie_work_dir=found.get("OOZIE_WORK_DIR"),
        lock_id=found.get("SW_LOCK_ID"),
    )


def _check_method(profile: profiles.Profile, theirs: UserSettings, chosen: choosing.Choosing) -> None:
    """Without the web service the engine would run jobs and tell nobody."""
    if theirs.metadata_method is not None and theirs.metadata_method.strip().lower() != "webservice":
        reason = f"must be webservice in {chosen.place}"
        raise errors.UserSettingsError(profile.file, "SW_METADATA_METHOD", reason)


def _check_oozie(profile: profiles.Profile, theirs: UserSettings, chosen: choosing.Choosing) -> None:
    """The engine asks the Oozie of the user's settings: another one that is well would say nothing about that one."""
    if theirs.oozie_url is None or not theirs.oozie_url.strip():
        reason = f'is missing in {chosen.place}, and with propagation = "engine" it is the engine that asks it'
        raise errors.UserSettingsError(profile.file, "OOZIE_URL", reason)
    named = profile.engine.oozie_url
    if named and named != chosen.checked("OOZIE_URL", theirs.oozie_url, checks.base_url):
        reason = f"is not OOZIE_URL in {chosen.place}, which the engine asks: take it out of the profile"
        raise errors.UserSettingsError(profile.file, "engine.oozie_url", reason)


def _engine_name(text: str) -> str:
    return checks.query_text(text.strip())


def _their_password(
    profile: profiles.Profile, theirs: UserSettings, user: str, chosen: choosing.Choosing
) -> pydantic.SecretStr:
    """The password in the user's settings, which belongs to the user who is named beside it and to nobody else."""
    if theirs.rest_password is None:
        raise chosen.missing(key="web_service.password_file", their_key="SW_REST_PASS")
    _check_password(profile, theirs.rest_password.get_secret_value(), chosen.place)
    if checks.normal_login(theirs.rest_user or user) != user:
        reason = f"is required: SW_REST_PASS in {chosen.place} belongs to another user than web_service.user"
        raise errors.UserSettingsError(profile.file, "web_service.password_file", reason)
    chosen.password("SW_REST_PASS")
    return theirs.rest_password


def _check_password(profile: profiles.Profile, password: str, place: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in password):
        # Refused here, since the encoder's error would carry the password.
        reason = f"has a \\u escape that is half a character, in {place}"
    elif len(password.encode()) > credentials.PASSWORD_LIMIT_BYTES:
        reason = f"is longer than {credentials.PASSWORD_LIMIT_BYTES} bytes, in {place}: set a shorter one"
    else:
        return
    raise errors.UserSettingsError(profile.file, "SW_REST_PASS", reason)
