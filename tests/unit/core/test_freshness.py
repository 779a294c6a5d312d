import datetime
import math

import hypothesis
import hypothesis.strategies as st
import pytest

from niassa_orch.core import freshness

SECONDS = st.floats(0, 10_000)


def lags(*seconds: float) -> freshness.Lags:
    found = freshness.NO_LAGS
    for one in seconds:
        found = found.noted(one)
    return found


@pytest.mark.parametrize(
    ("seconds", "place"),
    [(-3, 0), (0, 0), (1, 0), (1.01, 1), (2, 1), (30, 5), (30.5, 6), (3600, 10), (3601, 11), (1e9, 11)],
)
def test_a_lag_counts_up_to_its_bound(seconds: float, place: int) -> None:
    noted = lags(seconds)
    assert [number for number, count in enumerate(noted.counts) if count] == [place]
    assert (noted.count, noted.sum_seconds) == (1, max(0, seconds))


def test_a_quantile_lies_evenly_between_the_bounds() -> None:
    found = lags(*[15] * 10, *[25] * 10)
    quantiles = [found.quantile_seconds(share) for share in (0.25, 0.5, 0.75, 0.95, 1)]
    assert quantiles == pytest.approx([15, 20, 25, 29, 30])


def test_a_quantile_above_all_bounds_is_unknown_and_of_nothing_there_is_none() -> None:
    found = lags(*[3] * 90, *[5000] * 10)
    assert found.quantile_seconds(0.5) == pytest.approx(2 + 3 * 50 / 90)
    assert found.quantile_seconds(0.95) == math.inf
    assert freshness.NO_LAGS.quantile_seconds(0.5) is None
    assert freshness.merged([]).quantile_seconds(0.5) is None


@hypothesis.given(st.lists(SECONDS, min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_within_the_bounds_of_the_lag_that_it_is_about(seconds: list[float], share: float) -> None:
    found = lags(*seconds)
    wanted = share * len(seconds)
    about = next(lag for number, lag in enumerate(sorted(seconds), start=1) if number >= wanted)
    place = lags(about).counts.index(1)
    bounds = (0, *freshness.BOUNDS_SECONDS, math.inf)
    quantile = found.quantile_seconds(share)
    assert quantile is not None
    assert bounds[place] <= quantile <= bounds[place + 1]


@hypothesis.given(st.lists(SECONDS), st.lists(SECONDS))
def test_merged_they_are_what_one_would_have_noted(some: list[float], others: list[float]) -> None:
    together = freshness.merged([lags(*some), freshness.NO_LAGS, lags(*others)])
    assert together.counts == lags(*some, *others).counts
    assert together.sum_seconds == pytest.approx(sum(some) + sum(others))


@pytest.mark.parametrize(("ahead_seconds", "lag"), [(None, 7), (0.0, 7), (120.0, 127), (-5.0, 2)])
def test_a_lag_is_told_by_our_clock(ahead_seconds: float | None, lag: float) -> None:
    moved = datetime.datetime(2026, 1, 2, 12, 0, tzinfo=datetime.UTC)
    assert freshness.lag_seconds(moved, moved.timestamp() + 7, ahead_seconds) == lag
