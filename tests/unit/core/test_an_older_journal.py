"""A journal that was put back from a backup, or comes back late: it keeps what it does not know from being launched."""

import asyncio
import pathlib
import shutil

import pytest

from niassa_orch import errors
from niassa_orch.core import intents
from niassa_orch.domain import runs
from niassa_orch.journal import store
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

JOB, DIRECTORY = stages.JOB, stages.DIRECTORY
COPIED = calls.whole(*calls.launching(7, DIRECTORY))


class Backup:
    """Yesterday's copy of the journal, from before run 7 was launched."""

    def __init__(self, stage: stages.Stage) -> None:
        self.stage = stage
        stage.journal.close()
        self.copy = shutil.copy(stage.state.journal, stage.directory / "backup.sqlite")
        self.opened()
        stage.service.schedule(7)

    def put_back(self) -> launches.Scene:
        """A start of the service with it, built as the composition root builds it."""
        stage = self.stage
        stage.journal.close()
        for suffix in ("", "-wal", "-shm"):
            pathlib.Path(f"{stage.state.journal}{suffix}").unlink(missing_ok=True)
        shutil.copy(self.copy, stage.state.journal)
        self.opened()
        return launches.Scene(stage)

    def opened(self) -> None:
        """The journal, by a process that goes on without it."""
        stage, state = self.stage, self.stage.state
        stage.journal = store.Journal(state.journal, state.why_no_new_journal, must_know=state.open_names, patient=True)
        stage.intents = intents.Intents(stage.journal, state, stage.limits, stage.orders)


@pytest.fixture
def backup(stage: stages.Stage) -> Backup:
    return Backup(stage)


async def test_it_launches_nothing_and_says_which_transcript_it_does_not_know(
    stage: stages.Stage, backup: Backup
) -> None:
    attempt = await stage.intend(7, lines=COPIED)
    stage.says(*launches.WELL)
    scene = backup.put_back()
    await scene.beat()
    assert stage.called == []
    assert (stage.journal.is_open, scene.is_available(7), scene.is_settled(7)) == (False, False, False)
    assert attempt.transcript.name in stage.journal.trouble
    assert "older" in stage.journal.trouble
    assert stage.state.open_transcripts() == (attempt.transcript,), "it is what the right journal is asked about"


async def test_it_launches_nothing_beside_a_call_that_lives(stage: stages.Stage, backup: Backup) -> None:
    stage.bar(7)
    stage.says(*COPIED, gate=True)
    first = launches.Scene(stage)
    first.offer()
    async with stage.at_gate(7):
        await first.launcher.stop()
        scene = backup.put_back()
        await scene.beat()
        assert not scene.is_available(7)
        assert len(stage.state.open_transcripts()) == 1
    await stage.until(lambda: stage.called == ["launch 7"])


async def test_it_is_opened_in_the_same_process_once_a_person_has_put_the_transcript_away(
    stage: stages.Stage, backup: Backup
) -> None:
    attempt = await stage.intend(7, lines=COPIED)
    scene = backup.put_back()
    with pytest.raises(errors.JournalError, match="does not know the launch of transcript"):
        await stage.journal.refresh()
    stage.state.settle(attempt.transcript)
    stage.journal._open_again = 0.0  # as if the seconds between two tries were over
    await stage.journal.refresh()
    assert stage.journal.trouble == ""
    stage.says(*launches.WELL)
    await scene.beat()
    assert stage.called == ["launch 7"]


async def test_a_journal_that_comes_back_fences_from_its_first_moment(stage: stages.Stage, backup: Backup) -> None:
    await stage.intend(7)
    journal_file = stage.state.journal
    away = journal_file.with_name("away")
    for _ in range(50):
        stage.journal.close()
        journal_file.rename(away)
        journal_file.mkdir()
        backup.opened()
        journal, account = stage.journal, stage.known.account
        assert not journal.is_open
        journal_file.rmdir()
        away.rename(journal_file)
        opening = asyncio.create_task(journal.refresh())
        while not opening.done():
            assert journal.is_fenced(account, runs.Accession(7))
            assert not journal.is_settled(account, runs.Accession(7))
            await asyncio.sleep(0)
        await opening
        assert journal.is_open
        assert journal.is_fenced(account, runs.Accession(7))
        assert not journal.is_fenced(account, runs.Accession(8))
