"""A household in a process of its own, since it waits for every child of the process that it is in."""

import os
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
    assert time.monotonic() - began < 30
    *pids, seconds = done.stdout.split()
    return [int(pid) for pid in pids], float(seconds)


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_orphan_that_is_about_to_end_is_waited_for() -> None:
    pids, seconds = spent("sleep 0.5 >/dev/null & echo $!", patience=20)
    assert [lives(pid) for pid in pids] == [False]
    assert 0.3 < seconds < 10


def test_an_orphan_in_a_session_of_its_own_that_goes_on_is_ended() -> None:
    pids, seconds = spent("setsid sh -c 'sleep 300 & echo $! $$; wait' & sleep 0.3", patience=0.1)
    assert len(pids) == 2
    assert not any(map(lives, pids))
    assert seconds < 5


def test_one_that_is_deaf_to_sigterm_is_killed_with_its_children() -> None:
    pids, _ = spent("setsid sh -c 'trap \"\" TERM; sleep 300 & echo $! $$; wait' & sleep 0.3", patience=0.1)
    assert len(pids) == 2
    assert not any(map(lives, pids))


def test_where_nobody_is_left_nothing_is_waited_for() -> None:
    _, seconds = spent("true", patience=20)
    assert seconds < 5
