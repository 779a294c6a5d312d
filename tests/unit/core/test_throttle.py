import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.core import throttle


def test_the_wait_doubles_up_to_the_most() -> None:
    backoff = throttle.Throttle(5, 60, jitter=0)
    assert [backoff.fail(0) for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    assert backoff.failures == 6


def test_it_is_over_when_the_wait_has_passed() -> None:
    backoff = throttle.Throttle(5, 60, jitter=0)
    assert backoff.is_over(0)
    backoff.fail(100)
    assert not backoff.is_over(104.9)
    assert backoff.is_over(105)


def test_success_forgets_and_says_whether_there_was_anything_to_forget() -> None:
    backoff = throttle.Throttle(5, 60, jitter=0)
    assert not backoff.succeed()
    backoff.fail(100)
    assert backoff.succeed()
    assert backoff.is_over(0)
    assert backoff.fail(100) == 5


@given(st.floats(0.1, 100), st.floats(100, 10_000), st.integers(0, 3000))
def test_every_wait_lies_between_the_first_and_the_most_give_or_take_the_jitter(
    first: float, most: float, failures: int
) -> None:
    backoff = throttle.Throttle(first, most, jitter=0.1)
    backoff.failures = failures
    wait = backoff.fail(0)
    assert first * 0.89 <= wait <= most * 1.11
    assert backoff.until == pytest.approx(wait)
