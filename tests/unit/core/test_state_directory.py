import os
import pathlib
import stat
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from niassa_orch import errors
from niassa_orch.core import state_directory
from niassa_orch.journal import store


@pytest.fixture
def directory(tmp_path: pathlib.Path) -> Iterator[state_directory.StateDirectory]:
    made = state_directory.StateDirectory(tmp_path / "lib" / "state")
    made.open()
    yield made
    made.close()


def write(path: pathlib.Path, age_seconds: float = 0) -> pathlib.Path:
    path.write_text("x")
    os.utime(path, (time.time() - age_seconds,) * 2)
    return path


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_only_the_service_may_enter(tmp_path: pathlib.Path, umask: int) -> None:
    path = tmp_path / "state"
    path.mkdir(mode=0o777)
    path.chmod(0o755)
    directory = state_directory.StateDirectory(path)
    before = os.umask(umask)
    try:
        directory.open()
    finally:
        os.umask(before)
        directory.close()
    folders = [path, *(found for found in path.rglob("*") if found.is_dir())]
    assert len(folders) == 4
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert stat.S_IMODE((path / "lock").stat().st_mode) == 0o600


def test_a_second_instance_is_refused_and_told_which_directory(directory: state_directory.StateDirectory) -> None:
    second = state_directory.StateDirectory(directory.path)
    with pytest.raises(errors.SettingsError, match=f"another niassa-orch uses state_dir {directory.path}"):
        second.open()
    directory.close()
    second.open()
    second.close()
    second.close()


def test_a_second_process_is_refused_too_and_a_child_keeps_no_lock(directory: state_directory.StateDirectory) -> None:
    code = (
        "import pathlib, sys\n"
        "from niassa_orch import errors\n"
        "from niassa_orch.core import state_directory\n"
        "try: state_directory.StateDirectory(pathlib.Path(sys.argv[1])).open()\n"
        "except errors.SettingsError: print('refused')\n"
    )
    argv = [sys.executable, "-c", code, str(directory.path)]
    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout == "refused\n"
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, close_fds=False):
        directory.close()
        directory.open()


def test_a_directory_that_cannot_be_used_is_a_matter_of_settings(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.SettingsError, match=r"state_dir .*file/state cannot be used"):
        state_directory.StateDirectory(tmp_path / "file" / "state").open()


def test_what_cannot_be_removed_at_a_start_does_not_keep_the_service_from_starting(
    directory: state_directory.StateDirectory,
) -> None:
    settled = directory.path / "calls" / "settled"
    (settled / "old.transcript").mkdir()
    os.utime(settled / "old.transcript", (0, 0))
    write(settled / "new.transcript")
    directory.close()
    directory.open()
    assert (settled / "old.transcript").exists()


def test_the_transcript_of_an_unsettled_call_lies_where_the_call_was_to_write(
    directory: state_directory.StateDirectory,
) -> None:
    transcript = directory.transcript("bob", "aaa")
    assert directory.open_transcript(transcript.name) == transcript


def test_a_transcript_that_never_came_to_be_or_cannot_be_moved_is_passed_over(
    directory: state_directory.StateDirectory,
) -> None:
    directory.settle(directory.transcript("bob", "aaa"))
    settled = directory.path / "calls" / "settled"
    settled.rmdir()
    settled.write_text("in the way")
    transcript = write(directory.transcript("bob", "bbb"))
    directory.settle(transcript)
    assert transcript.exists()


def test_a_settled_transcript_is_put_away_and_kept(directory: state_directory.StateDirectory) -> None:
    transcript = write(directory.transcript("bob", "aaa"))
    directory.settle(transcript)
    assert not transcript.exists()
    assert [path.name for path in (directory.path / "calls" / "settled").iterdir()] == ["bob--aaa.transcript"]


def test_only_old_settled_transcripts_are_removed_at_a_start(directory: state_directory.StateDirectory) -> None:
    day = 24 * 3600
    for call_id, age in (("old", 31 * day), ("young", 29 * day), ("new", 0)):
        directory.settle(write(directory.transcript("bob", call_id), age))
    doubtful = write(directory.transcript("bob", "doubtful"), 90 * day)
    directory.journal.touch()
    directory.close()
    directory.open()
    kept = {path.name for path in (directory.path / "calls" / "settled").iterdir()}
    assert kept == {"bob--young.transcript", "bob--new.transcript"}
    assert doubtful.exists()


def test_a_clock_that_is_far_ahead_at_a_start_removes_no_transcript(
    directory: state_directory.StateDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.settle(write(directory.transcript("bob", "new")))
    ahead = time.time() + 4000 * 24 * 3600
    directory.close()
    monkeypatch.setattr(time, "time", lambda: ahead)
    directory.open()
    assert [path.name for path in (directory.path / "calls" / "settled").iterdir()] == ["bob--new.transcript"]


def test_no_new_journal_is_begun_while_there_are_transcripts_that_the_old_one_would_know(
    directory: state_directory.StateDirectory,
) -> None:
    write(directory.transcript("bob", "doubtful"), 0)
    with pytest.raises(errors.JournalError, match="put the journal back"):
        store.Journal(directory.journal, directory.why_no_new_journal)
    directory.settle(directory.open_transcript("bob--doubtful.transcript"))
    store.Journal(directory.journal, directory.why_no_new_journal).close()


def test_each_account_of_our_own_user_has_its_mediator(directory: state_directory.StateDirectory) -> None:
    assert directory.mediator("bob") == directory.path / "mediators" / "bob"
