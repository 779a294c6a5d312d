"""Passwords: where they come from and the one place where they become a header.

A password lives in a ``SecretStr`` from its source to the moment a request is sent. It must not reach an argv, the
environment of anything that we start, a log, a message or a repr. ``settings`` takes those of our own environment out
of it at the start; whoever completes an account reads all others anew each time. Called by ``settings``, ``profiles``
(is the password sound?), ``user_settings`` (whose login is it?), ``core.enrolling`` and the web service's client.
"""

import base64
import dataclasses
import os
import types
from collections.abc import Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Protocol

import pydantic

from niassa_orch import errors
from niassa_orch.config import checks, guarded

#: The most that a password may have in UTF-8; the log looks for every password in every value that it writes.
PASSWORD_LIMIT_BYTES = 1024
#: What stands for a password wherever it would be shown.
MASK = "********"

_LIMIT_BYTES = 4096
_DIRECTORY = "CREDENTIALS_DIRECTORY"


class Named(Protocol):
    """Which password a profile names; at most one of the three (``profile_keys.WebServiceKeys``)."""

    @property
    def password_file(self) -> Path | None:
        """A file."""

    @property
    def password_credential(self) -> str | None:
        """A systemd credential."""

    @property
    def password_env(self) -> str | None:
        """A variable of our own environment."""


@dataclasses.dataclass(frozen=True, slots=True)
class Login:
    """A login of the web service: an e-mail address in lower case, and its password."""

    user: str
    password: pydantic.SecretStr

    def authorization(self) -> str:
        """The value of the ``Authorization`` header (HTTP Basic, UTF-8); build it when sending, keep it nowhere."""
        return f"Basic {self._token()}"

    def secrets(self) -> tuple[str, str]:
        """What must be redacted wherever it turns up: the password, and the token of the header."""
        return (self.password.get_secret_value(), self._token())

    def _token(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password.get_secret_value()}".encode()).decode("ascii")


@dataclasses.dataclass(frozen=True, slots=True)
class Secrets:
    """Where passwords that a profile names are read.

    Args:
        directory: Of systemd's credentials, if we were given any.
        environment: Passwords that stood in our environment at the start, by the names of their variables.
    """

    directory: Path | None = None
    environment: Mapping[str, pydantic.SecretStr] = dataclasses.field(
        default_factory=lambda: types.MappingProxyType({}), repr=False
    )

    def read(self, named: Named) -> pydantic.SecretStr | None:
        """The password that a profile names, read now; ``None`` when it names none.

        Raises:
            errors.CredentialError: It is missing, empty, no single line of text, too long, or open to others.
        """
        if named.password_file is not None:
            return read_password_file(named.password_file)
        if named.password_credential is not None:
            return self._credential(named.password_credential)
        return None if named.password_env is None else self._variable(named.password_env)

    def place(self, named: Named) -> str:
        """Where the password is that a profile names, for people; ``""`` when it names none."""
        if named.password_file is not None:
            return str(named.password_file)
        if named.password_credential is not None:
            return f"credential {named.password_credential} of the unit"
        return "" if named.password_env is None else f"environment variable {named.password_env}, read at the start"

    def at_start(self) -> Iterator[str]:
        """The passwords that are known before any profile is read, for whoever redacts."""
        return (secret.get_secret_value() for secret in self.environment.values())

    def _credential(self, name: str) -> pydantic.SecretStr:
        path = self.directory and self.directory / name
        if path is None or not _is_there(path):
            had = "no credentials" if path is None else f"no credential {name}"
            reason = (
                f"systemd gave the service {had} ({_DIRECTORY}; a command that is run by hand has none): add the line "
                f"LoadCredential={name}:/etc/niassa-orch/secrets/{name} to [Service] of its unit, then restart it"
            )
            raise errors.CredentialError(reason)
        return read_password_file(path)

    def _variable(self, name: str) -> pydantic.SecretStr:
        secret = self.environment.get(name)
        if secret is None:
            reason = (
                f"the environment had no {name} at the start (a command that is run by hand has its own): set it, in "
                f"the unit by EnvironmentFile= and a file of mode 600, then restart the service"
            )
            raise errors.CredentialError(reason)
        return pydantic.SecretStr(_password(name, os.fsencode(secret.get_secret_value())))


def taken_from(environment: MutableMapping[str, str]) -> Secrets:
    """Take the passwords out of an environment, so that nothing that is started from now on inherits one."""
    names = [name for name in environment if name.startswith(checks.SECRET_PREFIX)]
    secrets = {name: pydantic.SecretStr(environment.pop(name)) for name in names}
    directory = environment.get(_DIRECTORY)
    return Secrets(Path(directory) if directory else None, types.MappingProxyType(secrets))


def read_password_file(path: Path) -> pydantic.SecretStr:
    """Read a file that holds one password; one line end after it is left out.

    Raises:
        errors.CredentialError: The file is missing, empty, no single line of text, too long, or open to others.
    """
    try:
        content = guarded.read_bytes(path, forbidden_mode=guarded.OPEN_TO_OTHERS, limit_bytes=_LIMIT_BYTES)
    except guarded.FileRefusedError as exc:
        raise errors.CredentialError(str(exc)) from exc
    return pydantic.SecretStr(_password(str(path), content))


def _is_there(path: Path) -> bool:
    """Whether it is worth opening: of a folder that is closed to us the open says more."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _password(place: str, content: bytes) -> str:
    password = _decoded(content).removesuffix("\n").removesuffix("\r")
    if not password:
        reason = f"{place} is empty or not UTF-8: write the password into it"
        raise errors.CredentialError(reason)
    if any(character in "\n\r\0" for character in password):
        reason = f"{place} holds more than one line: leave only the password in it"
        raise errors.CredentialError(reason)
    if len(password.encode()) > PASSWORD_LIMIT_BYTES:
        reason = f"{place} holds a password longer than {PASSWORD_LIMIT_BYTES} bytes: set a shorter one"
        raise errors.CredentialError(reason)
    return password


def _decoded(content: bytes) -> str:
    """``""`` for what is not UTF-8: the decoder's error carries the content and must not become anybody's cause."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""
