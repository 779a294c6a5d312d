"""What commands begin with: settings, a log that knows every secret, a console. No command lives here.

Called by ``cli`` and by the rooms of its commands.
"""

import sys
from collections.abc import Mapping
from typing import TextIO

import rich.console
import typer

from niassa_orch import errors, logs
from niassa_orch.config import settings

#: Where there is no terminal, lines are for programs: none is folded.
_WIDTH_OFF_TERMINAL = 10_000


def settings_of(context: typer.Context, options: Mapping[str, object] | None = None) -> settings.Settings:
    """The settings of the process, the host's name among them.

    Args:
        context: Of the command; its object is the file that ``--config`` named.
        options: What the command line says otherwise.

    Raises:
        SettingsError: They cannot be used.
    """
    service = settings.load(context.obj, options or {})
    # Looked up here, since it may ask a DNS server, and nothing that waits belongs on the event loop.
    _ = service.effective_host
    return service


def log_to(out: logs.Out, service: settings.Settings, level: str, form: logs.Form = logs.Form.CONSOLE) -> logs.Redactor:
    """Begin the log; raises CredentialError when a secret of the settings cannot be read."""
    redactor = logs.configure(out, level=level, form=form)
    logs.install_hooks(redactor, form=form)
    for secret in service.secrets.at_start():
        redactor.register(secret)
    return redactor


def log_of_service(service: settings.Settings, level: str, form: str | None, *, live: bool) -> logs.Redactor:
    """Begin the log of what works for accounts: in the settings' file, or where ``event_lines`` says.

    Args:
        service: The settings.
        level: The least that is told.
        form: How lines are written; ``None``: as the settings say.
        live: Whether the dashboard is shown.

    Raises:
        SettingsError: The file cannot be written.
        CredentialError: A secret of the settings cannot be read.
    """
    log = service.log
    out: logs.Out = event_lines(live=live)
    if log.file is not None:
        try:
            out = logs.rotated(log.file, max_bytes=log.max_bytes, keep=log.keep)
        except OSError as exc:
            message = f"[log] file {log.file} cannot be written: {exc.strerror}; let the service's user write there"
            raise errors.SettingsError(message) from exc
    return log_to(out, service, level, logs.Form(form or log.format))


def one_shot(context: typer.Context) -> tuple[settings.Settings, logs.Redactor]:
    """Of a command that looks, prints and ends: only errors are logged, to standard error. Raises as the other two."""
    service = settings_of(context)
    return service, log_to(sys.stderr, service, "error")


def at_once(context: typer.Context) -> tuple[settings.Settings, logs.Redactor]:
    """As ``one_shot`` for who asks the running service, which knows the host's name: no DNS server keeps it waiting."""
    service = settings.load(context.obj)
    return service, log_to(sys.stderr, service, "error")


def is_live(console: rich.console.Console, *, wanted: bool | None) -> bool:
    """Whether the dashboard can be shown, which needs a terminal that can do more than lines, and is wanted there."""
    if console.is_dumb_terminal or not console.is_terminal:
        return False
    return sys.stdout.isatty() if wanted is None else wanted


def event_lines(*, live: bool) -> TextIO:
    """Where events go: to standard output, but under the dashboard, which shows them, only to a redirected stderr."""
    if not live:
        return sys.stdout
    if sys.stderr.isatty():
        return open("/dev/null", "w")  # noqa: PTH123 - lives as long as we do
    return sys.stderr


def console() -> rich.console.Console:
    """For tables: as wide as the terminal; off a terminal no line is folded."""
    found = rich.console.Console()
    if not found.is_terminal:
        found.width = _WIDTH_OFF_TERMINAL
    return found
