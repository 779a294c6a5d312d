import asyncio

import hypothesis
from hypothesis import strategies

from niassa_orch.core import ring


@hypothesis.given(strategies.integers(0, 30), strategies.integers(1, 10), strategies.integers(-2, 40))
def test_those_after_a_number_come_as_far_as_they_are_kept(count: int, kept: int, number: int) -> None:
    made: ring.Ring[int] = ring.Ring(kept)
    for thing in range(1, count + 1):
        made.add(thing)
    expected = [thing for thing in range(1, count + 1) if thing > number and thing > count - kept]
    assert made.after(number) == tuple(expected)
    assert made.last == count


async def test_who_waits_hears_the_next_one_and_not_what_was() -> None:
    made: ring.Ring[str] = ring.Ring(3)
    made.add("before")
    await made.hear(0)
    waiting = asyncio.create_task(made.hear(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    made.add("now")
    await waiting
    assert made.after(1) == ("now",)
