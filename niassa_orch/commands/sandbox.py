"""The commands of the sandbox. They print, and decide nothing.

``schedule``, ``cancel``, ``retry`` and ``runs`` do what the ``seqware`` commands of users do, over HTTP, as the account
that is named.
"""

import asyncio
import contextlib
import dataclasses
import enum
import json
import os
import pathlib
import pwd
import shlex
import socket
import sys
import tempfile
from typing import Annotated

import rich.box
import rich.console
import rich.table
import typer

from niassa_orch.sandbox import ending, layout, up, users

application = typer.Typer(
    help="Stand-ins of the web service, of Oozie and of the seqware command on loopback, to try things on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Directory = Annotated[
    pathlib.Path, typer.Option("--directory", help="The sandbox directory.", show_default="niassa-orch-sandbox-UID")
]
_Port = Annotated[int, typer.Option(min=0, max=65_535, help="0: the one of last time, or any.")]
_Account = Annotated[str, typer.Option(help="The account that does it.")]
_DEFAULT = pathlib.Path(tempfile.gettempdir()) / f"niassa-orch-sandbox-{os.getuid()}"
_NAMES = ("alice", "bob", "carol", "dave")


class OozieVersion(enum.StrEnum):
    """The versions that differ in what filters they know."""

    BEFORE_CREATED_TIMES = "4.1"
    BEFORE_SORTBY = "4.2"
    BEFORE_TEXT = "4.3"
    BEFORE_5 = "4.4"
    NEWEST = "5.3"


@application.command("up")
def bring_up(
    directory: _Directory = _DEFAULT,
    web_service_port: _Port = 0,
    oozie_port: _Port = 0,
    jvm_seconds: Annotated[float, typer.Option(min=0, help="How long the engine takes to start.")] = 0.5,
    lock_pause_seconds: Annotated[float, typer.Option(min=0, help="Between the engine's five tries of its lock.")] = 10,
    oozie_version: Annotated[OozieVersion, typer.Option(help="Older ones know fewer filters.")] = OozieVersion.NEWEST,
) -> None:
    """Keep the stand-ins running until Ctrl-C; a directory used before goes on where it was.

    Every account of it maps to the Unix user who starts it.
    """
    host = socket.getfqdn()
    own = pwd.getpwuid(os.geteuid()).pw_name
    accounts = [
        layout.SandboxAccount(name, own, f"{name}@lab.net", f"sandbox-{name}", host, "oozie") for name in _NAMES
    ]
    engine = layout.EngineOptions(jvm_seconds=jvm_seconds, lock_pause_seconds=lock_pause_seconds)
    serving = up.serve(
        directory,
        accounts,
        web_service_port=web_service_port,
        oozie_port=oozie_port,
        ready=lambda addresses: _announce(directory, addresses),
        behaviour=up.Behaviour(engine=engine, oozie_version=oozie_version),
    )
    with ending.orderly() as end, contextlib.suppress(ending.EndedEarlyError):
        end.run(serving)


def _announce(directory: pathlib.Path, addresses: up.Addresses) -> None:
    absolute = directory.absolute()
    where = "" if directory == _DEFAULT else f" --directory {shlex.quote(str(absolute))}"
    print(f"web service  {addresses.web_service_url}")
    print(f"Oozie        {addresses.oozie_url}")
    print(f"accounts     {', '.join(_NAMES)}")
    print(f"faults       POST {addresses.web_service_url.removesuffix('/SeqWareWebService')}/sandbox/faults")
    print("In other terminals:")
    command = _this_command()
    print(f"  {command} --config {shlex.quote(str(layout.Layout(absolute).config_file))} run")
    print(f"  {command} sandbox schedule --account alice{where}")
    print(f"  {command} sandbox runs{where}", flush=True)


def _this_command() -> str:
    """What starts this program from any directory, whether it is on the PATH or not."""
    program = pathlib.Path(sys.argv[0])
    if program.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m niassa_orch"
    return shlex.quote(str(program.absolute()))


@application.command()
def schedule(
    directory: _Directory = _DEFAULT,
    account: _Account = "alice",
    engine: Annotated[str, typer.Option(help="oozie, oozie-sge, whitestar, ...")] = "oozie",
    host: Annotated[str | None, typer.Option(help="Which host is to launch it.  [default: this one]")] = None,
    steps: Annotated[str, typer.Option(help="NAME:SECONDS,...; a ! after the seconds fails")] = "align:5,sort:3",
    launch: Annotated[str, typer.Option(help="How the engine treats it: fails, hangs, lost_answer, ...")] = "",
    count: Annotated[int, typer.Option(min=1, help="How many of them.")] = 1,
) -> None:
    """Schedule runs, as ``seqware workflow schedule`` does."""
    ini = f"steps={steps}" + (f"\nsandbox.launch={launch}" if launch else "")
    login = _login(directory, account)
    for _ in range(count):
        where = host or socket.getfqdn()
        print(asyncio.run(users.schedule(*login, host=where, engine=engine, ini=ini, name="sandbox run")))


@application.command()
def cancel(accession: int, directory: _Directory = _DEFAULT, account: _Account = "alice") -> None:
    """Cancel a run, as ``seqware workflow-run cancel`` does."""
    asyncio.run(users.cancel(*_login(directory, account), accession))


@application.command()
def retry(accession: int, directory: _Directory = _DEFAULT, account: _Account = "alice") -> None:
    """Retry a failed run, as ``seqware workflow-run retry`` does."""
    asyncio.run(users.retry(*_login(directory, account), accession))


@application.command("runs")
def list_runs(
    directory: _Directory = _DEFAULT,
    account: _Account = "alice",
    host: Annotated[str | None, typer.Option(help="Only those for this host.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List everybody's runs, as every login of the web service sees them."""
    listed = asyncio.run(users.runs(*_login(directory, account), host=host))
    if as_json:
        print(json.dumps([dataclasses.asdict(run) for run in listed], indent=2))
        return
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in ("accession", "owner", "status", "host", "engine", "statusCmd"):
        table.add_column(column)
    for run in listed:
        facts = (run.owner, run.status, run.host, run.engine, run.status_cmd)
        table.add_row(str(run.accession), *(fact or "-" for fact in facts))
    rich.console.Console().print(table)


def _login(directory: pathlib.Path, account: str) -> tuple[str, str, str]:
    """Address, user and password of an account of the sandbox."""
    settings = layout.Layout(directory).settings_of(account)
    return settings["SW_REST_URL"], settings["SW_REST_USER"], settings["SW_REST_PASS"]
