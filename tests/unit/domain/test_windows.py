import datetime
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.domain import windows
from tests.fakes import zones

MINUTES = st.integers(0, 24 * 60 - 1)


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


@pytest.mark.parametrize(
    "text", ["", "8-18", "08:00", "08:00-08:00", "24:00-06:00", "08:00-24:01", "08:60-09:00", "canary"]
)
def test_what_is_no_window_is_refused_with_an_example_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"22:00-06:00|00:00 to 24:00") as caught:
        windows.parse(text)
    assert not text or text not in str(caught.value)


def test_without_windows_it_is_always_open() -> None:
    assert windows.opens_in_seconds((), 0) == 0


@pytest.fixture(scope="module", autouse=True)
def toronto() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield from zones.be_in(zones.TORONTO, monkeypatch)


@pytest.mark.parametrize(
    ("text", "now", "waits"),
    [
        ("23:00-05:00", "2026-11-24T22:00:00-05:00", "1:00:00"),
        ("23:00-05:00", "2026-11-24T04:59:59-05:00", "0:00:00"),
        ("23:00-05:00", "2026-11-24T05:00:10-05:00", "17:59:50"),
        # The night in which clocks are put forward is an hour shorter, the one in which they are put back longer.
        ("05:00-06:00", "2026-03-07T23:00:00-05:00", "5:00:00"),
        ("05:00-06:00", "2026-10-31T23:00:00-04:00", "7:00:00"),
        ("02:30-04:00", "2026-03-08T01:45:00-05:00", "0:15:00"),
        ("02:00-03:00", "2026-03-08T01:45:00-05:00", "23:15:00"),
        ("01:30-01:40", "2026-11-01T01:45:00-04:00", "0:45:00"),
        ("01:30-01:40", "2026-11-01T01:31:00-05:00", "0:00:00"),
    ],
)
def test_a_window_opens_when_the_clock_on_the_wall_says_so(text: str, now: str, waits: str) -> None:
    moment = datetime.datetime.fromisoformat(now).timestamp()
    seconds = windows.opens_in_seconds([windows.parse(text)], moment)
    assert str(datetime.timedelta(seconds=seconds)) == waits


@given(
    st.lists(st.tuples(MINUTES, MINUTES).filter(lambda pair: pair[0] != pair[1]), min_size=1),
    st.sampled_from([(2026, 3, 7), (2026, 10, 31), (2026, 11, 24)]),
    st.integers(0, 36 * 3600),
)
def test_it_is_open_once_the_wait_is_over_and_at_no_minute_before(
    pairs: list[tuple[int, int]], day: tuple[int, int, int], seconds: int
) -> None:
    some = [windows.Window(*pair) for pair in pairs]
    moment = datetime.datetime(*day, tzinfo=datetime.UTC).timestamp() + seconds
    wait = int(windows.opens_in_seconds(some, moment))
    assert windows.is_open(some, windows.wall(moment + wait))
    assert not any(windows.is_open(some, windows.wall(moment + one)) for one in range(wait - 60, 0, -1800))
    assert not wait or not windows.is_open(some, windows.wall(moment + wait - 1))
