import pytest

from niassa_orch import errors
from niassa_orch.core import writing
from niassa_orch.domain import runs
from tests.fakes import neighbours_in_memory as fakes

R, Written = runs.RunStatus, writing.Written
FAILED = {"status": R.FAILED.value, "stdErr": "it broke"}


@pytest.fixture
def service() -> fakes.WebServiceInMemory:
    found = fakes.WebServiceInMemory()
    found.schedule(7, R.RUNNING, statusCmd="1-oozie-W", name="Mine", stdOut="kept")
    return found


async def write(
    service: fakes.WebServiceInMemory, basis: runs.WorkflowRun, changes: dict[str, str | None] | None = None
) -> writing.Written:
    known = fakes.enrolled(service)
    write = await writing.write(known, basis, changes or dict(FAILED))
    assert write.run == service.run(7)
    return write.written


async def test_a_write_changes_what_was_asked_and_wipes_nothing(service: fakes.WebServiceInMemory) -> None:
    before = dict(service.rows[runs.Accession(7)])
    assert await write(service, service.run(7)) is Written.TAKEN
    assert service.rows[runs.Accession(7)] == before | FAILED
    assert service.asked == ["GET 7", "PUT 7", "GET 7"]


@pytest.mark.parametrize(
    "change",
    [{"status": "submitted_cancel"}, {"statusCmd": "2-oozie-W"}, {"host": "server1"}, {"ownerUserName": "eve@lab.net"}],
)
async def test_a_run_that_moved_since_the_decision_is_not_written(
    service: fakes.WebServiceInMemory, change: dict[str, str]
) -> None:
    basis = service.run(7)
    service.sets(7, **change)()
    assert await write(service, basis) is Written.MOVED
    assert service.asked == ["GET 7"]


async def test_an_answer_that_is_lost_after_the_write_counts_by_the_record(service: fakes.WebServiceInMemory) -> None:
    service.after_put.append(fakes.unknown_fate)
    assert await write(service, service.run(7)) is Written.TAKEN
    assert service.asked.count("PUT 7") == 1


async def test_two_writes_that_overlap_are_not_repeated_blindly(service: fakes.WebServiceInMemory) -> None:
    service.before_put.append(fakes.unknown_fate)
    assert await write(service, service.run(7)) is Written.NOT_TAKEN
    assert service.asked == ["GET 7", "PUT 7", "GET 7"]
    assert service.run(7).status is R.RUNNING


async def test_a_cancel_that_comes_right_after_the_write_stays(service: fakes.WebServiceInMemory) -> None:
    service.after_put.append(service.sets(7, status="submitted_cancel"))
    assert await write(service, service.run(7)) is Written.MOVED
    assert service.run(7).status is R.SUBMITTED_CANCEL


async def test_a_write_that_the_server_did_not_understand_is_not_taken(service: fakes.WebServiceInMemory) -> None:
    service.after_put.append(service.sets(7, status=" failed"))
    assert await write(service, service.run(7)) is Written.NOT_TAKEN


@pytest.mark.parametrize(
    "changes",
    [
        {"stdOut": "kept"},
        {"stdOut": "ke\x00pt\ud800\ufffe"},  # what no document can hold makes no difference
        {"stdOut": "kept", "stdErr": ""},  # nor does an empty text that the server made null
        {"status": "running", "statusCmd": "1-oozie-W"},
    ],
)
async def test_what_the_record_says_already_is_not_written(
    service: fakes.WebServiceInMemory, changes: dict[str, str | None]
) -> None:
    written = await write(service, service.run(7), changes)
    assert written is Written.SAME
    assert written.is_in_record
    assert service.asked == ["GET 7"]


async def test_texts_alone_are_taken_when_the_record_has_others_than_before(service: fakes.WebServiceInMemory) -> None:
    changes: dict[str, str | None] = {"stdOut": "more\r\n", "stdErr": "it broke"}
    service.after_put.append(service.sets(7, stdOut="more\n"))  # a server that mends the ends of lines
    assert await write(service, service.run(7), changes) is Written.TAKEN
    assert service.run(7).status is R.RUNNING


async def test_texts_alone_that_are_not_in_the_record_are_not_taken(service: fakes.WebServiceInMemory) -> None:
    service.before_put.append(fakes.unknown_fate)
    assert await write(service, service.run(7), {"stdOut": "more"}) is Written.NOT_TAKEN
    service.after_put.append(service.sets(7, stdOut="kept"))
    assert await write(service, service.run(7), {"stdOut": "more", "stdErr": "x"}) is Written.NOT_TAKEN


async def test_texts_alone_that_a_stale_record_of_a_cancel_wiped_have_moved(service: fakes.WebServiceInMemory) -> None:
    service.after_put.append(service.sets(7, status="submitted_cancel", stdOut="kept"))
    assert await write(service, service.run(7), {"stdOut": "more"}) is Written.MOVED


async def test_a_record_that_cannot_be_read_after_the_write_is_an_error(service: fakes.WebServiceInMemory) -> None:
    service.before_get = [None, fakes.unreachable]
    service.after_put.append(fakes.unknown_fate)
    with pytest.raises(errors.WebServiceUnavailableError):
        await write(service, service.run(7))
    assert service.asked.count("PUT 7") == 1


async def test_a_write_that_was_refused_is_an_error_and_not_read_again(service: fakes.WebServiceInMemory) -> None:
    def forbidden() -> None:
        raise errors.ForbiddenError

    service.before_put.append(forbidden)
    with pytest.raises(errors.ForbiddenError):
        await write(service, service.run(7))
    assert service.asked == ["GET 7", "PUT 7"]


async def test_a_job_id_that_did_not_reach_the_record_is_not_taken(service: fakes.WebServiceInMemory) -> None:
    service.after_put.append(service.sets(7, statusCmd="1-oozie-W"))
    wanted: dict[str, str | None] = {"status": R.RUNNING.value, "statusCmd": "2-oozie-W"}
    assert await write(service, service.run(7), wanted) is Written.NOT_TAKEN
