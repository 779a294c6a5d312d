"""The command ``history``: prints what happened to a run or an account, step by step, and decides nothing."""

import dataclasses
import datetime
import json
import sys
from typing import Annotated

import typer

from niassa_orch import errors
from niassa_orch.commands import asking, beginning
from niassa_orch.core import post_mortem
from niassa_orch.domain import runs, spans
from niassa_orch.faces import plain
from niassa_orch.journal import reading

_Whose = Annotated[
    str,
    typer.Argument(
        metavar="ACCESSION|ACCOUNT",
        help="A run, or an account by its profile.",
        autocompletion=asking.complete_accounts,
    ),
]
_Since = Annotated[str, typer.Option(metavar="2h|DATE", help="Since so long ago (90s, 30m, 2h, 1d), or a date in UTC.")]
_Until = Annotated[str, typer.Option(metavar="2h|DATE", help="Only what was before; to see more than --limit.")]
_Limit = Annotated[int, typer.Option(min=1, max=100_000, help="So many steps, the last of them.")]


def history(
    context: typer.Context,
    whose: _Whose,
    since: _Since = "",
    until: _Until = "",
    limit: _Limit = 200,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """What happened, step by step: when, what, as whom, by whom, with which result.

    From the journal (launches, acts on jobs, orders, shadow mode: 90 days of it) and the audit trail (that, writes, and
    what operators did: as long as its files are kept). The service may run meanwhile or not. Example:
    niassa-orch history 1234; niassa-orch history bob --since 2h. Exit code 1 if nothing is known.
    """
    service, redactor = beginning.one_shot(context)
    told = post_mortem.look_back(service, _wanted(whose, since, until, limit))
    for remark in told.remarks:
        print(f"niassa-orch: {plain.line(redactor.redact(remark))}", file=sys.stderr)
    if as_json:
        steps = [dataclasses.asdict(step) | {"time": step.time or None} for step in told.steps]
        shown = {"steps": steps, "is_cut": told.is_cut, "remarks": list(told.remarks)}
        print(redactor.redact(json.dumps(shown, indent=2, ensure_ascii=False)))
    else:
        if told.is_cut:
            print(f"... there is more before these; see it by --limit {2 * limit}, or {_earlier(told)}")
        for step in told.steps:
            print(plain.line(redactor.redact(step.line)))
    if not told.steps:
        raise errors.JournalError(_nothing(whose, since or until))


def _wanted(whose: str, since: str, until: str, limit: int) -> reading.Wanted:
    is_run = whose.isascii() and whose.isdigit()
    if is_run and not 0 < int(whose[:20]) < 1 << 63:
        message = f"{whose} is no accession"
        raise typer.BadParameter(message)
    accession = runs.Accession(int(whose)) if is_run else None
    account = "" if is_run else whose
    return reading.Wanted(account, accession, _moment(since, "--since"), _moment(until, "--until"), limit)


def _moment(text: str, option: str) -> str:
    if not text:
        return ""
    try:
        said = spans.since(text, datetime.datetime.now(datetime.UTC))
    except ValueError as exc:
        message = f"{option}: {exc}"
        raise typer.BadParameter(message) from exc
    return said.isoformat(timespec="milliseconds")


def _earlier(told: post_mortem.Told) -> str:
    first = next((step.time for step in told.steps if step.time), "")
    return f"--until {first[:23]}" if first else "--since"


def _nothing(whose: str, bounds: str) -> str:
    then = " in that time" if bounds else ""
    return f"neither journal nor audit trail knows anything of {whose!r}{then}; see: niassa-orch accounts"
