import asyncio
import pathlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.sandbox import webservice_visits

RUNS = "/workflowruns"


@pytest_asyncio.fixture
async def service(tmp_path: pathlib.Path) -> AsyncIterator[webservice_visits.Visit]:
    async with webservice_visits.visit(tmp_path / "web.sqlite") as visit:
        yield visit


async def test_a_put_wipes_what_it_leaves_out_and_answers_the_stored_run(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "running", "host": "h", "statusCmd": "job"})
    answer = await service.put(accession, "<status>completed</status>", "<host>h</host>")
    stored = await service.ask("GET", f"{RUNS}/{accession}")
    assert (answer.status, answer.headers["Content-Type"]) == (201, webservice_visits.XML)
    assert answer.body == stored.body
    assert stored.xml.find("statusCmd") is None
    assert (stored.xml.findtext("status"), stored.xml.findtext("host")) == ("completed", "h")


async def test_a_document_that_is_sent_back_as_it_came_changes_nothing(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "running", "iniFile": "a=<1>\r\nb=&\n", "name": ""})
    await service.put(
        accession, "<status>running</status><name>é</name>", "<inputFileAccessions>3</inputFileAccessions>"
    )
    before = await service.ask("GET", f"{RUNS}/{accession}")
    answer = await service.ask("PUT", f"{RUNS}/{accession}", body=before.body)
    assert (answer.status, answer.body) == (201, before.body)


async def test_the_row_is_found_by_the_body_and_not_by_the_address(service: webservice_visits.Visit) -> None:
    one, other = service.books.add_runs("bob@lab.net", [{"status": "running"}] * 2)
    body = f"<WorkflowRun><swAccession>{other}</swAccession><status>failed</status></WorkflowRun>".encode()
    assert (await service.ask("PUT", f"{RUNS}/{one}", body=body)).status == 201
    assert [run.texts["status"] for run in service.books.runs()] == ["running", "failed"]


@pytest.mark.parametrize("element", ["", "<swAccession>4711</swAccession>", "<swAccession>x</swAccession>"])
async def test_a_body_with_an_unknown_accession_or_none_is_500(service: webservice_visits.Visit, element: str) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "running"})
    body = f"<WorkflowRun>{element}<status>failed</status></WorkflowRun>".encode()
    assert (await service.ask("PUT", f"{RUNS}/{accession}", body=body)).status == 500
    assert [run.texts["status"] for run in service.books.runs()] == ["running"]


async def test_a_padded_status_is_stored_as_null(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "running"})
    answer = await service.put(accession, "<status> completed\n</status>")
    assert (answer.status, answer.xml.find("status")) == (201, None)


async def test_the_wrong_type_is_415_and_broken_xml_is_400(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "running"})
    body = f"<WorkflowRun><swAccession>{accession}</swAccession></WorkflowRun>".encode()
    plain = {"Content-Type": "text/xml; charset=UTF-8"}
    assert (await service.ask("PUT", f"{RUNS}/{accession}", body=body, headers=plain)).status == 415
    assert (await service.ask("PUT", f"{RUNS}/{accession}", body=body[:-1])).status == 400
    assert (await service.ask("PUT", f"{RUNS}/x", body=body)).status == 400
    assert [run.texts.get("status") for run in service.books.runs()] == ["running"]


async def test_input_files_are_only_added_and_attributes_are_merged(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {})
    attribute = "<workflowRunAttributes><tag>{}</tag><value>{}</value></workflowRunAttributes>"
    files = "<inputFileAccessions>3</inputFileAccessions><inputFileAccessions>4</inputFileAccessions>"
    await service.put(accession, files, attribute.format("a", 1), attribute.format("b", 1))
    answer = await service.put(accession, "<inputFileAccessions>5</inputFileAccessions>", attribute.format("b", 2))
    assert [child.text for child in answer.xml.findall("inputFileAccessions")] == ["3", "4", "5"]
    merged = [(one.findtext("tag"), one.findtext("value")) for one in answer.xml.findall("workflowRunAttributes")]
    assert merged == [("a", "1"), ("b", "2")]


async def test_a_known_owner_takes_over_the_run_and_an_unknown_one_does_not(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {})
    owner = "<owner><emailAddress>{}</emailAddress></owner>"
    assert (await service.put(accession, owner.format("x@y"))).xml.findtext("ownerUserName") == "bob@lab.net"
    assert (await service.put(accession, owner.format("Alice@lab.net"))).xml.findtext(
        "ownerUserName"
    ) == "alice@lab.net"


async def test_anybody_can_write_anybodys_run(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "running"})
    assert (await service.put(accession, "<status>failed</status>", login=webservice_visits.ALICE)).status == 201


async def test_of_two_puts_that_overlap_one_is_201_and_one_is_500(tmp_path: pathlib.Path) -> None:
    async with webservice_visits.visit(tmp_path / "slow.sqlite", overlap_seconds=0.2) as service:
        accession = service.books.add_run("bob@lab.net", {"status": "running"})
        puts = [service.put(accession, f"<status>{status}</status>") for status in ("failed", "completed")]
        answers = await asyncio.gather(*puts)
        alone = await service.put(accession, "<status>running</status>")
    assert sorted(answer.status for answer in answers) == [201, 500]
    assert alone.status == 201


async def test_puts_of_different_runs_do_not_disturb_each_other(tmp_path: pathlib.Path) -> None:
    async with webservice_visits.visit(tmp_path / "slow.sqlite", overlap_seconds=0.05) as service:
        accessions = service.books.add_runs("bob@lab.net", [{}] * 5)
        answers = await asyncio.gather(*(service.put(accession, "<name>n</name>") for accession in accessions))
    assert {answer.status for answer in answers} == {201}


async def test_a_run_exists_for_a_moment_without_status_host_and_engine(service: webservice_visits.Visit) -> None:
    body = b"<WorkflowRun><name>n</name><status>submitted</status><host>h</host><iniFile>i</iniFile></WorkflowRun>"
    answer = await service.ask("POST", RUNS, body=body, login=webservice_visits.ALICE)
    assert answer.status == 201
    assert (answer.xml.findtext("name"), answer.xml.findtext("iniFile")) == ("n", "i")
    assert answer.xml.findtext("ownerUserName") == "alice@lab.net"
    assert {answer.xml.find(field) for field in ("status", "host", "workflowEngine")} == {None}


async def test_history_and_runs_can_be_looked_up(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "submitted", "workflowEngine": "oozie", "iniFile": "i"})
    await service.put(accession, "<status>pending</status><statusCmd>job</statusCmd>")
    history = await service.sandbox("GET", "history")
    runs = await service.sandbox("GET", "runs")
    assert [entry[1:] for entry in history[str(accession)]] == [["submitted", None], ["pending", "job"]]
    assert [(run["accession"], run["owner"], run["status"], run["statusCmd"], run["engine"]) for run in runs] == [
        (accession, "bob@lab.net", "pending", "job", None)
    ]


async def test_a_stand_in_that_is_stopped_and_started_goes_on_where_it_was(tmp_path: pathlib.Path) -> None:
    async with webservice_visits.visit(tmp_path / "web.sqlite") as service:
        accession = service.books.add_run("bob@lab.net", {"status": "running"})
    async with webservice_visits.visit(tmp_path / "web.sqlite") as service:
        answer = await service.ask("GET", f"{RUNS}/{accession}")
        assert answer.xml.findtext("status") == "running"
        assert service.books.add_run("bob@lab.net", {}) == accession + 1
