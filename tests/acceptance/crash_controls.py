"""Negative controls of the crash harness: the same crashes, with one safeguard taken out, launch runs twice.

Each control takes one safeguard out of the started process (or out of its state directory), dies at the points that
matter to that safeguard, and stops at the first run that Oozie's own books show twice: nothing that happens later can
undo that. Used by ``test_crashes``.
"""

import collections
import contextlib
import dataclasses
import random
from collections.abc import Mapping, Sequence

from tests.acceptance import crash_lives, crash_users, stages

_LIFE_SECONDS = 4.0
#: What becomes of such a launch, only a look at the transcript, or at Oozie, tells.
_SILENT = crash_users.Plan(launch="silent_after_submit")
_DIES = crash_users.Plan(launch="dies_after_submit")


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """What is taken out, and where the service dies then.

    Args:
        without: Of ``crash_points.TAKEN_OUT``, or ``""``.
        plans: What users schedule.
        points: Where it dies; ``""`` is a life that is ended by and by.
        environment: Settings.
        forgetful: The journal and the transcripts are gone at each start.
    """

    without: str
    plans: Sequence[crash_users.Plan]
    points: Sequence[str]
    environment: Mapping[str, object] = dataclasses.field(default_factory=dict)
    forgetful: bool = False


CONTROLS = {
    "the liveness check": Control(
        "the liveness check", (_SILENT,), ("after journal settle", "after put transcript away", "after spawn")
    ),
    "the look-up in Oozie": Control(
        "the look-up in Oozie",
        (_DIES,),
        ("after journal note", "after journal settle", "after wait for call"),
        {"ENGINE__DOUBT_GRACE_SECONDS": 0.001},
    ),
    "the journal": Control("", (_SILENT, _DIES), ("after make call", "after wait for call"), forgetful=True),
}


async def crashes_until_doubled(
    control: Control, stage: stages.Stage, crew: stages.Crew, seed: int, most: int
) -> int | None:
    """How many crashes it took until a run was launched twice; ``None`` when ``most`` were not enough.

    Args:
        control: What is taken out.
        stage: That is up.
        crew: Who runs the service there.
        seed: Of the dice.
        most: So many crashes at most.
    """
    dice = random.Random(seed)  # noqa: S311 - guards no secret
    asked = crash_users.Users(stage, random.Random(seed + 1), dict.fromkeys(control.plans, 1))  # noqa: S311
    async with (
        crash_users.about(asked),
        crash_lives.Lives(stage, crew, environment=control.environment, without=control.without) as lives,
    ):
        for crashes in range(1, most + 1):
            life = await lives.begin(dice.choice(control.points), 1)
            await lives.end(life, _LIFE_SECONDS)
            if control.forgetful:
                forget(stage)
            if await _doubled(stage):
                return crashes
    return None


def forget(stage: stages.Stage) -> None:
    """The journal and the transcripts are gone."""
    for file in (*stage.place.state_dir.glob("journal.sqlite*"), *stage.transcripts()):
        with contextlib.suppress(FileNotFoundError):
            file.unlink()


async def _doubled(stage: stages.Stage) -> list[int]:
    seen = collections.Counter(job["accession"] for job in await stage.oozie.jobs())
    return [accession for accession, jobs in seen.items() if jobs > 1]
