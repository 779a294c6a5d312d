"""All keys that a profile's file may hold: type, default, and a description for people.

docs/accounts.md is made of the descriptions (``make docs``). Keys that are ``None`` are left out by the profile;
``user_settings`` says what holds then. Nothing here reads a file. Called by ``profiles``, ``credentials`` and
``choosing``.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pydantic
import pydantic.fields

from niassa_orch.config import checks, documents
from niassa_orch.config import settings as service_settings
from niassa_orch.domain import accounts

#: Where a password may come from; a profile names one of them at most.
PASSWORD_SOURCES = ("password_file", "password_credential", "password_env")


class WebServiceKeys(documents.Table):
    """``[web_service]``: where the account's runs are, and its login there."""

    url: Annotated[
        checks.BaseUrl | None,
        pydantic.Field(
            description="Base URL of the Niassa web service: http or https, no login in it, no query. "
            "Left out: `SW_REST_URL` of the seqware settings."
        ),
    ] = None
    user: Annotated[
        checks.WebUser | None,
        pydantic.Field(
            description="The login, an e-mail address in any case; its runs are this account's runs. No two enabled "
            "accounts may have the same web service, user and host. Left out: `SW_REST_USER`."
        ),
    ] = None
    password_file: Annotated[
        checks.AbsolutePath | None,
        pydantic.Field(
            description="A file with the password and nothing else, owned by root or the service's user, that nobody "
            "else may read (mode 600). Left out, and no other source named: `SW_REST_PASS`, where `SW_REST_USER` is "
            "the same user."
        ),
    ] = None
    password_credential: Annotated[
        checks.CredentialName | None,
        pydantic.Field(
            description="The name of a systemd credential that holds the password: `bob` for a unit with "
            "`LoadCredential=bob:/etc/niassa-orch/secrets/bob`. In place of `password_file`."
        ),
    ] = None
    password_env: Annotated[
        checks.SecretVariable | None,
        pydantic.Field(
            description="The environment variable of the service that holds the password; its name begins with "
            f"`{checks.SECRET_PREFIX}`. Read once, at the start. In place of `password_file`."
        ),
    ] = None
    ca_file: Annotated[
        checks.AbsolutePath | None,
        pydantic.Field(
            description="Certificates of a private authority that signed the web service's certificate. Left out: the "
            "machine's own authorities."
        ),
    ] = None
    poll: Annotated[
        Literal["shared", "own"],
        pydantic.Field(
            description="With whose logins the account's runs are listed. `shared`: with those of all accounts of the "
            "same web service and host in turn. `own`: with the account's own alone, for a web service that shows each "
            "login only its own runs."
        ),
    ] = "shared"

    @pydantic.model_validator(mode="after")
    def _names_one_password(self) -> "WebServiceKeys":
        named = [source for source in PASSWORD_SOURCES if getattr(self, source) is not None]
        if len(named) > 1:
            reason = f"names {' and '.join(named)}: keep one of them, so that it is clear which password is sent"
            raise ValueError(reason)
        return self

    @property
    def password_source(self) -> str:
        """Which of ``PASSWORD_SOURCES`` is named, or ``""``."""
        return next((source for source in PASSWORD_SOURCES if getattr(self, source) is not None), "")


class EngineKeys(documents.Table):
    """``[engine]``: how runs are launched, and where Oozie is."""

    command: Annotated[
        checks.Command | None,
        pydantic.Field(
            description="The seqware command, as a list of words, where `unix_user` is the service's own user. For "
            "other users the root-owned `mediator.json` says what is called. Left out: `engine.command` of the service."
        ),
    ] = None
    oozie_url: Annotated[
        checks.BaseUrl | None,
        pydantic.Field(
            description="Base URL of the Oozie server. Left out: `OOZIE_URL`; an account without one can use whitestar "
            "only."
        ),
    ] = None
    default_engine: Annotated[
        checks.QueryText | None,
        pydantic.Field(
            description="The engine that this user schedules for by default; shown, and nothing else. Left out: "
            "`SW_DEFAULT_WORKFLOW_ENGINE`."
        ),
    ] = None


class LaunchingKeys(documents.Table):
    """``[launching]``: how many launches of the account may be begun, and when."""

    in_flight: Annotated[
        service_settings.Size | None,
        pydantic.Field(
            description="Most launches of this account that are begun and not settled. Left out: "
            "`launching.account_in_flight` of the service."
        ),
    ] = None
    a_beat: Annotated[
        service_settings.Size | None,
        pydantic.Field(
            description="Most launches of this account that begin in any time of `beat.interval_seconds`. Left out: "
            "`launching.account_a_beat` of the service."
        ),
    ] = None
    an_hour: Annotated[
        service_settings.Size | None,
        pydantic.Field(
            description="Most launches of this account that begin in any hour, counted over a restart of the service "
            "too. Left out: no limit."
        ),
    ] = None
    hours: Annotated[
        checks.Hours,
        pydantic.Field(
            description="Hours of the day in which launches begin, by the clock of this host, one text or a list: "
            '`["22:00-06:00", "12:00-13:00"]`. What was begun goes on. Propagation, cancels and retries know no hours. '
            "In the night in which clocks are put forward the hour that is left out is in no window, in the one in "
            "which they are put back the hour that comes twice is in its window twice."
        ),
    ] = ()
    paused: Annotated[
        checks.Paused,
        pydantic.Field(description="Launch nothing: `true`, or better why. What is in flight goes on."),
    ] = ""
    beside_cron: Annotated[
        bool,
        pydantic.Field(
            description="Launch although a crontab of `unix_user` launches too. The engine's lock keeps the two apart "
            "only while both use the same host string. `false`: launches wait then, and say which lines are in the way"
            "; they wait too while that crontab cannot be read, or that of another account launches for this host."
        ),
    ] = False


class ProfileKeys(documents.Table):
    """All keys that a profile's file may hold."""

    unix_user: Annotated[
        str,
        pydantic.Field(
            description="The Unix user that this account's work runs as. The only key that is required. Must exist; "
            "never root."
        ),
    ]
    enabled: Annotated[
        bool,
        pydantic.Field(
            description="`false`: the account is known and shown, and nothing is launched or propagated for it."
        ),
    ] = True
    shadow: Annotated[
        bool,
        pydantic.Field(
            description="Decide everything for this account, launch nothing and write nothing to its web service, "
            "but for what becomes of launches that were begun before: they are seen through. `niassa-orch shadow "
            "report` says what would have been done and what others did. `run --shadow` says it for all accounts."
        ),
    ] = False
    host: Annotated[
        checks.QueryText | None,
        pydantic.Field(
            description="Runs are served that were scheduled with `--host` and this very string. Left out: `host` of "
            "the service, which is this machine's fully qualified name when that is empty."
        ),
    ] = None
    settings_file: Annotated[
        checks.SettingsPath,
        pydantic.Field(
            description="The seqware settings of `unix_user`, a Java properties file, read as that user; `~` is that "
            "user's home directory."
        ),
    ] = "~/.seqware/settings"
    propagation: Annotated[
        accounts.Propagation,
        pydantic.Field(
            description="Who brings Oozie's word to the web service. `native`: the service. `engine`: the engine's own "
            "command, called as `unix_user`, for a site whose Oozie the service cannot reach."
        ),
    ] = accounts.Propagation.NATIVE
    web_service: WebServiceKeys = WebServiceKeys()
    engine: EngineKeys = EngineKeys()
    launching: LaunchingKeys = LaunchingKeys()


def every_key(model: type[pydantic.BaseModel] = ProfileKeys) -> Iterator[tuple[str, pydantic.fields.FieldInfo]]:
    """Every key of a profile, dotted, in the order of the document, tables last."""
    plain = {name: field for name, field in model.model_fields.items() if not _is_table(field)}
    yield from plain.items()
    for table, field in model.model_fields.items():
        if isinstance(field.annotation, type) and _is_table(field):
            yield from ((f"{table}.{name}", inner) for name, inner in every_key(field.annotation))


def stated(profile: ProfileKeys) -> Mapping[str, tuple[Any, bool]]:
    """The value of every key, ``None`` where the profile leaves it out, and whether its file has the key."""
    found: dict[str, tuple[Any, bool]] = {}
    for key, _ in every_key():
        *tables, name = key.split(".")
        branch: pydantic.BaseModel = getattr(profile, tables[0]) if tables else profile
        found[key] = (getattr(branch, name), name in branch.model_fields_set)
    return found


def _is_table(field: pydantic.fields.FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel)
