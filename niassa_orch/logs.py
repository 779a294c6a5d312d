"""The log: one line an event, the same for people and machines, and never a secret in it.

``2026-11-23T15:04:05.123Z info launch.verified account=bob accession=1234``. Values with blanks are quoted and what
cannot be seen is escaped, so that nothing from outside can forge a line. What libraries log with ``logging`` goes the
same way, and after ``install_hooks`` also what Python itself would write to stderr. The commands call it and
``configure`` once; everybody else says ``structlog.get_logger()`` and the name of an event. How secrets are found
stands in ``redaction``; nothing here knows accounts, runs or settings.
"""

import contextlib
import datetime
import logging
import re
import sys
import threading
import traceback
import types
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import rich.console
import structlog

from niassa_orch import redaction

#: For everybody who has secrets to register, or texts to show.
Redactor = redaction.Redactor
#: What ``configure`` takes as its level.
LEVELS = ("debug", "info", "warning", "error")

_LIMIT_CHARACTERS = 4096
_TRACEBACK_LIMIT_CHARACTERS = 16_384
_BARE = re.compile(r'[^ "=\\]+')
_NOT_IN_KEYS = re.compile(r"[^\w.-]")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def configure(out: TextIO | rich.console.Console, *, level: str = "info", redactor: Redactor | None = None) -> Redactor:
    """Send every event, ours and the libraries', to ``out``; a second call replaces the first.

    Args:
        out: A text stream, or the console that the live dashboard draws on.
        level: One of ``LEVELS``. Libraries are heard from ``warning`` on, and all of them at ``debug``.
        redactor: Where secrets are registered; a new one is made otherwise.

    Returns:
        The redactor in use.

    Raises:
        ValueError: Unknown level.
    """
    if level not in LEVELS:
        reason = f"unknown log level {level!r}: one of {', '.join(LEVELS)}"
        raise ValueError(reason)
    number = logging.getLevelNamesMapping()[level.upper()]
    redactor = redactor or Redactor()
    lines = _Lines(out)
    renderer = _Renderer(redactor)
    structlog.configure(
        processors=[structlog.processors.add_log_level, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_arguments: lines,
        cache_logger_on_first_use=False,
    )
    _hear_libraries(_LibraryRecords(renderer, lines), number if level == "debug" else max(number, logging.WARNING))
    return redactor


def install_hooks(redactor: Redactor, out: TextIO | rich.console.Console | None = None) -> None:
    """Make one redacted line of every exception that nobody caught, and an event of the log of every warning.

    Python's own hooks would write both past the redactor: a raw traceback, with whatever the exception quotes. Install
    before anything that can fail; a command line library that brings hooks of its own must be told not to.

    Args:
        redactor: The one that ``configure`` returned, or was given.
        out: As for ``configure``; ``None`` is ``sys.stderr`` as it is when there is something to tell.
    """
    last_words = _LastWords(_Renderer(redactor), out)
    sys.excepthook = last_words.of_process
    threading.excepthook = last_words.of_thread
    sys.unraisablehook = last_words.unraisable
    logging.captureWarnings(True)


def _hear_libraries(handler: "_LibraryRecords", level: int) -> None:
    root = logging.getLogger()
    for earlier in [other for other in root.handlers if isinstance(other, _LibraryRecords)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(level)


class _Lines:
    """Writes whole lines, from any thread; the last logger in structlog's chain."""

    def __init__(self, out: TextIO | rich.console.Console) -> None:
        self._out = out
        self._encoding = getattr(out, "encoding", None) or "utf-8"
        self._turn = threading.Lock()

    def msg(self, line: str) -> None:
        line = line.encode(self._encoding, "backslashreplace").decode(self._encoding)
        # A log that cannot be written (disk full, reader gone, stream closed) must not stop the work.
        with self._turn, contextlib.suppress(OSError, ValueError):
            if isinstance(self._out, rich.console.Console):
                self._out.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
            else:
                self._out.write(f"{line}\n")
                self._out.flush()

    debug = info = warning = error = critical = msg


class _Renderer:
    """From an event's fields to its line, those of the context first; texts are redacted before they are cut."""

    def __init__(self, redactor: Redactor) -> None:
        self._redact = redactor.redact

    def __call__(self, _logger: object, _method: str, fields: Mapping[str, Any]) -> str:
        rest = {**structlog.contextvars.get_contextvars(), **fields}
        for key in ("event", "level", "exc_info", "stack_info"):
            rest.pop(key, None)
        words = [_now(), _quoted(str(fields["level"])), self._value(fields.get("event", ""))]
        words += [f"{_NOT_IN_KEYS.sub('_', self._redact(key))}={self._value(value)}" for key, value in rest.items()]
        error = _error(fields.get("exc_info"))
        if error is not None:
            words.append(f"exception={self._value(error)}")
            words.append(f"traceback={self._value(_safely(lambda: _traceback(error)), _TRACEBACK_LIMIT_CHARACTERS)}")
        return " ".join(words)

    def _value(self, value: object, limit_characters: int = _LIMIT_CHARACTERS) -> str:
        text = self._redact(_safely(lambda: _text(value)))
        if len(text) > limit_characters:
            text = f"{text[:limit_characters]}... ({len(text)} characters)"
        return _quoted(text)


class _LibraryRecords(logging.Handler):
    """Takes what libraries log to the same lines, as the event ``library.message``."""

    def __init__(self, renderer: _Renderer, lines: _Lines) -> None:
        super().__init__()
        self._renderer = renderer
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "event": "library.message",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _safely(record.getMessage),
            "exc_info": record.exc_info,
        }
        self._lines.msg(self._renderer(None, "", fields))


class _LastWords:
    """Tells of exceptions that nobody caught. Nothing here may raise: Python would then print both tracebacks, raw."""

    def __init__(self, renderer: _Renderer, out: TextIO | rich.console.Console | None) -> None:
        self._renderer = renderer
        self._out = out

    def of_process(self, _kind: type[BaseException], error: BaseException, _trace: types.TracebackType | None) -> None:
        self._tell("process.crashed", error)

    def of_thread(self, ended: threading.ExceptHookArgs) -> None:
        if not issubclass(ended.exc_type, SystemExit):  # a thread may leave like that
            self._tell("thread.crashed", ended.exc_value, thread=ended.thread and ended.thread.name)

    def unraisable(self, ignored: "sys.UnraisableHookArgs") -> None:
        self._tell("exception.unraisable", ignored.exc_value, message=ignored.err_msg, object=ignored.object)

    def _tell(self, event: str, error: BaseException | None, **fields: object) -> None:
        told = {"event": event, "level": "error", **fields, "exc_info": error}
        line = _safely(lambda: self._renderer(None, "", told))
        out = self._out if self._out is not None else sys.stderr
        with contextlib.suppress(Exception):
            _Lines(out).msg(line)


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


def _safely(make: Callable[[], str]) -> str:
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
