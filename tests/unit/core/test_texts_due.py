"""Texts are due at a change of the job's actions, after a set time, and for a run that nobody looked at yet."""

import dataclasses

import pytest

from niassa_orch.core import texts_due
from niassa_orch.domain import jobs, runs
from tests.fakes import texts_mediator

RUN = texts_mediator.run(7)
ALIGN, SORT = jobs.Action("align", "RUNNING", "812"), jobs.Action("sort", "PREP")
JOB = texts_mediator.job_of(RUN, ALIGN, SORT)
FOUND = {"stdOut": "fine", "sgeNameIdMap": "align=812"}


@pytest.fixture
def due() -> texts_due.TextsDue:
    """Run 7 was looked at when the clock said 100."""
    found = texts_due.TextsDue(600)
    found.written(RUN, JOB, 100, FOUND)
    return found


def test_a_run_that_nobody_looked_at_is_due_and_one_that_was_looked_at_is_not(due: texts_due.TextsDue) -> None:
    assert texts_due.TextsDue(600).due(RUN, JOB, 0)
    assert not due.due(RUN, JOB, 100)
    due.forget(RUN.accession)
    assert due.due(RUN, JOB, 100)
    assert due.is_news(RUN, JOB, FOUND)


@pytest.mark.parametrize(
    "other",
    [
        dataclasses.replace(JOB, actions=(ALIGN,)),
        dataclasses.replace(JOB, actions=(ALIGN, dataclasses.replace(SORT, name="merge"))),
        dataclasses.replace(JOB, actions=(dataclasses.replace(ALIGN, status="OK"), SORT)),
        dataclasses.replace(JOB, actions=(ALIGN, dataclasses.replace(SORT, external_id="813"))),
        dataclasses.replace(JOB, run=1),
        dataclasses.replace(JOB, id="8-oozie-W"),
    ],
)
def test_other_actions_a_rerun_and_another_job_are_due_at_once(due: texts_due.TextsDue, other: jobs.Job) -> None:
    assert due.due(RUN, other, 100)
    due.looked(RUN, other, 101)
    assert not due.due(RUN, other, 102)


def test_without_a_change_it_is_due_when_the_time_has_come(due: texts_due.TextsDue) -> None:
    assert (due.due(RUN, JOB, 699.9), due.due(RUN, JOB, 700)) == (False, True)
    due.looked(RUN, JOB, 700)
    assert (due.due(RUN, JOB, 1299.9), due.due(RUN, JOB, 1300)) == (False, True)


def test_texts_that_come_from_the_job_alone_wait_for_its_change(due: texts_due.TextsDue) -> None:
    plain = dataclasses.replace(RUN, engine="oozie", accession=runs.Accession(8))
    due.written(plain, JOB, 100, FOUND)
    assert not due.due(plain, JOB, 1e9)
    assert due.due(plain, dataclasses.replace(JOB, run=1), 100)
    assert due.overdue(1e9) == [7]


def test_the_overdue_come_oldest_first_and_are_so_until_they_were_looked_at(due: texts_due.TextsDue) -> None:
    for number, moment in ((8, 200), (9, 300), (10, 400)):
        due.looked(texts_mediator.run(number), JOB, moment)
    assert due.overdue(699) == []
    assert due.overdue(900) == [7, 8, 9]
    due.looked(RUN, JOB, 900)
    for number in (8, 10):
        due.forget(texts_mediator.run(number).accession)
    assert due.overdue(900) == [9]
    assert due.overdue(1500) == [9, 7]


def test_only_what_differs_from_what_was_written_last_is_news(due: texts_due.TextsDue) -> None:
    assert not due.is_news(RUN, JOB, dict(reversed(FOUND.items())))
    assert due.is_news(RUN, JOB, FOUND | {"stdOut": "fine\n"})
    assert not due.is_news(RUN, JOB, {})
    due.looked(RUN, JOB, 800)
    assert not due.is_news(RUN, JOB, FOUND)


def test_a_rerun_starts_anew_though_its_texts_are_the_same(due: texts_due.TextsDue) -> None:
    assert due.is_news(RUN, dataclasses.replace(JOB, run=1), FOUND)
    assert due.is_news(RUN, dataclasses.replace(JOB, id="8-oozie-W"), FOUND)


def test_halves_of_characters_that_oozie_tells_do_not_matter(due: texts_due.TextsDue) -> None:
    odd = dataclasses.replace(JOB, actions=(jobs.Action("a\ud800", "OK", "\udfff"),))
    assert due.due(RUN, odd, 100)
    due.written(RUN, odd, 100, {"sgeNameIdMap": "a\ud800=\udfff"})
    assert not due.due(RUN, odd, 100)
    assert not due.is_news(RUN, odd, {"sgeNameIdMap": "a\ud800=\udfff"})
