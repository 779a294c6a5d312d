"""Looks that block: what they bring, what they raise, and that nobody waits for one that never ends."""

import threading

import pytest

from niassa_orch.admin import patience


async def test_what_a_look_returns_or_raises_comes_through() -> None:
    assert await patience.look(lambda: 7, 30) == 7
    with pytest.raises(ZeroDivisionError):
        await patience.look(lambda: 1 // 0, 30)


async def test_a_look_that_does_not_end_is_left_behind_and_does_not_keep_the_process() -> None:
    release = threading.Event()
    kept: list[threading.Thread] = []

    def never() -> None:
        kept.append(threading.current_thread())
        release.wait()

    try:
        with pytest.raises(TimeoutError):
            await patience.look(never, 0.05)
        assert kept[0].is_alive()
        assert kept[0].daemon
    finally:
        release.set()
        kept[0].join(30)
