import pathlib
import socket
from collections.abc import AsyncIterator
from xml.etree import ElementTree

import pytest
import pytest_asyncio

from niassa_orch.sandbox import users
from tests.integration.sandbox import webservice_visits

BOB = webservice_visits.BOB


@pytest_asyncio.fixture
async def service(tmp_path: pathlib.Path) -> AsyncIterator[webservice_visits.Visit]:
    async with webservice_visits.visit(tmp_path / "web.sqlite") as visit:
        yield visit


async def _schedule(service: webservice_visits.Visit, engine: str = "oozie") -> int:
    return await users.schedule(
        service.url, *BOB, host="server2", engine=engine, ini="steps=a:1\nx=<&>\n", name="n", workflow_accession=9
    )


async def _set_status(service: webservice_visits.Visit, accession: int, status: str) -> None:
    record = (await service.ask("GET", f"/workflowruns/{accession}")).xml
    for child in record.findall("status"):
        child.text = status
    answer = await service.ask("PUT", f"/workflowruns/{accession}", body=ElementTree.tostring(record))
    assert answer.status == 201


async def test_a_scheduled_run_is_submitted_for_its_host_and_engine_and_owned_by_its_user(
    service: webservice_visits.Visit,
) -> None:
    accession = await _schedule(service)
    run = service.books.find(accession)
    assert run is not None
    assert (run.owner, run.workflow_accession) == ("bob@lab.net", 9)
    assert run.texts == {
        "status": "submitted",
        "host": "server2",
        "workflowEngine": "oozie",
        "iniFile": "steps=a:1\nx=<&>\n",
        "name": "n",
    }
    assert [moment.status for moment in service.books.history(accession)] == [None, "submitted"]


async def test_a_cancel_and_a_retry_change_the_status_and_keep_the_rest(service: webservice_visits.Visit) -> None:
    accession = await _schedule(service)
    before = service.books.find(accession)
    await users.cancel(service.url, *BOB, accession)
    await _set_status(service, accession, "cancelled")
    await users.retry(service.url, *BOB, accession)
    after = service.books.find(accession)
    assert before is not None
    assert after is not None
    assert after.texts == {**before.texts, "status": "submitted_retry"}
    statuses = [moment.status for moment in service.books.history(accession)]
    assert statuses == [None, "submitted", "submitted_cancel", "cancelled", "submitted_retry"]


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "submitted_cancel"])
async def test_a_run_that_is_over_cannot_be_cancelled(service: webservice_visits.Visit, status: str) -> None:
    accession = await _schedule(service)
    await _set_status(service, accession, status)
    with pytest.raises(users.RefusedError, match=f"run {accession} is {status}"):
        await users.cancel(service.url, *BOB, accession)


@pytest.mark.parametrize("status", ["submitted", "running", "completed", "submitted_retry"])
async def test_a_run_that_did_not_fail_cannot_be_retried(service: webservice_visits.Visit, status: str) -> None:
    accession = await _schedule(service)
    await _set_status(service, accession, status)
    with pytest.raises(users.RefusedError, match=f"run {accession} is {status}"):
        await users.retry(service.url, *BOB, accession)


async def test_engines_other_than_oozie_are_refused(service: webservice_visits.Visit) -> None:
    accession = await _schedule(service, "whitestar")
    for act in (users.cancel, users.retry):
        with pytest.raises(users.RefusedError, match="whitestar"):
            await act(service.url, *BOB, accession)


async def test_the_list_shows_everybodys_runs_of_a_host(service: webservice_visits.Visit) -> None:
    mine = await _schedule(service)
    hers = service.books.add_run("alice@lab.net", {"host": "server2"})
    service.books.add_run("alice@lab.net", {"host": "server3"})
    listed = await users.runs(service.url, *BOB, host="server2")
    assert [(run.accession, run.owner, run.status) for run in listed] == [
        (mine, "bob@lab.net", "submitted"),
        (hers, "alice@lab.net", None),
    ]
    assert len(await users.runs(service.url, *BOB)) == 3


async def test_a_wrong_password_an_unknown_run_and_a_server_that_is_down_are_said_kindly(
    service: webservice_visits.Visit,
) -> None:
    with pytest.raises(users.RefusedError, match=r"bob@lab\.net, or the password is wrong") as refused:
        await users.runs(service.url, "bob@lab.net", "canary")
    assert "canary" not in repr(refused.value) + repr(refused.value.__cause__)
    with pytest.raises(users.RefusedError, match="no such run"):
        await users.cancel(service.url, *BOB, 1)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    with pytest.raises(users.RefusedError, match="can't be reached"):
        await users.runs(f"http://127.0.0.1:{port}/x", *BOB)
