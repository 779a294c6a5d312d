"""A look at Oozie that takes long, since a neighbour has many changes: who was told goes on, the others wait."""

import asyncio
import datetime

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import active_runs, enrolling, job_polling, pollers, watching
from niassa_orch.domain import jobs, runs
from niassa_orch.oozie import lists
from tests.fakes import clock as clocks
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import served

J = jobs.JobStatus
R = runs.RunStatus
BEAT_SECONDS = 30.0
PATIENCE_SECONDS = 3600.0


class OozieOfManyPages(fakes.OozieInMemory):
    """Its newest change is on the first page, which comes when ``first_page`` is set; the others with ``next_page``."""

    def __init__(self) -> None:
        super().__init__()
        self.first_page, self.next_page = asyncio.Event(), asyncio.Event()
        self.first_page.set()
        self.next_page.set()
        self.trouble: errors.OozieError | None = None

    async def changed_since(
        self, since: datetime.datetime | None, tell: lists.Tell, _banks: object = None
    ) -> lists.Changes:
        changes = await super().changed_since(since, lambda _rows, _time: None)
        await self.first_page.wait()
        tell(changes.rows[:1], None)
        await self.next_page.wait()
        if self.trouble is not None:
            raise self.trouble
        tell(changes.rows[1:], None)
        return changes


@pytest.fixture
def oozie(stage: stages.Stage, monkeypatch: pytest.MonkeyPatch) -> OozieOfManyPages:
    """With the job of run 7, bob's; a beat waits for it as long as there is something to wait for."""
    monkeypatch.setattr(pollers, "_PATIENCE_SECONDS", PATIENCE_SECONDS)
    for module in (pollers, job_polling):
        monkeypatch.setattr(module, "time", stage.clock)
    found = stage.oozie = OozieOfManyPages()
    beat = settings.Beat(interval_seconds=BEAT_SECONDS, jitter=0, sweep_seconds=1e6)
    stage.pollers = pollers.Pollers(settings.Settings(beat=beat), stage.told)
    stage.service.schedule(7, R.RUNNING, statusCmd="7-W")
    found.start("7-W")
    return found


@pytest.fixture
def clock(stage: stages.Stage) -> clocks.Clock:
    return stage.clock


async def a_beat_ago(stage: stages.Stage, known: enrolling.Enrolled) -> tuple[watching.Watch, active_runs.ActiveRuns]:
    """What an account sees of its neighbours since a beat ago."""
    watch = watching.Watch(stage.pollers, stages.claims_nothing, lambda: None)
    seen = await watch.look(known)
    await watch.look_at_jobs(known)
    stage.clock.advance(BEAT_SECONDS)
    return watch, seen


async def others_go_on() -> None:
    """Every task does what it can do without time."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_beat_goes_on_when_its_job_was_told_although_the_look_is_not_over(
    stage: stages.Stage, oozie: OozieOfManyPages, clock: clocks.Clock
) -> None:
    scene = served.Scene(stage)
    await scene.worker.beat()
    clock.advance(BEAT_SECONDS)
    oozie.becomes("7-W", J.SUCCEEDED)
    oozie.next_page.clear()
    await scene.worker.beat()
    assert stage.service.run(7).status is R.COMPLETED
    oozie.next_page.set()
    await stage.pollers.close()


async def test_who_was_not_told_yet_waits_for_the_pages_that_may_concern_them(
    stage: stages.Stage, oozie: OozieOfManyPages
) -> None:
    ann = stages.renamed(stage, "ann", web_user="ann@lab.net")
    stage.service.schedule(8, R.RUNNING, statusCmd="8-W", ownerUserName="ann@lab.net")
    oozie.start("8-W")
    watch, seen = await a_beat_ago(stage, ann)
    oozie.becomes("8-W", J.SUCCEEDED)
    oozie.becomes("7-W", J.SUCCEEDED)
    oozie.next_page.clear()
    waiting = asyncio.ensure_future(watch.look_at_jobs(ann))
    await others_go_on()
    assert not waiting.done()
    oozie.next_page.set()
    await waiting
    assert [accession for accession, _ in seen.take(0.0, 10)] == [8]
    assert watch.oozie_trouble is None


async def test_whoever_comes_while_a_look_tells_need_not_wait_and_its_failure_is_told_at_the_next(
    stage: stages.Stage, oozie: OozieOfManyPages, clock: clocks.Clock
) -> None:
    known = stages.renamed(stage, "bob")
    watch, seen = await a_beat_ago(stage, known)
    assert not watch.knows_jobs(known)
    oozie.becomes("7-W", J.SUCCEEDED)
    oozie.next_page.clear()
    await watch.look_at_jobs(known)
    assert watch.knows_jobs(known)
    clock.advance(PATIENCE_SECONDS)
    assert not watch.knows_jobs(known), "Oozie was silent for too long"
    oozie.trouble = errors.OozieUnavailableError("the second page")
    oozie.next_page.set()
    await others_go_on()
    assert not watch.knows_jobs(known)
    await watch.look_at_jobs(known)
    assert str(watch.oozie_trouble) == "the second page"
    assert [accession for accession, _ in seen.take(0.0, 10)] == [7]


async def test_what_wakes_an_account_while_oozie_is_silent_says_nothing_of_oozie(
    stage: stages.Stage, oozie: OozieOfManyPages
) -> None:
    known = stages.renamed(stage, "bob")
    watch, seen = await a_beat_ago(stage, known)
    oozie.first_page.clear()
    waiting = asyncio.ensure_future(watch.look_at_jobs(known))
    await asyncio.sleep(0)
    seen.doubt(runs.Accession(7))
    await others_go_on()
    assert not waiting.done()
    assert not watch.knows_jobs(known)
    oozie.first_page.set()
    await waiting
    assert watch.oozie_trouble is None
