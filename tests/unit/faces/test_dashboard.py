import asyncio
import collections
import dataclasses
import datetime
import io

import pytest
import rich.cells
import rich.console

from niassa_orch.core import board, freshness, gauges, savings
from niassa_orch.domain import runs
from niassa_orch.faces import dashboard
from tests.fakes import neighbours_in_memory as fakes

R, State = runs.RunStatus, board.State
SIZES = [(80, 24), (120, 40), (200, 60)]
NOW = 1000.0
NOON = datetime.datetime(2026, 1, 2, 12, 0, tzinfo=datetime.UTC)

ALICE = board.AccountLine(
    "alice",
    "niassa-alice",
    state=State.OK,
    last_good_poll=NOW - 5,
    counts={R.SUBMITTED: 11, R.RUNNING: 222},
    ended=collections.Counter({R.COMPLETED: 3333, R.FAILED: 44}),
    in_flight=(runs.Accession(1), runs.Accession(2)),
    held={runs.Accession(7): "Oozie has two jobs of this launch"},
)
BOB = board.AccountLine(
    "bob", "niassa-bob", state=State.BACKING_OFF, reason=f"GET http://ws{'/x' * 100}: no connection", next_beat=NOW + 90
)
CAROL = board.AccountLine("carol", state=State.MISCONFIGURED, reason="carol.toml: unix_user: no such user")
DAVE = board.AccountLine("dave", "niassa-dave", state=State.WRONG_PASSWORD, reason="401")


def event(number: int, **fields: object) -> board.Event:
    return board.Event(number, NOON, board.Level.ERROR, f"run.moved{number}", "alice", fields)


def snapshot(*lines: board.AccountLine, events: int = 0, draining: bool = False, journal: str = "") -> board.Snapshot:
    told = tuple(event(number, accession=number) for number in range(events))
    uses = gauges.Use(3, 10, 2), gauges.Use(1, 2, 0)
    return board.Snapshot("server2.lab.net", NOW, 3700, *uses, draining, journal, lines, told)


def drawn(seen: board.Snapshot, width: int, height: int) -> list[str]:
    """The lines of the picture; fails when one is wider than the terminal, or the picture is higher."""
    console = rich.console.Console(width=width, height=height, file=io.StringIO(), record=True, force_terminal=True)
    console.print(dashboard.render(seen, width, height))
    lines = console.export_text().splitlines()
    assert max(rich.cells.cell_len(line) for line in lines) <= width
    assert len(lines) <= height
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_picture_has_header_accounts_remarks_and_events(width: int, height: int) -> None:
    lines = drawn(snapshot(ALICE, BOB, CAROL, DAVE, events=100), width, height)
    text = "\n".join(lines)
    assert "niassa-orch on server2.lab.net" in text
    assert "up 1h01m" in text
    assert "pool 3/10 (+2 waiting)" in text
    for name, state in (
        ("alice", "ok"),
        ("bob", "backing off"),
        ("carol", "misconfigured"),
        ("dave", "wrong password"),
    ):
        (row,) = (line for line in lines if line.startswith(f" {name} "))
        assert state in row
    (alice,) = (line for line in lines if line.split()[:1] == ["alice"])
    assert {"11", "222", "2", "1", "5s"} <= set(alice.split())
    assert "carol: carol.toml: unix_user: no such user" in text
    assert "bob (again in 1m30s): no connection [GET" in text
    assert "7 waits for a person (niassa-orch doubts): Oozie has two jobs" in text
    assert "run.moved99 accession=99" in lines[-1]


def test_a_long_remark_takes_three_lines_at_most_and_says_that_there_is_more() -> None:
    reason = " ".join(f"word{number}" for number in range(100))
    lines = drawn(snapshot(board.AccountLine("bob", state=State.MISCONFIGURED, reason=reason)), 80, 24)
    first = next(index for index, line in enumerate(lines) if line.startswith("bob: word0 "))
    assert lines[first + 1].startswith("word")
    assert lines[first + 2].startswith("word")
    assert lines[first + 2].endswith("\N{HORIZONTAL ELLIPSIS}")
    assert not lines[first + 3].startswith("word")


def test_remarks_that_find_no_room_for_more_lines_all_have_their_first() -> None:
    many = [
        board.AccountLine(f"a{number}", state=State.MISCONFIGURED, reason=f"reason{number} " * 30)
        for number in range(6)
    ]
    lines = drawn(snapshot(*many, events=50), 80, 24)
    for number in range(6):
        assert sum(line.startswith(f"a{number}: reason{number}") for line in lines) == 1
    assert sum("run.moved" in line for line in lines) >= 3


@pytest.mark.parametrize("width", [80, 109, 110, 120, 200])
def test_names_give_way_and_no_number_title_state_or_time_is_ever_cut(width: int) -> None:
    counts = dict.fromkeys((R.SUBMITTED, R.PENDING, R.RUNNING, R.SUBMITTED_CANCEL, R.SUBMITTED_RETRY), 1234)
    ended = collections.Counter({R.COMPLETED: 1_234_567, R.FAILED: 12_345, R.CANCELLED: 12_345})
    busy = board.AccountLine(
        "account-" * 9,
        "unix-user-" * 9,
        state=State.WRONG_PASSWORD,
        counts=counts,
        ended=ended,
        last_good_poll=NOW - 1e5,
    )
    lines = drawn(snapshot(busy, CAROL), width, 40)
    title, row = (next(line for line in lines if word in line) for word in ("last poll", "wrong password"))
    wide = width >= 110
    titles = ["state", "subm", "pend", "run", "canc", "retry", "flight", "doubt"]
    titles += ["compl", "failed", "cancd"] if wide else []
    assert title.split()[-len(titles) - 2 :] == [*titles, "last", "poll"]
    numbers = ["1234"] * 5 + ["·", "·"] + (["1234567", "12345", "12345"] if wide else [])
    assert row.split()[-len(numbers) - 4 :] == ["wrong", "password", *numbers, "27h46m", "ago"]
    assert row.split()[0].startswith("acco")


def test_a_terminal_with_room_cuts_no_name() -> None:
    (row,) = (line for line in drawn(snapshot(ALICE, BOB), 200, 40) if "backing off" in line)
    assert row.split()[:2] == ["bob", "niassa-bob"]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_events_fill_what_the_accounts_leave(width: int, height: int) -> None:
    lines = drawn(snapshot(ALICE, CAROL, events=100), width, height)
    assert sum("run.moved" in line for line in lines) >= height - 15


def test_a_wide_terminal_shows_unix_users_and_what_ended() -> None:
    (row,) = (line for line in drawn(snapshot(ALICE), 120, 40) if line.split()[:1] == ["alice"])
    assert {"niassa-alice", "3333", "44"} <= set(row.split())


@pytest.mark.parametrize(("width", "height"), [(20, 5), (40, 10), *SIZES])
def test_names_hosts_and_reasons_of_any_length_stay_within_the_terminal(width: int, height: int) -> None:
    long = board.AccountLine("x" * 300, "y" * 300, state=State.LOGIN_REFUSED, reason="z" * 300, next_beat=NOW - 5)
    seen = snapshot(long, ALICE, BOB, events=20, draining=True)
    console = rich.console.Console(width=width, height=height, file=io.StringIO(), record=True)
    console.print(dashboard.render(seen, width, height))
    assert max(rich.cells.cell_len(line) for line in console.export_text().splitlines()) <= width


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_of_too_many_accounts_those_that_need_a_person_are_shown_and_the_rest_counted(width: int, height: int) -> None:
    many = [board.AccountLine(f"a{number:03}", state=State.OK) for number in range(150)]
    lines = drawn(snapshot(*many, DAVE, events=50), width, height)
    assert any(line.split()[:1] == ["dave"] for line in lines)
    shown = sum(line.split()[:1] == [account.name] for line in lines for account in (*many, DAVE))
    assert f"and {151 - shown} accounts more" in lines
    assert sum("run.moved" in line for line in lines) >= 3


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_draining_is_seen_at_every_width(width: int, height: int) -> None:
    assert any("draining" in line for line in drawn(snapshot(ALICE, draining=True), width, height))
    assert not any("draining" in line for line in drawn(snapshot(ALICE), width, height))


def test_before_anything_happened_the_picture_says_so() -> None:
    text = "\n".join(drawn(snapshot(), 80, 24))
    assert "no profile yet" in text
    assert "nothing happened yet" in text


def test_what_a_neighbour_wrote_neither_breaks_lines_nor_reaches_the_terminal_as_control() -> None:
    evil = "one\ntwo\r\x1b[2J\x07\x9b31m[bold]three[/oops]"
    line = board.AccountLine("bob", "[red]eve[/red]", state=State.BACKING_OFF, reason=evil, held={})
    seen = board.Snapshot(
        "h", NOW, 0, gauges.Use(0, 1, 0), gauges.Use(0, 1, 0), False, evil, (line,), (event(1, text=evil),)
    )
    output = io.StringIO()
    rich.console.Console(width=200, height=60, file=output).print(dashboard.render(seen, 200, 60))
    text = output.getvalue()
    assert not {"\x1b", "\x07", "\x9b", "\r"} & set(text)
    assert text.count("[bold]three[/oops]") == 3
    assert "[red]eve[/red]" in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_journal_that_cannot_be_used_is_the_first_thing_below_the_accounts(width: int, height: int) -> None:
    lines = drawn(snapshot(ALICE, BOB, journal="the journal is damaged: put it aside"), width, height)
    assert any("nothing is launched" in line for line in lines)
    (said,) = [number for number, line in enumerate(lines) if "the journal is damaged" in line]
    assert said < next(number for number, line in enumerate(lines) if line.startswith("bob") and ":" in line)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (59.9, "59s"), (60, "1m00s"), (3599, "59m59s"), (3600, "1h00m"), (90061, "25h01m")],
)
def test_durations_are_short(seconds: float, shown: str) -> None:
    line = board.AccountLine("a", state=State.OK, last_good_poll=NOW - seconds)
    assert any(f"{shown} ago" in row for row in drawn(snapshot(line), 80, 24))


@pytest.mark.looptime
async def test_the_board_is_redrawn_while_the_context_lasts() -> None:
    told = fakes.board_of()
    output = io.StringIO()
    console = rich.console.Console(file=output, force_terminal=True, width=80, height=24)
    async with dashboard.shown(told, console):
        await asyncio.sleep(1)
        told.line("zoe").state = State.OK
        assert "zoe" not in output.getvalue()
        await asyncio.sleep(1)
    assert "zoe" in output.getvalue()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_freshness_savings_and_orphans_are_in_the_header_of_every_terminal(width: int, height: int) -> None:
    many = [board.AccountLine(f"a{number}", state=State.MISCONFIGURED, reason="reason " * 30) for number in range(30)]
    many[0].lags = freshness.NO_LAGS.noted(3)
    seen = dataclasses.replace(
        snapshot(*many, events=50),
        requests=savings.Requests(1234, 123_456),
        orphans=tuple((f"owner{number}@lab.net", 40 - number) for number in range(30)),
    )
    lines = drawn(seen, width, height)
    assert lines[0].startswith(" niassa-orch on server2.lab.net")
    assert lines[1] == " freshness p50 4s, p95 5s   requests 1234 made, 122k saved"
    assert lines[2].startswith(" 765 active runs that no account serves: owner0@lab.net 40, ")
    assert lines[2].endswith("\N{HORIZONTAL ELLIPSIS}")
    assert "run.moved49" in lines[-1]
