import asyncio
import dataclasses
import functools
import gzip
import pathlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator

import pytest

from niassa_orch.wire import failures, lines, pacing, sessions
from tests.fakes import neighbours, secrets

GET = lines.Request("GET", ("runs",), media_types=("application/xml",), limit_bytes=1_000_000)
PUT = lines.Request("PUT", ("runs",), success=201, media_types=("application/xml",), limit_bytes=1_000, body=b"<x/>")
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"


@pytest.fixture
async def session() -> AsyncIterator[sessions.Session]:
    async with sessions.open_session() as opened:
        yield opened


def line(
    session: sessions.Session, url: str, *, timeout_seconds: float = 30, tls: ssl.SSLContext | None = None
) -> lines.Line:
    return lines.Line(
        session,
        url,
        budget=pacing.Budget(4),
        timeout_seconds=timeout_seconds,
        authorization=secrets.authorization,
        tls=tls,
    )


async def failure(session: sessions.Session, answer: neighbours.Answer, request: lines.Request = GET) -> BaseException:
    """How one request ends; it was sent exactly once, and the error keeps the secrets."""
    async with neighbours.neighbour(answer) as there:
        with pytest.raises(failures.WireError) as caught:
            await line(session, there.url).send(request)
        assert len(there.asked) == 1
    secrets.assert_kept(caught.value)
    return caught.value


async def test_an_answer_comes_back_whole(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200, b"<a/>", X_Kind="new"))) as there:
        answer = await line(session, there.url + "/base/").send(GET)
    assert (answer.status, answer.body, answer.headers["x-kind"]) == (200, b"<a/>", "new")
    (asked,) = there.asked
    assert (asked.method, asked.target, asked.body) == ("GET", "/base/runs", b"")
    assert asked.headers["authorization"] == secrets.authorization()
    assert asked.headers["accept-encoding"] == "identity"


async def test_path_and_query_are_quoted_to_the_last_character(session: sessions.Session) -> None:
    request = lines.Request("GET", ("a/../b c", "ä"), query={"filter": "user=x;y=1&z#+%/:", "user.name": "b"})
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200))) as there:
        await line(session, there.url).send(request)
    assert there.targets == ["GET /a%2F..%2Fb%20c/%C3%A4?filter=user%3Dx%3By%3D1%26z%23%2B%25%2F%3A&user.name=b"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_request_whose_connection_broke_is_never_repeated_silently(
    session: sessions.Session, method: str
) -> None:
    request = lines.Request(method, ("runs",), body=b"<x/>" if method in ("PUT", "POST") else None)
    assert isinstance(await failure(session, neighbours.saying(b""), request), failures.BrokenError)


async def test_a_put_on_a_connection_that_was_kept_and_then_broke_is_never_repeated(session: sessions.Session) -> None:
    answers = neighbours.saying(neighbours.reply(200, b"<a/>"), b"")
    async with neighbours.neighbour(answers) as there:
        await line(session, there.url).send(GET)
        with pytest.raises(failures.BrokenError):
            await line(session, there.url).send(PUT)
        assert there.targets == ["GET /runs", "PUT /runs"]
        assert there.connections == 1


async def test_a_reset_after_the_request_is_broken(session: sessions.Session) -> None:
    async def reset(_there: object, _asked: object, writer: asyncio.StreamWriter) -> bool:
        writer.transport.abort()
        return False

    assert isinstance(await failure(session, reset, PUT), failures.BrokenError)


async def test_a_closed_port_is_unreachable(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.silence) as there:
        url = there.url
    with pytest.raises(failures.UnreachableError) as caught:
        await line(session, url).send(PUT)
    secrets.assert_kept(caught.value)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (HEAD + b"Content-Length: 100\r\n\r\n<a>", failures.BrokenError),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<a></\r\n", failures.BrokenError),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n<a/>\r\n", failures.GarbledError),
        (b"NOT HTTP AT ALL\r\n\r\n", failures.GarbledError),
        (HEAD + b"X-Long: " + b"x" * 1_000_000 + b"\r\n\r\n", failures.GarbledError),
        (HEAD + b"X: y\r\n" * 100_000 + b"\r\n", failures.GarbledError),
        (HEAD + b"Authorization " + secrets.authorization().encode() + b"\r\n\r\n", failures.GarbledError),
        (HEAD + b"Content-Length: -1\r\n\r\n", failures.GarbledError),
        (neighbours.reply(200, b"<a/>", "text/html"), failures.GarbledError),
        (neighbours.reply(200, b"<a/>", ""), failures.GarbledError),
        (neighbours.reply(200, b"<a/>", "application/xml; charset=utf-7"), failures.GarbledError),
        (neighbours.reply(200, b"x" * 1_000_001), failures.TooLargeError),
        (HEAD + b"\r\n" + b"x" * 1_000_001, failures.TooLargeError),
        (neighbours.reply(503, b"<html/>"), failures.GatewayError),
    ],
    ids=lambda value: value[:60].decode() if isinstance(value, bytes) else value.__name__,
)
async def test_a_broken_or_unacceptable_answer_is_told_by_its_kind(
    session: sessions.Session, said: bytes, kind: type[failures.WireError]
) -> None:
    assert type(await failure(session, neighbours.saying(said, keep=False))) is kind


@pytest.mark.parametrize(
    "bad",
    [
        neighbours.reply(200, b"<a/>", "text/html"),
        neighbours.reply(200, b"<a/>", "application/xml; charset=utf-7"),
        neighbours.reply(200, b"<a/>", Content_Encoding="gzip"),
    ],
    ids=["type", "charset", "encoding"],
)
async def test_an_unacceptable_answer_is_refused_also_after_acceptable_ones(
    session: sessions.Session, bad: bytes
) -> None:
    good = neighbours.reply(200, b"<a/>")
    async with neighbours.neighbour(neighbours.saying(good, good, bad, good)) as there:
        here = line(session, there.url)
        assert [(await here.send(GET)).body for _ in range(2)] == [b"<a/>", b"<a/>"]
        with pytest.raises(failures.GarbledError):
            await here.send(GET)
        assert (await here.send(GET)).body == b"<a/>"


async def test_a_type_that_one_request_accepts_is_not_acceptable_to_another(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200, b"<a/>"))) as there:
        here = line(session, there.url)
        await here.send(GET)
        with pytest.raises(failures.GarbledError):
            await here.send(dataclasses.replace(GET, media_types=("application/json",)))


async def test_a_gzip_bomb_is_refused_and_not_unpacked(session: sessions.Session) -> None:
    bomb = neighbours.reply(200, gzip.compress(b"a" * 100_000_000), Content_Encoding="gzip")
    assert isinstance(await failure(session, neighbours.saying(bomb)), failures.GarbledError)


async def test_a_trickle_is_beaten_by_the_total_time_out(session: sessions.Session) -> None:
    trickle = neighbours.trickling(HEAD + b"\r\n", b"x", 0.05)
    async with neighbours.neighbour(trickle) as there:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(failures.TimedOutError) as caught:
            await line(session, there.url, timeout_seconds=0.4).send(GET)
        assert asyncio.get_running_loop().time() - begun < 60
    secrets.assert_kept(caught.value)


async def test_silence_is_beaten_by_the_total_time_out(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.silence) as there:
        with pytest.raises(failures.TimedOutError):
            await line(session, there.url, timeout_seconds=1.5).send(PUT)
        assert len(there.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("request_", [GET, PUT], ids=["GET", "PUT"])
async def test_a_redirect_is_not_followed_and_carries_no_password(
    session: sessions.Session, status: int, request_: lines.Request
) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200))) as other:
        redirect = neighbours.reply(status, Location=f"{other.url}/runs")
        async with neighbours.neighbour(neighbours.saying(redirect)) as there:
            answer = await line(session, there.url).send(request_)
            assert (answer.status, len(there.asked)) == (status, 1)
        assert other.asked == []


async def test_a_cookie_that_was_set_for_one_account_is_never_sent_for_another(session: sessions.Session) -> None:
    answer = neighbours.reply(200, b"<a/>", Set_Cookie="JSESSIONID=bob; Path=/")
    async with neighbours.neighbour(neighbours.saying(answer)) as there:
        for name in ("bob", "bob", "ann"):
            login = functools.partial(str, name)
            here = lines.Line(session, there.url, budget=pacing.Budget(1), timeout_seconds=30, authorization=login)
            await here.send(GET)
        assert [asked.headers["authorization"] for asked in there.asked] == ["bob", "bob", "ann"]
        assert not any("cookie" in asked.headers for asked in there.asked)


async def test_netrc_and_proxies_of_the_environment_are_not_used(
    session: sessions.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password stolen\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with neighbours.neighbour(neighbours.saying(neighbours.reply(200))) as there:
            await lines.Line(session, there.url, budget=pacing.Budget(1), timeout_seconds=30).send(GET)
            assert "authorization" not in there.asked[0].headers
        assert proxy.asked == []


async def test_an_error_page_is_not_read(session: sessions.Session) -> None:
    page = neighbours.trickling(b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n\r\n", b"secret", 0.01)
    async with neighbours.neighbour(page) as there:
        answer = await line(session, there.url).send(GET)
    assert (answer.status, answer.body) == (500, b"")


async def test_a_large_body_comes_in_pieces_and_other_tasks_get_their_turns(session: sessions.Session) -> None:
    pieces: list[int] = []
    turns = 0
    request = lines.Request("GET", ("big",), media_types=("application/xml",), limit_bytes=20_000_000)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200, b"x" * 16_000_000))) as there:
        other = asyncio.create_task(others())
        answer = await line(session, there.url).send(request, lambda piece: pieces.append(len(piece)))
        other.cancel()
    assert (sum(pieces), answer.body) == (16_000_000, b"")
    assert max(pieces) <= lines.CHUNK_BYTES
    assert turns >= len(pieces)


async def test_what_the_sink_raises_comes_out_and_the_next_request_is_served(session: sessions.Session) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200, b"<a/>" * 50_000))) as there:
        here = line(session, there.url)

        def refuse(_piece: bytes) -> None:
            raise OverflowError

        for _ in range(3):
            with pytest.raises(OverflowError):
                await here.send(GET, refuse)
        assert (await here.send(GET)).status == 200


async def test_a_cancelled_request_gives_its_turn_back(session: sessions.Session) -> None:
    budget = pacing.Budget(1)
    async with neighbours.neighbour(neighbours.silence) as there:
        here = lines.Line(session, there.url, budget=budget, timeout_seconds=60)
        task = asyncio.create_task(here.send(GET))
        await there.was_asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(30), budget.turn():
            pass


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pathlib.Path]:
    """A self-signed certificate for 127.0.0.1 with its key, as the CA of its own."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed: no certificate to test TLS with")
    pem = tmp_path_factory.mktemp("tls") / "server.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(pem), "-out", f"{pem}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    pem.write_text(pem.read_text() + pathlib.Path(f"{pem}.crt").read_text())
    yield pem


def serving(certificate: pathlib.Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_a_private_ca_is_trusted_when_it_is_named(session: sessions.Session, certificate: pathlib.Path) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200)), serving(certificate)) as there:
        assert (await line(session, there.url, tls=sessions.trust(f"{certificate}.crt")).send(GET)).status == 200


async def test_an_unknown_ca_is_not_trusted_and_nothing_is_sent(
    session: sessions.Session, certificate: pathlib.Path
) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200)), serving(certificate)) as there:
        for tls in (None, sessions.trust(None)):
            with pytest.raises(failures.UntrustedError) as caught:
                await line(session, there.url, tls=tls).send(GET)
            secrets.assert_kept(caught.value)
        assert there.asked == []


async def test_a_certificate_for_another_name_is_not_trusted(
    session: sessions.Session, certificate: pathlib.Path
) -> None:
    async with neighbours.neighbour(neighbours.saying(neighbours.reply(200)), serving(certificate)) as there:
        url = there.url.replace("127.0.0.1", "localhost")
        with pytest.raises(failures.UntrustedError):
            await line(session, url, tls=sessions.trust(f"{certificate}.crt")).send(GET)
        assert there.asked == []


def test_a_ca_file_that_is_none_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        sessions.trust(str(tmp_path / "absent.pem"))
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(ssl.SSLError):
        sessions.trust(str(empty))
