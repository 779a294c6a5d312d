"""The texts of steps in a run's record: at its end, at a change of its steps, after a while; and at no other time."""

import dataclasses
import json

import pytest

from niassa_orch.domain import jobs, runs
from tests.fakes import neighbours_in_memory, texts_mediator
from tests.fakes import stage as stages
from tests.unit.core import propagation

R, J = runs.RunStatus, jobs.JobStatus
MINE = {"workflowEngine": "oozie-sge", "currentWorkingDir": "/scratch/oozie-12345678"}
PENDING = jobs.Action("align", "PREP")
RUNNING = jobs.Action("align", "RUNNING", "812")
EVERY_SECONDS = 600


class Scene(propagation.Scene):
    """Run 7 on the stage, with a mediator that answers to ``texts``."""

    def __init__(self, stage: stages.Stage) -> None:
        super().__init__(stage)
        self.mediator = texts_mediator.TextsMediator(stage.mediator)

    def runs_on(self, status: runs.RunStatus, *actions: jobs.Action, **fields: str) -> None:
        """On oozie-sge, and its job runs."""
        self.run(status, None, **MINE | fields)
        self.steps(*actions)

    def steps(self, *actions: jobs.Action, status: jobs.JobStatus = J.RUNNING, run: int = 0) -> None:
        """Where the job's steps are now."""
        self.oozie.start(propagation.JOB, status, app_path="/apps/oozie-12345678", actions=actions, run=run)

    def says(self, text: str) -> None:
        """Of the only step's file, from now on."""
        file = {"name": "a.o9", "step": "a", "stream": "o", "number": 9, "mtime": 0, "cut": False}
        told = json.dumps({"accession": 7, "files": [file | {"size": 9, "kept": 9, "text": text}]})
        self.stage.mediator.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{told}\nEND\n")

    def text(self, name: str = "stdOut") -> str | None:
        """As the record has it, without its heading."""
        stored = self.service.rows[runs.Accession(7)].get(name)
        return stored.rpartition("\n")[2] if stored is not None else None


@pytest.fixture
def scene(stage: stages.Stage) -> Scene:
    return Scene(stage)


@pytest.mark.parametrize(("of_job", "status"), [(J.SUCCEEDED, R.COMPLETED), (J.KILLED, R.FAILED)])
async def test_with_the_end_of_an_oozie_sge_run_go_the_texts_of_its_steps(
    scene: Scene, of_job: jobs.JobStatus, status: runs.RunStatus
) -> None:
    scene.runs_on(R.RUNNING, RUNNING)
    await scene.propagate()
    scene.says("whole")
    scene.steps(RUNNING, status=of_job)  # nothing but the job's own status has changed
    assert await scene.propagate() is status
    assert (scene.text(), scene.text("stdErr")) == ("whole", "")
    assert scene.puts == 2


async def test_texts_that_cannot_be_had_leave_the_stored_ones_and_never_hold_up_a_status(scene: Scene) -> None:
    scene.mediator.fails()
    scene.runs_on(R.RUNNING, RUNNING, stdOut="stored")
    scene.steps(RUNNING, status=J.FAILED)
    assert await scene.propagate() is R.FAILED
    assert (scene.text(), scene.text("sgeNameIdMap")) == ("stored", "align=812")


@pytest.mark.parametrize("directory", ["", "/gone/oozie-12345678", "/etc", "/scratch/oozie-87654321"])
async def test_a_working_directory_that_is_unset_gone_or_of_another_job_leaves_the_stored_texts(
    scene: Scene, directory: str
) -> None:
    scene.runs_on(R.RUNNING, RUNNING, currentWorkingDir=directory, stdErr="stored")
    scene.steps(RUNNING, status=J.FAILED)
    assert await scene.propagate() is R.FAILED
    assert (scene.text("stdErr"), scene.text()) == ("stored", None)


async def test_while_a_run_runs_its_texts_are_written_at_a_change_of_its_steps_and_not_else(scene: Scene) -> None:
    scene.runs_on(R.PENDING, PENDING)
    assert await scene.propagate() is R.RUNNING
    assert scene.puts == 1
    assert await scene.propagate() is R.RUNNING
    assert (scene.puts, len(scene.mediator.calls)) == (1, 1)
    scene.says("half")
    scene.steps(RUNNING)
    assert await scene.propagate() is R.RUNNING
    assert (scene.text(), scene.text("sgeNameIdMap"), scene.puts) == ("half", "align=812", 2)


async def test_without_a_change_they_are_looked_at_after_a_while_and_written_if_they_differ(scene: Scene) -> None:
    scene.runs_on(R.RUNNING, RUNNING)
    await scene.propagate()
    asked = list(scene.service.asked)
    scene.clock.advance(EVERY_SECONDS - 1)
    await scene.propagate()
    assert len(scene.mediator.calls) == 1
    scene.clock.advance(1)
    await scene.propagate()
    assert (len(scene.mediator.calls), scene.service.asked) == (2, asked)  # the same texts ask the web service nothing
    await scene.propagate()
    assert len(scene.mediator.calls) == 2
    scene.says("more")
    scene.clock.advance(EVERY_SECONDS)
    await scene.propagate()
    assert (scene.text(), scene.puts) == ("more", 2)
    scene.clock.advance(1)
    await scene.propagate()
    assert scene.puts == 2


async def test_after_a_restart_texts_that_the_record_has_are_read_and_not_written(scene: Scene) -> None:
    scene.runs_on(R.RUNNING, RUNNING)
    await scene.propagate()
    scene.restart()
    scene.service.asked.clear()
    await scene.propagate()
    assert scene.service.asked == ["GET 7"]
    await scene.propagate()
    assert scene.service.asked == ["GET 7"]


async def test_texts_are_read_before_the_run_is_read_so_that_its_write_follows_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.runs_on(R.RUNNING, RUNNING)
    seen: list[int] = []
    get_run = scene.service.get_run

    async def noted(accession: runs.Accession) -> object:
        seen.append(len(scene.mediator.calls))
        return await get_run(accession)

    monkeypatch.setattr(scene.service, "get_run", noted)
    await scene.propagate()
    assert seen == [1, 1]
    assert scene.service.asked == ["GET 7", "PUT 7", "GET 7"]


async def test_a_cancel_that_comes_before_a_write_of_texts_is_not_overwritten_and_they_stay_due(scene: Scene) -> None:
    scene.runs_on(R.RUNNING, RUNNING)
    scene.service.before_get = [scene.service.sets(7, status="submitted_cancel")]
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert scene.puts == 0
    scene.service.sets(7, status="running")()
    await scene.propagate()
    assert scene.puts == 1


async def test_texts_alone_are_not_written_while_a_users_cancel_waits_for_its_kill(scene: Scene) -> None:
    scene.runs_on(R.SUBMITTED_CANCEL, RUNNING)
    scene.oozie.deaf = True
    assert await scene.propagate() is R.SUBMITTED_CANCEL
    assert scene.acts == ["kill 1-oozie-W as niassa-bob"]
    assert (scene.puts, scene.mediator.calls) == (0, [])


async def test_a_run_whose_job_was_rerun_starts_its_texts_anew(scene: Scene) -> None:
    scene.runs_on(R.RUNNING, RUNNING)
    await scene.propagate()
    scene.service.sets(7, stdOut="")()  # as the engine's own record of a launch leaves it
    scene.steps(RUNNING)
    await scene.propagate()
    assert scene.text() == ""
    scene.steps(RUNNING, run=1)
    await scene.propagate()
    assert scene.text() == "of 7"


async def test_a_write_of_texts_that_does_not_take_is_told_and_not_tried_every_beat(scene: Scene) -> None:
    scene.runs_on(R.RUNNING, RUNNING)
    scene.service.before_put = [neighbours_in_memory.unknown_fate]
    await scene.propagate()
    await scene.propagate()
    assert scene.stage.events == ["write.not_taken"]
    assert scene.puts == 1
    scene.clock.advance(EVERY_SECONDS)
    await scene.propagate()
    assert scene.text() == "of 7"


async def test_the_map_of_sge_jobs_of_plain_oozie_follows_its_steps_without_any_mediator(scene: Scene) -> None:
    scene.runs_on(R.RUNNING, PENDING, workflowEngine="oozie")
    await scene.propagate()
    assert scene.service.asked == []  # there is nothing to tell
    scene.steps(dataclasses.replace(RUNNING, error_message="no disk"))
    await scene.propagate()
    assert (scene.text("sgeNameIdMap"), scene.text("stdErr")) == ("align=812", "align: no disk")
    scene.clock.advance(10 * EVERY_SECONDS)
    await scene.propagate()
    assert (scene.puts, scene.mediator.calls) == (1, [])
