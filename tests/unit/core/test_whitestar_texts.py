"""The texts of whitestar runs: in the record once the run has ended, with the streams the right way round."""

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from tests.fakes import calls
from tests.fakes import stage as stages
from tests.unit.core import launches

R = runs.RunStatus
DIRECTORY = "/scratch/oozie-12345678"
ENDS = "Setting workflow-run status to {} for: 7"


def whitestar(*lines: str) -> list[str]:
    return calls.whole(*calls.launching(7, DIRECTORY), *lines)


@pytest.fixture
def scene(stage: stages.Stage) -> launches.Scene:
    """Bob's run 7, which whitestar completes."""
    stage.service.schedule(7, workflowEngine="whitestar", stdOut="before", stdErr="before")
    stage.says(*whitestar(ENDS.format("completed")))
    calls.texts(stage.mediator, 7, e="said", o="complained")
    return launches.Scene(stage)


def texts_of(stage: stages.Stage) -> tuple[bool, bool]:
    """Whether the record has the texts, standard output and errors."""
    row = stage.service.rows[runs.Accession(7)]
    return row["stdOut"].endswith("\nsaid"), row["stdErr"].endswith("\ncomplained")


@pytest.mark.parametrize("status", [R.COMPLETED, R.FAILED])
async def test_they_are_written_when_the_run_has_ended_and_swapped_once(
    stage: stages.Stage, scene: launches.Scene, status: runs.RunStatus
) -> None:
    stage.says(*whitestar(ENDS.format(status)))
    for _ in range(3):
        await scene.beat()
    assert stage.service.run(7).status is status
    assert texts_of(stage) == (True, True)
    assert stage.called == ["launch-whitestar 7", "texts"]


async def test_a_call_that_does_not_say_how_it_ended_writes_none(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.says(*whitestar())
    await scene.beat()
    assert (stage.called, texts_of(stage)) == (["launch-whitestar 7"], (False, False))


async def test_those_of_a_call_of_an_earlier_process_are_written_too(
    stage: stages.Stage, scene: launches.Scene
) -> None:
    await stage.intend(7, lines=whitestar(ENDS.format("completed")), engine="whitestar")
    await scene.again()
    await scene.launcher.settle_doubts()
    assert (stage.called, texts_of(stage)) == (["texts"], (True, True))


async def test_files_that_cannot_be_read_cost_nothing_but_events(stage: stages.Stage, scene: launches.Scene) -> None:
    (stage.directory / "mediator.texts").write_text("{}\n")
    await scene.beat()
    row = stage.service.rows[runs.Accession(7)]
    assert (row["status"], row["stdOut"], row["stdErr"]) == (R.COMPLETED, "before", "before")
    assert [name for name in stage.events if name.startswith("texts.")] == ["texts.unreadable", "texts.not_written"]
    assert (scene.is_settled(7), scene.launcher.trouble) == (True, "")


async def test_a_web_service_that_breaks_costs_nothing_but_an_event(stage: stages.Stage, scene: launches.Scene) -> None:
    def breaks() -> None:
        message = "down"
        raise errors.WebServiceUnavailableError(message)

    # The verdict and its repair write once; what is written second are the texts.
    stage.service.before_put = [None, breaks]
    await scene.beat()
    assert (stage.service.run(7).status, texts_of(stage)) == (R.COMPLETED, (False, False))
    assert "texts.not_written" in stage.events
    assert (scene.is_settled(7), scene.launcher.trouble) == (True, "")


async def test_a_run_of_oozie_has_none_written_here(stage: stages.Stage, scene: launches.Scene) -> None:
    stage.service.schedule(7)
    stage.says(*launches.WELL)
    await scene.beat()
    assert stage.called == ["launch 7"]
