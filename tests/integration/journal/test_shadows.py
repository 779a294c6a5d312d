"""What is kept of shadow mode: asked for by run, and only for as long as everything else."""

import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3

from niassa_orch.domain import runs, shadows
from niassa_orch.journal import moments, store
from niassa_orch.journal import shadows as journal_shadows
from tests.integration.journal import conftest

WS = "http://ws"
KIND, AGREED = shadows.Kind, shadows.Agreement.AGREED


def days_ago(days: int) -> str:
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    return then.isoformat(timespec="milliseconds")


def shadow(accession: int, decided: str | None, came_at: str | None = None, **fields: object) -> journal_shadows.Shadow:
    names = (WS, runs.Accession(accession), "bob", "bob@lab.net", "server2", KIND.LAUNCH, "submitted", "launched")
    one = journal_shadows.Shadow(*names, decided)
    if came_at is not None:
        one = dataclasses.replace(one, came="launched, pending", came_at=came_at, agreement=AGREED)
    return dataclasses.replace(one, **fields)  # type: ignore[arg-type]


async def kept(journal: store.Journal) -> list[int]:
    return [one.accession for one in await journal.shadows.all()]


async def test_which_runs_have_a_shadow_of_a_launch_is_asked_of_the_index(
    journal: store.Journal, other: sqlite3.Connection
) -> None:
    await journal.shadows.decide(
        [shadow(1, days_ago(0)), shadow(2, days_ago(0), days_ago(0)), shadow(3, days_ago(0), kind=KIND.STATUS)]
    )
    asked: list[str] = []
    await journal._writer.read(lambda database: database.set_trace_callback(asked.append))
    many = map(runs.Accession, range(1, 2000))
    assert await journal.shadows.known(WS, many) == {1, 2}
    assert await journal.shadows.known("http://other", map(runs.Accession, (1, 2))) == set()
    plans = {row[3] for one in set(asked) for row in other.execute(f"EXPLAIN QUERY PLAN {one}")}
    assert plans == {"SEARCH shadows USING INDEX shadows_by_run (web_service=? AND accession=?)"}


async def test_what_is_older_than_is_kept_goes_answered_or_not_and_is_counted(
    journal: store.Journal, path: pathlib.Path, opens: conftest.Opens
) -> None:
    old, new = days_ago(91), days_ago(89)
    decided = [shadow(1, old), shadow(2, old, old), shadow(3, old, new), shadow(4, new), shadow(5, None, old)]
    await journal.shadows.decide([*decided, shadow(6, old, account="eve"), shadow(7, moments.now())])
    for _ in range(2):
        with contextlib.closing(store.Journal(path, patient=True)) as service:
            assert await kept(service) == [3, 4, 7], "with no launch ever made"
    dropped = journal_shadows.Dropped
    assert await opens().shadows.dropped() == [dropped("bob", 3, 1, old), dropped("eve", 1, 1, old)]
    older = days_ago(200)
    await journal.shadows.decide([shadow(8, older)])
    store.Journal(path, patient=True).close()
    assert await opens().shadows.dropped("bob") == [dropped("bob", 4, 2, old)]


async def test_a_shadow_that_is_old_by_a_clock_far_ahead_is_kept(
    journal: store.Journal, path: pathlib.Path, opens: conftest.Opens
) -> None:
    await journal.shadows.decide([shadow(1, "2026-01-01T00:00:00.000+00:00")])
    store.Journal(path, patient=True).close()
    assert await kept(opens()) == [1], "nothing newer is known than it"
