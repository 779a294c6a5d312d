"""The engine call loses one of its processes at each line of its transcript: launched once, or told to a person.

``make crashtest`` also kills right after each line, where the shorter run kills before what follows it.
"""

import asyncio
import itertools
import pathlib
import sys
from collections.abc import Sequence

import pytest

from tests.acceptance import killed_calls, stages, trials

_SETTINGS = {"ENGINE__BATCH": 1, "ENGINE__DOUBT_GRACE_SECONDS": 1}
#: Who is missed by nobody, and who is.
_SPARE = ("mediator", "guardian", "wrapper")
_MISSED = ("engine", killed_calls.EVERYTHING)
_each_line = pytest.mark.parametrize(
    "every_moment", [False, pytest.param(True, marks=pytest.mark.crashes)], ids=["lines", "moments"]
)


@pytest.mark.timeout(300)
@_each_line
async def test_a_call_that_loses_any_of_its_processes_at_any_line_launches_once_or_is_told(
    tmp_path: pathlib.Path, every_moment: bool
) -> None:
    async def kill(victims: Sequence[str]) -> None:
        directory = tmp_path / victims[0]
        directory.mkdir()
        async with stages.own(directory, "alice") as stage:
            await _kill_at_each_line(stage, killed_calls.Killer(stage), victims, every_moment=every_moment)

    async with asyncio.TaskGroup() as group:
        for victims in (_SPARE, _MISSED):
            group.create_task(kill(victims))


@pytest.mark.real_users
@pytest.mark.timeout(300)
@_each_line
async def test_a_call_of_another_user_that_loses_sudo_at_any_line_launches_once_or_is_told(
    people: stages.People, open_directory: pathlib.Path, every_moment: bool
) -> None:
    async with stages.of_people(open_directory, people) as stage:
        killer = killed_calls.Killer(stage, with_sudo=True)
        victims = ("sudo", "mediator", killed_calls.EVERYTHING)
        await _kill_at_each_line(stage, killer, victims, every_moment=every_moment)


async def _kill_at_each_line(
    stage: stages.Stage, killer: killed_calls.Killer, victims: Sequence[str], *, every_moment: bool
) -> None:
    trial = trials.Trials(stage)
    async with stage.service(**_SETTINGS) as service:
        clean = await trial.schedule("alice")
        await service.tells("launch.verified", accession=clean)
        (transcript,) = stage.transcripts()
        moments = killed_calls.moments(transcript.read_text(), clean, every_moment=every_moment)
        names = itertools.cycle(stage.accounts)
        dooms = {}
        for moment, victim in itertools.product(moments, victims):
            accession = await trial.schedule(next(names), pause=moment.name)
            dooms[accession] = killed_calls.Doom(moment, victim)
        await killer.carry_out(dooms)
        await trial.finish(service)
        decided = trials.verdicts(service)
    for accession, doom in dooms.items():
        sys.stdout.write(f"{doom}: {', '.join(decided[accession])}\n")
    assert await trial.findings() == []
    await stage.launched_once(*trial.accessions)
    held = {accession for accession, doom in dooms.items() if _is_for_a_person(doom)}
    assert trial.held.keys() == held


def _is_for_a_person(doom: killed_calls.Doom) -> bool:
    """Nobody was left to say that the transcript ended, and it does not say by what Oozie could be asked."""
    return doom.victim == killed_calls.EVERYTHING and not doom.moment.has_directory
