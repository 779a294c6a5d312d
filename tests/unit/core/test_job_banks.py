"""Who was told something works for a moment before more of a flood is read."""

import asyncio

import pytest

from niassa_orch.core import job_banks, job_watches
from niassa_orch.domain import jobs, runs


class Watcher:
    """Is told, and does nothing about it."""

    def job_moved(self, accession: runs.Accession, row: jobs.JobRow | None, *, first: bool) -> None:
        """Nothing."""


def banks_of(*users: str) -> job_banks.Banks:
    watches = job_watches.Watches()
    for number, user in enumerate(users):
        watches.watch(f"{number}-W", user, runs.Accession(number), Watcher())
    return job_banks.Banks(watches)


def test_the_others_are_all_whose_jobs_are_watched_but_one() -> None:
    assert banks_of("carol", "bob", "alice", "alice").others("bob") == ["alice", "carol"]
    assert banks_of("bob").others("bob") == []


@pytest.mark.looptime
async def test_way_is_given_once_to_those_who_were_told() -> None:
    banks, loop = banks_of("bob"), asyncio.get_running_loop()
    began = loop.time()
    await banks.give_way()
    assert loop.time() == began, "nobody was told anything"
    banks.told = True
    await banks.give_way()
    await banks.give_way()
    assert 0.1 < loop.time() - began < 0.4
