import asyncio
import pathlib
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from niassa_orch.sandbox import basic_login
from tests.integration.sandbox import running, webservice_visits

RUNS = "/workflowruns"


@pytest_asyncio.fixture
async def service(tmp_path: pathlib.Path) -> AsyncIterator[webservice_visits.Visit]:
    async with webservice_visits.visit(tmp_path / "web.sqlite") as visit:
        yield visit


def _put(accession: int, status: str) -> bytes:
    body = f"<WorkflowRun><swAccession>{accession}</swAccession><status>{status}</status></WorkflowRun>"
    return (
        f"PUT /SeqWareWebService/workflowruns/{accession} HTTP/1.1\r\nHost: h\r\n"
        f"Authorization: {basic_login.header(*webservice_visits.BOB)}\r\n"
        f"Content-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def test_a_status_is_answered_so_many_times_after_so_many_were_let_pass(service: webservice_visits.Visit) -> None:
    order = {"action": "status", "status": 503, "body": "busy", "headers": {"Retry-After": "1"}, "skip": 1, "times": 2}
    await service.sandbox("POST", "faults", order)
    answers = [await service.ask("GET", RUNS) for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 503, 503, 200, 200]
    assert (answers[1].body, answers[1].headers["Retry-After"]) == (b"busy", "1")
    assert answers[1].headers["Content-Type"].startswith("text/html")


async def test_the_first_order_with_hits_left_wins_and_hits_are_counted(service: webservice_visits.Visit) -> None:
    orders = [
        {"action": "status", "status": 500},
        {"action": "status", "status": 502, "times": None},
    ]
    assert await service.sandbox("POST", "faults", orders) == {"id": 2, "ids": [1, 2]}
    assert [(await service.ask("GET", RUNS)).status for _ in range(3)] == [500, 502, 502]
    assert [(order["id"], order["hits"]) for order in await service.sandbox("GET", "faults")] == [(1, 1), (2, 2)]
    await service.sandbox("DELETE", "faults")
    assert (await service.ask("GET", RUNS)).status == 200


async def test_only_the_requests_of_the_named_user_are_struck(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "faults", {"action": "status", "status": 401, "user": "alice@lab.net"})
    assert (await service.ask("GET", RUNS)).status == 200
    assert (await service.ask("GET", RUNS, login=webservice_visits.ALICE)).status == 401


async def test_a_bad_order_is_refused_and_none_of_its_list_comes_into_force(service: webservice_visits.Visit) -> None:
    refusal = await service.sandbox("POST", "faults", [{"action": "hang"}, {"action": "hang", "typo": 1}])
    assert "typo" in refusal["error"]
    assert await service.sandbox("GET", "faults") == []


async def test_a_put_that_is_dropped_before_is_not_done_and_one_dropped_after_is(
    service: webservice_visits.Visit,
) -> None:
    accession = service.books.add_run("bob@lab.net", {"status": "submitted"})
    await service.sandbox("POST", "faults", [{"action": "drop_before"}, {"action": "drop_after", "body": "failed"}])
    assert await service.raw(_put(accession, "pending")) == b""
    assert [moment.status for moment in service.books.history(accession)] == ["submitted"]
    assert await service.raw(_put(accession, "failed")) == b""
    assert [moment.status for moment in service.books.history(accession)] == ["submitted", "failed"]
    seen = await service.sandbox("GET", "requests")
    assert [(request["method"], request["status"]) for request in seen] == [("PUT", None), ("PUT", None)]


async def test_a_cut_list_looks_like_a_good_answer_with_half_a_body(service: webservice_visits.Visit) -> None:
    service.books.add_runs("bob@lab.net", [{"status": "submitted"}] * 10)
    whole = await service.ask("GET", RUNS)
    await service.sandbox("POST", "faults", {"action": "cut"})
    cut = await service.ask("GET", RUNS)
    assert cut.status == 200
    assert cut.body == whole.body[: len(whole.body) // 2]
    assert not {"Content-Length", "Transfer-Encoding"} & set(cut.headers)
    assert cut.headers["Connection"] == "close"


async def test_headers_are_added_to_the_real_answer(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "faults", {"action": "headers", "headers": {"Set-Cookie": ["a=1", "b=2"]}})
    accession = service.books.add_run("bob@lab.net", {})
    headers = {"Authorization": basic_login.header(*webservice_visits.BOB)}
    async with service.session.get(f"{service.url}{RUNS}", headers=headers) as answer:
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert str(accession).encode() in await answer.read()


async def test_a_request_that_is_held_is_handled_when_its_order_is_taken_back(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "faults", {"action": "hold"})
    held = asyncio.create_task(service.ask("GET", RUNS))
    await _are_in(service, 1)
    for _ in range(100):
        assert (await service.ask("GET", RUNS)).status == 200  # those that come later are none of the order's
    first = (await service.sandbox("GET", "requests"))[0]
    assert (first["status"], held.done()) == (None, False)
    await service.sandbox("DELETE", "faults")
    assert (await held).status == 200


async def test_a_delayed_request_is_handled_in_the_end(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "faults", {"action": "delay", "seconds": 0.3})
    began = time.monotonic()
    assert (await service.ask("GET", RUNS)).status == 200
    assert time.monotonic() - began >= 0.3


async def test_a_trickle_keeps_coming_byte_by_byte(service: webservice_visits.Visit) -> None:
    whole = await service.ask("GET", RUNS)
    await service.sandbox("POST", "faults", {"action": "trickle", "seconds": 0.001})
    trickled = await service.ask("GET", RUNS)
    assert (trickled.body, trickled.headers["Content-Length"]) == (whole.body, str(len(whole.body)))
    await service.sandbox("POST", "faults", {"action": "trickle", "seconds": 60})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await service.ask("GET", RUNS)


async def test_a_request_that_hangs_ends_when_its_client_leaves(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "faults", {"action": "hang"})
    hanging = asyncio.create_task(service.ask("GET", RUNS))
    await _are_in(service, 1)
    hanging.cancel()
    await asyncio.wait({hanging})
    await _are_gone(service)


async def test_a_request_that_hangs_for_a_set_time_is_then_dropped(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "faults", {"action": "hang", "seconds": 0.1, "times": None})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await service.ask("GET", RUNS)


async def test_a_server_that_stops_lets_go_of_what_hangs_and_trickles(tmp_path: pathlib.Path) -> None:
    async with webservice_visits.visit(tmp_path / "web.sqlite") as service:
        orders = [{"action": "hang", "method": "POST"}, {"action": "trickle", "seconds": 60, "method": "GET"}]
        await service.sandbox("POST", "faults", orders)
        waiting = [asyncio.create_task(service.ask(method, RUNS)) for method in ("POST", "GET")]
        await _are_in(service, 2)
        began = time.monotonic()
        await service.server.close()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert time.monotonic() - began < 30
        assert all(isinstance(result, aiohttp.ClientError) for result in results)


async def test_the_record_has_every_request_in_order_with_what_was_answered(service: webservice_visits.Visit) -> None:
    await service.ask("GET", RUNS, query={"status": "running"})
    await service.ask("GET", f"{RUNS}/x", headers={"Cookie": "JSESSIONID=1"})
    await service.ask("GET", RUNS, login=None)
    seen = await service.sandbox("GET", "requests")
    assert [(request["path"], request["status"], request["user"], request["cookie"]) for request in seen] == [
        ("/SeqWareWebService/workflowruns", 200, "bob@lab.net", None),
        ("/SeqWareWebService/workflowruns/x", 400, "bob@lab.net", "JSESSIONID=1"),
        ("/SeqWareWebService/workflowruns", 401, None, None),
    ]
    assert seen[0]["query"] == {"status": "running"}
    assert [request["seconds"] for request in seen] == sorted(request["seconds"] for request in seen)
    await service.sandbox("DELETE", "requests")
    assert await service.sandbox("GET", "requests") == []


async def test_requests_in_flight_are_counted_until_their_answers_are_out(service: webservice_visits.Visit) -> None:
    await service.sandbox("POST", "faults", {"action": "hold", "times": None})
    asking = [asyncio.create_task(service.ask("GET", RUNS)) for _ in range(4)]
    await _are_in(service, 4)
    await service.sandbox("DELETE", "faults")
    await asyncio.gather(*asking)
    await service.ask("GET", RUNS)
    seen = await service.sandbox("GET", "requests")
    assert sorted(request["in_flight"] for request in seen[:4]) == [1, 2, 3, 4]
    assert seen[4]["in_flight"] == 1


async def test_the_record_says_who_asked_and_which_order_struck(service: webservice_visits.Visit) -> None:
    orders = [{"action": "status", "agent": "^Java/", "skip": 1}, {"action": "status", "agent": "^niassa-orch/"}]
    await service.sandbox("POST", "faults", orders)
    for agent in ("Java/1.8", "niassa-orch/1", "Java/1.8", "Java/1.8"):
        await service.ask("GET", RUNS, headers={"User-Agent": agent})
    seen = await service.sandbox("GET", "requests")
    assert [(request["agent"], request["fault"]) for request in seen] == [
        ("Java/1.8", None),
        ("niassa-orch/1", 2),
        ("Java/1.8", 1),
        ("Java/1.8", None),
    ]


async def _are_in(service: webservice_visits.Visit, count: int) -> None:
    """Wait until the server has seen so many requests."""

    async def look() -> bool | None:
        return len(await service.sandbox("GET", "requests")) >= count or None

    await running.until(look)


async def _are_gone(service: webservice_visits.Visit) -> None:
    """Wait until a request finds none but itself in the server."""

    async def look() -> bool | None:
        await service.ask("GET", RUNS)
        return (await service.sandbox("GET", "requests"))[-1]["in_flight"] == 1 or None

    await running.until(look)
