"""From a profile to an account that can be worked for: the whole account, its login, its neighbours, its mediator.

What a profile leaves out is read from the user's own seqware settings, as that user, through the mediator. Called by
``core.worker`` at its start, after a reload, and when the web service refused the login (passwords are read again).
"""

import asyncio
import dataclasses
import os
import pathlib
import pwd
from collections.abc import Callable

from niassa_orch import errors
from niassa_orch.config import choosing, credentials, profiles, settings, user_settings
from niassa_orch.core import audit, neighbours, state_directory
from niassa_orch.domain import accounts
from niassa_orch.oozie import client as oozie_client
from niassa_orch.seqware import identity, installation, query
from niassa_orch.webservice import client as web_client


@dataclasses.dataclass(frozen=True, slots=True)
class Enrolled:
    """An account with everything that work for it needs.

    Args:
        account: The whole account.
        web_service: A client with the account's own login.
        oozie_server: A client of its Oozie server, if it has one.
        identity: Whose identity its engine calls have.
        mediator: The mediator that they go through.
        trail: Where everything is written that is done in its name.
        warning: Something that a person should look at though the account works, or ``""``.
    """

    account: accounts.Account
    web_service: web_client.WebService
    oozie_server: oozie_client.Oozie | None
    identity: identity.Identity
    mediator: pathlib.Path
    trail: audit.Trail
    warning: str = ""

    def oozie(self) -> oozie_client.Oozie:
        """The account's Oozie.

        Raises:
            OozieUnavailableError: The account names none.
        """
        if self.oozie_server is None:
            message = (
                f"account {self.account.name} names no Oozie server; set OOZIE_URL in the seqware settings of "
                f"{self.account.unix_user} or engine.oozie_url in the profile"
            )
            raise errors.OozieUnavailableError(message)
        return self.oozie_server


@dataclasses.dataclass(frozen=True, slots=True)
class Completed:
    """A profile with what it left out filled in; fields as in ``Enrolled``."""

    account: accounts.Account
    login: credentials.Login
    identity: identity.Identity
    mediator: pathlib.Path
    warning: str


def own_user() -> str:
    """The name of the Unix user that the service runs as."""
    return pwd.getpwuid(os.geteuid()).pw_name


class Enrolling:
    """Makes accounts of profiles.

    Args:
        service: The settings of the process.
        directory: Where mediators of accounts of our own Unix user are installed.
        reach: Makes clients of neighbours.
        redact: Told of every secret, so that the log never shows one.
        trail: Where everything is written that is done in the name of accounts.
    """

    def __init__(
        self,
        service: settings.Settings,
        directory: state_directory.StateDirectory,
        reach: neighbours.Neighbours,
        redact: Callable[[str], None],
        trail: audit.Trail,
    ) -> None:
        self._settings = service
        self._directory = directory
        self._reach = reach
        self._redact = redact
        self._trail = trail
        self._claims: dict[tuple[str, str, str], str] = {}
        self._moving: dict[str, asyncio.Event] = {}

    async def enrol(self, profile: profiles.Profile) -> Enrolled:
        """Complete a profile and make its clients.

        Raises:
            ProfileError: Something is missing, in the profile or in the user's seqware settings.
            CredentialError: A secret cannot be used.
            EngineCallError: sudo or the mediator refused to read the user's seqware settings.
        """
        whole = await self.complete(profile)
        return Enrolled(
            account=whole.account,
            web_service=self._reach.web_service(whole.account, whole.login, profile.web_service.ca_file),
            oozie_server=self._reach.oozie(whole.account),
            identity=whole.identity,
            mediator=whole.mediator,
            trail=self._trail,
            warning=whole.warning,
        )

    async def complete(self, profile: profiles.Profile, chosen: choosing.Choosing | None = None) -> Completed:
        """The whole account and its login, every secret read anew, without any client; raises like ``enrol``.

        Args:
            profile: As its file says.
            chosen: Of this profile; told of every value and who said it.
        """
        chosen = chosen or choosing.Choosing(profile, self._settings)
        whose, mediator = self.way(profile, chosen)
        if profile.web_service.ca_file is None:
            chosen.elsewhere("web_service.ca_file", "the authorities that this machine trusts")
        known = None
        if user_settings.needs_user_settings(profile):
            known = await _read_user_settings(whose, mediator, profile)
        password = self._settings.secrets.read(profile.web_service)
        account, login = user_settings.merge(profile, known, password, self._settings, chosen)
        for secret in login.secrets():
            self._redact(secret)
        return Completed(account, login, whose, mediator, _warning(account, known))

    def way(
        self, profile: profiles.Profile, chosen: choosing.Choosing | None = None
    ) -> tuple[identity.Identity, pathlib.Path]:
        """Whose identity an account's calls have, and the mediator that they go through.

        Raises:
            EngineCallError: The mediator of our own Unix user cannot be written.
        """
        chosen = chosen or choosing.Choosing(profile, self._settings)
        whose = identity.Identity(profile.unix_user, own=own_user() == profile.unix_user)
        return whose, self._install(profile, chosen) if whose.own else self._mediator(chosen)

    def release(self, name: str) -> None:
        """Give back what an account claimed, when it is not served any more."""
        self._claims = {claim: owner for claim, owner in self._claims.items() if owner != name}
        if (moved := self._moving.pop(name, None)) is not None:
            moved.set()

    def move(self, name: str) -> None:
        """An account's profile changed or went: what it claimed it gives back when its beat ends; others wait."""
        self._moving.setdefault(name, asyncio.Event())

    def is_moving(self, name: str) -> bool:
        """Whether others wait, or would, for what an account claimed by the profile that it had."""
        return name in self._moving

    def claims(self) -> tuple[tuple[str, str, str], ...]:
        """What accounts have claimed that are served."""
        return tuple(self._claims)

    async def claim(self, enrolled: Enrolled) -> None:
        """Two accounts with the same web service, user and host would both launch the same runs: the first has them.

        Who wants what an account has that moves waits until that one let go; so two may swap, and neither is refused.

        Raises:
            ProfileError: Another account has claimed the same.
        """
        account = enrolled.account
        self.release(account.name)
        while (moving := self._moving.get(self._claims.get(account.claim, ""))) is not None:
            await moving.wait()
        owner = self._claims.setdefault(account.claim, account.name)
        if owner != account.name:
            reason = (
                f"account {owner} already serves {account.web_user} on {account.host} at {account.web_service_url}; "
                f"remove or disable one of the two profiles"
            )
            file = f"{account.name}.toml"
            raise errors.ProfileError(file, "", reason)

    def _mediator(self, chosen: choosing.Choosing) -> pathlib.Path:
        """The mediator of all other accounts, which sudo names; a root-owned file beside it says what it calls."""
        mediator = self._settings.engine.mediator
        chosen.elsewhere("engine.command", f"command in {mediator.with_name('mediator.json')}")
        return mediator

    def _install(self, profile: profiles.Profile, chosen: choosing.Choosing) -> pathlib.Path:
        """The mediator of an account of our own Unix user: the same script, with the service's own configuration."""
        engine = self._settings.engine
        command = profile.engine.command or chosen.of_service("engine.command", "engine.command", engine.command)
        configuration = installation.MediatorConfiguration(
            command=tuple(command),
            settings_file=profile.settings_file,
            deadline_seconds=engine.deadline_seconds,
            whitestar_deadline_seconds=engine.whitestar_deadline_seconds,
            propagate_deadline_seconds=engine.propagate_deadline_seconds,
            kill_grace_seconds=engine.kill_grace_seconds,
            allow_root=self._settings.allow_root,
        )
        directory = self._directory.mediator(profile.name)
        try:
            return installation.install(directory, configuration)
        except OSError as exc:
            message = (
                f"the mediator cannot be written into {directory}: {exc.strerror}; make room there, or mend its disk"
            )
            raise errors.EngineCallError(message) from exc


async def _read_user_settings(
    whose: identity.Identity, mediator: pathlib.Path, profile: profiles.Profile
) -> user_settings.UserSettings:
    answer = await query.settings(identity.argv(whose, mediator, "settings"))
    _check_path(whose, profile, answer.path)
    return user_settings.parse(answer.content, f"{answer.path} of {whose.unix_user}")


def _check_path(whose: identity.Identity, profile: profiles.Profile, path: str) -> None:
    """Which file is read, and which the engine uses, is the mediator's to say; a profile that wants another is told."""
    if path != str(profile.settings_path()):
        reason = (
            f"it says {profile.settings_file}, but the mediator is configured to use {path} for {whose.unix_user}; "
            f"let the profile and mediator.json say the same"
        )
        raise errors.ProfileError(profile.file, "settings_file", reason)


def _warning(account: accounts.Account, known: user_settings.UserSettings | None) -> str:
    """The engine asks the web service of its own settings, whatever a profile says; accessions differ between two."""
    if known is None or known.rest_url is None:
        return ""
    if user_settings.same_web_service(account.web_service_url, known.rest_url):
        return ""
    # Theirs is not quoted: it is the user's own text, and may hold a password.
    return (
        f"the profile says {account.web_service_url}, but SW_REST_URL in the seqware settings of {account.unix_user}, "
        f"which the engine uses, says something else: make sure that both are the same web service"
    )
