import asyncio
import contextlib

import pytest

from niassa_orch.core import pool


@pytest.mark.looptime
async def test_a_unix_user_has_one_engine_call_at_a_time() -> None:
    turns = pool.EngineTurns(5)
    seen: list[str] = []

    async def launch(what: str) -> None:
        async with turns.turn("niassa-bob", what=what):
            seen.append(f"{what} begins")
            assert turns.holder("niassa-bob") == what
            await asyncio.sleep(60)
            seen.append(f"{what} ends")

    await asyncio.gather(launch("one"), launch("two"))
    assert seen == ["one begins", "one ends", "two begins", "two ends"]
    assert turns.holder("niassa-bob") is None


@pytest.mark.looptime
async def test_so_many_engine_calls_at_once_and_long_ones_take_no_place() -> None:
    turns = pool.EngineTurns(1)
    loop = asyncio.get_running_loop()
    ended: dict[str, float] = {}

    async def launch(user: str, seconds: float, *, long: bool = False) -> None:
        async with turns.turn(user, what=user), contextlib.AsyncExitStack() as place:
            if not long:
                await place.enter_async_context(turns.calls.slot(user))
            assert turns.calls.busy <= 1
            await asyncio.sleep(seconds)
            ended[user] = loop.time()

    async with asyncio.TaskGroup() as group:
        group.create_task(launch("whitestar", 7200, long=True))
        for user in ("a", "b"):
            group.create_task(launch(user, 60))
    assert ended == {"a": 60, "b": 120, "whitestar": 7200}


@pytest.mark.looptime
async def test_a_place_is_given_back_apart_from_the_users_turn() -> None:
    turns = pool.EngineTurns(1)
    async with turns.turn("a", what="a works"), contextlib.AsyncExitStack() as place:
        await place.enter_async_context(turns.calls.slot("a"))
        await place.aclose()
        async with asyncio.timeout(1), turns.turn("b", what="b works"), turns.calls.slot("b"):
            assert turns.calls.busy == 1
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5), turns.turn("a", what="never"):
                pass
        assert turns.holder("a") == "a works"


@pytest.mark.looptime
async def test_a_turn_that_is_given_up_while_waiting_leaves_nothing_held() -> None:
    turns = pool.EngineTurns(1)
    async with turns.turn("a", what="a works"), turns.calls.slot("a"):
        for user in ("a", "b"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5), turns.turn(user, what="never"), turns.calls.slot(user):
                    pass
        assert turns.holder("a") == "a works"
        assert turns.holder("b") is None
    for user in ("a", "b"):
        async with asyncio.timeout(1), turns.turn(user, what="now"), turns.calls.slot(user):
            assert turns.holder(user) == "now"
    assert turns.calls.busy == 0


@pytest.mark.looptime
async def test_who_is_patient_lets_everybody_else_go_first() -> None:
    turns = pool.EngineTurns(1)
    order: list[str] = []

    async def call(what: str, *, patient: bool = False) -> None:
        async with turns.turn("niassa-bob", what=what, patient=patient):
            order.append(what)
            await asyncio.sleep(10)

    async with asyncio.TaskGroup() as group:
        group.create_task(call("launch 1"))
        await asyncio.sleep(1)
        for number in (1, 2):
            group.create_task(call(f"propagate {number}", patient=True))
        await asyncio.sleep(1)
        for number in (2, 3):
            group.create_task(call(f"launch {number}"))
    assert order == ["launch 1", "launch 2", "launch 3", "propagate 1", "propagate 2"]
