"""The commands of the sandbox, and the printing of the demo. Like ``cli``, they print and decide nothing.

``schedule``, ``cancel``, ``retry`` and ``runs`` do what the ``seqware`` commands of users do, over HTTP, as the account
that is named.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import tempfile
from collections.abc import Coroutine, Sequence
from typing import Annotated, Any, TypeVar

import rich.box
import rich.console
import rich.table
import rich.text
import typer

from niassa_orch.sandbox import demo, demo_report, demo_users, layout, up, users

application = typer.Typer(
    help="Stand-ins of the web service, of Oozie and of the seqware command on loopback, to try things on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Directory = Annotated[
    pathlib.Path, typer.Option("--directory", help="The sandbox directory.", show_default="niassa-orch-sandbox-UID")
]
_Account = Annotated[str, typer.Option(help="The account that does it.")]
_DEFAULT = pathlib.Path(tempfile.gettempdir()) / f"niassa-orch-sandbox-{os.getuid()}"
_NAMES = ("alice", "bob", "carol", "dave")
_WIDTH_OFF_TERMINAL = 220
_Result = TypeVar("_Result")


@application.command("up")
def bring_up(
    directory: _Directory = _DEFAULT,
    web_service_port: Annotated[int, typer.Option(help="0: the one of last time, or any.")] = 0,
    oozie_port: Annotated[int, typer.Option(help="0: the one of last time, or any.")] = 0,
    jvm_seconds: Annotated[float, typer.Option(help="How long the engine takes to start.")] = 0.5,
    lock_pause_seconds: Annotated[float, typer.Option(help="Between the engine's five tries of its lock.")] = 10.0,
    oozie_version: Annotated[str, typer.Option(help="4.2, 4.3, 4.4 or 5.3.")] = "5.3",
) -> None:
    """Keep the stand-ins running until Ctrl-C; a directory used before goes on where it was."""
    host = socket.getfqdn()
    own = pwd.getpwuid(os.geteuid()).pw_name
    accounts = [
        layout.SandboxAccount(name, own, f"{name}@lab.net", f"sandbox-{name}", host, "oozie") for name in _NAMES
    ]
    engine = layout.EngineOptions(jvm_seconds=jvm_seconds, lock_pause_seconds=lock_pause_seconds)

    behaviour = up.Behaviour(engine=engine, oozie_version=oozie_version)
    serving = up.serve(
        directory,
        accounts,
        web_service_port=web_service_port,
        oozie_port=oozie_port,
        ready=lambda addresses: _announce(directory, addresses),
        behaviour=behaviour,
    )
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_until_ended(serving))


def _announce(directory: pathlib.Path, addresses: up.Addresses) -> None:
    where = "" if directory == _DEFAULT else f" --directory {directory}"
    print(f"web service  {addresses.web_service_url}")
    print(f"Oozie        {addresses.oozie_url}")
    print(f"accounts     {', '.join(_NAMES)}")
    print(f"faults       POST {addresses.web_service_url.removesuffix('/SeqWareWebService')}/sandbox/faults")
    print("In other terminals:")
    print(f"  niassa-orch --config {layout.Layout(directory).config_file} run")
    print(f"  niassa-orch sandbox schedule --account alice{where}")
    print(f"  niassa-orch sandbox runs{where}", flush=True)


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


def play_demo(*, with_users: bool, keep: bool) -> bool:
    """Play the demo and print what became of every run; returns whether all is as expected."""
    with contextlib.ExitStack() as stack:
        if with_users:
            stage = stack.enter_context(demo_users.stage())
        else:
            directory = pathlib.Path(tempfile.mkdtemp(prefix="niassa-orch-demo-"))
            directory.chmod(0o755)
            stage = demo.own_stage(directory / "sandbox")
            if keep:
                print(f"the sandbox is kept in {stage.directory}")
            else:
                stack.callback(shutil.rmtree, directory)
        rows = asyncio.run(_until_ended(demo.play(stage)))
    console = rich.console.Console()
    if not console.is_terminal:
        console.width = _WIDTH_OFF_TERMINAL
    console.print(_report_table(rows, with_users=with_users))
    strange = [row for row in rows if not row.is_as_expected]
    for row in strange:
        print(f"{row.accession} ({row.name}): expected {row.expected}, saw {row.seen} {'; '.join(row.remarks)}")
    print(f"{len(rows) - len(strange)} of {len(rows)} runs as expected")
    return not strange


def _report_table(rows: Sequence[demo_report.Row], *, with_users: bool) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    columns = ("run", "what", "account", "Unix user", "host", "engine", "statuses", "seconds", "expected", "seen")
    for column in (*columns, "files of") if with_users else columns:
        table.add_column(column, overflow="fold", justify="right" if column == "seconds" else "left")
    for row in rows:
        style = "green" if row.is_as_expected else "bold red"
        seen = rich.text.Text(row.seen, style=style)
        facts = (str(row.accession), row.name, row.account, row.unix_user, row.host, row.engine)
        end = (" > ".join(row.statuses), f"{row.seconds:.1f}", row.expected, seen)
        table.add_row(*facts, *end, *((row.files_of,) if with_users else ()))
    return table


async def _until_ended(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run something that a SIGTERM ends as Ctrl-C does."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _login(directory: pathlib.Path, account: str) -> tuple[str, str, str]:
    """Address, user and password of an account of the sandbox."""
    settings = layout.Layout(directory).settings_of(account)
    return settings["SW_REST_URL"], settings["SW_REST_USER"], settings["SW_REST_PASS"]
