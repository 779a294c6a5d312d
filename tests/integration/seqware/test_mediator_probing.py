"""The mediator's verb ``probe``: whether an Oozie server answers, asked as the account's user, and nothing else."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import typing
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from niassa_orch import errors
from niassa_orch.seqware import answers, identity, propagation
from tests.integration.seqware import workshop

US = identity.Identity("us", own=True)


@contextlib.asynccontextmanager
async def server(answer: typing.Any) -> AsyncIterator[tuple[str, list[web.BaseRequest]]]:
    """A server on loopback that answers everything so; its URL, and what it was asked."""
    seen: list[web.BaseRequest] = []

    async def respond(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request)
        response: web.StreamResponse = answer(request)
        return await response if asyncio.iscoroutine(response) else response

    runner = web.ServerRunner(web.Server(respond), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        await runner.cleanup()


async def ask(shop: workshop.Workshop, url: str) -> answers.Probe:
    return await propagation.probe(identity.argv(US, shop.install(), "probe"), url)


async def test_an_oozie_that_is_well_tells_its_versions(shop: workshop.Workshop) -> None:
    async with server(lambda _: web.json_response([0, 1, 2])) as (url, seen):
        assert await ask(shop, f"{url}/oozie") == answers.Probe((0, 1, 2), "")
        assert await ask(shop, f"{url}/oozie/") == answers.Probe((0, 1, 2), "")
    assert [(one.method, one.path_qs) for one in seen] == [("GET", "/oozie/versions")] * 2
    assert not {"Authorization", "Cookie"} & seen[0].headers.keys()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: web.Response(status=503, text="canary"), "HTTP status 503"),
        (lambda _: web.Response(status=401, headers={"WWW-Authenticate": "Basic"}), "HTTP status 401"),
        (lambda _: web.Response(status=404), "HTTP status 404"),
        (lambda _: web.Response(text="<html>canary</html>"), "not that of an Oozie"),
        (lambda _: web.Response(text="[]"), "not that of an Oozie"),
        (lambda _: web.Response(text="[true]"), "not that of an Oozie"),
        (lambda _: web.Response(text='["canary"]'), "not that of an Oozie"),
        (lambda _: web.Response(text='{"canary": 1}'), "not that of an Oozie"),
        (lambda _: web.Response(text="[" * 60_000), "not that of an Oozie"),
        (lambda _: web.Response(text="[1" + ",1" * 200 + "]"), "not that of an Oozie"),
        (lambda _: web.Response(text="[1]" + " " * 70_000), "not that of an Oozie"),
        (lambda _: web.Response(status=201, text="[1]"), "not that of an Oozie"),
        (lambda _: web.Response(body=b"\xff\xfe["), "not that of an Oozie"),
    ],
)
async def test_anything_else_is_no_oozie_that_is_well_and_nothing_of_it_is_repeated(
    shop: workshop.Workshop, answer: typing.Any, said: str
) -> None:
    async with server(answer) as (url, _):
        found = await ask(shop, url)
    assert found.versions == ()
    assert said in found.error
    assert "canary" not in found.error


async def test_no_redirect_is_followed(shop: workshop.Workshop) -> None:
    def answer(request: web.BaseRequest) -> web.Response:
        if request.path == "/elsewhere":
            return web.json_response([0, 1])
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with server(answer) as (url, seen):
        found = await ask(shop, url)
    assert (found.versions, found.error) == ((), "HTTP status 302")
    assert [one.path for one in seen] == ["/versions"]


async def test_no_proxy_of_the_environment_is_asked(shop: workshop.Workshop) -> None:
    async with (
        server(lambda _: web.json_response([0])) as (url, seen),
        server(lambda _: web.json_response([7])) as (proxy, asked),
    ):
        environment = {**os.environ, "http_proxy": proxy, "HTTP_PROXY": proxy, "all_proxy": proxy}
        question = json.dumps({"url": url})
        mediator = shop.install()
        ran = await asyncio.to_thread(lambda: shop.run(mediator, "probe", stdin=question, env=environment))
    assert ran.records[0]["versions"] == [0]
    assert (len(seen), asked) == (1, [])


async def test_a_server_that_is_not_there_is_said_to_be_so(shop: workshop.Workshop) -> None:
    async with server(lambda _: web.Response()) as (url, _):
        pass
    assert await ask(shop, url) == answers.Probe((), "Connection refused")


async def test_who_drips_its_answer_is_not_waited_for(shop: workshop.Workshop) -> None:
    async def drip(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.2)
        return response

    async with server(drip) as (url, _):
        loop = asyncio.get_running_loop()
        began = loop.time()
        found = await ask(shop, url)
        assert 9 < loop.time() - began < 25
    assert found == answers.Probe((), "no answer within 10 s")


HOSTILE = [
    "",
    "x",
    "[]",
    "{}",
    '"http://a"',
    "[" * 100_000,
    '{"url": null}',
    '{"url": 7}',
    '{"url": ["http://a"]}',
    *(
        json.dumps({"url": url})
        for url in (
            "",
            "file:///etc/shadow",
            "ftp://a/b",
            "HTTP://a",
            "//a",
            "a",
            "http://",
            "http:///x",
            "http://bob:secret@a/oozie",
            "http://bob@a/oozie",
            "http://a/b@c",
            "http://a/?x",
            "http://a/#x",
            "http://a:b/",
            "http://a:1234567/",
            "http://a b/",
            "http://a/\r\nX-Evil: 1",
            "http://a/\n",
            "http://a\\b/",
            "http://ä/",
            "http://a/" + "x" * 3000,
            " http://a/",
            "data:,x",
        )
    ),
    " " * ((1 << 20) + 1),
]


@pytest.mark.parametrize("stdin", HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_plain_url_of_a_server_is_refused(shop: workshop.Workshop, stdin: str) -> None:
    assert "stdin" in shop.run(shop.install(), "probe", stdin=stdin).refused


def test_a_probe_whose_answer_nobody_hears_is_over_in_time(shop: workshop.Workshop) -> None:
    mediator = workshop.hurried(shop.install())
    heard, spoken = os.pipe()
    with os.fdopen(heard, "rb"), os.fdopen(spoken, "wb", buffering=0) as full:
        os.set_blocking(spoken, False)
        while full.write(b"#" * 4096):
            pass
        os.set_blocking(spoken, True)
        url = b'{"url": "http://127.0.0.1:1/oozie"}\n'
        with subprocess.Popen([mediator, "probe"], stdin=subprocess.PIPE, stdout=full) as process:
            assert process.stdin is not None
            process.stdin.write(url)
            process.stdin.close()
            try:
                assert process.wait(30) == -signal.SIGALRM
            finally:
                process.kill()


def test_a_url_as_an_argument_is_refused(shop: workshop.Workshop) -> None:
    assert "the verbs are" in shop.run(shop.install(), "probe", "http://127.0.0.1/").refused


@pytest.mark.parametrize(
    "answer", ['{"versions": ["canary"]}', '{"versions": 1}', '{"error": ["canary"]}', "[]", "", '{"canary": 1}']
)
async def test_an_answer_that_no_mediator_gives_is_not_understood(shop: workshop.Workshop, answer: str) -> None:
    engine = workshop.write_engine(shop.directory / "stand-in", f"print({answer!r})")
    with pytest.raises(errors.EngineCallError, match="answer to probe is not what") as caught:
        await propagation.probe([str(engine), "probe"], "http://a")
    assert "canary" not in str(caught.value)


def test_words_that_would_move_a_cursor_are_made_harmless() -> None:
    assert answers.parse_probe(b'{"error": "a\\u001b[2Jb"}') == answers.Probe((), "a?[2Jb")
