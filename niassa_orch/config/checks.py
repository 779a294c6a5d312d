"""What a text in settings and profiles must look like: hosts, URLs, logins, paths, commands.

Pure functions from a text to its normal form. They raise ``ValueError`` with a reason for people that never repeats the
text itself, since it may hold a password by mistake. Used as validators by ``settings`` and ``profiles``, and by
``user_settings`` for what comes from a Unix user's own file.
"""

import json
import re
import string
import urllib.parse
from pathlib import Path
from typing import Annotated

import pydantic
import pydantic_settings

from niassa_orch.domain import windows

#: Variables that begin so hold passwords and are no settings.
SECRET_PREFIX = "NIASSA_ORCH_SECRET_"  # noqa: S105 - a name, no password

_DEFAULT_PORTS = {"http": 80, "https": 443}
# What Java's String.trim takes off; str.strip() would take off much more.
_JAVA_BLANKS = "".join(map(chr, range(0x21)))
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_LOGIN_LIMIT_CHARACTERS = 255


def query_text(text: str) -> str:
    """A text that may stand in a query of the web service, such as a host.

    The service pastes values between single quotes, unescaped (protocol, section 1).
    """
    if not text or text != text.strip():
        reason = "is empty or has blanks around it"
        raise ValueError(reason)
    if any(character in "'\"\\" or not character.isprintable() for character in text):
        reason = "holds a quote, a backslash or a control character, which must never reach a query of the web service"
        raise ValueError(reason)
    return text


def normal_login(text: str) -> str:
    """A login as the web service stores it: trimmed and in lower case (protocol, section 1), for comparing only.

    By the rule of ``webservice.fields.normal_owner``: no letter outside ASCII ever becomes one inside.
    """
    return text.strip(_JAVA_BLANKS).translate(_ASCII_LOWER)


def web_user(text: str) -> str:
    """A login of the web service that can be ours, as the server stores it.

    ASCII alone: what else looks like a letter may be another's name to the server, to Java or to a person.
    """
    user = normal_login(text)
    if not user.isascii():
        reason = "holds a character that is not ASCII, maybe one that cannot be seen: write the e-mail address anew"
        raise ValueError(reason)
    query_text(user)
    if ":" in user:
        reason = "holds a colon, which HTTP Basic cannot send in a user name"
        raise ValueError(reason)
    if len(user) > _LOGIN_LIMIT_CHARACTERS:
        reason = f"is longer than {_LOGIN_LIMIT_CHARACTERS} characters"
        raise ValueError(reason)
    return user


def base_url(text: str) -> str:
    """An ``http`` or ``https`` URL in one spelling: no default port, no trailing slash, host in lower case."""
    url = query_text(text.strip())
    if any(character.isspace() for character in url):
        reason = "holds a blank"
        raise ValueError(reason)
    if not url.isascii():
        # Some of it would be folded into ASCII, and so into another host.
        reason = "holds a character that is not ASCII: write a host as xn--..., and anything in the path as %XX"
        raise ValueError(reason)
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        # The cause quotes the URL, which may hold a login.
        reason = "is not a URL: its host or port cannot be read"
        raise ValueError(reason) from None
    _check_url(url, parts, host)
    host = f"[{host}]" if ":" in host else host
    authority = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"


def _check_url(url: str, parts: urllib.parse.SplitResult, host: str) -> None:
    reason = ""
    if parts.scheme not in _DEFAULT_PORTS:
        reason = "must begin with http:// or https://"
    elif "@" in url:  # anywhere: with a slash in the password, the rest of a login looks like a path
        reason = "holds a login; the user belongs in web_service.user and the password in web_service.password_file"
    elif not host:
        reason = "names no host"
    elif "?" in url or "#" in url:
        reason = "must end with the path: no query, no fragment"
    if reason:
        raise ValueError(reason)


def absolute_path(path: Path) -> Path:
    """A path that means the same wherever the service is started."""
    if not path.is_absolute():
        reason = "must be an absolute path"
        raise ValueError(reason)
    return path


def settings_path(text: str) -> str:
    """A path of an account's Unix user: absolute, or ``~/...`` for that user's home directory."""
    if not text.startswith(("/", "~/")) or not text.isprintable():
        reason = "must be an absolute path, or begin with ~/ for the home directory of unix_user"
        raise ValueError(reason)
    return text


def credential_name(text: str) -> str:
    """The name of a systemd credential, which is a file below a directory and leads to no other place."""
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}", text, re.ASCII):
        reason = "is no name of a credential: letters, digits and ._- as after LoadCredential= in the unit, no path"
        raise ValueError(reason)
    return text


def secret_variable(text: str) -> str:
    """An environment variable that may hold a password: all of these are hidden from whatever the service starts."""
    if not re.fullmatch(rf"{SECRET_PREFIX}[A-Za-z0-9_]{{1,200}}", text, re.ASCII):
        reason = f"must be the name of a variable that begins with {SECRET_PREFIX}, such as {SECRET_PREFIX}BOB"
        raise ValueError(reason)
    return text


def given_path(value: object) -> object:
    """Refuses what would silently mean the directory where the service was started, and unseen characters."""
    if isinstance(value, str) and (not value or value.startswith("~") or not value.isprintable()):
        reason = "must be a whole path: not empty, without ~ and control characters"
        raise ValueError(reason)
    return value


def command_words(value: object) -> object:
    """A command as a list of words; as JSON where only a text can be given, as in the environment."""
    reason = 'must be a list of words, such as ["seqware"]'
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise ValueError(reason) from None
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(reason)
    if not all(isinstance(word, str) and word and word.isprintable() for word in value):
        raise ValueError(reason)
    return value


def hours(value: object) -> object:
    """Hours of the day, one text or several; none at all might mean always or never."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        reason = 'must be hours such as "22:00-06:00", or a list of them'
        raise ValueError(reason)
    if not texts:
        reason = "is an empty list: leave it out to launch at any hour, or say paused = true to launch nothing"
        raise ValueError(reason)
    return tuple(windows.parse(text) for text in texts)


def paused(value: object) -> object:
    """Why nothing is launched; ``true`` gives no reason, ``false`` or nothing is no pause."""
    if isinstance(value, bool):
        return "no reason is given" if value else ""
    if not isinstance(value, str) or not value.isprintable():
        reason = "must be true, false, or the reason in one line"
        raise ValueError(reason)
    return value.strip()


#: ``""`` stands for the host that everybody else has.
HostOrEmpty = Annotated[str, pydantic.AfterValidator(lambda text: text and query_text(text))]
QueryText = Annotated[str, pydantic.AfterValidator(query_text)]
WebUser = Annotated[str, pydantic.AfterValidator(web_user)]
BaseUrl = Annotated[str, pydantic.AfterValidator(base_url)]
CredentialName = Annotated[str, pydantic.AfterValidator(credential_name)]
SecretVariable = Annotated[str, pydantic.AfterValidator(secret_variable)]
SettingsPath = Annotated[str, pydantic.AfterValidator(settings_path)]
#: Absolute as written.
AbsolutePath = Annotated[Path, pydantic.BeforeValidator(given_path), pydantic.AfterValidator(absolute_path)]
#: Taken from where the service was started when it is relative, and absolute from then on.
StartPath = Annotated[Path, pydantic.BeforeValidator(given_path), pydantic.AfterValidator(Path.absolute)]
#: The same; ``""`` stands for a place that follows from others, and becomes ``None``.
StartPathOrEmpty = Annotated[StartPath | None, pydantic.BeforeValidator(lambda path: path or None)]
Command = Annotated[tuple[str, ...], pydantic_settings.NoDecode, pydantic.BeforeValidator(command_words)]
Hours = Annotated[tuple[windows.Window, ...], pydantic.PlainValidator(hours)]
Paused = Annotated[str, pydantic.BeforeValidator(paused)]
