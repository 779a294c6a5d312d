import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from niassa_orch.core import pool


class Crowd:
    """Tasks that want slots, and who got in, in which order."""

    def __init__(self, slots: pool.Pool) -> None:
        self.slots = slots
        self.order: list[str] = []
        self.inside: dict[str, str] = {}
        self.leave: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def want(self, name: str, account: str, *, urgent: bool = False) -> None:
        """Let a task queue up."""
        self.begin(name, account, urgent=urgent)
        await step()

    def begin(self, name: str, account: str, *, urgent: bool = False) -> None:
        self.leave[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._hold(name, account, urgent=urgent))

    async def _hold(self, name: str, account: str, *, urgent: bool) -> None:
        async with self.slots.slot(account, urgent=urgent):
            self.order.append(name)
            self.inside[name] = account
            try:
                await self.leave[name].wait()
            finally:
                del self.inside[name]

    async def go(self, *names: str) -> None:
        """Let tasks give their slots back, one after the other."""
        for name in names:
            self.leave[name].set()
            await step()

    async def end(self) -> None:
        for event in self.leave.values():
            event.set()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)
        assert (self.slots.busy, self.slots.waiting, self.inside) == (0, 0, {})


async def step() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_no_more_tasks_at_once_than_slots() -> None:
    crowd = Crowd(pool.Pool(2))
    for name in ("a1", "a2", "a3"):
        await crowd.want(name, "a")
    assert (sorted(crowd.inside), crowd.slots.busy, crowd.slots.waiting) == (["a1", "a2"], 2, 1)
    await crowd.go("a1")
    assert sorted(crowd.inside) == ["a2", "a3"]
    await crowd.end()


async def test_accounts_are_served_in_turn_however_many_tasks_one_of_them_has() -> None:
    crowd = Crowd(pool.Pool(1))
    for name in ("a1", "a2", "a3", "a4", "b1", "b2", "c1"):
        await crowd.want(name, name[0])
    await crowd.go("a1", "a2", "b1", "c1", "a3", "b2")
    assert crowd.order == ["a1", "a2", "b1", "c1", "a3", "b2", "a4"]
    await crowd.end()


async def test_urgent_tasks_go_first_within_their_account_in_their_order() -> None:
    crowd = Crowd(pool.Pool(1))
    for name in ("a1", "a2", "b1"):
        await crowd.want(name, name[0])
    for name in ("a-cancel", "a-retry"):
        await crowd.want(name, "a", urgent=True)
    await crowd.go("a1", "a-cancel", "b1", "a-retry")
    assert crowd.order == ["a1", "a-cancel", "b1", "a-retry", "a2"]
    await crowd.end()


async def test_one_account_holds_at_most_half_while_several_are_served() -> None:
    crowd = Crowd(pool.Pool(5))
    crowd.slots.accounts = 2
    for number in range(4):
        await crowd.want(f"a{number}", "a")
    assert (len(crowd.inside), crowd.slots.waiting) == (2, 2)
    for number in range(3):
        await crowd.want(f"b{number}", "b")
    assert sorted(crowd.inside.values()) == ["a", "a", "b", "b"]
    await crowd.end()


async def test_an_account_that_is_alone_has_all_slots() -> None:
    crowd = Crowd(pool.Pool(3))
    for number in range(4):
        await crowd.want(f"a{number}", "a")
    assert len(crowd.inside) == 3
    await crowd.end()


async def test_a_pool_of_one_slot_serves_several_accounts() -> None:
    crowd = Crowd(pool.Pool(1))
    crowd.slots.accounts = 3
    for name in ("a1", "b1", "c1"):
        await crowd.want(name, name[0])
    await crowd.go("a1", "b1", "c1")
    assert crowd.order == ["a1", "b1", "c1"]
    await crowd.end()


async def test_a_waiter_that_is_cancelled_leaves_the_queue() -> None:
    crowd = Crowd(pool.Pool(1))
    for name in ("a1", "a2", "a3"):
        await crowd.want(name, "a")
    crowd.tasks["a2"].cancel()
    await step()
    assert crowd.slots.waiting == 1
    await crowd.go("a1")
    assert crowd.order == ["a1", "a3"]
    await crowd.end()


async def test_a_waiter_that_is_cancelled_in_the_moment_of_its_turn_passes_the_slot_on() -> None:
    crowd = Crowd(pool.Pool(1))
    for name in ("a1", "a2", "b1"):
        await crowd.want(name, name[0])
    crowd.leave["a1"].set()
    await asyncio.sleep(0)  # a1 gives its slot to a2, which has not run yet
    assert crowd.slots.busy == 1
    assert "a2" not in crowd.inside
    crowd.tasks["a2"].cancel()
    await step()
    assert crowd.order == ["a1", "b1"]
    await crowd.end()


async def test_a_waiter_that_is_cancelled_just_before_its_turn_takes_no_slot() -> None:
    crowd = Crowd(pool.Pool(1))
    for name in ("a1", "a2", "b1"):
        await crowd.want(name, name[0])
    crowd.tasks["a2"].cancel()
    crowd.leave["a1"].set()
    await step()
    assert crowd.order == ["a1", "b1"]
    await crowd.end()


async def test_a_waiter_that_is_cancelled_just_after_the_slot_was_given_back_takes_none() -> None:
    crowd = Crowd(pool.Pool(1))
    for name in ("a1", "a2", "b1"):
        await crowd.want(name, name[0])
    crowd.leave["a1"].set()
    crowd.tasks["a2"].cancel()  # a1 runs first and finds a waiter that does not wait any more
    await step()
    assert crowd.tasks["a1"].exception() is None
    assert crowd.order == ["a1", "b1"]
    await crowd.end()


async def test_a_task_that_breaks_or_is_cancelled_inside_gives_its_slot_back() -> None:
    slots = pool.Pool(1)
    with pytest.raises(ZeroDivisionError):
        async with slots.slot("a"):
            raise ZeroDivisionError
    crowd = Crowd(slots)
    await crowd.want("a1", "a")
    crowd.tasks["a1"].cancel()
    await step()
    assert slots.busy == 0
    await crowd.end()


moves = st.one_of(
    st.tuples(st.just("want"), st.sampled_from("abc"), st.booleans()),
    st.tuples(st.sampled_from(["cancel", "leave"]), st.integers(0, 30), st.booleans()),
    st.tuples(st.just("step"), st.integers(1, 3), st.booleans()),
)


@given(st.integers(1, 4), st.integers(1, 3), st.lists(moves, max_size=40))
def test_whatever_happens_no_slot_is_lost_and_none_is_given_twice(
    size: int, accounts: int, schedule: list[tuple[str, str | int, bool]]
) -> None:
    with asyncio.Runner() as runner:
        runner.run(play(size, accounts, schedule))


async def play(size: int, accounts: int, schedule: list[tuple[str, str | int, bool]]) -> None:
    slots = pool.Pool(size)
    slots.accounts = accounts
    share = size if accounts == 1 else max(1, size // 2)
    crowd = Crowd(slots)
    for number, (move, what, urgent) in enumerate(schedule):
        names = list(crowd.tasks)
        if move == "want":
            crowd.begin(f"{what}{number}", str(what), urgent=urgent)
        elif move == "step":
            for _ in range(int(what)):
                await asyncio.sleep(0)
        elif names and move == "cancel":
            crowd.tasks[names[int(what) % len(names)]].cancel()
        elif names:
            crowd.leave[names[int(what) % len(names)]].set()
        held = list(crowd.inside.values())
        assert len(held) <= slots.busy <= size
        assert all(held.count(account) <= share for account in held)
    await step()
    may_get_one = [account for account in slots._waiting if slots._held[account] < share]
    assert slots.busy == size or not may_get_one, "a slot is free and somebody waits for it"
    await crowd.end()
    async with contextlib.AsyncExitStack() as all_slots:
        slots.accounts = 1
        for _ in range(size):
            await asyncio.wait_for(all_slots.enter_async_context(slots.slot("a")), 1)
    assert slots.busy == 0
