import asyncio
import pathlib
import socket
import subprocess
import sys
from urllib import parse

import aiohttp
import pytest
import yarl

from niassa_orch.sandbox import layout, up
from tests.integration.sandbox import running


def port(url: str) -> int:
    return int(parse.urlsplit(url).port or 0)


async def test_a_sandbox_answers_on_loopback_and_tells_where(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        assert up.read_addresses(tmp_path) == sandbox.addresses
        for url in (sandbox.addresses.web_service_url, sandbox.addresses.oozie_url):
            assert parse.urlsplit(url).hostname == "127.0.0.1"
        async with sandbox.session.get(f"{sandbox.addresses.oozie_url}/versions") as answer:
            assert answer.status == 200
            with pytest.raises(ConnectionRefusedError):  # it would be accepted if all addresses were bound
                await asyncio.open_connection("127.0.0.2", port(url))


async def test_its_accounts_may_log_in_and_nobody_else(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path, running.accounts("bob")) as sandbox:
        url = yarl.URL(f"{sandbox.addresses.web_service_url}/workflowruns")
        for password, status in ((running.PASSWORD, 200), ("wrong", 401)):
            login = {"Authorization": aiohttp.encode_basic_auth("bob@lab.net", password)}
            async with sandbox.session.get(url, headers=login) as answer:
                assert answer.status == status


async def test_a_directory_used_before_goes_on_at_the_same_ports_with_its_runs(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        first, accession = sandbox.addresses, await sandbox.schedule("steps=align:0")
    async with running.sandbox(tmp_path) as sandbox:
        assert sandbox.addresses == first
        assert (await sandbox.run(accession))["status"] == "submitted"


async def test_a_port_that_is_taken_meanwhile_is_replaced_also_in_the_settings(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        first = sandbox.addresses
    with socket.create_server(("127.0.0.1", port(first.oozie_url))):
        async with running.sandbox(tmp_path) as sandbox:
            assert sandbox.addresses.oozie_url != first.oozie_url
            assert sandbox.place.settings_of("bob")["OOZIE_URL"] == sandbox.addresses.oozie_url


async def test_a_port_that_was_asked_for_and_is_taken_is_an_error(tmp_path: pathlib.Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(up.SandboxError, match="in use"):
        await up.serve(tmp_path, running.accounts("bob"), oozie_port=taken.getsockname()[1], ready=lambda _: None)


async def test_the_end_does_not_wait_for_requests_that_hang(tmp_path: pathlib.Path) -> None:
    async with running.sandbox(tmp_path) as sandbox:
        await sandbox.order(sandbox.addresses.oozie_url, action="hang", times=None)
        asking = asyncio.create_task(sandbox.get(sandbox.addresses.oozie_url, "/oozie/versions"))

        async def asked() -> bool | None:
            return True if await sandbox.get(sandbox.addresses.oozie_url, "/sandbox/requests") else None

        await running.until(asked)
    with pytest.raises(aiohttp.ClientError):
        await asking


def test_where_no_sandbox_was_it_says_how_to_start_one(tmp_path: pathlib.Path) -> None:
    with pytest.raises(layout.LayoutError, match="niassa-orch sandbox up"):
        up.read_addresses(tmp_path)


def test_no_password_stands_where_others_may_read(tmp_path: pathlib.Path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from niassa_orch.sandbox import up\n"
        "from tests.integration.sandbox import running\n"
        "def ready(addresses): raise KeyboardInterrupt\n"
        "asyncio.run(up.serve(pathlib.Path(sys.argv[1]), running.accounts('bob'), ready=ready))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "box")],
        capture_output=True,
        text=True,
        check=False,
        cwd=pathlib.Path(__file__).parents[3],
    )
    assert "KeyboardInterrupt" in done.stderr
    assert running.PASSWORD not in done.stderr + done.stdout
    files = [file for file in (tmp_path / "box").rglob("*") if file.is_file()]
    readable = [file for file in files if file.stat().st_mode & 0o044 and "servers" not in file.parts]
    assert {file.name for file in readable} >= {"bob.toml", "niassa-orch.toml", "sandbox.json", "seqware"}
    for file in readable:
        assert running.PASSWORD not in file.read_text()
        assert "sesame" not in file.read_text()
