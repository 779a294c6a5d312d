"""Engine calls under way, as their transcripts and the locks on them tell. Asks files, nobody else.

Used by tests that do something between two moments of a call; ``killed_calls`` finds the processes of one.
"""

import pathlib

from niassa_orch.seqware import call
from tests.acceptance import books, stages


async def said(stage: stages.Stage, words: str) -> pathlib.Path:
    """The first open transcript that says so, once one does."""

    async def look() -> pathlib.Path | None:
        found = [path for path in stage.transcripts("open") if words in path.read_text("utf-8", "replace")]
        return found[0] if found else None

    return await books.until(f"a transcript that says {words}", look)


async def ended(transcript: pathlib.Path) -> None:
    """Wait until nothing of the call lives."""

    async def look() -> bool | None:
        return not call.is_held(transcript) or None

    await books.until("the end of the call", look)
