"""The commands of shadow mode: ``shadow report`` shows run by run what we would have done and what others did.

Reads the journal itself, so that it works with and without a running service. Prints and decides nothing.
"""

import asyncio
import collections
import dataclasses
import datetime
import json
import statistics
from typing import Annotated

import rich.box
import rich.console
import rich.table
import rich.text
import typer

from niassa_orch.config import settings
from niassa_orch.core import state_directory
from niassa_orch.domain import shadows
from niassa_orch.faces import plain
from niassa_orch.journal import shadows as journal_shadows
from niassa_orch.journal import store

application = typer.Typer(no_args_is_help=True, help="What accounts in shadow mode would have done (run --shadow).")

_COLUMNS = ("run", "account", "would have", "decided", "then", "after", "agreement")
_STYLES = {"agreed": "green", "differs": "bold red", "withdrawn": "dim", "unseen": "yellow", "waits": "yellow"}
_WAITS = "waits"
_WIDTH_OFF_TERMINAL = 10_000


@application.callback()
def _group() -> None:
    """What accounts in shadow mode would have done."""


@application.command()
def report(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Of this account alone.  [default: all]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Run by run: what would have been launched or written, what others did, how long after, and whether they agree.

    agreed: the same was done. differs: something else was written. withdrawn: a user took it back, the run went to
    somebody else, or shadow mode was turned off first. unseen: launched before any look of ours saw it wait. waits:
    nothing was done yet. Exit code 1 if anything differs.
    """
    service = settings.load(context.obj)
    kept = _read(service, account)
    if as_json:
        print(json.dumps([dataclasses.asdict(shadow) for shadow in kept], indent=2))
    else:
        console = rich.console.Console()
        if not console.is_terminal:
            console.width = _WIDTH_OFF_TERMINAL
        if kept:
            console.print(_table(kept))
        console.print(_summary(kept))
    if any(shadow.agreement is shadows.Agreement.DIFFERS for shadow in kept):
        raise typer.Exit(1)


def _read(service: settings.Settings, account: str | None) -> list[journal_shadows.Shadow]:
    file = state_directory.StateDirectory(service.state_dir).journal
    if not file.exists():
        return []
    journal = store.Journal(file)
    try:
        return asyncio.run(journal.shadows.all(account))
    finally:
        journal.close()


def _table(kept: list[journal_shadows.Shadow]) -> rich.table.Table:
    table = rich.table.Table(box=rich.box.SIMPLE_HEAD)
    for column in _COLUMNS:
        table.add_column(column, overflow="fold")
    for shadow in kept:
        verdict = str(shadow.agreement or _WAITS)
        is_launch = shadow.kind is shadows.Kind.LAUNCH
        would = "launched it" if is_launch else f"written {shadow.wanted.replace(',', ', ')} over {shadow.basis}"
        seconds = _after_seconds(shadow)
        cells = (
            str(shadow.accession),
            shadow.account,
            would,
            _when(shadow.decided),
            shadow.came,
            "" if seconds is None else f"{seconds:.0f} s",
        )
        table.add_row(*(rich.text.Text(plain.line(cell)) for cell in cells), rich.text.Text(verdict, _STYLES[verdict]))
    return table


def _when(moment: str | None) -> str:
    """A moment as people read it, in the zone of this machine."""
    return f"{datetime.datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M:%S}" if moment else ""


def _after_seconds(shadow: journal_shadows.Shadow) -> float | None:
    if shadow.decided is None or shadow.came_at is None:
        return None
    came, decided = (datetime.datetime.fromisoformat(moment) for moment in (shadow.came_at, shadow.decided))
    return (came - decided).total_seconds()


def _summary(kept: list[journal_shadows.Shadow]) -> str:
    if not kept:
        return "nothing was decided in shadow mode yet: niassa-orch run --shadow, or shadow = true in a profile"
    counts = collections.Counter(str(shadow.agreement or _WAITS) for shadow in kept)
    agreed = (shadow for shadow in kept if shadow.agreement is shadows.Agreement.AGREED)
    seconds = [after for after in map(_after_seconds, agreed) if after is not None]
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _STYLES if counts[verdict])
    median = f"; where both agree, others were {statistics.median(seconds):.0f} s later (median)" if seconds else ""
    return f"{len(kept)} decisions: {told}{median}"
