import asyncio
import itertools

import pytest

from niassa_orch.core import board, guard
from tests.fakes import clock as clocks
from tests.fakes import neighbours_in_memory as fakes


async def after(seconds: float, result: str) -> str:
    await asyncio.sleep(seconds)
    return result


@pytest.mark.looptime
async def test_work_that_ends_in_time_gives_its_result() -> None:
    assert await guard.unless(asyncio.Event(), after(10, "done")) == "done"


@pytest.mark.looptime
async def test_work_that_breaks_breaks_here() -> None:
    async def broken() -> None:
        await asyncio.sleep(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await guard.unless(asyncio.Event(), broken())


@pytest.mark.looptime
async def test_work_is_cancelled_when_the_service_stops_and_has_the_time_to_tidy_up() -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().call_later(5, stopping.set)
    tidied = False

    async def work() -> str:
        nonlocal tidied
        try:
            return await after(3600, "too late")
        finally:
            await asyncio.sleep(2)
            tidied = True

    assert await guard.unless(stopping, work()) is None
    assert tidied
    assert asyncio.get_running_loop().time() == 7


@pytest.mark.looptime
async def test_work_that_the_stop_finds_done_keeps_its_result() -> None:
    stopping = asyncio.Event()
    stopping.set()
    assert await guard.unless(stopping, after(0, "quick")) in ("quick", None)
    assert await guard.unless(stopping, after(1, "slow")) is None


@pytest.mark.looptime
async def test_cancelling_who_waits_cancels_the_work_too() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.set()

    waiting = asyncio.create_task(guard.unless(asyncio.Event(), work()))
    await asyncio.sleep(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()


@pytest.mark.looptime
async def test_a_long_task_that_breaks_is_told_and_begun_again_after_a_wait_that_grows() -> None:
    told = fakes.board_of()
    began: list[float] = []

    async def work() -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) < 4:
            msg = "by zero"
            raise ZeroDivisionError(msg)

    await guard.keep("worker:bob", work, told, account="bob")
    waits = [later - earlier for earlier, later in itertools.pairwise(began)]
    assert waits == pytest.approx([1, 2, 4], rel=0.11)
    events = told.snapshot().events
    assert [(event.name, event.account, event.level) for event in events] == [
        ("task.crashed", "bob", board.Level.ERROR)
    ] * 3
    assert events[0].fields["task"] == "worker:bob"
    assert events[0].fields["error"] == "ZeroDivisionError: by zero"


@pytest.mark.looptime
async def test_a_task_that_worked_for_long_before_it_broke_is_begun_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clocks.Clock()
    monkeypatch.setattr(guard, "time", clock)
    began: list[float] = []

    async def work() -> None:
        began.append(asyncio.get_running_loop().time())
        clock.advance(3600)
        if len(began) < 6:
            raise ZeroDivisionError

    await guard.keep("worker:bob", work, fakes.board_of())
    assert began[-1] == pytest.approx(5, rel=0.11)


@pytest.mark.looptime
async def test_what_broke_inside_a_task_group_is_told_by_its_own_name() -> None:
    told = fakes.board_of()
    broken = [ExceptionGroup("unhandled", [KeyError("a"), ExceptionGroup("deeper", [ValueError("b")])])]

    async def work() -> None:
        if broken:
            raise broken.pop()

    await guard.keep("worker:bob", work, told)
    assert told.snapshot().events[0].fields["error"] == "KeyError: 'a'; ValueError: b"


@pytest.mark.looptime
async def test_a_long_task_that_is_cancelled_is_not_begun_again() -> None:
    told = fakes.board_of()
    task = asyncio.create_task(guard.keep("worker:bob", asyncio.Event().wait, told))  # type: ignore[arg-type]
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fakes.names(told) == []


@pytest.mark.looptime
@pytest.mark.parametrize("mends", [True, False])
async def test_a_stop_does_not_wait_until_a_broken_task_is_begun_again(mends: bool) -> None:
    stopping = asyncio.Event()
    began: list[float] = []

    async def work() -> None:
        began.append(asyncio.get_running_loop().time())
        if not (mends and stopping.is_set()):
            raise ZeroDivisionError

    asyncio.get_running_loop().call_later(20, stopping.set)
    await guard.keep("worker:bob", work, fakes.board_of(), account="bob", stopping=stopping)
    assert began[-1] == pytest.approx(20)
    assert len([moment for moment in began if moment >= 20]) == 1
