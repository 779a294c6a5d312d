"""The command line: which commands there are, the options of all of them, and how each of them ends.

A command's room is imported when it is asked for: all of them together take most of a second, which nobody should wait
for after a tab, or at night. Exit codes: 0 done; 1 failure; 2 wrong usage; 78 configuration (as ``EX_CONFIG`` of
sysexits.h); the demo, ended by a signal: 128 + n, as shells say it.
"""

import contextlib
import importlib
import os
import pathlib
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final, NoReturn

import typer
import typer.core
import typer.main

from niassa_orch import __version__, early_signals, errors

EXIT_FAILURE = 1
EXIT_CONFIGURATION = 78

_EPILOG: Final = "Exit codes: 0 done, 1 failure, 2 wrong usage, 78 configuration."
_DEFAULT_CONFIG: Final = "/etc/niassa-orch/niassa-orch.toml"
_RUN: Final = "run"
#: In the order of ``--help``: the room in ``commands``, and what it calls the command, or its group of commands.
COMMANDS: Final[Mapping[str, str]] = {
    _RUN: "running.run",
    "once": "running.once",
    "status": "status.status",
    "runs": "status.runs",
    "events": "status.events",
    "top": "top.top",
    "explain": "explain.explain",
    "history": "history.history",
    "doubts": "doubts.doubts",
    "resolve": "doubts.resolve",
    "pause": "orders.pause",
    "resume": "orders.resume",
    "stop-launching": "orders.stop_launching",
    "urgent": "orders.urgent",
    "poll-now": "orders.poll_now",
    "drain": "orders.drain",
    "reload": "orders.reload",
    "accounts": "accounts.application",
    "check": "check.check",
    "shadow": "shadow.application",
    "import": "importing.import_crontabs",
    "sudoers": "sudoers.sudoers",
    "systemd": "systemd.systemd",
    "support": "support.pack",
    "demo": "demo.demo",
    "sandbox": "sandbox.application",
}


class _Commands(typer.core.TyperGroup):
    """All commands, each as soon as it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's way of asking
        return [*COMMANDS, *self.commands.keys() - COMMANDS.keys()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands[cmd_name] = _imported(cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None:
            # What was meant is looked for among those that are known.
            for name in COMMANDS:
                self.get_command(ctx, name)
        return super().resolve_command(ctx, args)


def _imported(name: str) -> Any:
    room, _, called = COMMANDS[name].partition(".")
    found = getattr(importlib.import_module(f"niassa_orch.commands.{room}"), called)
    parent = typer.Typer(rich_markup_mode=None)
    parent.callback()(lambda: None)
    if isinstance(found, typer.Typer):
        parent.add_typer(found, name=name, epilog=_EPILOG)
    else:
        parent.command(name=name, epilog=_EPILOG)(found)
    return typer.main.get_group(parent).commands[name]


application = typer.Typer(
    cls=_Commands,
    help="Launches what was scheduled for this host, as the right Unix user of each account, and propagates statuses.",
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_Config = Annotated[
    pathlib.Path | None,
    # Whether it can be read is looked at when it is read, so that it is told as all troubles with settings are.
    typer.Option(
        "--config",
        readable=False,
        help=f"Settings file (TOML).  [default: {_DEFAULT_CONFIG}, which may be absent]",
    ),
]


@application.callback()
def _begin(context: typer.Context, config: _Config = None) -> None:
    context.obj = config
    if context.invoked_subcommand != _RUN:
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
