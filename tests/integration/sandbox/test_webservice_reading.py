import pathlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from niassa_orch.sandbox import basic_login
from tests.integration.sandbox import webservice_visits

RUNS = "/workflowruns"


@pytest_asyncio.fixture
async def service(tmp_path: pathlib.Path) -> AsyncIterator[webservice_visits.Visit]:
    async with webservice_visits.visit(tmp_path / "web.sqlite") as visit:
        yield visit


def _accessions(answer: webservice_visits.Answer) -> list[int]:
    return sorted(int(row.findtext("swAccession") or 0) for row in answer.xml)


@pytest.mark.parametrize(
    "login", [None, ("nobody@lab.net", "x"), (webservice_visits.BOB[0], "wrong"), (webservice_visits.BOB[0], "")]
)
async def test_missing_unknown_and_wrong_logins_are_refused_alike(
    service: webservice_visits.Visit, login: tuple[str, str] | None
) -> None:
    answer = await service.ask("GET", RUNS, login=login)
    reference = await service.ask("GET", RUNS, login=("other", "other"))
    assert (answer.status, answer.body) == (401, reference.body)
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


async def test_the_user_is_trimmed_and_in_lower_case(service: webservice_visits.Visit) -> None:
    email, password = webservice_visits.BOB
    assert (await service.ask("GET", RUNS, login=(f" {email.upper()} ", password))).status == 200


async def test_unknown_addresses_need_a_login_and_metrics_do_not(service: webservice_visits.Visit) -> None:
    assert (await service.ask("GET", "/nothing", login=None)).status == 401
    assert (await service.ask("GET", "/nothing")).status == 404
    assert (await service.ask("GET", "/metrics", login=None)).status == 200


async def test_a_list_has_everybodys_runs_that_meet_all_keys(service: webservice_visits.Visit) -> None:
    mine = service.books.add_run("bob@lab.net", {"status": "submitted", "host": "h1", "workflowEngine": "oozie"})
    hers = service.books.add_run("alice@lab.net", {"status": "submitted", "host": "h1"})
    service.books.add_run("bob@lab.net", {"status": "submitted", "host": "h2"})
    service.books.add_run("bob@lab.net", {"status": "running", "host": "h1"})
    assert _accessions(await service.ask("GET", RUNS, query={"status": "submitted", "host": "h1"})) == [mine, hers]
    exact = {"status": "submitted", "host": "h1", "workflowEngine": "oozie"}
    answer = await service.ask("GET", RUNS, query=exact)
    assert _accessions(answer) == [mine]
    assert answer.headers["Content-Type"] == webservice_visits.XML


async def test_an_empty_list_is_one_empty_element(service: webservice_visits.Visit) -> None:
    answer = await service.ask("GET", RUNS, query={"status": "running"})
    assert (answer.xml.tag, len(answer.xml), answer.body.count(b"WorkflowRunList2")) == ("WorkflowRunList2", 0, 1)


async def test_a_typo_in_a_key_asks_for_every_run_and_runs_without_a_host_are_in_no_hosts_list(
    service: webservice_visits.Visit,
) -> None:
    everybody = list(service.books.add_runs("bob@lab.net", [{"status": "running", "host": "h"}, {}]))
    assert _accessions(await service.ask("GET", RUNS, query={"hots": "nowhere"})) == everybody
    assert _accessions(await service.ask("GET", RUNS, query={"host": "h"})) == everybody[:1]


@pytest.mark.parametrize("query", [{"ownerUserName": "bob@lab.net"}, {"host": "it's"}, {"status": "a\\b"}])
async def test_queries_that_the_service_dies_of_are_500_in_html(
    service: webservice_visits.Visit, query: dict[str, str]
) -> None:
    answer = await service.ask("GET", RUNS, query=query)
    assert (answer.status, answer.headers["Content-Type"]) == (500, "text/html; charset=UTF-8")
    assert answer.body.startswith(b"<html>")


async def test_id_is_the_primary_key_and_answers_one_run_whatever_else_is_asked(
    service: webservice_visits.Visit,
) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "running"})
    single = await service.ask("GET", f"{RUNS}/{accession}")
    key = single.xml.findtext("workflowRunId") or ""
    by_id = await service.ask("GET", RUNS, query={"id": key, "status": "failed"})
    assert key != str(accession)
    assert by_id.body == single.body
    assert (await service.ask("GET", RUNS, query={"id": str(accession)})).status == 404


async def test_email_overrides_the_rest(service: webservice_visits.Visit) -> None:
    hers = service.books.add_run("alice@lab.net", {"status": "running"})
    service.books.add_run("bob@lab.net", {"status": "failed"})
    answer = await service.ask("GET", RUNS, query={"email": "Alice@lab.net", "status": "failed"})
    assert _accessions(answer) == [hers]


async def test_one_run_its_workflow_and_what_is_not_there(service: webservice_visits.Visit) -> None:
    accession = service.books.add_run("bob@lab.net", {"name": "n"}, workflow_accession=77)
    assert (await service.ask("GET", f"{RUNS}/{accession}")).xml.findtext("name") == "n"
    workflow = await service.ask("GET", f"{RUNS}/{accession}/workflow")
    assert (workflow.xml.tag, workflow.xml.findtext("swAccession")) == ("Workflow", "77")
    for address, status in (("1", 404), ("x", 400), ("1.0", 400), ("9" * 30, 400), ("x/workflow", 400)):
        assert (await service.ask("GET", f"{RUNS}/{address}")).status == status


async def test_a_trailing_slash_is_a_redirect_for_a_get(service: webservice_visits.Visit) -> None:
    answer = await service.ask("GET", RUNS + "/", query={"status": "running"})
    assert (answer.status, answer.headers["Location"]) == (301, "/SeqWareWebService/workflowruns?status=running")


async def test_a_long_list_comes_in_chunks_while_others_are_served(service: webservice_visits.Visit) -> None:
    many = service.books.add_runs("bob@lab.net", [{"status": "completed", "stdErr": "x" * 4000}] * 2000)
    url = f"{service.url}{RUNS}"
    headers = {"Authorization": basic_login.header(*webservice_visits.BOB)}
    async with service.session.get(url, headers=headers) as answer:
        assert answer.headers["Transfer-Encoding"] == "chunked"
        first = await answer.content.readany()
        meanwhile = await service.put(many[-1], "<status>failed</status>")
        rest = await answer.read()
    whole = webservice_visits.Answer(200, {}, first + rest)
    assert meanwhile.status == 201
    assert _accessions(whole) == list(many)
    assert {row.findtext("status") for row in whole.xml} == {"completed"}


async def test_a_client_that_leaves_in_the_middle_of_a_list_harms_nobody(service: webservice_visits.Visit) -> None:
    service.books.add_runs("bob@lab.net", [{"stdErr": "x" * 4000}] * 2000)
    headers = {"Authorization": basic_login.header(*webservice_visits.BOB)}
    async with service.session.get(f"{service.url}{RUNS}", headers=headers) as answer:
        await answer.content.readany()
        answer.close()
    assert (await service.ask("GET", RUNS, query={"status": "running"})).status == 200


async def test_a_hiccup_of_the_login_database_is_a_401_that_stays(service: webservice_visits.Visit) -> None:
    assert (await service.ask("GET", RUNS)).status == 200
    await service.sandbox("POST", "hiccups", {"email": "bob@lab.net"})
    assert [(await service.ask("GET", RUNS)).status for _ in range(3)] == [401, 401, 401]
    assert (await service.ask("GET", RUNS, login=webservice_visits.ALICE)).status == 200


async def test_accounts_can_be_added_while_it_runs(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "accounts", {"email": "Carol@lab.net", "password": "p"})
    assert (await service.ask("GET", RUNS, login=("carol@lab.net", "p"))).status == 200


async def test_a_proxy_believes_a_session_cookie_more_than_the_password(tmp_path: pathlib.Path) -> None:
    async with webservice_visits.visit(tmp_path / "cookies.sqlite", set_cookie=True) as service:
        first = await service.ask("GET", RUNS, login=webservice_visits.ALICE)
        cookie = first.headers["Set-Cookie"].partition(";")[0]
        leaked = await service.ask("GET", RUNS, login=(webservice_visits.BOB[0], "wrong"), headers={"Cookie": cookie})
        seen = await service.sandbox("GET", "requests")
    assert leaked.status == 200
    assert "Set-Cookie" not in leaked.headers
    assert (seen[0]["cookie"], seen[0]["identity"]) == (None, "alice@lab.net")
    assert (seen[1]["cookie"], seen[1]["user"], seen[1]["identity"]) == (cookie, "bob@lab.net", "alice@lab.net")


async def test_the_service_itself_sets_no_cookie(service: webservice_visits.Visit) -> None:
    assert "Set-Cookie" not in (await service.ask("GET", RUNS)).headers
