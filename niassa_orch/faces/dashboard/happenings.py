"""What goes on and what went on: engine calls that live, with the time that they took until now, and the last events.

Pure; only lines that are shown are made. Called by ``screen`` and ``account_page``.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from niassa_orch.core import account_line, board, gauges
from niassa_orch.faces import numbers, plain
from niassa_orch.faces.dashboard import cells
from niassa_orch.faces.dashboard.cells import Style

_RUNS_NAMED: Final = 6
_LEVELS: Final = {
    board.Level.INFO: (" ", Style.PLAIN),
    board.Level.WARNING: ("!", Style.WAITS),
    board.Level.ERROR: ("\N{BALLOT X}", Style.BAD),
}
_Call = tuple[str, gauges.EngineCall]


def calls(accounts: Iterable[account_line.AccountLine]) -> list[_Call]:
    """Engine calls that live, with the account of each: those that began before the machine did, then the oldest."""
    found = [(line.name, call) for line in accounts if line.calls for call in line.calls]
    return sorted(found, key=lambda one: (one[1].since or 0.0, one[0]))


def call(one: _Call, now: float) -> cells.Line:
    """One of them."""
    name, under_way = one
    runs = [str(accession) for accession in under_way.accessions]
    more = f" and {len(runs) - _RUNS_NAMED} more" if len(runs) > _RUNS_NAMED else ""
    engine = "whitestar" if under_way.whitestar else "engine call"
    elapsed = "since before the machine started" if under_way.since is None else numbers.duration(now - under_way.since)
    return (
        (f" {cells.fitted(elapsed, 8, to_right=True) if under_way.since is not None else elapsed}  ", Style.STRONG),
        (f"{plain.line(name)}  ", Style.BUSY),
        (f"{engine}, {'run' if len(runs) == 1 else 'runs'} {', '.join(runs[:_RUNS_NAMED])}{more}", Style.PLAIN),
        ("  OVERDUE" if under_way.overdue else "", Style.BAD),
        ("  begun by an earlier process" if under_way.adopted else "", Style.FAINT),
    )


def events(told: Sequence[board.Event], most: int) -> list[cells.Line]:
    """The last events, the oldest of them first."""
    if not told:
        nothing: cells.Line = ((" nothing happened yet", Style.FAINT),)
        return [nothing][:most]
    return [event(one) for one in told[max(0, len(told) - most) :]]


def event(one: board.Event) -> cells.Line:
    """One event."""
    mark, style = _LEVELS[one.level]
    fields = " ".join(f"{name}={value}" for name, value in one.fields.items())
    return (
        (f"{mark}{one.time.astimezone():%H:%M:%S} ", Style.FAINT if mark == " " else style),
        (f"{plain.line(one.account) or '-'} ", Style.BUSY),
        (plain.line(one.name), Style.STRONG if style is Style.PLAIN else style),
        (f" {plain.line(fields)}", style),
    )
