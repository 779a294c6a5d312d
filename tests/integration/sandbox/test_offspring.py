"""A household in a process of its own, since it waits for every child of the process that it is in."""

import os
import pathlib
import subprocess
import sys
import time

_SCRIPT = """
import subprocess, sys, time
from niassa_orch.sandbox import offspring
with offspring.household({patience}, 0.2):
    subprocess.run(["/bin/sh", "-c", sys.argv[1]], check=True)
    began = time.monotonic()
print(time.monotonic() - began)
"""


def spent(command: str, patience: float) -> tuple[list[int], float]:
    """Process ids that the command printed, and how long the household waited at its end, in seconds."""
    script = _SCRIPT.format(patience=patience)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script, command], stdout=subprocess.PIPE, text=True, check=True)
    assert time.monotonic() - began < 100
    *pids, seconds = done.stdout.split()
    return [int(pid) for pid in pids], float(seconds)


def orphans(directory: pathlib.Path, script: str) -> str:
    """A command that leaves a session of its own, and ends once that has said who it is."""
    who = directory / "who"
    return f"mkfifo {who}; setsid sh -c '{{ {script}; }} >{who}; wait' & cat {who}"


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_orphan_that_is_about_to_end_is_waited_for(tmp_path: pathlib.Path) -> None:
    done = tmp_path / "done"
    pids, seconds = spent(f"(sleep 0.5; echo >{done}) >/dev/null & echo $!", patience=90)
    assert [lives(pid) for pid in pids] == [False]
    assert done.exists(), "it was ended in the middle"
    assert seconds < 60


def test_an_orphan_in_a_session_of_its_own_that_goes_on_is_ended(tmp_path: pathlib.Path) -> None:
    pids, seconds = spent(orphans(tmp_path, "sleep 300 >/dev/null & echo $! $$"), patience=0.1)
    assert len(pids) == 2
    assert not any(map(lives, pids))
    assert seconds < 60


def test_one_that_is_deaf_to_sigterm_is_killed_with_its_children(tmp_path: pathlib.Path) -> None:
    pids, _ = spent(orphans(tmp_path, 'trap "" TERM; sleep 300 >/dev/null & echo $! $$'), patience=0.1)
    assert len(pids) == 2
    assert not any(map(lives, pids))


def test_where_nobody_is_left_nothing_is_waited_for() -> None:
    _, seconds = spent("true", patience=90)
    assert seconds < 60
