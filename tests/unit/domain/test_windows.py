import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import windows

MINUTES = st.integers(0, 24 * 60 - 1)


def at(minute: int, second: int = 0) -> datetime.datetime:
    return datetime.datetime(2026, 11, 24, minute // 60, minute % 60, second, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("08:00-18:00", ["08:00", "17:59"], ["07:59", "18:00", "00:00"]),
        ("22:00-06:00", ["22:00", "23:59", "00:00", "05:59"], ["06:00", "21:59"]),
        ("00:00-24:00", ["00:00", "23:59"], []),
        ("18:00-24:00", ["18:00", "23:59"], ["00:00", "17:59"]),
    ],
)
def test_a_window_holds_its_first_minute_and_not_its_last(text: str, inside: list[str], outside: list[str]) -> None:
    window = windows.parse(text)
    assert str(window) == text
    minutes = {told: int(told[:2]) * 60 + int(told[3:]) for told in (*inside, *outside)}
    assert [told for told, minute in minutes.items() if window.holds(minute)] == inside


@pytest.mark.parametrize("text", ["", "8-18", "08:00", "08:00-08:00", "24:00-06:00", "08:00-24:01", "08:60-09:00", "x"])
def test_what_is_no_window_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"22:00-06:00|00:00 to 24:00"):
        windows.parse(text)


def test_without_windows_it_is_always_open() -> None:
    assert windows.opens_in_seconds((), at(0)) == 0


@given(st.lists(st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]), min_size=1), MINUTES)
def test_it_is_open_once_the_wait_is_over_and_not_a_minute_before(pairs: list[tuple[int, int]], minute: int) -> None:
    some = [windows.Window(*pair) for pair in pairs]
    now = at(minute, second=30)
    seconds = windows.opens_in_seconds(some, now)
    assert windows.opens_in_seconds(some, now + datetime.timedelta(seconds=seconds)) == 0
    if seconds > 60:
        assert windows.opens_in_seconds(some, now + datetime.timedelta(seconds=seconds - 60)) > 0
