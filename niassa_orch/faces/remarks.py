"""What the dashboard says in words below its table: why an account, or a launch of it, waits. Pure.

A remark begins with the cause, since lines end where the terminal does, and may take a few lines while there is room.
Called by ``dashboard``.
"""

import dataclasses
import re
from collections.abc import Sequence

import rich.console
import rich.text

from niassa_orch.core import board
from niassa_orch.faces import plain

_MOST_LINES = 3
#: What errors of neighbours begin with: what was asked, and where.
_ASKED = re.compile(r"((?:[A-Z]+ )?https?://\S+): (.+)")


def of(line: board.AccountLine) -> str:
    """The first of what there is to say of an account, on one line; ``""`` when all is well."""
    person = "waits for a person (niassa-orch doubts)"
    held = "; ".join(f"{accession} {person}: {reason}" for accession, reason in line.held.items())
    said = line.reason or line.refusal or line.unfinished or held or line.warning or line.waiting or _wiped(line)
    return cause_first(plain.line(said))


def _wiped(line: board.AccountLine) -> str:
    """What became of cancels and retries of users, and of jobs in records, that somebody's write wiped."""
    lost = (
        f"users' requests that may be lost: {line.requests_lost}, see request.lost in the log"
        if line.requests_lost
        else ""
    )
    back = f"users' requests that were wiped and put back: {line.requests_restored}" if line.requests_restored else ""
    jobs = f"jobs that were wiped from records and put back: {line.jobs_restored}" if line.jobs_restored else ""
    return "; ".join(filter(None, (lost, back, jobs)))


def cause_first(reason: str) -> str:
    """``GET http://host/path: no connection`` as ``no connection [GET http://host/path]``; other texts as they are."""
    asked = _ASKED.fullmatch(reason)
    return f"{asked[2]} [{asked[1]}]" if asked else reason


@dataclasses.dataclass(frozen=True, slots=True)
class Below:
    """Remarks and events in the lines below the table: each remark has its first line, then its next ones, then events.

    Args:
        remarks: In the order in which they are shown.
        between: A line between the two.
        events: The oldest first; the newest are shown.
        lines: All lines that there are, but for the one between.
        least_events: Lines that remarks leave to events.
    """

    remarks: Sequence[rich.text.Text]
    between: rich.text.Text
    events: Sequence[rich.text.Text]
    lines: int
    least_events: int

    def __rich_console__(
        self, console: rich.console.Console, options: rich.console.ConsoleOptions
    ) -> rich.console.RenderResult:
        """For rich: lay it out in the width that there is."""
        remarks = _laid_out(self.remarks, console, options.max_width, max(1, self.lines - self.least_events))
        yield from remarks
        yield self.between
        yield from self.events[-max(self.least_events, self.lines - len(remarks)) :]


def _laid_out(
    remarks: Sequence[rich.text.Text], console: rich.console.Console, width: int, room: int
) -> list[rich.text.Text]:
    folded = [list(remark.wrap(console, width, overflow="fold")) for remark in remarks[:room]]
    spare = room - len(folded)
    shown: list[rich.text.Text] = []
    for lines in folded:
        more = min(len(lines), _MOST_LINES, 1 + spare) - 1
        spare -= more
        if more + 1 < len(lines):
            lines[more].rstrip()
            lines[more].append(" \N{HORIZONTAL ELLIPSIS}")
            lines[more].truncate(width, overflow="ellipsis")
        shown += lines[: more + 1]
    return shown
