"""Steps that last as long as a test likes: a run is scheduled with a step of many minutes (``LONG``), which ``end``
ends as if its time were over. What happens meanwhile is then a matter of order and not of speed.

Looks at files and processes of the sandbox, and signals the latter. Used by tests of runs that must still work.
"""

import pathlib
import signal

from tests.acceptance import books, machine, stages

#: Longer than any test.
LONG_SECONDS = 900
LONG = f"align:{LONG_SECONDS}"


async def end(stage: stages.Stage, accession: int) -> None:
    """Let the step of this run that sleeps now end, once one does; its script goes on as after any sleep."""

    async def look() -> bool | None:
        sleeping = [pid for folder in _folders(stage, accession) for pid in machine.sleeping_in(folder)]
        # SIGKILL: a step that is deaf to SIGTERM made its sleep deaf too.
        machine.signal_all(sleeping, signal.SIGKILL)
        return bool(sleeping) or None

    await books.until(f"a step of {accession} that sleeps", look)


def _folders(stage: stages.Stage, accession: int) -> list[pathlib.Path]:
    """Where the run was launched, by its scripts: the record of a whitestar run names no directory yet."""
    scripts = stage.place.directory.glob("work/*/*/generated-scripts/align.sh")
    return [script.parents[1] for script in scripts if f": run {accession} began" in script.read_text("utf-8")]
