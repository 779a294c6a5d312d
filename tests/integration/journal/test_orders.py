"""Orders in the journal: they survive a restart, another process's are noticed, later ones replace earlier ones."""

import asyncio
import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3

from niassa_orch.domain import orders, runs
from niassa_orch.journal import store
from tests.integration.journal import conftest

NOW = datetime.datetime.now(datetime.UTC)
ALICE = orders.Operator(1001, "alice")
PAUSE = orders.Order(orders.Kind.PAUSE, "bob", ALICE, NOW, "disk", until=NOW + datetime.timedelta(hours=2))
STOP = orders.Order(orders.Kind.STOP, "", ALICE, NOW)
URGENT = orders.Order(orders.Kind.URGENT, "bob", ALICE, NOW, accession=runs.Accession(7))


async def test_orders_survive_a_restart_and_what_was_lifted_does_not_come_back(opens: conftest.Opens) -> None:
    journal = opens()
    for order in (PAUSE, STOP, URGENT):
        await journal.orders.give(order)
    assert journal.orders.standing == (PAUSE, STOP, URGENT)
    await journal.orders.lift([STOP], "alice")
    for one in (journal, opens()):
        assert list(one.orders.standing) == [PAUSE, URGENT]


async def test_what_another_process_orders_and_lifts_is_noticed(opens: conftest.Opens) -> None:
    journal, other = opens(), opens()
    await other.orders.give(STOP)
    assert not journal.orders.standing
    await journal.refresh()
    assert list(journal.orders.standing) == [STOP]
    await other.orders.lift([STOP], "eve")
    await journal.refresh()
    assert journal.orders.standing == ()


async def test_a_later_order_takes_the_place_of_an_earlier_one_which_nobody_can_lift_any_more(
    journal: store.Journal,
) -> None:
    later = dataclasses.replace(PAUSE, since=NOW + datetime.timedelta(seconds=1), reason="disk again")
    await journal.orders.give(PAUSE)
    await journal.orders.give(later)
    await journal.orders.lift([PAUSE], "alice")
    assert journal.orders.standing == (later,)


async def test_an_order_that_is_given_while_the_journal_is_read_again_is_not_forgotten(
    opens: conftest.Opens, other: sqlite3.Connection
) -> None:
    journal = opens()
    for number in range(20):
        other.execute("UPDATE launches SET reason = ''")  # somebody wrote: all is read again
        urgent = dataclasses.replace(URGENT, accession=runs.Accession(number))
        await asyncio.gather(journal.refresh(), journal.orders.give(urgent), journal.refresh())
        assert len(journal.orders.standing) == number + 1


async def test_who_lifted_what_is_on_record(path: pathlib.Path, journal: store.Journal) -> None:
    await journal.orders.give(STOP)
    await journal.orders.lift([STOP], "eve")
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT by_uid, by_name, lifted_by FROM orders").fetchall() == [(1001, "alice", "eve")]
