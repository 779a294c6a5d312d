"""One user's flood of changes: everybody else's are told before the rest of it, and who was told may work."""

from collections.abc import Collection, Iterable

import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import documents
from tests.fakes import oozie_line


class Banks:
    """Bob has a flood; alice and carol are watched too. Notes when way was given, among the requests."""

    def __init__(self, there: oozie_line.OozieLine, *users: str) -> None:
        self._there = there
        self._users = users
        self.gave_way: list[int] = []

    def others(self, user: str) -> Collection[str]:
        return [other for other in self._users if other != user]

    async def give_way(self) -> None:
        self.gave_way.append(len(self._there.filters))


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> oozie_line.OozieLine:
    monkeypatch.setattr(documents, "PAGE_ROWS", 4)
    monkeypatch.setattr(documents, "LARGE_PAGE_ROWS", 8)
    return oozie_line.OozieLine()


def start(there: oozie_line.OozieLine, *users: str) -> list[str]:
    """Jobs of these users, a second apart."""
    started = []
    for user in users:
        there.now += 1
        started.append(there.start(user))
    return started


async def told(there: oozie_line.OozieLine, banks: Banks, seconds: int) -> list[str]:
    """Job ids in the order in which they are told."""
    order: list[str] = []

    def tell(rows: Iterable[jobs.JobRow], _: object) -> None:
        order.extend(row.id for row in rows if row.id not in order)

    await there.lists().changed_since(oozie_line.at(there.now - seconds), tell, banks)
    return order


async def test_the_others_are_told_before_the_rest_of_the_flood(there: oozie_line.OozieLine) -> None:
    alice, carol, *flood = start(there, "alice", "carol", *["bob"] * 20)
    banks = Banks(there, "alice", "bob", "carol")
    order = await told(there, banks, 30)
    assert order[:6] == [*flood[:-5:-1], carol, alice]
    assert sorted(order) == sorted([alice, carol, *flood]), "and everything is told in the end"
    assert there.filters[1] == "user=alice;user=carol;sortby=lastModifiedTime"
    assert sum("user=" in text for text in there.filters) == 1, "they are asked for once"
    assert banks.gave_way == [2, 3, 4, 5], "after the small page, and after each large one that was not the last"


async def test_without_a_flood_nobody_is_asked_for(there: oozie_line.OozieLine) -> None:
    started = start(there, *["alice", "bob"] * 10)
    banks = Banks(there, "alice", "bob")
    assert sorted(await told(there, banks, 30)) == sorted(started)
    assert set(there.filters) == {"sortby=lastModifiedTime"}
    assert banks.gave_way == [1, 2, 3]


async def test_what_is_on_the_first_page_costs_one_request_and_no_wait(there: oozie_line.OozieLine) -> None:
    start(there, *["bob"] * 20)
    banks = Banks(there, "alice", "bob")
    await told(there, banks, 2)
    assert (len(there.filters), banks.gave_way) == (1, [])


async def test_where_one_user_has_all_the_jobs_there_is_nobody_to_ask_for(there: oozie_line.OozieLine) -> None:
    start(there, *["bob"] * 20)
    await told(there, Banks(there, "bob"), 30)
    assert set(there.filters) == {"sortby=lastModifiedTime"}


async def test_thousands_of_others_cost_a_few_requests(there: oozie_line.OozieLine) -> None:
    start(there, *["bob"] * 20)
    await told(there, Banks(there, "bob", *(f"niassa-user-{number:05d}" for number in range(5000))), 30)
    assert sum("user=" in text for text in there.filters) == 8


async def test_a_reading_that_fails_at_the_others_has_told_what_it_told(there: oozie_line.OozieLine) -> None:
    flood = start(there, "alice", *["bob"] * 20)[1:]
    heard: list[str] = []

    def fail_second() -> None:
        there.failing = int(len(there.filters) == 2)

    there.meanwhile = fail_second
    with pytest.raises(errors.OozieUnavailableError):
        await there.lists().changed_since(
            oozie_line.at(there.now - 30), lambda rows, _: heard.extend(row.id for row in rows), Banks(there, "alice")
        )
    assert heard == flood[:-5:-1]
