import asyncio
import os
import signal

import pytest

from niassa_orch.sandbox import ending


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_it_is_looked_for(number: signal.Signals) -> None:
    with ending.orderly() as end:
        end.check()
        os.kill(os.getpid(), number)
        with pytest.raises(ending.EndedEarlyError) as caught:
            end.check()
    assert caught.value.exit_code == 128 + number


def test_work_is_cancelled_once_and_a_second_signal_does_not_cut_its_cleaning_short() -> None:
    told: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.01)
            told.append("cleaned")

    with ending.orderly() as end, pytest.raises(ending.EndedEarlyError) as caught:
        end.run(work())
    assert told == ["cleaned"]
    assert caught.value.number == signal.SIGTERM


def test_work_that_comes_after_the_signal_is_not_begun() -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("begun")

    with ending.orderly() as end:
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(ending.EndedEarlyError):
            end.run(work())
    assert begun == []


def test_work_that_cancels_itself_was_not_ended_by_a_signal() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with ending.orderly() as end, pytest.raises(asyncio.CancelledError):
        end.run(work())


def test_signals_mean_afterwards_what_they_meant_before_and_an_ignored_one_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    meant = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with ending.orderly() as end:
            os.kill(os.getpid(), signal.SIGHUP)
            end.check()
            assert signal.getsignal(signal.SIGTERM) is not meant[1]
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == meant
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
