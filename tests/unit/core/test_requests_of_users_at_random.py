"""Users, a crontab and the service at the same records at once: what a list of ours saw is heeded, or told.

``CROSSING_EXAMPLES=2000`` plays so many games instead of a few.
"""

import os

import pytest

from tests.fakes import stage as stages
from tests.unit.core import crossing

_EXAMPLES = int(os.environ.get("CROSSING_EXAMPLES") or 60)
_ROUNDS = 25


@pytest.mark.parametrize("seed", range(_EXAMPLES))
async def test_every_request_that_was_seen_is_heeded_or_told_and_none_is_invented(
    stage: stages.Stage, seed: int
) -> None:
    world = crossing.World(stage, seed)
    await world.play(_ROUNDS)
    assert world.unheeded() == []
    assert world.invented() == []
