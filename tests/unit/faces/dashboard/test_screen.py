import collections
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.core import account_line, gauges
from niassa_orch.domain import orders, runs
from niassa_orch.faces.dashboard import cells, ranking, screen, view
from tests.unit.faces.dashboard import pictures
from tests.unit.faces.dashboard.pictures import ALICE, BOB, CAROL, DAVE, NOW, SIZES, R, State, drawn, snapshot

Page, View = view.Page, view.View
sizes = pytest.mark.parametrize(("width", "height"), SIZES)


def _row(lines: list[str], name: str) -> str:
    (row,) = (line for line in lines if line.lstrip("> ").split()[:1] == [name])
    return row


@sizes
def test_the_picture_has_header_accounts_reasons_calls_events_and_keys(width: int, height: int) -> None:
    lines = drawn(snapshot(ALICE, BOB, CAROL, DAVE, events=100), width, height)
    text = "\n".join(lines)
    for said in ("niassa-orch server2.lab.net", "up 1h01m", "pool 3/10+2", "calls 1/2", "✗ doubts 2"):
        assert said in lines[0]
    for name, mark, state in (("bob", "!", "backing off"), ("carol", "✗", "misconfigured")):
        assert f"{mark} {state}" in _row(lines, name)
    assert {"11", "222", "2", "5s", "✗"} <= set(_row(lines, "alice").split())
    for said in ("carol.toml: unix_user: no such user", "again in 1m30s: no connection [GET", "Oozie has two jobs"):
        assert said in text
    assert "1m15s  alice  engine call, runs 1, 2" in text
    assert "run.moved99 accession=99" in lines[-2]
    assert lines[-1].startswith(" q quit  ? help")


@sizes
def test_accounts_that_need_a_person_come_first_and_disabled_ones_last(width: int, height: int) -> None:
    waits = account_line.AccountLine("aaron", state=State.OK, waiting="bob's engine call lives")
    off = account_line.AccountLine("aa", state=State.DISABLED)
    fine = account_line.AccountLine("ab", state=State.OK)
    lines = drawn(snapshot(off, fine, waits, ALICE, BOB, DAVE), width, height)
    places = [lines.index(_row(lines, name)) for name in ("dave", "alice", "bob", "aaron", "ab")]
    assert places == sorted(places)
    shown = ranking.shown(snapshot(off, fine, waits), ranking.Sort.WORST, "")
    assert [line.name for line in shown] == ["aaron", "ab", "aa"]


@sizes
def test_what_stays_as_it_is_is_said_above_beside_its_call_and_on_its_account(width: int, height: int) -> None:
    late = gauges.EngineCall((runs.Accession(7),), NOW - 5000, adopted=False, whitestar=False, overdue=True)
    ann = account_line.AccountLine("ann", state=State.OK, calls=(late,))
    ben = account_line.AccountLine("ben", state=State.OK, left_alone={runs.Accession(8): "its record names no job"})
    seen = dataclasses.replace(snapshot(BOB, ann, ben), alarms=("accounts_dir cannot be read",))
    text = "\n".join(lines := drawn(seen, width, height))
    assert any("✗ accounts_dir cannot be read" in line for line in lines[:6])
    assert "engine call, run 7  OVERDUE" in text
    assert "the engine call of 7 outlived its deadline" in text
    assert "run 8 is left alone: its record names no job" in text
    assert [line.name for line in ranking.shown(seen, ranking.Sort.WORST, "")] == ["ann", "ben", "bob"]


@sizes
def test_a_stop_is_above_everything_in_a_style_of_its_own_and_said_of_each_account(width: int, height: int) -> None:
    fine = account_line.AccountLine("ann", state=State.OK, waiting=str(pictures.order(orders.Kind.STOP)))
    given_orders = (pictures.order(orders.Kind.PAUSE, "bob"), pictures.order(orders.Kind.STOP))
    seen = snapshot(fine, BOB, journal="damaged", orders=given_orders)
    made = screen.picture(seen, View(), width, height)
    (first, *_), place = next((line, number) for number, line in enumerate(made.lines) if "STOP" in cells.text_of(line))
    assert first[1] is cells.Style.STOP
    assert "■ STOP: launching is STOPPED for all accounts by order of root" in first[0]
    lines = drawn(seen, width, height)
    assert "nothing is launched: damaged" in "\n".join(lines[place + 1 : place + 3])
    assert "■ STOPPED" in _row(lines, "ann")
    assert sum("the disk is full" in line for line in lines) == 1, "once for all accounts"
    assert "= paused by order, 1: bob" in "\n".join(lines)


def test_what_is_ordered_of_an_account_is_said_at_its_row() -> None:
    fine = account_line.AccountLine("ann", state=State.OK)
    lines = drawn(snapshot(fine, orders=(pictures.order(orders.Kind.PAUSE, "ann"),)), 160, 24)
    assert "= paused" in _row(lines, "ann")
    assert any("by order of root since 2026-01-02 12:00 UTC: the disk is full" in line for line in lines)


@pytest.mark.parametrize("count", [0, 1, 1000])
@sizes
def test_any_number_of_accounts_fits(width: int, height: int, count: int) -> None:
    many = [account_line.AccountLine(f"a{number:04}", state=State.OK) for number in range(count)]
    lines = drawn(snapshot(*many, events=50), width, height)
    assert any(line.startswith(f"── accounts {count}, worst first") for line in lines)
    assert sum("run.moved" in line for line in lines) >= 2
    assert ("no profile yet" in "\n".join(lines)) is (count == 0)
    last = drawn(snapshot(*many), width, height, View(cursor=f"a{count - 1:04}"))
    assert any(line.startswith(f"> a{count - 1:04}") for line in last) is (count > 0)


@given(st.data())
def test_whatever_is_in_names_and_reasons_the_picture_fits_and_controls_nothing(data: st.DataObject) -> None:
    text = st.text(max_size=40) | st.sampled_from(
        ["\x1b[2J\x07\x9b31m", "漢字" * 50, "e\u0301" * 30, "👩‍👩‍👧 x", "\u202eabc"]
    )
    line = account_line.AccountLine(
        data.draw(text), data.draw(text), state=data.draw(st.sampled_from(State)), reason=data.draw(text)
    )
    line.held = {runs.Accession(1): data.draw(text)}
    line.calls = (gauges.EngineCall((runs.Accession(1),), None, False, True),)
    told = pictures.event(1, line.name, text=data.draw(text))
    order = pictures.order(orders.Kind.PAUSE, line.name, data.draw(text))
    near = gauges.Neighbour(gauges.Kind.OOZIE, "http://o:1/oozie", None, None, data.draw(text))
    seen = snapshot(
        line, ALICE, journal=data.draw(text), orders=(order,), neighbours=(near,), orphans=((line.name, 2),)
    )
    seen = dataclasses.replace(seen, host=data.draw(text), events=(told,))
    page = data.draw(st.sampled_from(Page))
    looked_at = View(page, account=line.name, said=(("waits", data.draw(text)),), wanted=data.draw(st.just("") | text))
    looked_at = dataclasses.replace(looked_at, message=data.draw(text), trouble=data.draw(text))
    width, height = data.draw(st.integers(1, 120)), data.draw(st.integers(1, 50))
    for one in drawn(seen, width, height, looked_at):
        assert one.isprintable()


@pytest.mark.parametrize("width", [80, 109, 140, 200, 250])
def test_names_give_way_and_no_number_title_state_or_time_is_ever_cut(width: int) -> None:
    counts = dict.fromkeys((R.SUBMITTED, R.PENDING, R.RUNNING), 1234)
    ended = collections.Counter({R.COMPLETED: 12_345, R.FAILED: 12_345, R.CANCELLED: 12_345})
    busy = account_line.AccountLine(
        "account-" * 9,
        "unix-user-" * 9,
        state=State.WRONG_PASSWORD,
        counts=counts,
        ended=ended,
        last_good_poll=NOW - 1e5,
    )
    lines = drawn(snapshot(busy, CAROL), width, 40)
    row = next(line for line in lines if line.startswith("> "))
    assert row.split()[2:5] == ["✗", "wrong", "password"]
    assert row.split()[5:8] == ["1234"] * 3
    assert row.split()[11:13] == ["27h46m", "now"]
    assert ("12k" in row) is (width >= 109)


def test_a_narrow_terminal_still_tells_names_and_states() -> None:
    lines = drawn(snapshot(ALICE, DAVE), 32, 12)
    assert "wrong password" in _row(lines, "dave")


def test_neighbours_are_shown_worst_first_and_those_without_room_are_counted() -> None:
    web, oozie = gauges.Kind.WEB_SERVICE, gauges.Kind.OOZIE
    many = [gauges.Neighbour(web, f"http://ws{number}:8080/Seq", NOW, 0.1 * number, "") for number in range(9)]
    down = gauges.Neighbour(oozie, "http://oozie:11000/oozie", NOW - 65, 1.0, "no connection")
    (said,) = [line for line in drawn(snapshot(neighbours=(*many, down)), 80, 24) if "oozie:11000" in line]
    assert said == " ✗ Oozie oozie:11000 DOWN, 1m05s ago  ✓ web ws8:8080 ok 0.80s   and 8 more"
    (said,) = [line for line in drawn(snapshot(neighbours=many[1:2]), 80, 24) if "ws1" in line]
    assert said == " ✓ web ws1:8080 ok 0.10s"


@sizes
def test_an_accounts_page_tells_all_that_the_board_knows(width: int, height: int) -> None:
    pause = pictures.order(orders.Kind.PAUSE, "alice")
    told = (pictures.event(1), pictures.event(2, "bob"))
    seen = snapshot(ALICE, BOB, orders=(pause,), events=0)
    seen = dataclasses.replace(seen, events=told)
    text = " ".join(" ".join(drawn(seen, width, height, View(Page.ACCOUNT, account="alice"))).split())
    for said in (
        *("── alice", "= paused", "paused, propagation too, for alice", "11 submitted, 222 running", "3333 completed"),
        *(
            "run 7 waits for a person",
            "Oozie has two jobs",
            "begun by an earlier process",
            "run.moved1",
            "5: asked again",
        ),
    ):
        assert said in text
    assert "run.moved2" not in text


def test_an_account_that_has_gone_is_said_to_have() -> None:
    assert "no profile any more" in "\n".join(drawn(snapshot(), 80, 24, View(Page.ACCOUNT, account="alice")))


def test_text_that_is_too_long_scrolls_to_its_end_and_no_further() -> None:
    said = tuple(("journal", f"sentence {number}") for number in range(60))
    far = View(Page.RUN, run=runs.Accession(7), said=said, scroll=10_000)
    lines = drawn(snapshot(ALICE), 80, 24, far)
    assert lines[-2].endswith("sentence 59")
    made = screen.picture(snapshot(ALICE), far, 80, 24)
    assert 0 < made.seen.most_scroll < 60


@pytest.mark.parametrize("colours", [cells.MANY, cells.EIGHT, cells.NO_COLOURS])
def test_what_colours_say_words_and_marks_say_too(colours: cells.Palette) -> None:
    every = [account_line.AccountLine(f"x{number}", state=state) for number, state in enumerate(State)]
    lines = drawn(snapshot(*every), 80, 40)
    shown = {tuple(_row(lines, line.name).lstrip("> ").split()[1:3]) for line in every}
    assert len(shown) == len(State)
    made = screen.picture(snapshot(*every), View(), 80, 40)
    told = "".join(cells.written(line, colours) for line in made.lines)
    assert ("38;5" in told) is (colours is cells.MANY)


def test_without_colours_nothing_but_weight_and_reverse_is_used() -> None:
    assert {code for codes in cells.NO_COLOURS.values() for code in codes.split(";") if code} <= {
        "1",
        "2",
        "7",
        "97"[:1],
    }
    assert cells.palette("truecolor", no_color=True) is cells.NO_COLOURS
    assert cells.palette(None, no_color=False) is cells.NO_COLOURS
    assert cells.palette("standard", no_color=False) is cells.EIGHT


def test_a_service_that_does_not_answer_is_said_above_what_was_known_last() -> None:
    lost = View(trouble="no service answers at /run/x; trying again")
    assert drawn(None, 80, 24, lost)[0] == " ✗ no service answers at /run/x; trying again"
    lines = drawn(snapshot(ALICE), 80, 24, lost)
    assert lines[0].startswith(" ✗ no service answers")
    assert _row(lines, "alice")


@sizes
def test_draining_orphans_journal_and_audit_are_in_the_header(width: int, height: int) -> None:
    seen = snapshot(
        ALICE, draining=True, journal="the journal is damaged", audit="no room", orphans=(("eve", 2), ("", 1))
    )
    text = "\n".join(drawn(seen, width, height)[:8])
    for said in (
        "DRAINING",
        "nothing is launched: the journal is damaged",
        "nothing is launched: no room",
        "eve 2, ? 1",
    ):
        assert said in text
