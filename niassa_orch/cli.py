"""The commands. They read options, call one thing, print, and leave with a documented exit code; no logic.

Exit codes: 0 done; 1 failure; 2 wrong usage; 78 configuration (as ``EX_CONFIG`` of sysexits.h). The only room that
prints; the commands of the sandbox are in ``cli_sandbox``.
"""

import asyncio
import enum
import json
import pathlib
import sys
from collections.abc import Mapping
from typing import Annotated

import rich.console
import typer

from niassa_orch import __version__, app, cli_sandbox, errors, logs
from niassa_orch.config import settings
from niassa_orch.faces import accounts_table

EXIT_FAILURE = 1
EXIT_CONFIGURATION = 78

_EPILOG = "Exit codes: 0 done, 1 failure, 2 wrong usage, 78 configuration."


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
application.add_typer(cli_sandbox.application, name="sandbox")

_LogLevel = Annotated[LogLevel, typer.Option(help="The least that is told.")]
_Config = Annotated[
    pathlib.Path | None,
    typer.Option("--config", help=f"Settings file (TOML).  [default: {settings.DEFAULT_FILE}, which may be absent]"),
]


@application.callback()
def _begin(context: typer.Context, config: _Config = None) -> None:
    context.obj = config


def main() -> None:
    """Run the command line and leave with an exit code."""
    try:
        application(prog_name="niassa-orch")
    except errors.SettingsError as exc:
        _fail(exc, EXIT_CONFIGURATION)
    except errors.NiassaOrchError as exc:
        _fail(exc, EXIT_FAILURE)


@application.command(epilog=_EPILOG)
def run(
    context: typer.Context,
    accounts_dir: Annotated[pathlib.Path | None, typer.Option(help="Where the profiles are.")] = None,
    host: Annotated[str | None, typer.Option(help="Host string of profiles that name none.")] = None,
    interval_seconds: Annotated[float | None, typer.Option(help="Seconds between two looks at an account.")] = None,
    dashboard: Annotated[
        bool | None, typer.Option("--dashboard/--no-dashboard", help="Live table.  [default: on a terminal]")
    ] = None,
    log_level: _LogLevel = LogLevel.INFO,
) -> None:
    """Serve all accounts, in the foreground, until SIGTERM or Ctrl-C.

    The first signal drains: no new work, verdicts are written, engine calls live on and are adopted at the next
    start. A second one ends at once. SIGHUP reads accounts.d again. On a terminal a live table is shown, off it one
    line an event.
    """
    options = {"accounts_dir": accounts_dir, "host": host, "beat.interval_seconds": interval_seconds}
    service = _load(context, options)
    console = rich.console.Console()
    live = console.is_terminal if dashboard is None else dashboard
    redactor = _configure_logs(log_level, live=live)
    try:
        asyncio.run(app.run(service, redactor, console if live else None))
    except asyncio.CancelledError:
        # The second signal. What was under way is in doubt, and is settled at the next start.
        raise typer.Exit(EXIT_FAILURE) from None


@application.command(epilog=_EPILOG)
def once(
    context: typer.Context,
    log_level: _LogLevel = LogLevel.INFO,
) -> None:
    """One cycle of all accounts, then exit: for a timer, or a cautious start.

    Launches are waited for and looked at. Exit code 1 if any account did not fare well.
    """
    service = _load(context)
    redactor = _configure_logs(log_level, live=False)
    if not asyncio.run(app.once(service, redactor)):
        raise typer.Exit(EXIT_FAILURE)


@application.command(epilog=_EPILOG)
def accounts(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Who schedules, for which host, and which Unix user runs it here; a line a profile.

    Reads users' own seqware settings as those users, as the service does; asks no web service. Exit code 1 if any
    profile cannot be used.
    """
    service = _load(context)
    logs.configure(sys.stderr, level="error")
    rows = asyncio.run(app.census(service))
    if as_json:
        print(json.dumps([row.to_json() for row in rows], indent=2))
    else:
        rich.console.Console().print(accounts_table.render(rows))
        if not rows:
            print(f'no profile in {service.accounts_dir}: drop in a file bob.toml with one line, unix_user = "..."')
    if any(row.state == "refused" for row in rows):
        raise typer.Exit(EXIT_FAILURE)


@application.command(epilog=_EPILOG)
def demo(
    users: Annotated[
        bool, typer.Option("--users", help="With real Unix users, made for it and removed after (root, sudo).")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the sandbox directory, to look at it.")] = False,
) -> None:
    """The main job on the embedded sandbox, in under a minute: some thirty runs, every kind of trouble among them.

    Ends with a table of every run; exit code 0 only if each came to the expected end.
    """
    if not cli_sandbox.play_demo(with_users=users, keep=keep):
        raise typer.Exit(EXIT_FAILURE)


@application.command(epilog=_EPILOG)
def version() -> None:
    """Print the version."""
    print(f"niassa-orch {__version__}")


def _load(context: typer.Context, options: Mapping[str, object] | None = None) -> settings.Settings:
    service = settings.load(context.obj, options or {})
    # Looked up here, since it may ask a DNS server, and nothing that waits belongs on the event loop.
    _ = service.effective_host
    return service


def _configure_logs(level: str, *, live: bool) -> logs.Redactor:
    """Event lines go to standard output; under the dashboard, which shows events, only to a redirected stderr."""
    if not live:
        return logs.configure(sys.stdout, level=level)
    if sys.stderr.isatty():
        return logs.configure(open("/dev/null", "w"), level=level)  # noqa: PTH123 - lives as long as we do
    return logs.configure(sys.stderr, level=level)


def _fail(exc: Exception, code: int) -> None:
    print(f"niassa-orch: {exc}", file=sys.stderr)
    sys.exit(code)
