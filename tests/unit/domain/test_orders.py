"""Orders of operators: which hold when and for whom, which of several is told, what is no order."""

import dataclasses
import datetime

import hypothesis
import pytest
from hypothesis import strategies

from niassa_orch import errors
from niassa_orch.domain import orders, runs

NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
ALICE = orders.Operator(1001, "alice")
PAUSE = orders.Order(orders.Kind.PAUSE, "bob", ALICE, NOON, "the disk is replaced")

_MOMENTS = strategies.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1))
_UTC = _MOMENTS.map(lambda moment: moment.replace(tzinfo=datetime.UTC))
_ORDERS = strategies.builds(
    orders.Order,
    kind=strategies.sampled_from(orders.Kind),
    account=strategies.sampled_from(["", "bob", "eve"]),
    by=strategies.just(ALICE),
    since=_UTC,
    until=strategies.none() | _UTC,
)


@hypothesis.given(strategies.lists(_ORDERS), _UTC, _UTC)
def test_an_order_holds_until_its_end_whenever_it_began_and_what_ended_never_holds_again(
    given: list[orders.Order], first: datetime.datetime, second: datetime.datetime
) -> None:
    earlier, later = sorted([first, second])
    held = orders.in_force(given, later)
    assert [order for order in given if order.until is None or later < order.until] == list(held)
    assert set(held) <= set(orders.in_force(given, earlier))


@hypothesis.given(strategies.lists(_ORDERS), strategies.sampled_from(["bob", "eve"]))
def test_what_keeps_an_account_is_the_gravest_of_what_was_ordered_for_it_or_for_all(
    given: list[orders.Order], account: str
) -> None:
    gravity = [orders.Kind.STOP, orders.Kind.PAUSE, orders.Kind.PAUSE_LAUNCHING]
    mine = [order for order in given if order.account in ("", account) and order.kind in gravity]
    kept = orders.keeper(orders.over(given, account))
    assert (kept is None) == (not mine)
    if kept is not None:
        assert kept in mine
        assert all(gravity.index(kept.kind) <= gravity.index(order.kind) for order in mine)


def test_an_order_says_what_for_whom_by_whom_and_until_when() -> None:
    assert str(PAUSE) == (
        "paused, propagation too, for bob by order of alice since 2026-11-24 12:00 UTC: the disk is replaced"
    )
    stop = orders.Order(orders.Kind.STOP, "", orders.Operator(1002, ""), NOON, until=NOON + HOUR)
    assert str(stop) == (
        "launching is STOPPED for all accounts by order of uid 1002 since 2026-11-24 12:00 UTC "
        "until 2026-11-24 13:00 UTC"
    )
    urgent = orders.Order(orders.Kind.URGENT, "bob", ALICE, NOON, accession=runs.Accession(7))
    assert str(urgent) == "run 7 goes first by order of alice since 2026-11-24 12:00 UTC"


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": "x" * 501},
        {"reason": "two\nlines"},
        {"account": "b\x1bob"},
        {"until": NOON},
        {"until": NOON + datetime.timedelta(days=4000)},
        {"accession": runs.Accession(7)},
        {"kind": orders.Kind.URGENT},
    ],
)
def test_what_can_be_neither_kept_nor_shown_is_no_order(changes: dict[str, object]) -> None:
    orders.check(PAUSE)
    with pytest.raises(errors.OrderError):
        orders.check(dataclasses.replace(PAUSE, **changes))  # type: ignore[arg-type]
