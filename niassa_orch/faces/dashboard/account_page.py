"""One account with everything that the board knows of it, and one run with everything that is said of it.

Pure; as many lines as it takes, ``screen`` scrolls. Called by ``screen``.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from niassa_orch.core import account_line, board, pulse
from niassa_orch.domain import accounts, orders, runs
from niassa_orch.faces import numbers, plain, remarks
from niassa_orch.faces.dashboard import accounts_page, cells, columns, curves, happenings, ranking
from niassa_orch.faces.dashboard.cells import Style

_LEFT_CELLS: Final = 16


def lines(snapshot: board.Snapshot, name: str, width: int) -> list[cells.Line]:
    """The account's page."""
    line = next((one for one in snapshot.accounts if one.name == name), None)
    if line is None:
        return [accounts_page.rule(plain.line(name)), *_pair("gone", "it has no profile any more", width, Style.WAITS)]
    ground = columns.Ground(snapshot.now, ranking.keepers(snapshot))
    mark, word, style = columns.state(line, ground)
    made = [accounts_page.rule(plain.line(name)), *_pair("state", f"{mark} {word}", width, style)]
    ordered = orders.over(snapshot.orders, name)
    for title, text, meaning in _words(line, {str(order) for order in ordered}):
        made += _pair(title, text, width, meaning)
    for order in ordered:
        made += _pair("order", str(order), width, Style.STOP if order.kind is orders.Kind.STOP else Style.WAITS)
    for title, text in (*_times(line, snapshot.now), *_counts(line), *_who(line)):
        made += _pair(title, text, width)
    made += _doubts(line, width) + _calls(line, snapshot.now)
    told = [event for event in snapshot.events if event.account == name]
    return [*made, accounts_page.rule("events of it"), *happenings.events(told, len(told) or 1)]


def run(accession: int, said: Sequence[tuple[str, str]], width: int) -> list[cells.Line]:
    """What is said of a run until now."""
    made = [accounts_page.rule(f"run {accession}")]
    for who, text in said:
        made += _pair(who, text, width, Style.WAITS if who == "waits" else Style.PLAIN)
    return made if said else [*made, ((" asking ...", Style.FAINT),)]


def _words(line: account_line.AccountLine, said: Collection[str]) -> Iterable[tuple[str, str, Style]]:
    told = (
        ("reason", remarks.cause_first(plain.line(line.reason)), Style.BAD),
        ("refused profile", line.refusal, Style.BAD),
        ("not read yet", line.unfinished, Style.WAITS),
        ("overdue", remarks.overdue(line), Style.BAD),
        ("lacks", line.warning, Style.WAITS),
        ("look at this", line.advice, Style.WAITS),
        ("waits", line.waiting, Style.WAITS),
    )
    return [one for one in told if one[1] and one[1] not in said]


def _times(line: account_line.AccountLine, now: float) -> Iterable[tuple[str, str]]:
    age = "never" if line.last_good_poll is None else f"{numbers.duration(max(0.0, now - line.last_good_poll))} ago"
    took = "" if line.poll_seconds is None else f", took {numbers.latency(line.poll_seconds)}"
    beat = "now" if line.next_beat is None else f"in {numbers.duration(max(0.0, line.next_beat - now))}"
    minutes = line.launched.at(now)
    yield "last good poll", f"{age}{took}; next beat {beat}"
    yield "launches", f"{curves.curve(minutes)} {sum(minutes)} in {pulse.MINUTES} min"


def _counts(line: account_line.AccountLine) -> Iterable[tuple[str, str]]:
    yield "active runs", _counted(line.counts) or "none"
    yield "ended", f"{_counted(line.ended) or 'none'} since the service started"
    put_back = line.jobs_restored, line.requests_restored, line.requests_lost
    if any(put_back):
        yield "lost updates", "{} jobs and {} requests of users put back, {} requests may be lost".format(*put_back)


def _counted(counts: Mapping[runs.RunStatus, int]) -> str:
    return ", ".join(f"{counts[status]} {status}" for status in runs.RunStatus if counts.get(status))


def _who(line: account_line.AccountLine) -> Iterable[tuple[str, str]]:
    yield "Unix user", line.unix_user or "?"
    known = line.account
    if known is not None:
        yield "host", known.host
        yield "web service", f"{known.web_service_url} as {known.web_user}"
        yield "Oozie", known.oozie_url or "none"
        yield (
            "propagation",
            f"{known.propagation}{', shadow mode: nothing is launched or written' if known.shadow else ''}",
        )
        yield "limits", _limits(known)


def _limits(known: accounts.Account) -> str:
    most = {"in flight": known.in_flight, "a beat": known.a_beat, "an hour": known.an_hour}
    said = ", ".join(f"{number} {what}" for what, number in most.items() if number is not None)
    return said or "none of its own"


def _doubts(line: account_line.AccountLine, width: int) -> list[cells.Line]:
    made: list[cells.Line] = []
    if line.in_doubt:
        made += _pair("in doubt", f"{', '.join(map(str, line.in_doubt))}: asked again", width, Style.WAITS)
    for accession, reason in line.held.items():
        text = f"run {accession} waits for a person (niassa-orch doubts): {reason}"
        made += _pair("held", text, width, Style.BAD)
    for text in remarks.left_alone(line):
        made += _pair("left alone", text, width, Style.BAD)
    return made


def _calls(line: account_line.AccountLine, now: float) -> list[cells.Line]:
    if not line.calls:
        return []
    found = happenings.calls([line])
    return [accounts_page.rule(f"engine calls under way {len(found)}"), *(happenings.call(one, now) for one in found)]


def _pair(left: str, text: str, width: int, style: Style = Style.PLAIN) -> list[cells.Line]:
    folded = cells.folded(plain.line(text), max(10, width - _LEFT_CELLS - 2), style)
    names = (left, *[""] * (len(folded) - 1))
    return [
        ((f" {cells.fitted(name, _LEFT_CELLS)} ", Style.FAINT), *line) for name, line in zip(names, folded, strict=True)
    ]
