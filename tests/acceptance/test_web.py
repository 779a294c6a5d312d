"""The web page and the metrics of a whole service, from its first beat to its drain."""

import aiohttp

from niassa_orch.config import settings
from niassa_orch.core import ordering
from niassa_orch.domain import orders
from tests.acceptance import books, stages
from tests.fakes import ports

OPERATOR = orders.Operator(0, "olga")


async def test_page_metrics_and_probes_tell_what_the_service_does_and_no_secret(stage: stages.Stage) -> None:
    port = ports.free()

    async def ask(path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, await answer.text()

    async def sees(path: str, *words: str, status: int = 200) -> str:
        async def look() -> str | None:
            answered, text = await ask(path)
            return text if answered == status and all(word in text for word in words) else None

        return await books.until(f"{words} at {path}", look)

    run = await stage.schedule("alice")
    async with stage.service(WEB__LISTEN=f"127.0.0.1:{port}") as service:
        await service.tells("web.serving", address=f"127.0.0.1:{port}")
        assert await sees("/healthz") == "alive\n"
        assert await sees("/readyz") == "ready\n"
        await stage.web.reach("completed", run)
        told = await sees(
            "/metrics",
            'niassa_orch_account_runs_ended_total{account="alice",status="completed"} 1.0',
            'niassa_orch_neighbour_up{kind="webservice"',
            'niassa_orch_neighbour_up{kind="oozie"',
        )
        assert 'niassa_orch_accounts{state="ok"} 2.0' in told
        page = await sees("/", "alice", "bob")
        with ordering.without_service(
            settings.Settings(state_dir=stage.place.state_dir), str, lambda: ["alice", "bob"]
        ) as operator:
            await operator.stop_launching(None, OPERATOR, reason="the <disk> is full")
        stopped = await sees("/", "launching is STOPPED for all accounts", "the &lt;disk&gt; is full")
        await sees("/metrics", 'niassa_orch_orders_in_force{kind="stop-launching",scope="all"} 1.0')
    for secret in stage.secrets():
        assert secret not in told + page + stopped
