"""From an event's fields to its line, for people or for machines; what is secret is taken out before anything is cut.

Values with blanks are quoted and what cannot be seen is escaped, so that nothing from outside can forge a line. Pure
but for the time of day. Called by ``logs``.
"""

import datetime
import enum
import json
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import structlog

from niassa_orch import redaction

_OWN = ("time", "level", "event")
_LIMIT_CHARACTERS = 4096
_TRACEBACK_LIMIT_CHARACTERS = 16_384
_BARE = re.compile(r'[^ "=\\]+')
_NOT_IN_KEYS = re.compile(r"[^\w.-]")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


class Form(enum.StrEnum):
    """How a line is written: as words for people, or as a JSON object."""

    CONSOLE = "console"
    JSON = "json"


class Lines:
    """Makes one line of an event, its fields in their order, those of the context first.

    Args:
        redactor: Knows every secret.
        form: How a line is written.
    """

    def __init__(self, redactor: redaction.Redactor, form: Form = Form.CONSOLE) -> None:
        self._redact = redactor.redact
        self._write = _WRITERS[form]

    def __call__(self, _logger: object, _method: str, fields: Mapping[str, Any]) -> str:
        return self._write(dict(self._clean(fields)))

    def _clean(self, fields: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
        rest = {**structlog.contextvars.get_contextvars(), **fields}
        for key in ("event", "level", "exc_info", "stack_info"):
            rest.pop(key, None)
        yield "time", _now()
        yield "level", str(fields["level"])
        yield "event", self._value(fields.get("event", ""))
        for key, value in rest.items():
            name = _NOT_IN_KEYS.sub("_", self._redact(key))
            yield name if name not in _OWN else f"{name}_", self._value(value)
        error = _error(fields.get("exc_info"))
        if error is not None:
            yield "exception", self._value(error)
            yield "traceback", self._value(safely(lambda: _traceback(error)), _TRACEBACK_LIMIT_CHARACTERS)

    def _value(self, value: object, limit_characters: int = _LIMIT_CHARACTERS) -> object:
        if value is None or isinstance(value, bool | int):
            return value
        text = self._redact(safely(lambda: _text(value)))
        if len(text) > limit_characters:
            text = f"{text[:limit_characters]}... ({len(text)} characters)"
        return text


def _console(fields: Mapping[str, object]) -> str:
    """``2026-11-23T15:04:05.123Z info launch.verified account=bob accession=1234``."""
    words = [_quoted(_text(fields[name])) for name in _OWN]
    rest = (f"{name}={_quoted(_text(value))}" for name, value in fields.items() if name not in _OWN)
    return " ".join([*words, *rest])


def _json(fields: Mapping[str, object]) -> str:
    """One object; numbers stay numbers. What is not ASCII is escaped, so that no terminal is written to by it."""
    return json.dumps(fields, separators=(",", ":"))


_WRITERS: Final[Mapping[Form, Callable[[Mapping[str, object]], str]]] = {Form.CONSOLE: _console, Form.JSON: _json}


def _now() -> str:
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"


def _text(value: object) -> str:
    match value:
        case None | bool():
            return str(value).lower()
        case float():
            return str(round(value, 3))
        case BaseException():
            return f"{type(value).__name__}: {value}"
        case Mapping():
            return ",".join(f"{_text(key)}={_text(item)}" for key, item in value.items())
        case list() | tuple() | set() | frozenset():
            return ",".join(map(_text, value))
        case _:
            return str(value)


def safely(make: Callable[[], str]) -> str:
    """A text that foreign code makes; a value that cannot be told must not stop the work that tells of it."""
    try:
        return make()
    except Exception as exc:  # noqa: BLE001 - __str__ and __format__ of anything may raise anything
        return f"<cannot be shown: {type(exc).__name__}>"


def _error(exc_info: object) -> BaseException | None:
    """The exception that an event was logged with; ``exc_info`` is what ``logging`` and structlog take."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple) and len(exc_info) > 1 and isinstance(exc_info[1], BaseException):
        return exc_info[1]
    return sys.exc_info()[1] if exc_info is True else None


def _traceback(error: BaseException) -> str:
    """Where it happened, with all causes, and never with the values of variables."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=False).format()).rstrip()


def _quoted(text: str) -> str:
    """The text as one word of a line: bare where that is clear, else in double quotes with escapes."""
    if _BARE.fullmatch(text) and text.isprintable():
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else ascii(character)[1:-1]
