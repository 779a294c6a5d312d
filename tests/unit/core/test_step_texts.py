"""The texts of steps, which go with the end of a run."""

import json
import pathlib

import pytest

from niassa_orch.domain import jobs, runs
from tests.fakes import stage as stages
from tests.unit.core import propagation

R, J = runs.RunStatus, jobs.JobStatus


@pytest.fixture
def mediator(stage: stages.Stage) -> pathlib.Path:
    return stage.mediator


@pytest.fixture
def scene(stage: stages.Stage) -> propagation.Scene:
    return propagation.Scene(stage)


def answer(mediator: pathlib.Path, text: str, exit_code: int = 0) -> None:
    """Let the mediator say this."""
    mediator.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{text}\nEND\nexit {exit_code}\n")
    mediator.chmod(0o755)


async def test_with_the_end_of_an_oozie_sge_run_go_the_texts_of_its_steps(
    scene: propagation.Scene, mediator: pathlib.Path
) -> None:
    file = {
        "name": "a.o9",
        "step": "a",
        "stream": "o",
        "number": 9,
        "mtime": 0,
        "size": 4,
        "cut": False,
        "text": "fine",
    }
    answer(mediator, json.dumps({"niassa_orch_mediator": 1, "accession": 7, "files": [file]}))
    scene.run(R.RUNNING, J.SUCCEEDED, workflowEngine="oozie-sge", currentWorkingDir="/scratch/oozie-1")
    assert await scene.propagate() is R.COMPLETED
    row = scene.service.rows[runs.Accession(7)]
    assert row["stdOut"].endswith("\nfine")
    assert row["stdErr"] == ""


@pytest.mark.parametrize(
    ("text", "exit_code"),
    [("nonsense", 0), ("", 1), ('{"niassa_orch_mediator": 1, "accession": 7, "missing": true}', 0)],
    ids=["garbage", "a failure", "a directory that is gone"],
)
async def test_texts_that_cannot_be_had_leave_the_stored_ones_and_never_hold_up_a_status(
    scene: propagation.Scene, mediator: pathlib.Path, text: str, exit_code: int
) -> None:
    answer(mediator, text, exit_code)
    scene.run(R.RUNNING, J.FAILED, workflowEngine="oozie-sge", currentWorkingDir="/scratch/oozie-1", stdOut="stored")
    assert await scene.propagate() is R.FAILED
    assert scene.service.rows[runs.Accession(7)]["stdOut"] == "stored"


async def test_a_run_without_a_working_directory_keeps_its_texts(scene: propagation.Scene) -> None:
    scene.run(R.RUNNING, J.FAILED, workflowEngine="oozie-sge", stdErr="stored")
    assert await scene.propagate() is R.FAILED
    assert scene.service.rows[runs.Accession(7)]["stdErr"] == "stored"
