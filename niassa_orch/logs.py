"""The log: one line an event, for people or as JSON, to a stream or to a file that is rotated; never a secret in it.

How a line is made stands in ``log_lines``. What libraries log with ``logging`` goes the same way, and after
``install_hooks`` also what Python itself would write to stderr. The commands call it and
``configure`` once; everybody else says ``structlog.get_logger()`` and the name of an event. How secrets are found
stands in ``redaction``; nothing here knows accounts, runs or settings.
"""

import contextlib
import io
import logging
import logging.handlers
import os
import pathlib
import sys
import threading
import types
from typing import TextIO

import rich.console
import structlog

from niassa_orch import log_lines, redaction

#: For everybody who has secrets to register, or texts to show.
Redactor = redaction.Redactor
#: What ``configure`` takes as its level.
LEVELS = ("debug", "info", "warning", "error")
Form = log_lines.Form
Out = TextIO | rich.console.Console | logging.Handler


def configure(
    out: Out, *, level: str = "info", redactor: Redactor | None = None, form: log_lines.Form = log_lines.Form.CONSOLE
) -> Redactor:
    """Send every event, ours and the libraries', to ``out``; a second call replaces the first.

    Args:
        out: A text stream, the console that the live dashboard draws on, or what ``rotated`` made.
        level: One of ``LEVELS``. Libraries are heard from ``warning`` on, and all of them at ``debug``.
        redactor: Where secrets are registered; a new one is made otherwise.
        form: How lines are written.

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
    renderer = log_lines.Lines(redactor, form)
    lines = _Lines(out, renderer)
    structlog.configure(
        processors=[structlog.processors.add_log_level, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_arguments: lines,
        cache_logger_on_first_use=False,
    )
    _hear_libraries(_LibraryRecords(renderer, lines), number if level == "debug" else max(number, logging.WARNING))
    return redactor


def install_hooks(
    redactor: Redactor,
    out: TextIO | rich.console.Console | None = None,
    *,
    form: log_lines.Form = log_lines.Form.CONSOLE,
) -> None:
    """Make one redacted line of every exception that nobody caught, and an event of the log of every warning.

    Python's own hooks would write both past the redactor: a raw traceback, with whatever the exception quotes. Install
    before anything that can fail; a command line library that brings hooks of its own must be told not to.

    Args:
        redactor: The one that ``configure`` returned, or was given.
        out: As for ``configure``; ``None`` is ``sys.stderr`` as it is when there is something to tell.
        form: As for ``configure``.
    """
    last_words = _LastWords(log_lines.Lines(redactor, form), out)
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

    def __init__(self, out: Out, renderer: log_lines.Lines) -> None:
        self._out = out
        self._renderer = renderer
        self._lost = 0
        self._encoding = getattr(out, "encoding", None) or "utf-8"
        self._turn = threading.Lock()
        self._is_journald = not isinstance(out, logging.Handler) and _is_journald(out)

    def msg(self, line: str, priority: str = "6") -> None:
        line = line.encode(self._encoding, "backslashreplace").decode(self._encoding)
        if self._is_journald:
            line = f"<{priority}>{line}"
        with self._turn:
            # A log that cannot be written (disk full, reader gone, stream closed) must not stop the work.
            try:
                if self._lost:
                    self._write(self._gap())
                    self._lost = 0
                self._write(line)
            except (OSError, ValueError):
                self._lost += 1

    def _gap(self) -> str:
        """A gap that nobody sees would pass for a quiet time."""
        reason = "they could not be written when they were told and are missing or late here: was the disk full?"
        fields = {"event": "log.interrupted", "level": "warning", "lines": self._lost, "reason": reason}
        line = self._renderer(None, "", fields)
        return f"<4>{line}" if self._is_journald else line

    def _write(self, line: str) -> None:
        if isinstance(self._out, rich.console.Console):
            self._out.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)
        elif isinstance(self._out, logging.Handler):
            self._out.handle(logging.makeLogRecord({"msg": line}))
        else:
            self._out.write(f"{line}\n")
            self._out.flush()

    info = msg

    def debug(self, line: str) -> None:
        self.msg(line, "7")

    def warning(self, line: str) -> None:
        self.msg(line, "4")

    def error(self, line: str) -> None:
        self.msg(line, "3")

    critical = error


def rotated(file: pathlib.Path, *, max_bytes: int, keep: int) -> logging.Handler:
    """A log file that is begun anew when it is full, with so many older ones kept as ``FILE.1`` and so on.

    Raises:
        OSError: It cannot be written.
    """
    # Nobody but the service and its group reads it.
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640))
    return _Rotated(file, maxBytes=max_bytes, backupCount=keep, encoding="utf-8")


class _Rotated(logging.handlers.RotatingFileHandler):
    """Raises what keeps a line from being written, which ``_Lines`` counts: Python would write a traceback for each."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's name and arguments
        """Called where the exception is being handled."""
        raise

    def _open(self) -> io.TextIOWrapper:
        opened = super()._open()
        os.fchmod(opened.fileno(), 0o640)
        return opened


def _is_journald(out: TextIO | rich.console.Console) -> bool:
    """Whether journald reads what we write there: then lines carry their priority, as sd-daemon(3) says."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        status = os.fstat((out.file if isinstance(out, rich.console.Console) else out).fileno())
    except (OSError, ValueError):
        return False  # it is none of the operating system's
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


class _LibraryRecords(logging.Handler):
    """Takes what libraries log to the same lines, as the event ``library.message``."""

    def __init__(self, renderer: log_lines.Lines, lines: _Lines) -> None:
        super().__init__()
        self._renderer = renderer
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        fields = {
            "event": "library.message",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": log_lines.safely(record.getMessage),
            "exc_info": record.exc_info,
        }
        self._lines.msg(self._renderer(None, "", fields))


class _LastWords:
    """Tells of exceptions that nobody caught. Nothing here may raise: Python would then print both tracebacks, raw."""

    def __init__(self, renderer: log_lines.Lines, out: TextIO | rich.console.Console | None) -> None:
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
        line = log_lines.safely(lambda: self._renderer(None, "", told))
        out = self._out if self._out is not None else sys.stderr
        with contextlib.suppress(Exception):
            _Lines(out, self._renderer).msg(line)
