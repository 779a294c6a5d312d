import asyncio

import pytest

from niassa_orch import errors
from niassa_orch.wire import pacing


class Flaky:
    """Fails as told, then answers; remembers when it was asked."""

    def __init__(self, *failures: BaseException, seconds: float = 0.0) -> None:
        self.failures = list(failures)
        self.seconds = seconds
        self.asked_at: list[float] = []

    async def ask(self) -> str:
        self.asked_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def down() -> Exception:
    return errors.WebServiceUnavailableError("down")


@pytest.mark.looptime
async def test_a_transient_failure_is_asked_again_after_a_growing_pause() -> None:
    flaky = Flaky(down(), down())
    assert await pacing.Retrying(attempts=4, total_seconds=30).call(flaky.ask) == "answer"
    assert len(flaky.asked_at) == 3
    pauses = [later - earlier for earlier, later in zip(flaky.asked_at, flaky.asked_at[1:], strict=False)]
    assert all(pacing.FIRST_PAUSE_SECONDS <= pause <= pacing.LONGEST_PAUSE_SECONDS + 1 for pause in pauses)


@pytest.mark.looptime
async def test_attempts_are_bounded_and_the_last_failure_comes_out() -> None:
    last = down()
    flaky = Flaky(down(), down(), last, down())
    with pytest.raises(errors.WebServiceUnavailableError) as caught:
        await pacing.Retrying(attempts=3, total_seconds=300).call(flaky.ask)
    assert caught.value is last
    assert len(flaky.asked_at) == 3


@pytest.mark.looptime
async def test_no_attempt_begins_after_the_total_time() -> None:
    flaky = Flaky(*(down() for _ in range(9)), seconds=30.0)
    with pytest.raises(errors.WebServiceUnavailableError):
        await pacing.Retrying(attempts=9, total_seconds=30).call(flaky.ask)
    assert len(flaky.asked_at) == 1


@pytest.mark.parametrize(
    "failure", [errors.LoginRefusedError("401"), errors.WriteUnknownError("?"), KeyError("bug"), TimeoutError()]
)
async def test_what_is_not_marked_transient_is_never_asked_again(failure: Exception) -> None:
    flaky = Flaky(failure)
    with pytest.raises(type(failure)):
        await pacing.Retrying(attempts=4, total_seconds=30).call(flaky.ask)
    assert len(flaky.asked_at) == 1


async def test_a_cancellation_is_not_taken_for_a_failure_to_retry() -> None:
    flaky = Flaky(asyncio.CancelledError())
    with pytest.raises(asyncio.CancelledError):
        await pacing.Retrying(attempts=4, total_seconds=30).call(flaky.ask)
    assert len(flaky.asked_at) == 1


@pytest.mark.looptime
async def test_a_budget_lets_no_more_through_than_it_has() -> None:
    budget = pacing.Budget(2)
    inside, most = 0, 0

    async def visit() -> None:
        nonlocal inside, most
        async with budget.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(1)
            inside -= 1

    await asyncio.gather(*(visit() for _ in range(7)))
    assert most == 2


@pytest.mark.looptime
async def test_a_turn_comes_back_when_its_request_failed() -> None:
    budget = pacing.Budget(1)

    async def fail() -> None:
        async with budget.turn():
            raise errors.WebServiceError

    for _ in range(3):
        with pytest.raises(errors.WebServiceError):
            await asyncio.wait_for(fail(), 1)


def test_a_budget_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="requests_at_once"):
        pacing.Budget(0)
