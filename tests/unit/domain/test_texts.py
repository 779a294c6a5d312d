from niassa_orch.domain import jobs, runs, texts

NOON = 1_700_000_000.0


def run(engine: str) -> runs.WorkflowRun:
    return runs.WorkflowRun(runs.Accession(7), runs.RunStatus.RUNNING, "bob@lab.net", "server2", engine, "1-oozie-W")


def job(*actions: jobs.Action) -> jobs.Job:
    return jobs.Job("1-oozie-W", jobs.JobStatus.RUNNING, "niassa-bob", "/x/oozie-1", actions=actions)


def file(name: str, text: str, *, cut: bool = False) -> texts.StepFile:
    step, _, rest = name.rpartition(".")
    return texts.StepFile(name, step, rest[0], int(rest[1:]), NOON, cut, text)


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
    found = texts.texts_of(run("oozie"), job(ALIGN, CALL, STOP), [file("align.e1", "never looked at")])
    assert found == {"sgeNameIdMap": "align=812", "stdErr": "align: it broke\nstop: no disk"}


def test_step_files_are_ordered_by_number_each_under_a_heading() -> None:
    files = [file("b.o10", "ten"), file("a.o9", "nine\n"), file("a.e9", "oops", cut=True), file("c.o9", "other")]
    found = texts.texts_of(run("oozie-sge"), job(), files)
    assert found == {
        "stdOut": (
            "=== a, job 9, a.o9, 2023-11-14T22:13:20+00:00\nnine\n\n"
            "=== c, job 9, c.o9, 2023-11-14T22:13:20+00:00\nother\n"
            "=== b, job 10, b.o10, 2023-11-14T22:13:20+00:00\nten"
        ),
        "stdErr": "=== a, job 9, a.e9, 2023-11-14T22:13:20+00:00, only its end\noops",
    }


def test_a_working_directory_without_step_files_has_empty_texts() -> None:
    assert texts.texts_of(run("oozie-sge"), job(), []) == {"stdOut": "", "stdErr": ""}
