"""Who looks, who shares what was seen, and who is not made to wait for one look after the other."""

import asyncio

import pytest

from niassa_orch.core import sharing
from tests.fakes import clock as clocks

FRESH_SECONDS = 25.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> clocks.Clock:
    found = clocks.Clock()
    monkeypatch.setattr(sharing, "time", found)
    return found


class Looks:
    """A neighbour that takes so long."""

    def __init__(self, clock: clocks.Clock) -> None:
        self._clock = clock
        self.seconds = 60.0
        self.count = 0
        self.seen = asyncio.Event()
        self.shared = sharing.Shared(self._look, FRESH_SECONDS)

    async def _look(self) -> None:
        self.count += 1
        await self.seen.wait()
        self._clock.advance(self.seconds)


async def test_a_look_that_takes_longer_than_it_stays_fresh_is_shared_by_all_who_waited(clock: clocks.Clock) -> None:
    looks = Looks(clock)
    waiting = [asyncio.create_task(looks.shared.refresh()) for _ in range(10)]
    await asyncio.sleep(0)
    looks.seen.set()
    await asyncio.gather(*waiting)
    assert looks.count == 1
    await looks.shared.refresh()
    assert looks.count == 2, "who comes later wants a look of his own"


async def test_a_person_who_hurries_while_somebody_looks_gets_another_look(clock: clocks.Clock) -> None:
    looks = Looks(clock)
    looks.seconds = 1.0
    first = asyncio.create_task(looks.shared.refresh())
    await asyncio.sleep(0)
    looks.shared.hurry()
    looks.seen.set()
    await first
    await looks.shared.refresh()
    assert looks.count == 2


async def test_a_look_that_is_cancelled_counts_for_nothing(clock: clocks.Clock) -> None:
    looks = Looks(clock)
    first = asyncio.create_task(looks.shared.refresh())
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    looks.seen.set()
    await looks.shared.refresh()
    assert looks.count == 2
