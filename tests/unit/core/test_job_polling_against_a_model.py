"""Whatever happens between and during polls: after a good and quiet one every watcher knows its job."""

import asyncio
import dataclasses
import functools
from collections.abc import Iterator

import hypothesis
import hypothesis.strategies as st
import pytest

from niassa_orch import errors
from niassa_orch.domain import jobs
from niassa_orch.oozie import documents
from tests.fakes import job_watching

J = jobs.JobStatus
JOBS = 25
OVERLAP = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Happening:
    """Something at the server. ``late_seconds`` is how long ago a change was when it shows."""

    kind: str
    job: int = 0
    status: jobs.JobStatus = J.RUNNING
    late_seconds: int = 0


HAPPENINGS = st.builds(
    Happening,
    st.sampled_from(["change"] * 8 + ["start", "watch", "purge", "fail", "second", "minute", "date"]),
    st.integers(0, JOBS - 1),
    st.sampled_from(list(J)),
    st.sampled_from([0, 0, 0, 1, OVERLAP]),
)
TICKS = st.lists(
    st.tuples(st.lists(HAPPENINGS, max_size=12), st.lists(st.lists(HAPPENINGS, max_size=3), max_size=6)), max_size=8
)


class Model:
    """What happens at a scene. ``date``: the server begins, or ceases, to tell the time."""

    def __init__(self, scene: job_watching.Scene) -> None:
        self.scene = scene
        self.unwatched: list[str] = []
        self.started = scene.start(JOBS)

    def happen(self, what: Happening) -> None:
        there = self.scene.there
        match what.kind:
            case "change":
                self.change(self.started[what.job], what.status, what.late_seconds)
            case "purge":
                there.jobs.pop(self.started[what.job], None)
            case "start":
                self.unwatched.append(there.start())
            case "watch":
                while self.unwatched:
                    job_id = self.unwatched.pop()
                    self.scene.watcher.watch(job_id, job_watching.number(job_id))
            case "fail":
                there.failing = 1
            case "date":
                there.tells_time = not there.tells_time
            case _:
                self.scene.pass_seconds({"second": 1, "minute": 60}[what.kind])

    def change(self, job_id: str, status: jobs.JobStatus, late_seconds: int) -> None:
        """A change, which never bears an earlier time than the one before it."""
        job = self.scene.there.jobs.get(job_id)
        if job is not None:
            late_seconds = min(late_seconds, self.scene.there.now - (job.modified or 0))
            self.scene.there.becomes(job_id, status, late_seconds=late_seconds)

    def go_on(self, steps: Iterator[list[Happening]]) -> None:
        """What happens before the next answer."""
        for what in next(steps, []):
            self.happen(what)


async def live(model: Model, ticks: list[tuple[list[Happening], list[list[Happening]]]]) -> None:
    scene = model.scene
    for between, during in ticks:
        for what in between:
            model.happen(what)
        steps = iter(during)
        scene.there.meanwhile = functools.partial(model.go_on, steps)
        try:
            await scene.poll()
        except errors.OozieUnavailableError:
            continue
    scene.there.meanwhile = lambda: None
    scene.there.failing = 0
    model.happen(Happening("watch"))
    await scene.poll()
    while scene.poller.state.sweeping:
        await scene.poll()
    assert scene.knows_all()


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize("slice_seconds", [0.0, 60.0])
@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(ticks=TICKS)
def test_after_a_good_poll_every_watcher_knows_its_job(
    is_old: bool, slice_seconds: float, ticks: list[tuple[list[Happening], list[list[Happening]]]]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(documents, "PAGE_ROWS", 3)
        monkeypatch.setattr(documents, "LARGE_PAGE_ROWS", 6)
        scene = job_watching.Scene(monkeypatch, slice_seconds=slice_seconds, sweep_seconds=1e9, overlap_seconds=OVERLAP)
        scene.there.is_old = is_old
        asyncio.run(live(Model(scene), ticks))
