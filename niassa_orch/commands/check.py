"""The command ``check``: prints what was found, a line a link, with the command that mends it, and decides nothing."""

import asyncio
import collections
import dataclasses
import json
import pathlib
import tempfile
import textwrap
from collections.abc import Sequence
from typing import Annotated

import rich.console
import rich.text
import typer

from niassa_orch import app
from niassa_orch.admin import check as looks
from niassa_orch.admin import links
from niassa_orch.commands import beginning
from niassa_orch.faces import plain

_MARKS = {
    links.Verdict.OK: ("ok", "green"),
    links.Verdict.LOOK: ("look", "yellow"),
    links.Verdict.BAD: ("BAD", "bold red"),
    links.Verdict.SKIPPED: ("-", "dim"),
}
_MACHINE = "this machine"
_MARK_WIDTH = 4
_LINK_WIDTH = len("state directory")
_ACCOUNT_WIDTH_MOST = 24
#: Of a narrower terminal the words take the whole width.
_LEAST_WORDS_WIDTH = 40
_NAMES_SHOWN = 4


def check(
    context: typer.Context,
    accounts: Annotated[list[str] | None, typer.Argument(help="Accounts to look at.  [default: all]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Look at every link between this host and a run; say what is wrong, and the command that mends it.

    The machine: host name, state directory, journal, room on disk, mediator. Each account: profile, home, sudo,
    settings, engine, its lock, crontab, login, clocks, hosts that users schedule for, Oozie. Run it as the service's
    user, since it looks through that user's eyes. Changes nothing anywhere. Exit code 1 if anything is BAD.
    """
    service, redactor = beginning.one_shot(context)
    checked = looks.chosen(service, accounts or ())
    with tempfile.TemporaryDirectory(prefix="niassa-orch-check.") as place, _Page(checked.names, as_json) as page:
        asyncio.run(app.check(looks.hasty(service), pathlib.Path(place), redactor, checked, page.tell))
    if any(link.verdict is links.Verdict.BAD for link in page.found):
        raise typer.Exit(1)


class _Page:
    """What is printed while links are looked at, and when all were.

    Args:
        names: The accounts that are looked at.
        as_json: Everything at the end, for machines.
    """

    def __init__(self, names: Sequence[str], as_json: bool) -> None:
        self.found: list[links.Link] = []
        self._as_json = as_json
        self._names = names
        self._waiting = dict.fromkeys(names)
        self._account_width = min(max(map(len, (*names, _MACHINE))), _ACCOUNT_WIDTH_MOST)
        self._console = rich.console.Console(highlight=False)
        self._status = self._console.status("looking at this machine")

    def __enter__(self) -> "_Page":
        if self._console.is_terminal and not self._as_json:
            self._status.start()
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        self._status.stop()
        if failed is not None:
            return
        # As they were told they are in the order in which accounts were done.
        self.found.sort(key=lambda link: link.account)
        if self._as_json:
            print(json.dumps([dataclasses.asdict(link) for link in self.found], indent=2))
        else:
            self._console.print(_summary(self.found), soft_wrap=True)

    def tell(self, link: links.Link) -> None:
        """Print one link; the links of an account come together."""
        self.found.append(link)
        self._waiting.pop(link.account, None)
        if self._as_json:
            return
        # Neither a path nor a command is broken in two where it can be copied.
        self._console.print(self._line(link), soft_wrap=True)
        if self._waiting:
            more = ", ..." if len(self._waiting) > _NAMES_SHOWN else ""
            waiting = ", ".join(list(self._waiting)[:_NAMES_SHOWN]) + more
            done = len(self._names) - len(self._waiting)
            self._status.update(f"{done} of {len(self._names)} accounts looked at; waiting for {waiting}")

    def _line(self, link: links.Link) -> rich.text.Text:
        mark, style = _MARKS[link.verdict]
        who = (link.account or _MACHINE).ljust(self._account_width)
        text = rich.text.Text(mark.ljust(_MARK_WIDTH), style=style)
        text.append(f"  {who}  ", style="default").append(link.name.ljust(_LINK_WIDTH), style="bold default")
        indent = len(text) + 2
        text.append("  " + "\n".join(self._words(plain.line(link.seen), indent)), style="default")
        if link.mend and link.verdict is not links.Verdict.OK:
            text.append(f"\n{' ' * (_MARK_WIDTH + 2)}-> {plain.line(link.mend)}", style=style)
        return text

    def _words(self, words: str, indent: int) -> list[str]:
        """In lines that begin below each other on a terminal; elsewhere one line, for programs."""
        if not self._console.is_terminal or self._console.width - indent < _LEAST_WORDS_WIDTH:
            return [words]
        room = self._console.width - indent
        first, *others = textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or [""]
        return [first, *(" " * indent + other for other in others)]


def _summary(found: Sequence[links.Link]) -> str:
    counts = collections.Counter(link.verdict for link in found)
    if counts[links.Verdict.OK] == len(found):
        return f"all {len(found)} links are well"
    broken = [f"{link.account or _MACHINE} ({link.name})" for link in found if link.verdict is links.Verdict.BAD]
    named = f": {', '.join(broken)}" if broken else ""
    return (
        f"{counts[links.Verdict.OK]} well, {counts[links.Verdict.LOOK]} to look at, "
        f"{counts[links.Verdict.SKIPPED]} not looked at, {counts[links.Verdict.BAD]} bad{named}"
    )
