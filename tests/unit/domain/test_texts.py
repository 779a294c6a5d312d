import dataclasses

import pytest

from niassa_orch.domain import jobs, runs, texts

NOON = 1_700_000_000.0


def run(engine: str) -> runs.WorkflowRun:
    return runs.WorkflowRun(runs.Accession(7), runs.RunStatus.RUNNING, "bob@lab.net", "server2", engine, "1-oozie-W")


def job(*actions: jobs.Action) -> jobs.Job:
    return jobs.Job("1-oozie-W", jobs.JobStatus.RUNNING, "niassa-bob", "/x/oozie-1", actions=actions)


def file(name: str, text: str, *, cut: bool = False, error: str = "") -> texts.StepFile:
    step, _, rest = name.rpartition(".")
    size = len(text) + 100 if cut else len(text)
    return texts.StepFile(name, step, rest[0], int(rest[1:]), NOON, size, len(text), cut, text, error)


def some(*files: texts.StepFile, left_out: int = 0) -> texts.StepFiles:
    return texts.StepFiles(files, left_out)


ALIGN = jobs.Action("align", "OK", "812", "it broke")
CALL = jobs.Action("call", "PREP")
STOP = jobs.Action("stop", "ERROR", None, "no disk")


def test_the_map_of_sge_jobs_names_only_actions_that_have_one() -> None:
    assert texts.texts_of(run("oozie"), job(ALIGN, CALL), None)["sgeNameIdMap"] == "align=812"
    both = texts.texts_of(run("oozie-sge"), job(ALIGN, jobs.Action("call", "OK", "813")), None)
    assert both == {"sgeNameIdMap": "align=812,call=813"}


def test_a_job_that_has_nothing_to_tell_leaves_every_stored_text_as_it_is() -> None:
    assert texts.texts_of(run("oozie"), job(CALL), None) == {}
    assert texts.texts_of(run("oozie-sge"), job(CALL, STOP), None) == {}


def test_plain_oozie_tells_the_messages_of_its_actions() -> None:
    found = texts.texts_of(run("oozie"), job(ALIGN, CALL, STOP), some(file("align.e1", "never looked at")))
    assert found == {"sgeNameIdMap": "align=812", "stdErr": "align: it broke\nstop: no disk"}


def test_step_files_are_ordered_by_number_each_under_a_heading() -> None:
    files = file("b.o10", "ten"), file("a.o9", "nine\n"), file("a.e9", "oops", cut=True), file("c.o9", "other")
    found = texts.texts_of(run("oozie-sge"), job(), some(*files))
    assert found == {
        "stdOut": (
            "=== a, job 9, a.o9, 2023-11-14T22:13:20+00:00\nnine\n\n"
            "=== c, job 9, c.o9, 2023-11-14T22:13:20+00:00\nother\n"
            "=== b, job 10, b.o10, 2023-11-14T22:13:20+00:00\nten"
        ),
        "stdErr": "=== a, job 9, a.e9, 2023-11-14T22:13:20+00:00, the last 4 of 104 bytes\noops",
    }


def test_a_working_directory_without_step_files_has_empty_texts() -> None:
    assert texts.texts_of(run("oozie-sge"), job(), some()) == {"stdOut": "", "stdErr": ""}


def test_a_file_that_was_not_read_says_why_and_what_was_left_out_is_told_in_both_texts() -> None:
    files = some(file("a.o9", "", error="no plain file"), file("b.o10", "ten"), left_out=3)
    assert texts.texts_of(run("oozie-sge"), job(), files) == {
        "stdOut": (
            "=== 3 older files of steps are not shown\n"
            "=== a, job 9, a.o9, not read: no plain file\n"
            "=== b, job 10, b.o10, 2023-11-14T22:13:20+00:00\nten"
        ),
        "stdErr": "=== 3 older files of steps are not shown",
    }


@pytest.mark.parametrize("engine", ["whitestar", "whitestar-parallel", "whitestar-sge"])
def test_whitestar_has_its_standard_output_in_its_files_of_errors(engine: str) -> None:
    found = texts.step_texts(run(engine), some(file("a.e1", "result"), file("a.o1", "warning")))
    assert found == {
        "stdOut": "=== a, job 1, a.e1, 2023-11-14T22:13:20+00:00\nresult",
        "stdErr": "=== a, job 1, a.o1, 2023-11-14T22:13:20+00:00\nwarning",
    }
    assert texts.step_texts(run(engine), None) == {}


@pytest.mark.parametrize(
    ("engine", "has"),
    [
        ("oozie-sge", True),
        ("whitestar", True),
        ("whitestar-sge", True),
        ("oozie", False),
        ("oozie-x", False),
        ("x", False),
    ],
)
def test_only_some_engines_leave_files_of_their_steps(engine: str, has: bool) -> None:
    assert texts.has_step_files(run(engine)) is has


@pytest.mark.parametrize(
    ("directory", "app_path", "expected"),
    [
        ("/scratch/oozie-12345678", "/apps/oozie-12345678", "/scratch/oozie-12345678"),
        ("/scratch/oozie-12345678", "/apps/oozie-12345678/", "/scratch/oozie-12345678"),
        ("/scratch/oozie-12345678", "/apps/oozie-87654321", None),
        ("/scratch/oozie-12345678", "", None),
        ("/scratch/oozie-12345678", None, "/scratch/oozie-12345678"),
        ("/etc", None, None),
        ("/scratch/../oozie-12345678", "/apps/oozie-12345678", None),
        (None, "/apps/oozie-12345678", None),
    ],
)
def test_step_files_are_looked_for_in_the_directory_of_the_runs_own_job_only(
    directory: str | None, app_path: str | None, expected: str | None
) -> None:
    mine = dataclasses.replace(run("oozie-sge"), working_dir=directory)
    of_job = None if app_path is None else dataclasses.replace(job(), app_path=app_path)
    assert texts.directory_of(mine, of_job) == expected


def test_a_time_that_no_calendar_has_is_said_to_be_unknown() -> None:
    odd = dataclasses.replace(file("a.o9", "nine"), mtime=1e300)
    assert texts.texts_of(run("oozie-sge"), job(), some(odd))["stdOut"] == "=== a, job 9, a.o9, time unknown\nnine"
