import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.core import account_line
from niassa_orch.domain import runs
from niassa_orch.faces.dashboard import keys, pressing, ranking, screen, view
from niassa_orch.faces.dashboard.view import Action, Asked, Page, Seen, Verb, View
from tests.unit.faces.dashboard.pictures import drawn, snapshot

Key = keys.Key
LINES = tuple(account_line.AccountLine(f"a{number}") for number in range(9))
SEEN = Seen(LINES, page_lines=4, most_scroll=10, kept=frozenset({"a1"}))


def pressed(looked_at: View, *pressed: str, seen: Seen = SEEN) -> tuple[View, list[Action]]:
    """The view after keys, and what they asked for."""
    done = []
    for key in pressed:
        looked_at, action = pressing.press(looked_at, key, seen)
        done += [action] if action else []
    return looked_at, done


@pytest.mark.parametrize(
    ("keyed", "cursor"),
    [
        ([Key.DOWN], "a1"),
        ([Key.UP], "a0"),
        ([Key.PAGE_DOWN, Key.DOWN], "a5"),
        ([Key.END, Key.DOWN], "a8"),
        ([Key.END, Key.PAGE_UP], "a4"),
        ([Key.END, Key.HOME], ""),
    ],
)
def test_arrows_and_pages_choose_an_account_and_stay_among_them(keyed: list[str], cursor: str) -> None:
    assert pressed(View(), *keyed) == (View(cursor=cursor), [])


def test_enter_opens_the_chosen_account_and_escape_leads_back_to_it() -> None:
    opened, _ = pressed(View(), Key.DOWN, Key.ENTER)
    assert (opened.page, opened.account) == (Page.ACCOUNT, "a1")
    helped, _ = pressed(opened, "?")
    assert helped.page is Page.HELP
    assert pressed(helped, Key.ESCAPE)[0] == opened
    back, _ = pressed(opened, Key.ESCAPE)
    assert (back.page, back.account, back.cursor) == (Page.ACCOUNTS, "", "a1")


def test_a_pause_is_asked_why_and_whether_before_it_is_ordered() -> None:
    asked, done = pressed(View(), "p", *"full", "x", Key.BACKSPACE, Key.ENTER)
    assert done == []
    assert asked.prompt == view.Prompt(Asked.PAUSE, account="a0", reason="full")
    assert pressed(asked, "y")[1] == [Action(Verb.PAUSE, "a0", "full")]
    for other in ("n", Key.ESCAPE, Key.ENTER, "q"):
        said, done = pressed(asked, other)
        assert (said.prompt, said.message, done) == (None, "not done", [])


def test_an_account_that_is_paused_is_resumed_by_the_same_key() -> None:
    assert pressed(View(cursor="a1"), "p", "y")[1] == [Action(Verb.RESUME, "a1")]


def test_a_filter_holds_while_it_is_typed_and_escape_takes_it_away() -> None:
    typed, _ = pressed(View(cursor="a3"), "/", *"q?p")
    assert (typed.wanted, typed.cursor) == ("q?p", "")
    kept, _ = pressed(typed, Key.ENTER)
    assert (kept.wanted, kept.prompt) == ("q?p", None)
    assert pressed(kept, Key.ESCAPE)[0].wanted == ""
    assert pressed(typed, Key.ESCAPE)[0].wanted == ""


def test_a_run_is_explained_by_its_number_and_by_nothing_else() -> None:
    shown, done = pressed(View(), "e", *"1x2é\N{FULLWIDTH DIGIT THREE}", Key.ENTER)
    assert done == [Action(Verb.EXPLAIN, accession=runs.Accession(12))]
    assert (shown.page, shown.run) == (Page.RUN, 12)
    assert pressed(View(), "e", Key.ENTER)[1] == []
    assert pressed(View(), "e", "0", Key.ENTER)[1] == []


def test_polling_is_of_the_chosen_account_and_of_that_of_a_page() -> None:
    assert pressed(View(), "r")[1] == [Action(Verb.POLL, "a0")]
    assert pressed(View(page=Page.ACCOUNT, account="a7"), "r")[1] == [Action(Verb.POLL, "a7")]
    said, done = pressed(View(), "r", seen=Seen())
    assert done == []
    assert said.is_refused


def test_leaving_is_asked_only_where_it_ends_the_service() -> None:
    assert pressed(View(), "q")[1] == [Action(Verb.QUIT)]
    own = Seen(farewell="end the service?")
    asked, done = pressed(View(), "q", seen=own)
    assert done == []
    assert "(y/n) end the service?" in drawn(snapshot(), 80, 24, asked)[-1]
    assert pressed(asked, "y", seen=own)[1] == [Action(Verb.QUIT)]


def test_sorting_goes_round() -> None:
    shown, _ = pressed(View(), *"s" * len(ranking.Sort))
    assert shown.sort is ranking.Sort.WORST
    assert pressed(View(), "s")[0].sort is ranking.Sort.NAME


@given(st.lists(st.sampled_from([*Key, *"qpresy/?n01é漢 "]), max_size=12), st.integers(1, 100), st.integers(1, 40))
def test_any_keys_at_any_size_lead_to_a_picture_that_fits(keyed: list[str], width: int, height: int) -> None:
    looked_at, seen = View(), Seen()
    for key in keyed:
        looked_at, _ = pressing.press(looked_at, key, seen)
        drawn(snapshot(*LINES), width, height, looked_at)
        seen = screen.picture(snapshot(*LINES), looked_at, width, height).seen
