import asyncio
import dataclasses

import pydantic
import pytest

from niassa_orch import errors
from niassa_orch.config import credentials, settings
from niassa_orch.core import neighbours as core_neighbours
from niassa_orch.domain import accounts, runs
from niassa_orch.wire import sessions
from tests.fakes import neighbours

ACCOUNT = accounts.Account("bob", "niassa-bob", "server2", "", "bob@lab.net", "")
LOGIN = credentials.Login("bob@lab.net", pydantic.SecretStr("secret"))
POOL = settings.Pool(requests_per_web_service=2, requests_per_oozie=1)


def at(url: str) -> accounts.Account:
    """Bob, whose web service and Oozie share a host and port."""
    return dataclasses.replace(ACCOUNT, web_service_url=f"{url}/ws", oozie_url=f"{url}/oozie")


async def test_lists_of_both_are_waited_for_as_long_as_is_set_for_lists() -> None:
    released = asyncio.Event()
    patience = settings.Http(timeout_seconds=0.3, list_timeout_seconds=60, attempts=1)
    slow = neighbours.slow_for("s?", released, neighbours.reply(404))  # .../workflowruns? and .../jobs?
    async with neighbours.neighbour(slow) as there, sessions.open_session() as http:
        reach = core_neighbours.Neighbours(settings.Settings(http=patience), http)
        web, oozie = reach.web_service(at(there.url), LOGIN, None), reach.oozie(at(there.url))
        assert oozie is not None
        [listing] = oozie.alive_jobs(["niassa-bob"])
        asked = [web.list_runs(runs.RunStatus.RUNNING, "server2"), listing.page()]
        lists = [asyncio.ensure_future(one) for one in asked]
        await there.was_asked.wait()
        with pytest.raises(errors.WebServiceUnavailableError):
            await web.get_run(runs.Accession(7))
        assert not any(one.done() for one in lists)
        released.set()
        for one in lists:
            with pytest.raises(errors.NiassaOrchError, match="404"):
                await one


async def test_a_web_service_and_an_oozie_on_one_host_and_port_have_a_budget_each() -> None:
    answering = asyncio.Event()
    most_begun: list[tuple[int, int]] = []

    async def late(_there: object, _asked: object, writer: asyncio.StreamWriter) -> bool:
        if len(there.asked) == 3:
            most_begun.append((web.begun, oozie.begun))
            answering.set()
        await answering.wait()
        writer.write(neighbours.reply(404))
        return True

    async with neighbours.neighbour(late) as there, sessions.open_session() as http:
        reach = core_neighbours.Neighbours(settings.Settings(pool=POOL), http)
        account = at(there.url)
        web, oozie = reach.web_service_budget(account.web_service_url), reach.oozie_budget(account.oozie_url)
        readers = [reach.web_service(account, LOGIN, None) for _ in range(3)]
        askers = [reach.oozie(account) for _ in range(3)]
        ended = await asyncio.gather(
            *(reader.get_run(runs.Accession(1)) for reader in readers),
            *(asker.versions() for asker in askers if asker is not None),
            return_exceptions=True,
        )
    kinds = [type(one) for one in ended]
    assert kinds == [errors.RunNotFoundError] * 3 + [errors.OozieUnavailableError] * 3
    assert most_begun == [(2, 1)]
    assert (web.begun, oozie.begun, reach.requests_begun()) == (3, 3, 6)


async def test_every_try_of_a_read_counts_as_a_request() -> None:
    answers = neighbours.saying(neighbours.reply(503), neighbours.reply(404))
    async with neighbours.neighbour(answers) as there, sessions.open_session() as http:
        reach = core_neighbours.Neighbours(settings.Settings(), http)
        (ended,) = await asyncio.gather(
            reach.web_service(at(there.url), LOGIN, None).get_run(runs.Accession(1)), return_exceptions=True
        )
        assert isinstance(ended, errors.RunNotFoundError)
        assert reach.requests_begun() == 2
        assert reach.web_service_budget(there.url.upper().replace("HTTP", "http")).begun == len(there.asked) == 2
