"""A beat in which nothing is due asks nobody, and yet misses nothing that it has to see."""

import pytest

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import intents, pollers, watching
from niassa_orch.domain import runs
from tests.fakes import clock as clocks
from tests.fakes import stage as stages
from tests.unit.core import served

BEAT_SECONDS = 30.0
HOUR = 3600.0
_SETTLE = "UPDATE launches SET settled = '2026-01-01T00:00:00Z', outcome = 'clean'"


@pytest.fixture
def clock(stage: stages.Stage) -> clocks.Clock:
    """The stage's; what was looked at counts as fresh for a while, as in the service."""
    beat = settings.Beat(interval_seconds=BEAT_SECONDS, jitter=0, sweep_seconds=10 * HOUR)
    stage.pollers = pollers.Pollers(settings.Settings(beat=beat), stage.told)
    stage.intents = intents.Intents(stage.journal, stage.state, stage.limits, stage.orders, fresh_seconds=1)
    return stage.clock


def watch_of(stage: stages.Stage) -> watching.Watch:
    return watching.Watch(stage.pollers, stages.claims_nothing, lambda: None)


async def test_a_second_beat_while_all_is_fresh_asks_nobody_and_works_off_what_became_due(
    stage: stages.Stage, clock: clocks.Clock
) -> None:
    assert clock is stage.clock
    scene = served.Scene(stage)
    stage.service.schedule(7, runs.RunStatus.SUBMITTED_CANCEL)
    await scene.worker.beat()
    cancelled = stage.service.run(7)
    asked, asked_oozie = list(stage.service.asked), list(stage.oozie.asked)
    await scene.worker.beat()
    assert (stage.service.asked, stage.oozie.asked) == (asked, asked_oozie)
    stage.pollers.of_runs(stage.known).runs_of("bob@lab.net").doubt(runs.Accession(7))
    await scene.worker.beat()
    assert cancelled.status is runs.RunStatus.CANCELLED
    assert stage.service.asked[len(asked) :] == ["GET 7"]


async def test_what_is_known_is_asked_for_again_when_it_is_old_and_for_another_account(
    stage: stages.Stage, clock: clocks.Clock
) -> None:
    watch = watch_of(stage)
    assert watch.known(stage.known) is None
    seen = await watch.look(stage.known)
    assert watch.known(stage.known) is seen
    assert watch.known(stages.renamed(stage, "bob")) is None
    clock.advance(BEAT_SECONDS)
    assert watch.known(stage.known) is None


async def test_a_login_is_proven_again_although_the_lists_are_fresh(stage: stages.Stage, clock: clocks.Clock) -> None:
    # Each of the three short lists proves the login of one of the others.
    others = {name: (watch_of(stage), stages.renamed(stage, name, web_user=f"{name}@lab.net")) for name in "abcd"}
    for other, known in others.values():
        await other.look(known)
    watch = watch_of(stage)
    await watch.look(stage.known)
    clock.advance(HOUR)
    other, known = others["a"]
    await other.look(known)
    assert other.known(known) is not None
    assert watch.known(stage.known) is None
    asked = len(stage.service.asked)
    await watch.look(stage.known)
    assert len(stage.service.asked) == asked + 1
    assert watch.known(stage.known) is not None


async def test_the_trouble_of_the_last_look_is_not_passed_over(stage: stages.Stage, clock: clocks.Clock) -> None:
    watch = watch_of(stage)
    await watch.look(stage.known)
    await watch.look_at_jobs(stage.known)
    clock.advance(BEAT_SECONDS)
    stage.oozie.down = True
    await watch.look_at_jobs(stage.known)
    assert isinstance(watch.oozie_trouble, errors.OozieError)
    assert not watch.knows_jobs(stage.known)
    stage.oozie.down = False
    clock.advance(BEAT_SECONDS)
    await watch.look_at_jobs(stage.known)
    assert watch.knows_jobs(stage.known)
    assert watch.oozie_trouble is None


async def test_a_refused_login_does_not_go_on_with_what_others_see(stage: stages.Stage, clock: clocks.Clock) -> None:
    assert clock is stage.clock
    watch = watch_of(stage)
    await watch.look(stage.known)
    poller = stage.pollers.of_runs(stage.known)
    (member,) = poller._members
    assert poller.is_fresh(member)
    member.refused = errors.LoginRefusedError("bob")
    assert watch.known(stage.known) is None


async def test_one_look_into_the_journal_serves_all_for_a_second_and_a_person_hurries_it(
    stage: stages.Stage, clock: clocks.Clock
) -> None:
    await stage.intend(1)
    await stage.intents.refresh()
    stage.alter(_SETTLE)
    await stage.intents.refresh()
    assert list(stage.unsettled()) == [1]
    clock.advance(1)
    await stage.intents.refresh()
    assert not stage.unsettled()
    await stage.intend(2)
    stage.alter(_SETTLE)
    stage.intents.hurry()
    await stage.intents.refresh()
    assert not stage.unsettled()


async def test_a_person_who_says_that_things_changed_has_the_journal_read_at_the_next_beat(
    stage: stages.Stage, clock: clocks.Clock
) -> None:
    assert clock is stage.clock
    scene = served.Scene(stage)
    await stage.intend(1)
    await scene.worker.beat()
    stage.alter(_SETTLE)
    scene.worker.refresh()
    await scene.worker.beat()
    assert not stage.unsettled()


async def test_a_journal_that_failed_is_asked_again_after_a_second(stage: stages.Stage, clock: clocks.Clock) -> None:
    stage.alter("ALTER TABLE launches RENAME TO elsewhere")
    with pytest.raises(errors.JournalError):
        await stage.intend(1)
    clock.advance(1)
    with pytest.raises(errors.JournalError):
        await stage.intents.refresh()
    stage.alter("ALTER TABLE elsewhere RENAME TO launches")
    with pytest.raises(errors.JournalError):
        await stage.intents.refresh()
    clock.advance(1)
    await stage.intents.refresh()
    assert not stage.journal.trouble
