"""How long a poller of runs is kept: that of one account alone as long as it uses it, a shared one for the next."""

import asyncio
import dataclasses
import gc
import weakref

import pytest

from niassa_orch import errors
from niassa_orch.core import enrolling, gauges, polling, watching
from niassa_orch.domain import runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages


def enrolled(stage: stages.Stage, name: str, *, alone: bool) -> enrolling.Enrolled:
    account = dataclasses.replace(fakes.BOB, name=name, polls_alone=alone)
    return fakes.enrolled(stage.service, stage.oozie, stage.mediator, account)


def watch(stage: stages.Stage) -> watching.Watch:
    return watching.Watch(stage.pollers, stages.claims_nothing, lambda: None)


def poller_of(stage: stages.Stage, known: enrolling.Enrolled) -> "weakref.ref[polling.RunPoller]":
    return weakref.ref(stage.pollers.of_runs(known))


def is_kept(poller: "weakref.ref[polling.RunPoller]") -> bool:
    gc.collect()
    return poller() is not None


@pytest.mark.parametrize("alone", [True, False])
async def test_only_a_poller_of_one_account_alone_goes_with_it(stage: stages.Stage, alone: bool) -> None:
    bob, mine = enrolled(stage, "bob", alone=alone), watch(stage)
    await mine.look(bob)
    poller = poller_of(stage, bob)
    assert is_kept(poller)
    mine.leave()
    assert is_kept(poller) is not alone


async def test_an_account_that_polls_alone_no_more_takes_the_shared_one_and_leaves_none(stage: stages.Stage) -> None:
    alone, mine = enrolled(stage, "bob", alone=True), watch(stage)
    await mine.look(alone)
    own = poller_of(stage, alone)
    await mine.look(enrolled(stage, "bob", alone=False))
    assert not is_kept(own)


async def test_who_comes_back_after_its_login_was_refused_lists_anew(stage: stages.Stage) -> None:
    bob, mine = enrolled(stage, "bob", alone=True), watch(stage)
    stage.service.schedule(7, runs.RunStatus.RUNNING)
    await mine.look(bob)
    mine.leave()
    assert [run.accession for run in await mine.look(bob)] == [7]


async def test_a_sweep_that_nobody_is_left_for_ends(stage: stages.Stage) -> None:
    bob, mine = enrolled(stage, "bob", alone=True), watch(stage)
    await mine.look(bob)
    stage.clock.advance(24 * 3600)
    await mine.look(bob)
    sweeps = [task for task in asyncio.all_tasks() if task.get_name().startswith("sweep:server2")]
    assert len(sweeps) == 1
    mine.leave()
    await asyncio.wait(sweeps)
    assert sweeps[0].cancelled()
    assert stage.events == []


async def test_a_web_service_that_fails_is_told_with_its_trouble_and_when_it_answered_last(stage: stages.Stage) -> None:
    bob, mine = enrolled(stage, "bob", alone=False), watch(stage)
    await mine.look(bob)
    well, _ = stage.pollers.neighbours()
    assert (well.kind, well.url, well.trouble) == (gauges.Kind.WEB_SERVICE, bob.account.web_service_url, "")
    assert well.answered_at is not None
    assert well.poll_seconds is not None
    stage.service.before_get = [fakes.unreachable] * 5
    mine.hurry()
    with pytest.raises(errors.WebServiceUnavailableError):
        await mine.look(bob)
    failing, _ = stage.pollers.neighbours()
    assert (failing.trouble != "", failing.answered_at) == (True, well.answered_at)


async def test_an_oozie_is_told_while_an_account_uses_it(stage: stages.Stage) -> None:
    bob, mine = enrolled(stage, "bob", alone=False), watch(stage)
    await mine.look(bob)
    await mine.look_at_jobs(bob)
    _, oozie = stage.pollers.neighbours()
    assert (oozie.kind, oozie.url, oozie.trouble) == (gauges.Kind.OOZIE, bob.account.oozie_url, "")
    mine.leave()
    assert list(stage.pollers.neighbours()) == []


async def test_of_two_pollers_of_one_web_service_the_one_in_trouble_is_told(stage: stages.Stage) -> None:
    alone, shared = enrolled(stage, "alone", alone=True), enrolled(stage, "bob", alone=False)
    first, second = watch(stage), watch(stage)
    await first.look(alone)
    await second.look(shared)
    stage.service.before_get = [fakes.unreachable] * 5
    first.hurry()
    with pytest.raises(errors.WebServiceUnavailableError):
        await first.look(alone)
    told, _ = stage.pollers.neighbours()
    assert told.trouble
