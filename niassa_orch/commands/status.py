"""The commands that look: ``status``, ``runs``, ``events``. They ask the running service, print, and decide nothing.

Exit codes: 0; 1 when no service answers, or when ``status --check`` finds something that needs a person; 130 when
``events --follow`` was ended by Ctrl-C.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from niassa_orch.commands import asking, beginning, event_lines
from niassa_orch.control import client
from niassa_orch.domain import runs as domain_runs
from niassa_orch.faces import needs, plain, status_json, status_table

_EXIT_NEEDS = 1
_EXIT_INTERRUPTED = 130


def status(
    context: typer.Context,
    as_json: asking.Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 1 if anything needs a person: for a watchdog.")
    ] = False,
) -> None:
    """The running service at one look: what needs a person, what it is connected to, its accounts, worst first.

    Asks over the control socket and disturbs nothing. With --check the exit code is 1 when something needs a person
    (or no service answers), otherwise it is 0 whatever is shown. --json is described in docs/control.md.

    \b
    niassa-orch status
    niassa-orch status --check --json | jq '.needs[]'
    """
    service, _ = beginning.at_once(context)
    snapshot = asking.ask(service, lambda way: way.snapshot())
    if as_json:
        print(json.dumps(status_json.of(snapshot), indent=2))
    else:
        beginning.console().print(status_table.render(snapshot))
    if check and needs.of(snapshot):
        raise typer.Exit(_EXIT_NEEDS)


def runs(
    context: typer.Context,
    account: Annotated[
        str | None, typer.Option(help="Of this account.", autocompletion=asking.complete_accounts)
    ] = None,
    status: Annotated[domain_runs.RunStatus | None, typer.Option(help="In this status.")] = None,
    as_json: asking.Json = False,
) -> None:
    """Active runs as the service last saw them: whose, in which status, what is known of a launch, what keeps it.

    \b
    niassa-orch runs --account bob --status submitted
    """
    service, _ = beginning.at_once(context)
    found = asking.ask(service, lambda way: way.active_runs(account, status))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        print(_run_line(one))
    if not found:
        print("no such run is active")


def events(
    context: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C, or until the service ends.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines, a line of JSON each.")] = False,
) -> None:
    """The last events of the running service, the newest last; with --follow also those that come.

    \b
    niassa-orch events --follow --json | jq 'select(.level == "error")'
    """
    service, _ = beginning.at_once(context)

    async def tell(way: client.Client) -> None:
        async for event in way.events(follow=follow):
            # At once: whoever reads it may be a program.
            print(json.dumps(event) if as_json else event_lines.of(event), flush=True)

    try:
        asking.ask(service, tell)
    except KeyboardInterrupt:
        raise typer.Exit(_EXIT_INTERRUPTED) from None


COMMANDS = (status, runs, events)


def _run_line(one: Mapping[str, Any]) -> str:
    words = [str(one["accession"]), one["account"], one["status"] or "without a status"]
    words += ["urgent"] if one["urgent"] else []
    words += [one["job"]] if one["job"] else []
    launch = f"launch {one['launch']}" if one["launch"] else ""
    return plain.line(": ".join(filter(None, ("  ".join(words), launch, one["reason"]))))
