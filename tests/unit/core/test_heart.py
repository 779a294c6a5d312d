"""Signs of life: given by beats and by the supervisor's look, and only once the journal's thread answered."""

import asyncio
import dataclasses
import threading

import pytest

from niassa_orch import errors
from niassa_orch.core import heart, worker
from tests.fakes import clock as clocks
from tests.fakes import stage as stages
from tests.unit.core import served


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def beating(stage: stages.Stage, said: list[str]) -> worker.Worker:
    """The worker of an account whose signs are heard."""
    scene = served.Scene(stage)
    return worker.Worker(served.profile(), dataclasses.replace(scene.desk, signs=heart.Heart(said.append)))


async def test_a_beat_is_a_sign_of_life(beating: worker.Worker, said: list[str]) -> None:
    await beating.beat()
    assert said == ["WATCHDOG=1"]


async def test_a_beat_whose_journal_does_not_answer_is_none(
    beating: worker.Worker, said: list[str], stage: stages.Stage
) -> None:
    held, free = threading.Event(), threading.Event()

    def hang(_database: object) -> None:
        held.set()
        free.wait(60)

    hanging = asyncio.ensure_future(stage.journal._writer.read(hang))
    await asyncio.to_thread(held.wait)
    waiting = asyncio.ensure_future(beating.beat())
    await asyncio.wait({waiting}, timeout=0.1)
    assert said == []
    free.set()
    await asyncio.wait({hanging, waiting})
    assert said == ["WATCHDOG=1"]


async def test_a_journal_that_cannot_be_used_ends_no_service_that_still_propagates(
    beating: worker.Worker, said: list[str], stage: stages.Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused() -> None:
        message = "disk full"
        raise errors.JournalError(message)

    monkeypatch.setattr(stage.journal, "refresh", refused)
    await beating.beat()
    assert said == ["WATCHDOG=1"]


def test_many_beats_at_once_are_one_sign(said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = clocks.Clock()
    monkeypatch.setattr(heart, "time", clock)
    signs = heart.Heart(said.append)
    for _ in range(100):
        signs.beat()
    assert said == ["WATCHDOG=1"]
    clock.advance(1.0)
    signs.beat()
    assert said == ["WATCHDOG=1"] * 2


def test_what_is_said_is_one_line(said: list[str]) -> None:
    heart.Heart(said.append).says("a line\nREADY=1")
    assert said == ["STATUS=a line READY=1"]
