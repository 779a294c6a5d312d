"""The commands. They read options, call one thing, print, and leave with a documented exit code; no logic.

Exit codes: 0 done; 1 failure; 2 wrong usage; 78 configuration (as ``EX_CONFIG`` of sysexits.h); the demo, ended by a
signal: 128 + n, as shells say it. The only room that prints; the commands of the sandbox are in ``cli_sandbox``.
"""

import asyncio
import contextlib
import enum
import os
import pathlib
import sys
from typing import Annotated, NoReturn

import rich.console
import typer

from niassa_orch import (
    __version__,
    app,
    cli_accounts,
    cli_begin,
    cli_check,
    cli_doubts,
    cli_explain,
    cli_history,
    cli_import,
    cli_orders,
    cli_sandbox,
    cli_shadow,
    cli_status,
    cli_sudoers,
    cli_support,
    cli_systemd,
    cli_top,
    early_signals,
    errors,
)
from niassa_orch.config import settings

EXIT_FAILURE = 1
EXIT_CONFIGURATION = 78

_EPILOG = "Exit codes: 0 done, 1 failure, 2 wrong usage, 78 configuration."
_ENDED_AT_ONCE = "niassa-orch: ended at once by a second signal; what was under way is settled at the next start"


class LogLevel(enum.StrEnum):
    """``logs.LEVELS``, as choices of an option."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


application = typer.Typer(
    help="Launches what was scheduled for this host, as the right Unix user of each account, and propagates statuses.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
application.add_typer(cli_accounts.application, name="accounts", epilog=_EPILOG)
application.add_typer(cli_sandbox.application, name="sandbox")
application.add_typer(cli_shadow.application, name="shadow")
for command in (
    cli_check.check,
    cli_doubts.doubts,
    cli_doubts.resolve,
    cli_explain.explain,
    cli_sudoers.sudoers,
    cli_top.top,
):
    application.command(epilog=_EPILOG)(command)
for of_service in (*cli_status.COMMANDS, *cli_orders.COMMANDS):
    application.command(epilog=_EPILOG)(of_service)
application.command(epilog=_EPILOG)(cli_history.history)
application.command(epilog=_EPILOG)(cli_systemd.systemd)
application.command(name="support", epilog=_EPILOG)(cli_support.pack)
application.command(name="import", epilog=_EPILOG)(cli_import.import_crontabs)

_LogLevel = Annotated[LogLevel, typer.Option(help="The least that is told.")]
_LogFormat = Annotated[
    settings.LogFormat | None, typer.Option(help="How lines of the log are written.  [default: log.format]")
]
_Config = Annotated[
    pathlib.Path | None,
    # Whether it can be read is looked at when it is read, so that it is told as all troubles with settings are.
    typer.Option(
        "--config",
        readable=False,
        help=f"Settings file (TOML).  [default: {settings.DEFAULT_FILE}, which may be absent]",
    ),
]


@application.callback()
def _begin(context: typer.Context, config: _Config = None) -> None:
    context.obj = config
    if context.invoked_subcommand != run.__name__:
        # Only the service heeds them in a way of its own.
        early_signals.release()


def main() -> None:
    """Run the command line and leave with an exit code."""
    try:
        try:
            application(prog_name="niassa-orch")
        finally:
            _flush()
    except errors.SettingsError as exc:
        _fail(exc, EXIT_CONFIGURATION)
    except errors.NiassaOrchError as exc:
        _fail(exc, EXIT_FAILURE)
    except OSError as exc:
        # What is printed meets a full disk, a reader that is gone, a terminal that was closed.
        _fail(exc, EXIT_FAILURE)


@application.command(epilog=_EPILOG)
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
    service = cli_begin.settings_of(context, options)
    console = rich.console.Console()
    live = cli_begin.is_live(console, wanted=dashboard)
    redactor = cli_begin.log_of_service(service, log_level, log_format, live=live)
    try:
        asyncio.run(app.run(service, redactor, console if live else None))
    except asyncio.CancelledError:
        print(_ENDED_AT_ONCE, file=sys.stderr)
        raise typer.Exit(EXIT_FAILURE) from None


@application.command(epilog=_EPILOG)
def once(
    context: typer.Context,
    log_level: _LogLevel = LogLevel.INFO,
    log_format: _LogFormat = None,
) -> None:
    """One cycle of all accounts, then exit: for a timer, or a cautious start.

    Launches are waited for and looked at. Exit code 1 if any account did not fare well.
    """
    service = cli_begin.settings_of(context)
    redactor = cli_begin.log_of_service(service, log_level, log_format, live=False)
    if not asyncio.run(app.once(service, redactor)):
        raise typer.Exit(EXIT_FAILURE)


@application.command(epilog=_EPILOG)
def demo(
    users: Annotated[
        bool, typer.Option("--users", help="With real Unix users, made for it and removed after (root, sudo).")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the sandbox directory, to look at it.")] = False,
) -> None:
    """The main job on the embedded sandbox, in under a minute: some thirty runs, every kind of trouble among them.

    Ends with a table of every run; exit code 0 only if each came to the expected end. Ended by a signal it takes
    everything away and says so: exit code 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
    """
    if users and keep:
        message = "--keep does not go with --users: the Unix users to whom the files belong are removed"
        raise typer.BadParameter(message)
    if not cli_sandbox.play_demo(with_users=users, keep=keep):
        raise typer.Exit(EXIT_FAILURE)


@application.command(epilog=_EPILOG)
def version() -> None:
    """Print the version."""
    print(f"niassa-orch {__version__}")


def _flush() -> None:
    """Print what is still held back, while somebody can be told that it does not work."""
    try:
        sys.stdout.flush()
    except OSError as exc:
        # Python would try again at its end, and say so with a traceback.
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a descriptor is wanted, no path
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        _fail(f"standard output cannot be written: {exc.strerror}", EXIT_FAILURE)


def _fail(reason: Exception | str, code: int) -> NoReturn:
    with contextlib.suppress(OSError):
        print(f"niassa-orch: {reason}", file=sys.stderr, flush=True)
    sys.exit(code)
