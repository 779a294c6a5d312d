import pytest

from niassa_orch.core import job_marks
from niassa_orch.domain import jobs
from niassa_orch.oozie import lists
from tests.fakes import oozie_line

OVERLAP = 30


def changes(newest: int | None, server_time: int | None = None) -> lists.Changes:
    """Seconds after the beginning."""
    told, clock = (None if one is None else oozie_line.at(oozie_line.BEGUN + one) for one in (newest, server_time))
    return lists.Changes((), told, clock)


def floor(*readings: tuple[float, lists.Changes], took: float = 0) -> float | None:
    """The floor after these readings, each of which took so long; in seconds after the beginning."""
    marks = job_marks.Marks(OVERLAP)
    for begun, found in readings:
        marks.note(begun, begun + took, found)
    found_floor = marks.floor()
    return None if found_floor is None else (found_floor - oozie_line.at(oozie_line.BEGUN)).total_seconds()


def test_a_server_that_was_never_read_has_no_floor() -> None:
    assert floor() is None


def test_the_floor_lies_the_overlap_behind_the_newest_change() -> None:
    assert floor((0, changes(100))) == 70


def test_the_newest_change_is_not_read_again_once_an_overlap_has_passed() -> None:
    assert floor((0, changes(100)), (30.9, changes(100))) == 70
    assert floor((0, changes(100)), (31, changes(100))) == 101


def test_an_overlap_begins_when_the_reading_that_saw_the_change_has_ended() -> None:
    assert floor((0, changes(100)), (31, changes(100)), took=5) == 70
    assert floor((0, changes(100)), (36, changes(100)), took=5) == 101


def test_while_changes_go_on_the_floor_is_what_was_newest_an_overlap_ago() -> None:
    readings = [(float(second), changes(1000 + second)) for second in range(0, 100, 10)]
    assert floor(*readings) == 1060
    slow = [(float(second), changes(1000 + second // 10)) for second in range(0, 100, 10)]
    assert floor(*slow) == 1006


def test_an_old_change_is_not_read_again_at_all() -> None:
    assert floor((0, changes(100, 699))) == 70
    assert floor((0, changes(100, 700))) == 101
    assert floor((0, changes(100, 700)), (1, changes(690, 701))) == 660


def test_a_change_in_the_future_counts_as_now() -> None:
    assert floor((0, changes(3600, 100))) == 70
    assert floor((0, changes(50, 100))) == 20


def test_a_server_whose_jobs_do_not_tell_is_read_anew() -> None:
    assert floor((0, changes(100)), (1, changes(None))) is None


@pytest.mark.parametrize(
    ("newest", "server_time", "jumped"),
    [(0, 0, False), (-1, 0, True), (0, -30, False), (5, -31, True), (0, None, False), (-1, None, True)],
)
def test_a_jump_is_a_newest_change_or_a_clock_that_lies_back(
    newest: int, server_time: int | None, jumped: bool
) -> None:
    marks = job_marks.Marks(OVERLAP)
    assert not marks.jumped_back(changes(newest, server_time))
    marks.note(0, 0, changes(0))
    assert marks.jumped_back(changes(newest, server_time)) is jumped


def test_what_was_forgotten_cannot_jump() -> None:
    marks = job_marks.Marks(OVERLAP)
    marks.note(0, 0, changes(100))
    marks.forget()
    assert marks.floor() is None
    assert not marks.jumped_back(changes(0))


def read(status: jobs.JobStatus, modified: int = 100) -> jobs.JobRow:
    return jobs.JobRow(f"{modified}-W", status, "niassa-bob", 0, oozie_line.at(modified))


def test_a_row_is_young_until_its_second_is_over_and_is_given_once_as_it_was_read_last() -> None:
    young = job_marks.YoungRows()
    rows = [read(status) for status in (jobs.JobStatus.PREP, jobs.JobStatus.RUNNING)]
    old = read(jobs.JobStatus.RUNNING, 99)
    for row in (*rows, old):
        young.note(row, oozie_line.at(100))
    assert young.grown(oozie_line.at(100)) == []
    assert young.grown(oozie_line.at(101)) == [rows[1]]
    assert young.grown(oozie_line.at(102)) == []


def test_without_a_servers_time_no_row_is_young_and_those_that_were_are_given() -> None:
    young = job_marks.YoungRows()
    row = read(jobs.JobStatus.RUNNING)
    young.note(row, None)
    assert young.grown(None) == []
    young.note(row, oozie_line.at(100))
    assert young.grown(None) == [row]
