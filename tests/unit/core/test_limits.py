import collections
import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.config import settings
from niassa_orch.core import limits
from niassa_orch.domain import accounts
from tests.fakes import neighbours_in_memory as fakes

BEAT_SECONDS = 30.0


def _account(name: str, in_flight: int | None = None, a_beat: int | None = None) -> accounts.Account:
    return dataclasses.replace(fakes.BOB, name=name, web_user=f"{name}@lab.net", in_flight=in_flight, a_beat=a_beat)


ANN, BOB, CAROL = map(_account, ("ann", "bob", "carol"))


class Together:
    """Accounts that share an allowance, what they have in flight, and a clock."""

    def __init__(self, in_flight: int, a_beat: int, served: int = 2) -> None:
        known = [account.claim for account in (ANN, BOB, CAROL)[:served]]
        most = settings.Launching(in_flight=in_flight, a_beat=a_beat)
        self.limits = limits.Limits(most, BEAT_SECONDS, lambda: known)
        self.flying: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self.begun: list[tuple[float, str]] = []
        self.now = 1000.0

    def take(self, account: accounts.Account, wanted: int) -> int:
        """Launches that begin."""
        taken = self.limits.take(account, wanted, +self.flying, self.now).launches
        self.flying[account.claim] += taken
        self.begun += [(self.now, account.name)] * taken
        return taken

    def settle(self, account: accounts.Account, count: int = 1 << 20) -> None:
        """So many launches are settled."""
        self.flying[account.claim] -= min(count, self.flying[account.claim])

    def most_in_a_beat(self, name: str | None = None) -> int:
        """The most launches that began in any time of a beat."""
        moments = [moment for moment, whose in self.begun if name in (None, whose)]
        return max((sum(1 for other in moments if 0 <= other - moment < BEAT_SECONDS) for moment in moments), default=0)


def test_an_account_begins_as_many_as_its_limits_leave_and_is_told_why_not_more() -> None:
    allowance = limits.Allowance(4, 6, BEAT_SECONDS, "this account")
    assert allowance.room(0, 1) == limits.Room(3, "1 of 4 launches of this account are in flight")
    assert allowance.room(0, 4).launches == 0
    assert allowance.room(0, 4).why == "4 of 4 launches of this account are in flight"
    allowance.take(0, 4)
    allowance.take(12, 2)
    found = allowance.room(18, 0)
    assert found == limits.Room(
        0, "6 of 6 launches of this account were begun in this beat; more in 12 s", more_in_seconds=12
    )


def test_a_beat_is_a_rolling_window() -> None:
    allowance = limits.Allowance(None, 3, BEAT_SECONDS, "this account")
    for moment in (0, 10, 20):
        allowance.take(moment, 1)
    assert [allowance.room(now, 0).launches for now in (29.9, 30, 39.9, 40, 50)] == [0, 1, 1, 2, 3]


def test_no_limit_is_none() -> None:
    allowance = limits.Allowance(None, None, BEAT_SECONDS, "this account")
    allowance.take(0, 10**6)
    assert allowance.room(0, 10**6).launches > 10**6


def test_more_launches_in_flight_than_a_limit_that_was_lowered_are_no_room_and_no_debt() -> None:
    assert limits.Allowance(2, None, BEAT_SECONDS, "this account").room(0, 5).launches == 0


def test_what_an_account_began_counts_on_when_its_limits_change() -> None:
    together = Together(100, 100, served=1)
    assert together.take(_account("ann", a_beat=5), 9) == 5
    assert together.take(_account("ann", a_beat=7), 9) == 2


def test_an_account_that_was_refused_goes_before_one_that_was_served_since() -> None:
    together = Together(100, 3, served=3)
    assert together.take(ANN, 9) == 3
    assert together.take(BOB, 9) == 0
    assert together.take(CAROL, 9) == 0
    together.now += BEAT_SECONDS
    assert together.take(ANN, 9) == 1, "one is kept for bob and one for carol"
    room = together.limits.ask(ANN, +together.flying, together.now)
    assert room.why.startswith("1 of 3 launches of all accounts were begun in this beat, and the rest is kept")
    assert together.take(CAROL, 9) == 1, "one is kept for bob, who waits longer"
    assert together.take(BOB, 9) == 1


def test_what_is_kept_for_an_account_is_given_to_others_when_it_has_nothing_to_launch_or_asks_no_more() -> None:
    together = Together(100, 3)
    together.take(ANN, 9)
    assert together.take(BOB, 9) == 0
    together.limits.leave(BOB)
    together.now += BEAT_SECONDS
    assert together.take(ANN, 9) == 3
    assert together.take(BOB, 9) == 0
    together.now += 20 * BEAT_SECONDS
    assert together.take(ANN, 9) == 3


def test_launches_that_never_settle_leave_every_other_account_a_place() -> None:
    together = Together(6, 100, served=3)
    assert together.take(ANN, 99) == 4
    assert together.take(ANN, 99) == 0
    assert together.take(BOB, 99) == 1
    assert together.take(BOB, 99) == 0
    assert together.take(CAROL, 99) == 1
    assert sum(together.flying.values()) == 6


def test_an_account_refused_by_its_own_limit_keeps_nothing_from_the_others() -> None:
    together = Together(100, 4)
    greedy = _account("ann", in_flight=1)
    assert together.take(greedy, 9) == 1
    assert together.take(greedy, 9) == 0
    assert together.take(BOB, 9) == 3


def test_an_account_is_told_when_to_ask_again_if_time_alone_helps() -> None:
    together = Together(100, 3)
    account = _account("ann", in_flight=3)
    assert together.limits.again_in_seconds(account, together.now) == math.inf
    together.take(account, 3)
    together.settle(account)
    together.now += 10
    together.take(account, 1)
    assert together.limits.again_in_seconds(account, together.now) == 20
    assert together.limits.again_in_seconds(account, together.now + 20) == math.inf, "once"
    together.now += 20
    assert together.take(account, 3) == 3
    together.now += 30
    together.take(account, 1)
    assert together.limits.again_in_seconds(account, together.now) == math.inf, "no time settles a launch"


_MOST_STEP_SECONDS = 20.0
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "carol"]),
        st.integers(0, 7),
        st.integers(0, 4),
        st.floats(0, _MOST_STEP_SECONDS, allow_subnormal=False),
    ),
    max_size=60,
)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(1, 6), _STEPS)
def test_there_are_never_more_than_the_limits_whatever_happens_when(
    in_flight: int, a_beat: int, own_in_flight: int, own_a_beat: int, steps: list[tuple[str, int, int, float]]
) -> None:
    together = Together(in_flight, a_beat, served=3)
    for name, wanted, settled, seconds in steps:
        account = _account(name, own_in_flight, own_a_beat)
        together.settle(account, settled)
        together.take(account, wanted)
        assert sum(together.flying.values()) <= in_flight
        assert together.flying[account.claim] <= own_in_flight
        together.now += seconds
    assert together.most_in_a_beat() <= a_beat
    for name in ("ann", "bob", "carol"):
        assert together.most_in_a_beat(name) <= own_a_beat


@given(
    st.integers(1, 9),
    st.integers(2, 9),
    st.lists(st.tuples(st.floats(0.5, _MOST_STEP_SECONDS), st.integers(1, 9), st.booleans()), min_size=40, max_size=60),
    st.floats(0, 10),
)
def test_no_account_is_starved_by_a_greedy_one_that_asks_all_the_time(
    a_beat: int, in_flight: int, greed: list[tuple[float, int, bool]], begins: float
) -> None:
    """ann takes what she can at every moment and settles when she likes; bob asks once a beat and settles at once."""
    together = Together(in_flight, a_beat)
    next_beat, last_served, longest = together.now + begins, together.now, 0.0
    for seconds, wanted, settles in greed:
        if settles:
            together.settle(ANN)
        together.take(ANN, wanted)
        together.now += seconds
        while next_beat <= together.now:
            if together.take(BOB, 5):
                last_served = together.now
            together.settle(BOB)
            next_beat += BEAT_SECONDS
        longest = max(longest, together.now - last_served)
    # ann's turn comes within a step after a beat, her launch counts for one more, bob asks within a third and a step.
    assert longest <= 3 * BEAT_SECONDS + 2 * _MOST_STEP_SECONDS


def test_a_room_that_is_empty_for_lack_of_time_says_a_whole_second() -> None:
    allowance = limits.Allowance(None, 1, BEAT_SECONDS, "this account")
    allowance.take(0, 1)
    assert allowance.room(29.5, 0).why.endswith("more in 1 s")
    assert allowance.room(29.5, 0).more_in_seconds == pytest.approx(0.5)
