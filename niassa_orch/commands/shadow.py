"""The commands of shadow mode: ``shadow report`` shows run by run what we would have done and what others did.

Reads the journal itself, so that it works with and without a running service. Prints and decides nothing.
"""

import asyncio
import collections
import dataclasses
import datetime
import json
import statistics
from collections.abc import Iterator, Sequence
from typing import Annotated

import rich.box
import rich.table
import rich.text
import typer

from niassa_orch.commands import beginning
from niassa_orch.config import settings
from niassa_orch.core import state_directory
from niassa_orch.domain import shadows
from niassa_orch.faces import plain
from niassa_orch.journal import keeping, store
from niassa_orch.journal import shadows as journal_shadows

application = typer.Typer(no_args_is_help=True, help="What accounts in shadow mode would have done (run --shadow).")

_COLUMNS = ("run", "account", "would have", "decided", "then", "after", "agreement")
_STYLES = {"agreed": "green", "differs": "bold red", "withdrawn": "dim", "unseen": "yellow", "waits": "yellow"}
_WAITS = "waits"
#: A table of more takes long to lay out, and is read by nobody.
_ROWS_MOST = 1000


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

    agreed: the same was done. differs: something else was written, or another Unix user launched it. withdrawn: a user
    took it back, the run went to somebody else, or shadow mode was turned off first. unseen: launched before any look
    of ours saw it wait. waits: nothing was done yet. The last 1,000 decisions are shown one by one (--json: all);
    counted are all that the journal keeps, 90 days, and what it dropped since. Exit code 1 if anything that is kept
    differs.
    """
    service = settings.load(context.obj)
    kept, dropped = _read(service, account)
    if as_json:
        told = {"decisions": list(map(dataclasses.asdict, kept)), "dropped": list(map(dataclasses.asdict, dropped))}
        print(json.dumps(told, indent=2))
    else:
        if kept:
            beginning.console().print(_table(kept[-_ROWS_MOST:]))
        for line in (*_left_out(kept), _summary(kept), *_gone(dropped)):
            print(line)
    if any(shadow.agreement is shadows.Agreement.DIFFERS for shadow in kept):
        raise typer.Exit(1)


def _read(
    service: settings.Settings, account: str | None
) -> tuple[list[journal_shadows.Shadow], list[journal_shadows.Dropped]]:
    file = state_directory.StateDirectory(service.state_dir).journal
    if not file.exists():
        return [], []
    journal = store.Journal(file)
    try:
        return asyncio.run(journal.shadows.all(account)), asyncio.run(journal.shadows.dropped(account))
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


def _left_out(kept: Sequence[journal_shadows.Shadow]) -> Iterator[str]:
    if len(kept) > _ROWS_MOST:
        yield f"{len(kept) - _ROWS_MOST} older decisions are not in this table: --json has them"


def _gone(dropped: Sequence[journal_shadows.Dropped]) -> Iterator[str]:
    for one in dropped:
        yield (
            f"dropped after {keeping.KEPT_DAYS} days: {one.decisions} decisions for {one.account} up to "
            f"{_when(one.newest)}; nothing had come of {one.unanswered} of them"
        )


def _summary(kept: list[journal_shadows.Shadow]) -> str:
    if not kept:
        return (
            "nothing was decided in shadow mode yet: niassa-orch run --shadow, or shadow = true in a profile; "
            "where that works, what a crontab launched between two looks is known within beat.sweep_seconds"
        )
    counts = collections.Counter(str(shadow.agreement or _WAITS) for shadow in kept)
    agreed = (shadow for shadow in kept if shadow.agreement is shadows.Agreement.AGREED)
    seconds = [after for after in map(_after_seconds, agreed) if after is not None]
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _STYLES if counts[verdict])
    median = f"; where both agree, others were {statistics.median(seconds):.0f} s later (median)" if seconds else ""
    return f"{len(kept)} decisions: {told}{median}"
