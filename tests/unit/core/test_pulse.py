import hypothesis
from hypothesis import strategies

from niassa_orch.core import pulse

MINUTE = 60.0


def test_launches_are_counted_by_the_minute_in_which_they_began() -> None:
    noted = pulse.NO_PULSE.noted(600.0, 2).noted(659.0, 1).noted(660.0, 5)
    assert noted.at(660.0)[-3:] == (0, 3, 5)


def test_minutes_that_passed_since_count_nothing() -> None:
    noted = pulse.NO_PULSE.noted(600.0, 2)
    assert noted.at(600.0 + 2 * MINUTE)[-3:] == (2, 0, 0)
    assert noted.at(600.0 + pulse.MINUTES * MINUTE) == (0,) * pulse.MINUTES


@hypothesis.given(
    strategies.lists(strategies.tuples(strategies.floats(0, 200), strategies.integers(1, 5)), max_size=20)
)
def test_it_is_always_as_long_and_holds_what_is_young_enough(steps: list[tuple[float, int]]) -> None:
    now, noted, all_noted = 10_000.0, pulse.NO_PULSE, []
    for pause, launches in steps:
        now += pause
        noted = noted.noted(now, launches)
        all_noted.append((int(now / MINUTE), launches))
    shown = noted.at(now)
    assert len(shown) == pulse.MINUTES
    assert sum(shown) == sum(count for minute, count in all_noted if minute > int(now / MINUTE) - pulse.MINUTES)
