"""Callers that are cancelled or overtake each other: memory and disk say the same all the same."""

import asyncio
import contextlib
import pathlib
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from niassa_orch import errors
from niassa_orch.domain import settling, transitions
from niassa_orch.journal import records, store
from tests.fakes import launches
from tests.integration.journal import conftest

WS, OOZIE = launches.WEB_SERVICE, launches.OOZIE
Outcome, Act = settling.Outcome, transitions.Act
launch = launches.launch
Work = Callable[[store.Journal], Awaitable[None]]

WORKS: dict[str, Work] = {
    "intend": lambda journal: journal.intend([launch(8, "second"), launch(9, "second")]),
    "settle": lambda journal: journal.settle(launch(7), records.Settled(Outcome.CLEAN, "no job")),
    "note": lambda journal: journal.note(launch(7), Outcome.HELD, "two jobs", 1.5),
    "started": lambda journal: journal.started("call", launches.PROCESS),
    "act": lambda journal: journal.acts.intend(launches.act("2-W", Act.KILL, 0)),
    "forget_act": lambda journal: journal.acts.forget(OOZIE, "1-W"),
}


async def cancelled(work: Awaitable[None]) -> None:
    """Cancelled while its commit waits."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def facts(journal: store.Journal) -> object:
    return journal.unsettled(), journal.acts.done(OOZIE, "1-W"), journal.acts.done(OOZIE, "2-W")


@pytest.mark.parametrize("name", WORKS)
async def test_who_is_cancelled_in_the_middle_of_a_commit_leaves_memory_and_disk_in_agreement(
    name: str, journal: store.Journal, other: sqlite3.Connection, opens: conftest.Opens
) -> None:
    await journal.intend([launch(7)])
    await journal.acts.intend(launches.act("1-W", Act.RERUN, 0))
    before = facts(journal)
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.ensure_future(
        journal.acts.intend(launches.act("3-W", Act.KILL, 0))
    )  # the thread waits for the lock
    await cancelled(WORKS[name](journal))
    other.execute("ROLLBACK")
    await first
    await journal.refresh()  # one thread: what was asked for before is done by now
    assert facts(journal) == facts(opens())
    assert facts(journal) != before, "what was asked for is carried out"


async def test_who_is_cancelled_while_his_commit_fails_leaves_nothing_fenced(
    journal: store.Journal, other: sqlite3.Connection, opens: conftest.Opens
) -> None:
    other.execute("CREATE TRIGGER full BEFORE INSERT ON launches BEGIN SELECT RAISE(ABORT, 'no room'); END")
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.ensure_future(journal.acts.intend(launches.act("3-W", Act.KILL, 0)))
    await cancelled(journal.intend([launch(7)]))
    assert 7 in launches.fenced(journal, WS), "until its fate is known"
    other.execute("ROLLBACK")
    await first
    await journal.refresh()
    assert facts(journal) == facts(opens())
    assert not launches.fenced(journal, WS)


@pytest.mark.parametrize("steps", range(12))
async def test_a_launch_that_is_intended_during_a_refresh_stays_fenced(
    steps: int, journal: store.Journal, other: sqlite3.Connection, opens: conftest.Opens
) -> None:
    await journal.intend([launch(7)])
    other.execute("UPDATE launches SET settled = 'x' WHERE accession = 7")
    refreshing = asyncio.ensure_future(journal.refresh())
    for _ in range(steps):
        await asyncio.sleep(0)
    await journal.intend([launch(8, "second")])
    assert 8 in launches.fenced(journal, WS)
    await refreshing
    assert launches.fenced(journal, WS) == {8}
    assert facts(journal) == facts(opens())


async def test_a_verdict_that_is_given_during_a_refresh_stays_given(
    journal: store.Journal, other: sqlite3.Connection
) -> None:
    await journal.intend([launch(7), launch(8)])
    other.execute("UPDATE launches SET settled = 'x' WHERE accession = 7")
    refreshing = asyncio.ensure_future(journal.refresh())
    await asyncio.sleep(0)
    await journal.settle(launch(8), records.Settled(Outcome.CLEAN, ""))
    await refreshing
    assert launches.fenced(journal, WS) == set()


async def test_of_two_who_intend_the_same_run_at_once_one_is_refused(journal: store.Journal) -> None:
    results = await asyncio.gather(
        journal.intend([launch(7, "one")]), journal.intend([launch(7, "two")]), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), errors.JournalError]
    assert [one.call_id for one in journal.unsettled()] == ["one"]


async def test_what_was_asked_for_last_is_on_disk_when_the_journal_is_closed(path: pathlib.Path) -> None:
    journal = store.Journal(path)
    asked = asyncio.ensure_future(journal.intend([launch(7)]))
    await asyncio.sleep(0)
    journal.close()
    await asked
    with contextlib.closing(store.Journal(path)) as again:
        assert launches.fenced(again, WS) == {7}
