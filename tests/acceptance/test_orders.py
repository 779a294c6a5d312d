"""Orders of operators, given beside the running service: a stop while a launch waits, its end, an urgent run."""

import contextlib
import datetime
import json
import os
import signal

from niassa_orch.config import settings
from niassa_orch.core import ordering
from niassa_orch.domain import orders, runs
from tests.acceptance import books, killed_calls, stages

ME = orders.Operator(os.getuid(), "tester")


async def test_a_stop_keeps_a_launch_that_waits_for_its_turn_and_after_it_the_urgent_run_is_first(
    stage: stages.Stage,
) -> None:
    # alice and bob are of one Unix user, and alice's engine works as long as this test likes.
    long = await stage.schedule("alice", pause="1")
    calls = killed_calls.Killer(stage)
    service_settings = settings.Settings(state_dir=stage.place.state_dir)
    with contextlib.ExitStack() as opened:
        async with stage.service(LAUNCHING__ACCOUNT_IN_FLIGHT=1) as service:
            operator = opened.enter_context(ordering.without_service(service_settings, str, lambda: ["alice", "bob"]))
            engine = (await books.until("an engine that stopped", calls.any_stopped))[long]["engine"]
            mine = [await stage.schedule("bob") for _ in range(3)]
            await stage.web.polls()
            await operator.stop_launching(None, ME, reason="the file server is full")
            await service.tells("order.given", order="stop-launching", reason="the file server is full")
            await service.tells("launch.held_back", account="bob")
            os.kill(engine, signal.SIGCONT)
            await stage.web.reach("completed", long)
            await stage.web.polls()
            assert len(stage.transcripts()) == 1, "nothing of bob's was called for"
            await operator.urgent(runs.Accession(mine[2]), ME)
            await operator.resume(None, ME)
            await stage.web.reach("completed", *mine)
            await service.tells("order.lifted", order="urgent")
    assert [accession for _, accession in sorted(map(_begun, _launches(stage)))] == [long, mine[2], mine[0], mine[1]]
    await stage.launched_once(long, *mine)


def _launches(stage: stages.Stage) -> list[dict[str, object]]:
    """What the audit trail says was about to be launched."""
    lines = [
        json.loads(line)
        for name in ("alice", "bob")
        for line in (stage.place.state_dir / "audit" / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    return [line for line in lines if line["what"] == "launch" and not line["result"]]


def _begun(line: dict[str, object]) -> tuple[datetime.datetime, object]:
    return datetime.datetime.fromisoformat(str(line["time"])), line["accession"]
