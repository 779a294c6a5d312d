"""Passwords: where they come from and the one place where they become a header.

A password lives in a ``SecretStr`` from the file to the moment a request is sent. It must not reach an argv, the
environment, a log, a message or a repr. Called by ``profiles`` (is the file sound?), ``user_settings`` (whose login is
it?), the web service's client, and whoever tells the log what to redact.
"""

import base64
import dataclasses
from pathlib import Path

import pydantic

from niassa_orch import errors
from niassa_orch.config import guarded

#: The most that a password may have in UTF-8; the log looks for every password in every value that it writes.
PASSWORD_LIMIT_BYTES = 1024

_LIMIT_BYTES = 4096


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


def read_password_file(path: Path) -> pydantic.SecretStr:
    """Read a file that holds one password; one line end after it is left out.

    Raises:
        errors.CredentialError: The file is missing, empty, no single line of text, too long, or open to others.
    """
    try:
        content = guarded.read_bytes(path, forbidden_mode=guarded.OPEN_TO_OTHERS, limit_bytes=_LIMIT_BYTES)
    except guarded.FileRefusedError as exc:
        raise errors.CredentialError(str(exc)) from exc
    return pydantic.SecretStr(_password(path, content))


def _password(path: Path, content: bytes) -> str:
    password = _decoded(content).removesuffix("\n").removesuffix("\r")
    if not password:
        reason = f"{path} is empty or not UTF-8: write the password into it"
        raise errors.CredentialError(reason)
    if any(character in "\n\r\0" for character in password):
        reason = f"{path} holds more than one line: leave only the password in it"
        raise errors.CredentialError(reason)
    if len(password.encode()) > PASSWORD_LIMIT_BYTES:
        reason = f"{path} holds a password longer than {PASSWORD_LIMIT_BYTES} bytes: set a shorter one"
        raise errors.CredentialError(reason)
    return password


def _decoded(content: bytes) -> str:
    """``""`` for what is not UTF-8: the decoder's error carries the content and must not become anybody's cause."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""
