"""The tables of the web page: accounts, what waits for a person, runs in flight, servers, events. Pure.

Each is bounded, and says how much more there is. Called by ``page``.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

from niassa_orch.core import account_line, board, gauges
from niassa_orch.domain import runs
from niassa_orch.faces import markup, numbers, remarks, severity

_ACCOUNTS: Final = 1000
_ROWS: Final = 100
_EVENTS: Final = 50
#: A mark and a word each, so that nothing is told by colour alone.
_LOOKS: Final = {
    account_line.State.OK: ("\N{CHECK MARK}", "good"),
    account_line.State.STARTING: ("\N{HORIZONTAL ELLIPSIS}", ""),
    account_line.State.STOPPING: ("\N{HORIZONTAL ELLIPSIS}", ""),
    account_line.State.DISABLED: ("\N{EN DASH}", ""),
    account_line.State.BACKING_OFF: ("!", "warn"),
    account_line.State.LOGIN_REFUSED: ("!", "warn"),
    account_line.State.WRONG_PASSWORD: ("\N{BALLOT X}", "bad"),
    account_line.State.MISCONFIGURED: ("\N{BALLOT X}", "bad"),
}
_LEVELS: Final = {board.Level.INFO: "", board.Level.WARNING: "! ", board.Level.ERROR: "\N{BALLOT X} "}
_LEVEL_LOOKS: Final = {board.Level.INFO: "", board.Level.WARNING: "warn", board.Level.ERROR: "bad"}
_STATUSES: Final = (*runs.ACTIVE, runs.RunStatus.COMPLETED, runs.RunStatus.FAILED, runs.RunStatus.CANCELLED)
_SHORT: Final = {runs.RunStatus.SUBMITTED_CANCEL: "cancel", runs.RunStatus.SUBMITTED_RETRY: "retry"}
_COLUMNS: Final = (
    *(
        "account",
        "Unix user",
        "state",
        "why, and what waits",
        "last poll",
        "next beat",
        "in flight",
        "in doubt",
        "held",
    ),
    *(_SHORT.get(status, status.value) for status in _STATUSES),
)


def accounts(snapshot: board.Snapshot) -> str:
    """The worst first."""
    lines = severity.worst_first(snapshot.accounts)
    rows = (_account(line, snapshot.now) for line in lines[:_ACCOUNTS])
    ended = "Cancel and retry: users asked for it. Completed, failed, cancelled: since the service started. "
    return markup.table("Accounts, the worst first", _COLUMNS, rows, ended + _more(len(lines), _ACCOUNTS, "accounts"))


def _account(line: account_line.AccountLine, now: float) -> list[markup.Cell]:
    mark, look = _LOOKS[line.state]
    polled = "never" if line.last_good_poll is None else f"{numbers.duration(now - line.last_good_poll)} ago"
    beat = "-" if line.next_beat is None else f"in {numbers.duration(max(0.0, line.next_beat - now))}"
    counts = [(line.counts if status in runs.ACTIVE else line.ended).get(status, 0) for status in _STATUSES]
    why = remarks.of(line)
    return [
        markup.Cell(line.name),
        markup.Cell(line.unix_user or "?"),
        markup.Cell(f"{mark} {line.state}", f"state {look}"),
        markup.Cell(why, "words" if why else "words none"),
        markup.Cell(polled, "number"),
        markup.Cell(beat, "number"),
        markup.number(len(line.in_flight)),
        markup.number(len(line.in_doubt), "warn"),
        markup.number(len(line.held), "bad"),
        *map(markup.number, counts),
    ]


def held(snapshot: board.Snapshot) -> str:
    """Launches that wait for a person, and those in doubt that are asked again."""
    waiting = [*_unsettled(snapshot)]
    rows = ([markup.Cell(word) for word in one] for one in waiting[:_ROWS])
    rows_of = ([*cells[:-1], markup.Cell(cells[-1].words, "words")] for cells in rows)
    told = "What to do with what is held: niassa-orch doubts, niassa-orch resolve. "
    columns = ("run", "account", "what", "why")
    return markup.table("Launches not settled", columns, rows_of, told + _more(len(waiting), _ROWS, "launches"))


def _unsettled(snapshot: board.Snapshot) -> Iterator[tuple[str, str, str, str]]:
    for line in snapshot.accounts:
        for accession, reason in line.held.items():
            yield str(accession), line.name, "\N{BALLOT X} waits for a person", reason
    for line in snapshot.accounts:
        for accession in line.in_doubt:
            yield str(accession), line.name, "in doubt, asked again", "whether it happened is not known yet"


def in_flight(snapshot: board.Snapshot) -> str:
    """The engine calls that live, the longest first."""
    calls = [(line.name, call) for line in snapshot.accounts for call in line.calls]
    calls.sort(key=lambda one: one[1].since or 0.0)
    rows = (_call(name, call, snapshot.now) for name, call in calls[:_ROWS])
    more = _more(len(calls), _ROWS, "calls")
    return markup.table("Engine calls under way", ("runs", "account", "for", "remarks"), rows, more)


def _call(name: str, call: gauges.EngineCall, now: float) -> list[markup.Cell]:
    lasts = "-" if call.since is None else numbers.duration(now - call.since)
    said = (
        (call.overdue, "outlived its deadline"),
        (call.adopted, "begun by an earlier process"),
        (call.whitestar, "whitestar: lasts as long as its workflow"),
    )
    remark = "; ".join(words for is_so, words in said if is_so)
    accessions = " ".join(map(str, call.accessions))
    return [markup.Cell(accessions), markup.Cell(name), markup.Cell(lasts, "number"), markup.Cell(remark, "words")]


def neighbours(snapshot: board.Snapshot) -> str:
    """Web services and Oozie servers, those in trouble first."""
    rows = (_neighbour(one, snapshot.now) for one in sorted(snapshot.neighbours, key=lambda one: not one.trouble))
    columns = ("server", "what", "state", "last answer", "took", "why")
    return markup.table("Web services and Oozie servers", columns, itertools.islice(rows, _ROWS))


def _neighbour(one: gauges.Neighbour, now: float) -> list[markup.Cell]:
    state, look = ("! no answer", "warn") if one.trouble else ("\N{CHECK MARK} ok", "good")
    if one.answered_at is None and not one.trouble:
        state, look = "\N{HORIZONTAL ELLIPSIS} not asked yet", ""
    return [
        markup.Cell(one.url),
        markup.Cell(one.kind.value),
        markup.Cell(state, look),
        markup.Cell("never" if one.answered_at is None else f"{numbers.duration(now - one.answered_at)} ago", "number"),
        markup.Cell("-" if one.poll_seconds is None else f"{one.poll_seconds:.2f} s", "number"),
        markup.Cell(remarks.cause_first(one.trouble), "words" if one.trouble else "words none"),
    ]


def events(snapshot: board.Snapshot) -> str:
    """The last ones, the newest first."""
    rows = map(_event, snapshot.events[: -_EVENTS - 1 : -1])
    return markup.table("Last events", ("time", "account", "event", "with"), rows)


def _event(event: board.Event) -> Sequence[markup.Cell]:
    words = " ".join(f"{name}={value}" for name, value in event.fields.items())
    return (
        markup.Cell(f"{event.time.astimezone():%Y-%m-%d %H:%M:%S %Z}"),
        markup.Cell(event.account or "-"),
        markup.Cell(f"{_LEVELS[event.level]}{event.name}", _LEVEL_LOOKS[event.level]),
        markup.Cell(words, "words"),
    )


def _more(count: int, shown: int, what: str) -> str:
    return f"And {count - shown} {what} more: niassa-orch status." if count > shown else ""
