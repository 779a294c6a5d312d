import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.webservice import client, documents
from niassa_orch.wire import pacing, sessions
from tests.fakes import neighbours, secrets
from tests.fakes.neighbours import reply, saying

ACCESSION = runs.Accession(1234)
STORED = b"<WorkflowRun><status>running</status><stdErr>x</stdErr><swAccession>1234</swAccession></WorkflowRun>"
OTHER = b"<WorkflowRun><swAccession>77</swAccession></WorkflowRun>"
LIST = (
    b"<WorkflowRunList2><list><ownerUserName>Bob@lab.net</ownerUserName><swAccession>1</swAccession></list>"
    b"<list><ownerUserName>ann@lab.net</ownerUserName><swAccession>2</swAccession></list>"
    b"<list><ownerUserName>eve@lab.net</ownerUserName><swAccession>3</swAccession></list></WorkflowRunList2>"
)
CLOSED = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nConnection: close\r\n\r\n"
SUBMITTED = runs.RunStatus.SUBMITTED


@pytest.fixture
async def session() -> AsyncIterator[sessions.Session]:
    async with sessions.open_session() as opened:
        yield opened


def service(
    session: sessions.Session,
    url: str,
    *,
    timeout_seconds: float = 30,
    list_timeout_seconds: float = 60,
    attempts: int = 2,
) -> client.WebService:
    return client.WebService(
        session,
        url + "/SeqWareWebService",
        secrets.authorization,
        budget=pacing.Budget(4),
        timeout_seconds=timeout_seconds,
        list_timeout_seconds=list_timeout_seconds,
        attempts=attempts,
    )


def document(status: str = "running") -> documents.RunDocument:
    return documents.RunDocument.parse(STORED).changed({"status": status})


async def refusal_of_list(session: sessions.Session, answer: neighbours.Answer) -> tuple[BaseException, int]:
    """The error of one list, and how often it was asked for."""
    async with neighbours.neighbour(answer) as there:
        with pytest.raises(errors.WebServiceError) as caught:
            await service(session, there.url).list_runs(SUBMITTED, "server2")
        asked = len(there.asked)
    secrets.assert_kept(caught.value)
    return caught.value, asked


async def refusal_of_put(session: sessions.Session, answer: neighbours.Answer) -> BaseException:
    """The error of one write, which was sent exactly once."""
    async with neighbours.neighbour(answer) as there:
        with pytest.raises(errors.WebServiceError) as caught:
            await service(session, there.url, timeout_seconds=3, attempts=9).put_run(document())
        assert there.targets == ["PUT /SeqWareWebService/workflowruns/1234"]
    secrets.assert_kept(caught.value)
    return caught.value


async def test_a_list_asks_for_status_and_host_and_has_everybodys_runs(session: sessions.Session) -> None:
    async with neighbours.neighbour(saying(reply(200, LIST))) as there:
        here = service(session, there.url)
        await here.list_runs(SUBMITTED, "server 2&x=y;#é")
        found = await here.list_runs(runs.RunStatus.RUNNING, "server2")
    assert [run.accession for run in found] == [1, 2, 3]
    assert there.targets == [
        "GET /SeqWareWebService/workflowruns?status=submitted&host=server%202%26x%3Dy%3B%23%C3%A9",
        "GET /SeqWareWebService/workflowruns?status=running&host=server2",
    ]


@pytest.mark.parametrize("host", ["", "a'b", 'a"b', "a\\b", "a\nb", "a\x00", "a\x7f", "a\x85", "a\ud800"])
async def test_a_host_that_would_break_the_servers_query_is_never_sent(session: sessions.Session, host: str) -> None:
    async with neighbours.neighbour(saying(reply(200, LIST))) as there:
        with pytest.raises(ValueError, match="host"):
            await service(session, there.url).list_runs(SUBMITTED, host)
        assert there.asked == []


@pytest.mark.parametrize(
    ("said", "kind", "asked"),
    [
        (reply(401), errors.LoginRefusedError, 1),
        (reply(403), errors.ForbiddenError, 1),
        (reply(404), errors.WebServiceError, 1),
        (reply(301, Location="http://127.0.0.1:1/"), errors.WebServiceError, 1),
        (reply(500, b"<html>password</html>", "text/html"), errors.WebServiceError, 1),
        (reply(204), errors.WebServiceError, 1),
        (reply(502), errors.WebServiceUnavailableError, 2),
        (reply(503), errors.WebServiceUnavailableError, 2),
        (reply(504), errors.WebServiceUnavailableError, 2),
        (b"", errors.WebServiceUnavailableError, 2),
        (reply(200, LIST)[:-9], errors.WebServiceUnavailableError, 2),
        (CLOSED + LIST[:-9], errors.MalformedAnswerError, 1),
        (CLOSED, errors.MalformedAnswerError, 1),
        (reply(200, b"<html/>", "text/html"), errors.MalformedAnswerError, 1),
        (reply(200, b"<html/>"), errors.MalformedAnswerError, 1),
        (reply(200, LIST, "application/xml; charset=UTF-7"), errors.MalformedAnswerError, 1),
        (reply(200, gzip.compress(LIST)), errors.MalformedAnswerError, 1),
        (reply(200, gzip.compress(LIST), Content_Encoding="gzip"), errors.MalformedAnswerError, 1),
        (
            reply(200, b"<!DOCTYPE a [<!ENTITY b 'c'>]><WorkflowRunList2>&b;</WorkflowRunList2>"),
            errors.MalformedAnswerError,
            1,
        ),
    ],
    ids=range(19),
)
async def test_a_list_that_is_none_is_an_error_and_only_a_failing_way_is_tried_again(
    session: sessions.Session, said: bytes, kind: type[errors.WebServiceError], asked: int
) -> None:
    error, times = await refusal_of_list(session, saying(said, keep=False))
    assert (type(error), times) == (kind, asked)
    assert "/SeqWareWebService/workflowruns" in str(error)


async def test_a_list_is_tried_again_from_its_beginning(session: sessions.Session) -> None:
    async with neighbours.neighbour(saying(reply(200, LIST)[:-40], reply(503), reply(200, LIST), keep=False)) as there:
        found = await service(session, there.url, attempts=3).list_runs(SUBMITTED, "server2")
        assert len(there.asked) == 3
    assert [run.accession for run in found] == [1, 2, 3]


async def test_a_web_service_that_hangs_is_asked_once(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.silence) as there:
        with pytest.raises(errors.WebServiceUnavailableError) as caught:
            await service(session, there.url, timeout_seconds=1.5, attempts=9).get_run(ACCESSION)
        assert len(there.asked) == 1
    secrets.assert_kept(caught.value)


async def test_a_list_may_take_longer_than_a_single_read(session: sessions.Session) -> None:
    released = asyncio.Event()
    async with neighbours.neighbour(neighbours.slow_for("?status=", released, reply(200, LIST))) as there:
        here = service(session, there.url, timeout_seconds=0.3)
        listing = asyncio.create_task(here.list_runs(SUBMITTED, "server2"))
        await there.was_asked.wait()
        with pytest.raises(errors.WebServiceUnavailableError):
            await here.get_run(ACCESSION)
        released.set()
        assert [run.accession for run in await listing] == [1, 2, 3]


async def test_a_list_that_never_comes_is_waited_for_as_long_as_is_set_for_lists(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.silence) as there:
        here = service(session, there.url, timeout_seconds=1000, list_timeout_seconds=0.3)
        with pytest.raises(errors.WebServiceUnavailableError):
            await here.list_runs(SUBMITTED, "server2")


async def test_one_run_is_read_with_its_texts(session: sessions.Session) -> None:
    async with neighbours.neighbour(saying(reply(200, STORED, "application/xml; charset=UTF-8"))) as there:
        found = await service(session, there.url).get_run(ACCESSION)
        assert there.targets == ["GET /SeqWareWebService/workflowruns/1234"]
    assert (found.run.status, found.text("stdErr")) == (runs.RunStatus.RUNNING, "x")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (reply(404), errors.RunNotFoundError),
        (reply(401), errors.LoginRefusedError),
        (reply(200, OTHER), errors.MalformedAnswerError),
        (reply(200, b"<WorkflowRun/>"), errors.MalformedAnswerError),
        (CLOSED + STORED[:-3], errors.MalformedAnswerError),
    ],
    ids=range(5),
)
async def test_a_run_that_is_not_the_one_asked_for_is_an_error(
    session: sessions.Session, said: bytes, kind: type[errors.WebServiceError]
) -> None:
    async with neighbours.neighbour(saying(said, keep=False)) as there:
        with pytest.raises(errors.WebServiceError) as caught:
            await service(session, there.url).get_run(ACCESSION)
        assert len(there.asked) == 1
    assert type(caught.value) is kind


async def test_a_write_sends_the_whole_document_to_its_own_accession(session: sessions.Session) -> None:
    async with neighbours.neighbour(saying(reply(201, STORED))) as there:
        await service(session, there.url).put_run(document("completed"))
    (asked,) = there.asked
    assert (asked.method, asked.target) == ("PUT", "/SeqWareWebService/workflowruns/1234")
    assert asked.headers["content-type"] == "application/xml; charset=UTF-8"
    sent = documents.RunDocument.parse(asked.body)
    assert sent == document("completed")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        reply(500, b"<html/>", "text/html"),
        reply(502),
        reply(503),
        reply(504),
        reply(200, STORED),
        reply(204),
        reply(201, STORED)[:-10],
        reply(201),
        reply(201, b"<html/>", "text/html"),
        reply(201, b"not xml"),
        reply(201, OTHER),
        CLOSED.replace(b"200", b"201") + STORED[:-4],
        b"NOISE\r\n\r\n",
    ],
    ids=range(14),
)
async def test_a_write_whose_fate_is_not_clear_is_unknown_and_not_repeated(
    session: sessions.Session, said: bytes
) -> None:
    assert type(await refusal_of_put(session, saying(said, keep=False))) is errors.WriteUnknownError


async def test_a_write_without_an_answer_in_time_is_unknown_and_not_repeated(session: sessions.Session) -> None:
    assert type(await refusal_of_put(session, neighbours.silence)) is errors.WriteUnknownError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.LoginRefusedError),
        (403, errors.ForbiddenError),
        (404, errors.RunNotFoundError),
        (400, errors.MalformedAnswerError),
        (415, errors.MalformedAnswerError),
        (409, errors.WebServiceError),
        (301, errors.WebServiceError),
        (307, errors.WebServiceError),
    ],
)
async def test_a_write_that_was_clearly_refused_says_why(
    session: sessions.Session, status: int, kind: type[errors.WebServiceError]
) -> None:
    async with neighbours.neighbour(saying(reply(201, STORED))) as other:
        error = await refusal_of_put(session, saying(reply(status, Location=f"{other.url}/x")))
        assert other.asked == []
    assert type(error) is kind
    assert str(status) in str(error)


async def test_a_write_to_a_closed_port_was_certainly_not_made(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.silence) as there:
        url = there.url
    with pytest.raises(errors.WebServiceUnavailableError) as caught:
        await service(session, url).put_run(document())
    secrets.assert_kept(caught.value)


async def test_the_login_is_asked_for_at_each_request_and_kept_nowhere(session: sessions.Session) -> None:
    logins = iter(["Basic one", "Basic two"])
    async with neighbours.neighbour(saying(reply(200, STORED))) as there:
        here = client.WebService(session, there.url, lambda: next(logins), budget=pacing.Budget(1))
        await here.get_run(ACCESSION)
        await here.get_run(ACCESSION)
        assert [asked.headers["authorization"] for asked in there.asked] == ["Basic one", "Basic two"]
    assert "Basic" not in repr(here)


async def test_a_base_url_with_a_password_is_refused(session: sessions.Session) -> None:
    with pytest.raises(ValueError, match="no user") as caught:
        client.WebService(session, "http://bob:hunter2@h/", secrets.authorization, budget=pacing.Budget(1))
    assert "hunter2" not in str(caught.value)
