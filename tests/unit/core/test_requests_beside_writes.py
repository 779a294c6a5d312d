"""Looks and writes at the same time: a list in the middle of a write of ours, a read that a list overtakes."""

from collections.abc import Awaitable, Callable

from niassa_orch.core import active_runs
from niassa_orch.domain import jobs, runs
from niassa_orch.webservice import documents
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import stage as stages
from tests.unit.core import beats

R, J = runs.RunStatus, jobs.JobStatus
CANCEL, SEVEN = R.SUBMITTED_CANCEL, runs.Accession(7)


class Lingering(fakes.WebServiceInMemory):
    """A web service in which a PUT takes its time; ``meanwhile`` happens before it takes."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: list[Callable[[], Awaitable[None]]] = []

    async def put_run(self, document: documents.RunDocument) -> None:
        if self.meanwhile:
            await self.meanwhile.pop()()
        await super().put_run(document)


def known_of(stage: stages.Stage) -> active_runs.ActiveRuns:
    """What is known of Bob's runs."""
    return stage.pollers.of_runs(stage.known).runs_of("bob@lab.net")


async def lists(stage: stages.Stage) -> None:
    """Another account of the web service has the lists read."""
    poller = stage.pollers.of_runs(stage.known)
    stage.clock.advance(1)
    await poller.refresh(poller.join(stage.known, stage.clock.monotonic()))
    stage.clock.advance(1)


async def test_a_cancel_that_a_list_saw_in_the_middle_of_our_write_is_put_back(stage: stages.Stage) -> None:
    stage.service = service = Lingering()
    stage.known = fakes.enrolled(service, stage.oozie, stage.mediator)
    bob = beats.Beats(stage)
    bob.running(7, J.RUNNING, R.PENDING)

    async def a_user_cancels() -> None:
        service.sets(7, status=CANCEL)()
        await lists(stage)

    service.meanwhile.append(a_user_cancels)
    await bob.beat()
    assert bob.statuses(7) == [R.RUNNING], "our write wiped it"
    stage.clock.advance(1)
    await bob.beat()
    assert bob.statuses(7) == [R.CANCELLED]
    assert stage.oozie.jobs["7-oozie-W"].status is J.KILLED
    assert stage.events.count("request.restored") == 1


async def test_what_was_answered_is_forgotten_and_an_older_list_does_not_bring_it_back(stage: stages.Stage) -> None:
    bob = beats.Beats(stage)
    bob.running(7, J.RUNNING, CANCEL)
    began = stage.clock.monotonic()
    listed = [stage.service.run(7)]
    stage.clock.advance(1)
    await bob.beat()
    seen = known_of(stage).requests
    assert (bob.statuses(7), len(seen)) == ([R.CANCELLED], 0)
    seen.saw_list(listed, began)
    assert len(seen) == 0


async def test_a_read_that_a_list_overtook_decides_nothing(stage: stages.Stage) -> None:
    bob = beats.Beats(stage)
    await bob.beat()
    seen = known_of(stage).requests
    began = stage.clock.monotonic()
    bob.running(7, J.RUNNING)
    stage.clock.advance(1)
    running = stage.service.run(7)
    stage.service.sets(7, status=CANCEL)()
    seen.saw(stage.service.run(7), began)
    stage.service.asked.clear()
    stage.oozie.asked.clear()
    assert await stage.propagator().lost.look_into(stage.known, seen, running, began) is None
    assert seen.of(SEVEN) is not None
    assert (stage.service.asked, stage.oozie.asked, stage.events) == ([], [], [])
