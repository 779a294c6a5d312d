"""The control socket for real: a server and a client in two loops' worth of tasks, real files, a real journal."""

import asyncio
import contextlib
import json
import os
import pathlib
import stat

import aiohttp
import pytest

from niassa_orch import errors
from niassa_orch.control import client, documents, place
from niassa_orch.core import board
from niassa_orch.domain import runs, settling
from niassa_orch.journal import records, store
from tests.fakes import launches


async def test_a_snapshot_comes_whole_and_then_only_its_changes_do(folder: pathlib.Path, told: board.Board) -> None:
    async with client.connected(folder) as service:
        first = await service.snapshot()
        assert [line.name for line in first.accounts] == ["alice", "bob"]
        told.line("bob").waiting = "for the lock"
        told.event("later")
        second = await service.snapshot()
    assert [line.waiting for line in second.accounts] == ["", "for the lock"]
    assert [event.name for event in second.events] == ["later"]


async def test_an_order_is_taken_kept_and_in_the_trail_with_who_gave_it(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    async with client.connected(folder) as service:
        answer = await service.order("pause", documents.OrderBody(account="bob", launching_only=True, reason="disk"))
        assert "launching is paused for bob" in answer["said"]
        assert [str(order) for order in (await service.snapshot()).orders] == answer["orders"]
        lifted = await service.order("resume", documents.OrderBody(account="bob"))
        assert lifted["said"].startswith("lifted: ")
        assert (await service.snapshot()).orders == ()
    trail = [json.loads(line) for line in (tmp_path / "audit" / "bob.jsonl").read_text().splitlines()]
    assert {entry["what"] for entry in trail} == {"pause-launching", "resume-orders"}
    assert all(f"uid {os.geteuid()}" in entry["operator"] for entry in trail)


@pytest.mark.parametrize(
    ("order", "body", "said"),
    [
        ("pause", documents.OrderBody(account="bobb"), "did you mean bob"),
        ("poll-now", documents.OrderBody(all=True), "no service runs here"),
        ("resume", documents.OrderBody(all=True), "no order keeps all accounts"),
        ("pause", documents.OrderBody(), "either"),
        ("pause", documents.OrderBody(account="bob", all=True), "either"),
        ("urgent", documents.OrderBody(), "accession"),
        ("launch-missiles", documents.OrderBody(), "no order launch-missiles; this command is of version .*restart"),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(
    folder: pathlib.Path, order: str, body: documents.OrderBody, said: str
) -> None:
    async with client.connected(folder) as service:
        with pytest.raises(errors.ControlError, match=said):
            await service.order(order, body)


@pytest.mark.parametrize(
    "body", ["[]", "{", '{"account": 7}', '{"what": 1}', '{"accession": true, "all": true}', "\0", "x" * 70_000]
)
async def test_a_body_that_is_no_order_changes_nothing_and_is_not_quoted(folder: pathlib.Path, body: str) -> None:
    with place.short(folder) as name:
        connector = aiohttp.UnixConnector(name)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post("http://niassa-orch/v1/orders/pause", data=body) as response,
        ):
            assert response.status in (400, 413)
            assert "x" * 100 not in await response.text()
    async with client.connected(folder) as service:
        assert (await service.snapshot()).orders == ()


async def test_a_doubt_is_shown_and_resolved_once_with_who_said_it_in_the_trail(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    with contextlib.closing(store.Journal(tmp_path / "journal.sqlite")) as journal:
        await journal.intend([launches.launch(7)])
        await journal.note(launches.launch(7), settling.Outcome.HELD, "its transcript is cut")
    async with client.connected(folder) as service:
        [doubt] = (await service.doubts())["launches"]
        assert (doubt["accession"], doubt["state"], doubt["reason"]) == (7, "held", "its transcript is cut")
        assert await service.doubts(runs.Accession(8)) == {"launches": [], "jobs": {}}
        with pytest.raises(errors.ControlError, match="no id of a job"):
            await service.resolve(documents.WordBody(accession=7, told=records.Told.LAUNCHED, job="; rm"))
        word = documents.WordBody(accession=7, told=records.Told.RELAUNCH, mark=doubt["mark"])
        assert (await service.resolve(word))["said"] == "run 7 of bob: it may be launched again"
        assert (await service.doubts())["launches"] == []
        with pytest.raises(errors.ControlError, match="settled meanwhile"):
            await service.resolve(word)
    [before, _] = [json.loads(line) for line in (tmp_path / "audit" / "bob.jsonl").read_text().splitlines()]
    assert (before["what"], f"uid {os.geteuid()}" in before["operator"]) == ("resolve", True)


async def test_events_are_followed_until_the_reader_goes(folder: pathlib.Path, told: board.Board) -> None:
    told.event("before")
    async with client.connected(folder) as service:
        heard = service.events(follow=True)
        assert (await anext(heard))["event"] == "before"
        waiting = asyncio.ensure_future(anext(heard))
        told.event("now", accession=7)
        assert (await waiting)["fields"] == {"accession": 7}
        again = [event["event"] async for event in service.events(after=1)]
    assert again == ["now"]


async def test_who_knows_events_of_an_earlier_process_hears_all_of_this_one(
    folder: pathlib.Path, told: board.Board
) -> None:
    told.event("first")
    async with client.connected(folder) as service, asyncio.timeout(30):
        heard = service.events(after=500, follow=True)
        assert (await anext(heard))["event"] == "first"
        waiting = asyncio.ensure_future(anext(heard))
        told.event("now")
        assert (await waiting)["event"] == "now"


async def test_many_readers_at_once_see_the_same(folder: pathlib.Path) -> None:
    async def names() -> list[str]:
        async with client.connected(folder) as service:
            return [line.name for line in (await service.snapshot()).accounts]

    assert await asyncio.gather(*(names() for _ in range(20))) == [["alice", "bob"]] * 20


async def test_nobody_answers_where_no_service_is(tmp_path: pathlib.Path) -> None:
    for place_of in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(errors.NoServiceError, match="no service answers"):
            async with client.connected(place_of) as service:
                await service.snapshot()


async def test_the_socket_is_as_the_settings_say_and_goes_with_the_service(folder: pathlib.Path) -> None:
    assert stat.S_IMODE((folder / place.NAME).stat().st_mode) == 0o666
