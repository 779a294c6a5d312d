"""The command ``check``: prints what was found, a line a link, with the command that mends it, and decides nothing."""

import asyncio
import collections
import contextlib
import dataclasses
import json
import pathlib
import sys
import tempfile
from collections.abc import Iterator
from typing import Annotated

import rich.console
import rich.status
import rich.text
import typer

from niassa_orch import app, logs
from niassa_orch.admin import check as looks
from niassa_orch.admin import links
from niassa_orch.config import settings
from niassa_orch.faces import plain

#: Who waits before a terminal does not wait for four tries of half a minute.
_HTTP = {"timeout_seconds": 10.0, "list_timeout_seconds": 60.0, "attempts": 1}
_MARKS = {
    links.Verdict.OK: ("ok  ", "green"),
    links.Verdict.LOOK: ("look", "yellow"),
    links.Verdict.BAD: ("BAD ", "bold red"),
    links.Verdict.SKIPPED: ("-   ", "dim"),
}
_WIDTH_OFF_TERMINAL = 10_000
_LINK_WIDTH = 15


def check(
    context: typer.Context,
    accounts: Annotated[list[str] | None, typer.Argument(help="Accounts to look at.  [default: all]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Look at every link between this host and a run; say what is wrong, and the command that mends it.

    The machine: host name, state directory, journal, room on disk, mediator. Each account: profile, home, sudo,
    settings, engine, its lock, crontab, login, hosts that users schedule for, Oozie, clocks. Run it as the service's
    user, since it looks through that user's eyes. Changes nothing anywhere. Exit code 1 if anything is BAD.
    """
    service = settings.load(context.obj)
    _ = service.effective_host
    redactor = logs.configure(sys.stderr, level="error")
    logs.install_hooks(redactor)
    checked = looks.chosen(service, accounts or ())
    console = rich.console.Console()
    if not console.is_terminal:
        console.width = _WIDTH_OFF_TERMINAL
    found: list[links.Link] = []
    with tempfile.TemporaryDirectory(prefix="niassa-orch-check.") as place, _progress(console, as_json) as progress:

        def tell(link: links.Link) -> None:
            found.append(link)
            if not as_json:
                console.print(_line(link))
                progress.update(f"{len(found)} links looked at; last: {link.account or 'this machine'}")

        patient = service.model_copy(update={"http": service.http.model_copy(update=_HTTP)})
        asyncio.run(app.check(patient, pathlib.Path(place), redactor, checked, tell))
    if as_json:
        print(json.dumps([dataclasses.asdict(link) for link in found], indent=2))
    else:
        console.print(_summary(found))
    if any(link.verdict is links.Verdict.BAD for link in found):
        raise typer.Exit(1)


@contextlib.contextmanager
def _progress(console: rich.console.Console, as_json: bool) -> Iterator[rich.status.Status]:
    """A line that moves while a terminal is looked at; elsewhere nothing."""
    status = console.status("looking at this machine")
    if console.is_terminal and not as_json:
        with status:
            yield status
    else:
        yield status


def _line(link: links.Link) -> rich.text.Text:
    mark, style = _MARKS[link.verdict]
    text = rich.text.Text(overflow="fold").append(mark, style=style)
    text.append(f"  {link.account or 'this machine'}  {link.name}: ".ljust(_LINK_WIDTH), style="bold")
    text.append(plain.line(link.seen))
    if link.mend and link.verdict is not links.Verdict.OK:
        text.append(f"\n      -> {plain.line(link.mend)}", style=style)
    return text


def _summary(found: list[links.Link]) -> str:
    counts = collections.Counter(link.verdict for link in found)
    if not counts[links.Verdict.BAD] and not counts[links.Verdict.LOOK]:
        return f"all {len(found)} links are well"
    return (
        f"{counts[links.Verdict.BAD]} bad, {counts[links.Verdict.LOOK]} to look at, "
        f"{counts[links.Verdict.OK]} well, {counts[links.Verdict.SKIPPED]} not looked at"
    )
