"""Step files are asked for many runs at a time, and a mediator that fails costs nobody but their texts."""

import asyncio
import contextlib
import pathlib

import pytest

from niassa_orch.config import settings
from niassa_orch.core import step_texts
from niassa_orch.domain import jobs, runs, texts
from tests.fakes import stage as stages
from tests.fakes import texts_mediator


@pytest.fixture
def mediator(stage: stages.Stage) -> texts_mediator.TextsMediator:
    return texts_mediator.TextsMediator(stage.mediator)


class Reader:
    """Reads files of runs, each in a task of its own."""

    def __init__(self, stage: stages.Stage, limits: settings.Texts) -> None:
        self._known = stage.known
        self._reader = step_texts.StepTexts(stage.told, limits)

    async def text(self, run: runs.WorkflowRun, job: jobs.Job | None = None) -> str | None:
        """What the files of a run say; ``None`` when they could not be had."""
        found = await self._reader.read(self._known, run, job or texts_mediator.job_of(run))
        return None if found is None else "|".join(file.text for file in found.files)

    def begin(self, *accessions: int) -> dict[int, asyncio.Task[str | None]]:
        """By accession."""
        return {number: asyncio.create_task(self.text(texts_mediator.run(number))) for number in accessions}


@pytest.fixture
def reader(stage: stages.Stage) -> Reader:
    return Reader(stage, settings.Texts(file_bytes=11, run_bytes=22))


async def test_while_a_call_is_under_way_further_runs_wait_and_go_together_in_the_next_ones(
    reader: Reader, mediator: texts_mediator.TextsMediator
) -> None:
    mediator.bar()
    first = reader.begin(1)
    await mediator.called(1)
    others = reader.begin(*range(2, 31))
    for call in (1, 2, 3):
        await mediator.let_go(call)
    read = {number: await task for number, task in (first | others).items()}
    assert read == {number: f"of {number}" for number in range(1, 31)}
    assert mediator.calls == [[1], list(range(2, 22)), list(range(22, 31))]


async def test_the_mediator_is_told_how_much_is_wanted(reader: Reader, mediator: texts_mediator.TextsMediator) -> None:
    assert await reader.text(texts_mediator.run(7)) == "of 7"
    wanted = {"accession": 7, "directory": "/scratch/oozie-00000007", "file_bytes": 11, "run_bytes": 22}
    assert mediator.orders == [[wanted]]


async def test_a_run_that_two_ask_for_is_asked_for_once_and_in_each_of_two_directories_apart(
    reader: Reader, mediator: texts_mediator.TextsMediator
) -> None:
    mediator.bar()
    first = reader.begin(1)
    await mediator.called(1)
    two, other = texts_mediator.run(2), texts_mediator.run(2, working_dir="/gone/oozie-00000002")
    waiting = [asyncio.create_task(reader.text(run)) for run in (two, other, two)]
    for call in (1, 2, 3):
        await mediator.let_go(call)
    assert await asyncio.gather(*waiting, *first.values()) == ["of 2", None, "of 2", "of 1"]
    assert mediator.calls == [[1], [2], [2]]


async def test_whoever_is_cancelled_while_its_call_is_under_way_takes_nobody_along(
    reader: Reader, mediator: texts_mediator.TextsMediator
) -> None:
    mediator.bar()
    first = reader.begin(1)
    await mediator.called(1)
    second, others = reader.begin(2), reader.begin(3, 4, 5)
    await mediator.let_go(1)
    await mediator.called(2)
    asked = mediator.pid
    await _cancelled(second[2], others[4])
    await mediator.ended(asked)
    await mediator.let_go(3)
    assert [await task for task in (first[1], others[3], others[5])] == ["of 1", "of 3", "of 5"]
    assert mediator.calls == [[1], [2, 3, 4, 5], [3, 5]]


async def test_nobody_is_left_waiting_when_all_are_cancelled_and_the_next_one_is_served(
    reader: Reader, mediator: texts_mediator.TextsMediator
) -> None:
    mediator.bar()
    begun = reader.begin(1, 2, 3)
    await mediator.called(1)
    asked = mediator.pid
    await _cancelled(*begun.values())
    await mediator.ended(asked)
    again = reader.begin(2)
    await mediator.let_go(2)
    assert await again[2] == "of 2"
    assert mediator.calls[1:] == [[2]]


async def test_a_mediator_that_fails_is_left_in_peace_for_a_while_and_told_of_once(
    stage: stages.Stage, reader: Reader, mediator: texts_mediator.TextsMediator
) -> None:
    mediator.fails()
    assert {await task for task in reader.begin(1, 2, 3).values()} == {None}
    stage.clock.advance(50)
    assert await reader.text(texts_mediator.run(4)) is None
    assert len(mediator.calls) == 1
    assert stage.events == ["texts.unreadable"]
    mediator.fails(False)
    stage.clock.advance(20)
    assert await reader.text(texts_mediator.run(4)) == "of 4"


@pytest.mark.usefixtures("mediator")
async def test_a_directory_that_is_gone_is_no_reason_to_rest(stage: stages.Stage, reader: Reader) -> None:
    assert await reader.text(texts_mediator.run(1, working_dir="/gone/oozie-00000001")) is None
    assert await reader.text(texts_mediator.run(2)) == "of 2"
    assert stage.events == []


@pytest.mark.parametrize("directory", [None, "/etc", "/scratch/../oozie-00000007", "/scratch/oozie-00000008"])
async def test_a_directory_that_is_not_the_runs_own_is_not_even_asked_for(
    reader: Reader, mediator: texts_mediator.TextsMediator, directory: str | None
) -> None:
    job = texts_mediator.job_of(texts_mediator.run(7))
    assert await reader.text(texts_mediator.run(7, working_dir=directory), job) is None
    assert mediator.calls == []


@pytest.mark.parametrize("said", ["nonsense", '{"accession": 1, "files": [{}]}', '{"accession": 9, "files": []}'])
async def test_an_answer_that_makes_no_sense_is_no_text(stage: stages.Stage, reader: Reader, said: str) -> None:
    stage.mediator.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{said}'\n")
    stage.mediator.chmod(0o755)
    assert await reader.text(texts_mediator.run(1)) is None


async def test_a_mediator_that_is_not_there_is_no_text(stage: stages.Stage, reader: Reader) -> None:
    assert stage.mediator == pathlib.Path(stage.directory, "mediator")
    stage.mediator.unlink()
    assert await reader.text(texts_mediator.run(1)) is None
    assert stage.events == ["texts.unreadable"]


def test_the_files_of_a_run_are_not_printed() -> None:
    file = texts.StepFile("a.o1", "a", "o", 1, 0.0, 6, 6, False, "canary")
    assert "canary" not in repr(texts.StepFiles((file,)))


async def _cancelled(*tasks: asyncio.Task[str | None]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task
