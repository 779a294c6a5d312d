"""What the keys do, and what the marks mean. Pure; called by ``screen``."""

from typing import Final

from niassa_orch.faces.dashboard import accounts_page, cells, curves
from niassa_orch.faces.dashboard.cells import Style

_KEYS: Final = (
    ("arrows, PgUp, PgDn, Home, End", "choose an account, or scroll; Home follows the worst"),
    ("Enter", "the page of the chosen account"),
    ("Esc", "back; on the first page: show all accounts again"),
    ("/", "show accounts with a text: in the name, the Unix user, the state, a reason"),
    ("s", "sort: worst first, by name, most active runs, oldest poll"),
    ("p", "pause the account (asks why): nothing is launched or propagated; again: resume it"),
    ("r", "poll the account now instead of at its next beat"),
    ("e", "explain a run: what everybody knows of it, and what it waits for"),
    ("?", "this page"),
    ("q", "quit"),
)
_MARKS: Final = (
    ("\N{BALLOT X}", Style.BAD, "a person must do something"),
    ("!", Style.WAITS, "waits, and is tried again"),
    ("\N{CHECK MARK}", Style.GOOD, "well"),
    ("+", Style.BUSY, "is starting"),
    ("-", Style.FAINT, "disabled, or stopping"),
    (curves.PAUSED, Style.WAITS, "paused by order of an operator"),
    (curves.STOPPED, Style.STOP, "launching is stopped by order of an operator: niassa-orch resume"),
)
_HEADER: Final = (
    ("doubts", "launches that are not settled; with a cross some wait for a person: niassa-orch doubts"),
    ("pool, calls", "places taken / all + waiting: accounts at work, engine calls of all accounts"),
    ("freshness", "how long after a job moved the web service said so: half and 95 % of all are not above"),
    ("requests", "made by us, and what the crontabs would have made more"),
    ("launches", "begun in the last 30 minutes; a mark for each of the last ten"),
)
_COLUMNS: Final = (
    ("subm pend run c/r", "active runs: submitted, pending, running, and those to be cancelled or retried"),
    ("fly", "launches in flight: their engine call lives"),
    ("doubt", "launches that are not settled, and those that wait for a person: niassa-orch doubts"),
    ("polled, next", "age of the last complete poll, and time until the next"),
    ("begun", "launches begun in the last minutes, a mark a minute, the highest for most"),
    ("compl failed cancd", "runs that ended since the service started"),
)
_LEFT_CELLS: Final = 31


def lines(width: int) -> list[cells.Line]:
    """The page, as many lines as it takes."""
    made = [accounts_page.rule("keys")]
    for name, text in _KEYS:
        made += _pair(name, Style.STRONG, text, width)
    made += [cells.EMPTY, accounts_page.rule("marks")]
    for mark, style, text in _MARKS:
        made += _pair(mark, style, text, width)
    for title, pairs in (("columns", _COLUMNS), ("header", _HEADER)):
        made += [cells.EMPTY, accounts_page.rule(title)]
        for name, text in pairs:
            made += _pair(name, Style.STRONG, text, width)
    return made


def _pair(left: str, style: Style, text: str, width: int) -> list[cells.Line]:
    first, *more = cells.folded(text, max(10, width - _LEFT_CELLS - 1))
    indent = (" " * (_LEFT_CELLS + 1), Style.PLAIN)
    name = ((" ", Style.PLAIN), (left, style), (" " * (_LEFT_CELLS - cells.width(left)), Style.PLAIN))
    return [(*name, *first), *((indent, *line) for line in more)]
