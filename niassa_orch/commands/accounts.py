"""The commands about accounts: the table of all, and all values of one. They print and decide nothing.

They read what the service reads, as the same users, and ask no web service; the service may run meanwhile.
"""

import asyncio
import json
from typing import Annotated

import typer

from niassa_orch import app
from niassa_orch.commands import asking, beginning
from niassa_orch.faces import account_values, accounts_table

_EXIT_FAILURE = 1

application = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)


@application.callback(invoke_without_command=True)
def accounts(context: typer.Context, as_json: asking.Json = False) -> None:
    """Who schedules, for which host, and which Unix user runs it here; a line a profile.

    Reads users' own seqware settings as those users, as the service does; asks no web service. Exit code 1 if any
    profile cannot be used.
    """
    if context.invoked_subcommand is None:
        _list(context, as_json=as_json)
    elif as_json:
        message = f"write it after the command: accounts {context.invoked_subcommand} --json"
        raise typer.BadParameter(message)


@application.command("list")
def list_all(context: typer.Context, as_json: asking.Json = False) -> None:
    """The table of all accounts, as without a command."""
    _list(context, as_json=as_json)


@application.command("show")
def show(
    context: typer.Context,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", autocompletion=asking.complete_accounts)],
    as_json: asking.Json = False,
) -> None:
    """Every value that counts for one account, and who said it: profile, seqware settings, service, default.

    Passwords are masked. Exit code 1 if the profile cannot be used, or there is none of that name.
    """
    service, redactor = beginning.one_shot(context)
    shown = asyncio.run(app.account(service, redactor, account))
    if as_json:
        print(json.dumps(account_values.to_json(shown), indent=2))
    else:
        beginning.console().print(account_values.render(shown))
    if shown.entry.state == "refused":
        raise typer.Exit(_EXIT_FAILURE)


def _list(context: typer.Context, *, as_json: bool) -> None:
    service, redactor = beginning.one_shot(context)
    rows = asyncio.run(app.census(service, redactor))
    if as_json:
        print(json.dumps([row.to_json() for row in rows], indent=2))
    else:
        beginning.console().print(accounts_table.render(rows))
        if not rows:
            print(f'no profile in {service.accounts_dir}: drop in a file bob.toml with one line, unix_user = "..."')
    if any(row.state == "refused" for row in rows):
        raise typer.Exit(_EXIT_FAILURE)
