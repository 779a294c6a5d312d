import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs, settling, transitions
from niassa_orch.journal import moments, records, store
from tests.fakes import launches
from tests.integration.journal import conftest

A = runs.Accession(7)
WS, OOZIE = launches.WEB_SERVICE, launches.OOZIE
Outcome, Act = settling.Outcome, transitions.Act
launch = launches.launch


async def test_what_is_intended_is_fenced_and_on_disk_at_once(
    journal: store.Journal, other: sqlite3.Connection
) -> None:
    await journal.intend([launch(7), launch(8)])
    assert 7 in launches.fenced(journal, WS)
    assert launches.fenced(journal, WS) == {7, 8}
    assert other.execute("SELECT accession FROM launches WHERE settled IS NULL").fetchall() == [(7,), (8,)]


async def test_a_run_has_one_unsettled_launch_whatever_the_account_is_called(journal: store.Journal) -> None:
    await journal.intend([launch(7)])
    for second in (launch(7, "other"), launch(7, "other", account="eve", owner="eve@lab.net", unix_user="niassa-eve")):
        with pytest.raises(errors.JournalError, match="run 7 has a launch that is not settled"):
            await journal.intend([second])
    assert journal.unsettled() == (launch(7),)
    await journal.intend([launch(7, "other", web_service="http://other")])
    assert launches.fenced(journal, "http://other") == {7}


async def test_the_fence_is_the_databases_own_and_a_call_is_intended_whole_or_not_at_all(
    journal: store.Journal, other: sqlite3.Connection
) -> None:
    await journal.intend([launch(8)])
    other.execute("UPDATE launches SET accession = 7")
    with pytest.raises(errors.JournalError, match="UNIQUE"):
        await journal.intend([launch(6, "other"), launch(7, "other")])
    assert not launches.fenced(journal, WS) & {6, 7}
    assert other.execute("SELECT accession FROM launches").fetchall() == [(7,)]


async def test_the_fence_outlives_the_process(journal: store.Journal, opens: conftest.Opens) -> None:
    await journal.intend([launch(7)])
    again = opens()
    assert again.unsettled() == (launch(7),)
    with pytest.raises(errors.JournalError, match="not settled"):
        await again.intend([launch(7, "other")])


async def test_a_verdict_takes_the_fence_away_for_good(journal: store.Journal, opens: conftest.Opens) -> None:
    await journal.intend([launch(7), launch(8)])
    await journal.settle(launch(7), records.Settled(Outcome.CLEAN, "no job was made"))
    assert launches.fenced(journal, WS) == {8}
    assert launches.fenced(opens(), WS) == {8}
    await journal.intend([launch(7, "second")])
    with pytest.raises(errors.OvertakenError):
        await journal.settle(launch(7), records.Settled(Outcome.CLEAN, "the first call's, again"))
    assert launches.fenced(journal, WS) == {7, 8}
    assert launches.fenced(opens(), WS) == {7, 8}


async def test_what_is_known_of_an_unsettled_launch_is_known_here_and_after_a_restart(
    journal: store.Journal, opens: conftest.Opens
) -> None:
    await journal.intend([launch(7), launch(8)])
    await journal.started("call", launches.PROCESS)
    await journal.note(launch(7), Outcome.IN_DOUBT, "Oozie is asked", 12.5)
    await journal.note(launch(8), Outcome.HELD, "two jobs", evidence='{"call": 1}')
    process = dataclasses.asdict(launches.PROCESS)
    expected = (
        launch(7, started=True, outcome=Outcome.IN_DOUBT, reason="Oozie is asked", none_since=12.5, **process),
        launch(8, started=True, outcome=Outcome.HELD, reason="two jobs", evidence='{"call": 1}', **process),
    )
    assert journal.unsettled() == expected
    assert opens().unsettled() == expected


async def test_a_settled_launch_is_not_noted_any_more(journal: store.Journal, other: sqlite3.Connection) -> None:
    await journal.intend([launch(7)])
    await journal.settle(launch(7), records.Settled(Outcome.LAUNCHED, "a person said so", "1-W"))
    with pytest.raises(errors.OvertakenError):
        await journal.note(launch(7), Outcome.HELD, "late")
    assert other.execute("SELECT outcome, reason FROM launches").fetchall() == [("launched", "a person said so")]
    assert 7 not in launches.fenced(journal, WS)


async def test_the_job_of_the_last_settled_launch_is_known(journal: store.Journal, opens: conftest.Opens) -> None:
    assert await journal.past.known_job(WS, A) is None
    await journal.intend([launch(7)])
    await journal.settle(launch(7), records.Settled(Outcome.LAUNCHED, "", "1-W"))
    assert await journal.past.known_job(WS, A) == "1-W"
    assert await journal.past.known_job("http://other", A) is None
    assert await opens().past.known_job(WS, A) == "1-W"
    await journal.intend([launch(7, "second")])
    assert await journal.past.known_job(WS, A) == "1-W", "the second one is not settled"
    await journal.settle(launch(7, "second"), records.Settled(Outcome.CLEAN, ""))
    assert await journal.past.known_job(WS, A) is None


async def test_of_several_acts_on_a_job_the_last_is_remembered_until_it_is_forgotten(
    journal: store.Journal, opens: conftest.Opens
) -> None:
    assert journal.acts.done(OOZIE, "1-W") is None
    await journal.acts.intend(launches.act("1-W", Act.KILL, 0))
    await journal.acts.intend(launches.act("1-W", Act.RERUN, 1))
    for one in (journal, opens()):
        assert one.acts.done(OOZIE, "1-W") == (Act.RERUN, 1)
        assert one.acts.done("http://other", "1-W") is None
    await journal.acts.forget(OOZIE, "1-W")
    await journal.acts.forget(OOZIE, "unknown")
    for one in (journal, opens()):
        assert one.acts.done(OOZIE, "1-W") is None


async def test_what_another_process_settles_is_noticed_at_the_next_refresh(
    journal: store.Journal, opens: conftest.Opens
) -> None:
    await journal.intend([launch(7), launch(8)])
    await opens().settle(launch(7), records.Settled(Outcome.CLEAN, "a person said so"))
    assert 7 in launches.fenced(journal, WS)
    await journal.refresh()
    assert launches.fenced(journal, WS) == {8}
    await journal.refresh()
    assert launches.fenced(journal, WS) == {8}


async def test_of_two_verdicts_the_first_counts(
    journal: store.Journal, opens: conftest.Opens, other: sqlite3.Connection
) -> None:
    await journal.intend([launch(7)])
    await opens().settle(launch(7), records.Settled(Outcome.LAUNCHED, "a person said so", "1-W"))
    with pytest.raises(errors.OvertakenError):
        await journal.settle(launch(7), records.Settled(Outcome.CLEAN, "ours"))
    await journal.refresh()
    assert journal.trouble == "", "the journal is well"
    assert 7 not in launches.fenced(journal, WS)
    assert other.execute("SELECT reason FROM launches").fetchall() == [("a person said so",)]


async def test_only_what_was_settled_long_ago_is_forgotten(
    journal: store.Journal, path: pathlib.Path, other: sqlite3.Connection
) -> None:
    for accession in (7, 8, 9):
        await journal.intend([launch(accession, f"call-{accession}")])
    await journal.intend([launch(10, "call-10", created=datetime.datetime.now(datetime.UTC).isoformat())])
    for accession in (7, 8):
        await journal.settle(
            launch(accession, f"call-{accession}"), records.Settled(Outcome.LAUNCHED, "", f"{accession}-W")
        )
    await journal.acts.intend(launches.act("7-W", Act.KILL, 0))
    now = datetime.datetime.now(datetime.UTC)
    for days, table, column, where in (
        (91, "launches", "settled", "accession = 7"),
        (89, "launches", "settled", "accession = 8"),
        (400, "launches", "created", "accession = 9"),
        (91, "acts", "created", "job_id = '7-W'"),
    ):
        then = (now - datetime.timedelta(days=days)).isoformat()
        other.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (then,))  # noqa: S608 - a test's own words
    with contextlib.closing(store.Journal(path, patient=True)) as again:
        assert [await again.past.known_job(WS, runs.Accession(one)) for one in (7, 8)] == [None, "8-W"]
        assert launches.fenced(again, WS) == {9, 10}
        assert again.acts.done(OOZIE, "7-W") is None


def test_a_journal_that_is_not_there_is_made_only_for_who_may(path: pathlib.Path) -> None:
    with pytest.raises(errors.JournalError, match="there is no journal"):
        store.Journal(path, lambda: "nobody was here")
    assert not path.exists()
    store.Journal(path).close()
    store.Journal(path, lambda: "nobody was here").close()


async def test_a_clock_that_is_far_ahead_at_a_start_forgets_nothing(
    journal: store.Journal, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await journal.intend([launch(7, created=datetime.datetime.now(datetime.UTC).isoformat())])
    await journal.settle(launch(7), records.Settled(Outcome.LAUNCHED, "", "1-W"))
    await journal.acts.intend(launches.act("1-W", Act.KILL, 0))
    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=4000)
    monkeypatch.setattr(moments, "now", ahead.isoformat)
    with contextlib.closing(store.Journal(path, patient=True)) as again:
        assert await again.past.known_job(WS, A) == "1-W"
        assert again.acts.done(OOZIE, "1-W") == (Act.KILL, 0)
