import datetime
import itertools
import urllib.parse
from collections.abc import Callable, Iterable

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import documents, lists, pages
from tests.fakes import oozie_line

J = jobs.JobStatus


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> oozie_line.OozieLine:
    """A server of which a small page has 3 rows and a large one 6."""
    monkeypatch.setattr(documents, "PAGE_ROWS", 3)
    monkeypatch.setattr(documents, "LARGE_PAGE_ROWS", 6)
    return oozie_line.OozieLine()


def start(there: oozie_line.OozieLine, count: int, user: str = "niassa-bob") -> list[str]:
    """Jobs, one a second."""
    started = []
    for _ in range(count):
        there.now += 1
        started.append(there.start(user))
    return started


def nobody(_rows: Iterable[jobs.JobRow], _server_time: datetime.datetime | None) -> None:
    """Nobody is told."""


def at_request(number: int, happen: Callable[[], object]) -> Callable[[], None]:
    """Let something happen before one answer."""
    asked = itertools.count(1)

    def go_on() -> None:
        if next(asked) == number:
            happen()

    return go_on


async def everything(listings: list[pages.Listing]) -> list[str]:
    found = []
    for listing in listings:
        while not listing.ended:
            found += [row.id for row, _ in (await listing.page()).rows]
    return found


async def test_where_we_are_is_learned_from_one_small_page(there: oozie_line.OozieLine) -> None:
    started = start(there, 20)
    there.now += 5
    changes = await there.lists().changed_since(None, nobody)
    assert [row.id for row in changes.rows] == started[:-4:-1]
    assert changes.newest == oozie_line.at(there.now - 5) == changes.rows[0].modified
    assert changes.server_time == oozie_line.at(there.now)
    assert there.lengths == [3]


@pytest.mark.parametrize("changed", [0, 1, 2, 3, 5, 6, 7, 20, 39, 40])
@pytest.mark.parametrize("page_rows", [1000, 4])
async def test_all_changes_down_to_a_time_are_read(there: oozie_line.OozieLine, changed: int, page_rows: int) -> None:
    started = start(there, 40)
    there.page_rows = page_rows
    changes = await there.lists().changed_since(oozie_line.at(there.now - changed + 1), nobody)
    assert [row.id for row in changes.rows][:changed] == started[::-1][:changed]
    assert len(changes.rows) < changed + 6


async def test_a_page_is_as_large_as_the_last_reading_showed_to_be_needed(there: oozie_line.OozieLine) -> None:
    lists_there = there.lists()
    start(there, 40)
    for wanted in (2, 2, 0, 9, 9, 0, 0):
        await lists_there.changed_since(oozie_line.at(there.now - wanted + 1), nobody)
    assert there.lengths == [3, 4, 4, *(3, 6, 6), *(6, 6, 6), 6, 3]


async def test_a_change_of_the_very_second_is_not_left_out(there: oozie_line.OozieLine) -> None:
    started = [there.start() for _ in range(20)]
    changes = await there.lists().changed_since(oozie_line.at(there.now), nobody)
    assert sorted(row.id for row in changes.rows) == started


async def test_rows_that_slide_down_are_read_once(there: oozie_line.OozieLine) -> None:
    started = start(there, 40)
    since = oozie_line.at(there.now - 24)
    there.meanwhile = at_request(3, lambda: start(there, 4))
    changes = await there.lists().changed_since(since, nobody)
    ids = [row.id for row in changes.rows]
    assert len(ids) == len(set(ids))
    assert set(ids) >= set(started[-25:])
    assert changes.newest == oozie_line.at(there.now - 4)


async def test_rows_that_slip_up_past_the_reader_are_not_lost_silently(there: oozie_line.OozieLine) -> None:
    started = start(there, 40)
    there.meanwhile = at_request(3, lambda: [there.jobs.pop(job_id) for job_id in started[-2:]])
    with pytest.raises(errors.OozieUnavailableError, match="came apart"):
        await there.lists().changed_since(oozie_line.at(there.now - 24), nobody)


async def test_rows_without_a_time_do_not_end_the_reading(there: oozie_line.OozieLine) -> None:
    started = start(there, 20)
    for job_id in started[::2]:
        there.jobs[job_id].modified = None
    changes = await there.lists().changed_since(oozie_line.at(there.now - 9), nobody)
    assert {row.id for row in changes.rows} >= set(started[-9::2])
    for job_id in started:
        there.jobs[job_id].modified = None
    changes = await there.lists().changed_since(oozie_line.at(there.now), nobody)
    assert (len(changes.rows), changes.newest) == (20, None)


async def test_a_server_without_a_job_is_read_from_its_beginning(there: oozie_line.OozieLine) -> None:
    there.tells_time = False
    assert await there.lists().changed_since(None, nobody) == lists.Changes((), lists.BEGINNING, None)


async def test_a_server_older_than_4_3_refuses(there: oozie_line.OozieLine) -> None:
    there.is_old = True
    with pytest.raises(errors.OozieRefusedError) as caught:
        await there.lists().changed_since(None, nobody)
    assert caught.value.code in lists.FILTER_REFUSED


async def test_alive_jobs_of_many_users_are_read_with_short_addresses(there: oozie_line.OozieLine) -> None:
    users = [f"niassa-{number:04d}" for number in range(1000)]
    started = [there.start(user) for user in users]
    start(there, 3, "somebody-else")
    for job_id in started[:5]:
        there.becomes(job_id, J.SUCCEEDED)
    assert sorted(await everything(there.lists().alive_jobs(users))) == started[5:]
    assert all(len(urllib.parse.quote(text, safe="")) < 4100 for text in there.filters)
    assert len(set(there.filters)) < 8


async def test_nobody_has_no_alive_jobs(there: oozie_line.OozieLine) -> None:
    assert there.lists().alive_jobs([]) == []


@pytest.mark.parametrize("user", ["", "a;b", "a=b"])
async def test_a_user_that_would_change_the_filter_is_refused(there: oozie_line.OozieLine, user: str) -> None:
    with pytest.raises(ValueError, match="plain"):
        there.lists().alive_jobs(["niassa-bob", user])


async def test_a_page_that_failed_is_read_again(there: oozie_line.OozieLine) -> None:
    started = start(there, 10)
    (listing,) = there.lists().alive_jobs(["niassa-bob"])
    await listing.page()
    there.failing = 1
    with pytest.raises(errors.OozieUnavailableError):
        await listing.page()
    assert sorted(await everything([listing])) == started[:4]


@pytest.mark.parametrize("page_rows", [1000, 4])
async def test_an_alive_list_that_shrinks_meanwhile_still_ends(there: oozie_line.OozieLine, page_rows: int) -> None:
    started = start(there, 20)
    there.page_rows = page_rows

    def end_most() -> None:
        for job_id in started[5:]:
            there.becomes(job_id, J.KILLED)

    there.meanwhile = at_request(2, end_most)
    found = await everything(there.lists().alive_jobs(["niassa-bob"]))
    assert set(found) <= set(started)


async def test_jobs_are_asked_for_by_id_in_groups_and_unknown_ones_do_not_come_back(
    there: oozie_line.OozieLine,
) -> None:
    started = start(there, 200)
    purged = started[:10]
    for job_id in purged:
        del there.jobs[job_id]
    rows = await there.lists().jobs_by_id([*started, "no;job", "", "a=b"])
    assert [row.id for row in rows] == [
        job_id for group in _groups(started) for job_id in group if job_id in there.jobs
    ]
    assert len(there.filters) == 3
    assert all(len(urllib.parse.quote(text, safe="")) < 4100 for text in there.filters)


def _groups(started: list[str]) -> list[list[str]]:
    """As they come: newest first within each group of 90."""
    return [started[begin : begin + 90][::-1] for begin in range(0, len(started), 90)]


async def test_by_id_too_few_and_foreign_jobs_are_garbage(there: oozie_line.OozieLine) -> None:
    started = start(there, 5)
    there.page_rows = 2
    with pytest.raises(errors.OozieUnavailableError, match="not all came back"):
        await there.lists().jobs_by_id(started)
    there.page_rows = 1000
    there.ignores_ids = True
    there.jobs = {started[1]: there.jobs[started[1]]}
    with pytest.raises(errors.OozieUnavailableError, match="other jobs"):
        await there.lists().jobs_by_id([started[0], "0000099-210203040506789-oozie-oozi-W"])


async def test_a_page_is_told_before_the_next_one_is_asked_for(there: oozie_line.OozieLine) -> None:
    started = start(there, 12)
    begun = oozie_line.at(there.now)
    told: list[str] = []
    told_at: list[int] = []

    def tell(rows: Iterable[jobs.JobRow], server_time: datetime.datetime | None) -> None:
        assert server_time == begun
        told.extend(row.id for row in rows)

    def ask() -> None:
        told_at.append(len(told))
        there.now += 1

    there.meanwhile = ask
    begun = oozie_line.at(there.now + 1)
    await there.lists().changed_since(oozie_line.at(there.now - 11), tell)
    assert told == [*started[:-4:-1], *started[::-1]]
    assert told_at == [0, 3, 9, 14]


async def test_what_was_told_before_a_page_fails_was_told(there: oozie_line.OozieLine) -> None:
    started = start(there, 20)
    told: set[str] = set()
    there.meanwhile = at_request(3, lambda: setattr(there, "failing", 1))
    with pytest.raises(errors.OozieUnavailableError):
        await there.lists().changed_since(
            oozie_line.at(there.now - 19), lambda rows, _now: told.update(row.id for row in rows)
        )
    assert told == {*started[-6:]}
