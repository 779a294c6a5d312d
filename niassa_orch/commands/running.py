"""The commands that work for accounts: ``run``, which is the service, and ``once``.

Exit codes: 0 done; 1 failure, also when a second signal ended ``run``; 78 settings.
"""

import asyncio
import enum
import pathlib
import sys
from typing import Annotated

import rich.console
import typer

from niassa_orch import app
from niassa_orch.commands import beginning
from niassa_orch.config import settings

_EXIT_FAILURE = 1
_ENDED_AT_ONCE = "niassa-orch: ended at once by a second signal; what was under way is settled at the next start"


class LogLevel(enum.StrEnum):
    """``logs.LEVELS``, as choices of an option."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_LogLevel = Annotated[LogLevel, typer.Option(help="The least that is told.")]
_LogFormat = Annotated[
    settings.LogFormat | None, typer.Option(help="How lines of the log are written.  [default: log.format]")
]


def run(
    context: typer.Context,
    accounts_dir: Annotated[pathlib.Path | None, typer.Option(help="Where the profiles are.")] = None,
    host: Annotated[str | None, typer.Option(help="Host string of profiles that name none.")] = None,
    interval_seconds: Annotated[float | None, typer.Option(help="Seconds between two looks at an account.")] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Decide everything, launch nothing, write nothing; see: shadow report.")
    ] = False,
    dashboard: Annotated[
        bool | None, typer.Option("--dashboard/--no-dashboard", help="Live picture.  [default: on a terminal]")
    ] = None,
    log_level: _LogLevel = LogLevel.INFO,
    log_format: _LogFormat = None,
) -> None:
    """Serve all accounts, in the foreground, until SIGTERM or Ctrl-C.

    The first signal drains: no new work, verdicts are written, engine calls live on and are adopted at the next
    start. A second one ends at once, with exit code 1. SIGHUP reads accounts.d again. On a terminal the dashboard is
    shown (? tells its keys), off it one line an event.
    """
    options = {"accounts_dir": accounts_dir, "host": host, "beat.interval_seconds": interval_seconds}
    options["shadow"] = shadow or None
    service = beginning.settings_of(context, options)
    console = rich.console.Console()
    live = beginning.is_live(console, wanted=dashboard)
    redactor = beginning.log_of_service(service, log_level, log_format, live=live)
    try:
        asyncio.run(app.run(service, redactor, console if live else None))
    except asyncio.CancelledError:
        print(_ENDED_AT_ONCE, file=sys.stderr)
        raise typer.Exit(_EXIT_FAILURE) from None


def once(
    context: typer.Context,
    log_level: _LogLevel = LogLevel.INFO,
    log_format: _LogFormat = None,
) -> None:
    """One cycle of all accounts, then exit: for a timer, or a cautious start.

    Launches are waited for and looked at. Exit code 1 if any account did not fare well.
    """
    service = beginning.settings_of(context)
    redactor = beginning.log_of_service(service, log_level, log_format, live=False)
    if not asyncio.run(app.once(service, redactor)):
        raise typer.Exit(_EXIT_FAILURE)
