"""Limits on launches, counted on attempts: what the neighbours' books say of an engine that only fails."""

import datetime
import itertools
import json
import pathlib
from typing import Any

from tests.acceptance import books, services, stages

_BEAT_SECONDS = 2.0
_A_BEAT = 2


async def test_an_engine_that_only_fails_is_called_for_so_many_runs_a_beat_and_starves_nobody_else(
    stage: stages.Stage,
) -> None:
    hopeless = [await stage.schedule("alice", launch="fails") for _ in range(12)]
    mine = [await stage.schedule("bob") for _ in range(3)]
    settings = {"BEAT__INTERVAL_SECONDS": _BEAT_SECONDS, "LAUNCHING__A_BEAT": _A_BEAT}
    async with stage.service(**settings) as service:
        await stage.web.reach("completed", *mine, seconds=60)
        await stage.web.reach("failed", *hopeless, seconds=60)
        for name in ("alice", "bob"):
            assert len(service.events("launch.limited", account=name)) >= 1
        assert len(service.events("launch.limited", account="alice")) == 1, "told when the wait begins, not each beat"
    moments = _begun(stage)
    attempts = [accession for _, accession in moments]
    assert sorted(attempts) == sorted([*hopeless, *mine]), "each was tried once"
    for number, (begun, _) in enumerate(moments):
        # What counts is a moment between these two on record, however busy the machine is.
        assert begun - _started(service) >= number // _A_BEAT * _BEAT_SECONDS, f"attempt {number} came too early"
    bobs = [attempts.index(accession) for accession in sorted(mine)]
    assert all(later - earlier <= 4 for earlier, later in itertools.pairwise(bobs)), attempts
    assert bobs[-1] < len(attempts) - 1, "what alice still wants waits for bob"
    written = [await stage.web.requests(method="PUT", path=_path(stage, accession)) for accession in hopeless]
    assert [len(puts) for puts in written] == [2] * len(hopeless), "who scheduled it wrote, and the engine once"
    await stage.launched_once(*mine)


async def test_launches_in_doubt_are_in_flight_and_leave_another_account_its_places(stage: stages.Stage) -> None:
    doubtful = [await stage.schedule("alice", launch="dies_before_submit") for _ in range(12)]
    settings = {"ENGINE__BATCH": 1, "ENGINE__DOUBT_GRACE_SECONDS": 600}
    settings |= {"LAUNCHING__IN_FLIGHT": 4, "LAUNCHING__ACCOUNT_IN_FLIGHT": 9}
    async with stage.service(**settings) as service:
        told = await service.tells("launch.limited", account="alice")
        assert told["reason"].startswith("3 of 4 launches of all accounts are in flight, and the rest is kept"), told
        mine = [await stage.schedule("bob") for _ in range(3)]
        await stage.web.reach("completed", *mine)
        await stage.web.polls()
    assert len(await _engine_calls(stage, "alice@lab.net")) == 3
    assert [accession for _, accession in _begun(stage)][:3] == doubtful[:3]
    assert await stage.oozie.jobs(*doubtful) == []
    await stage.launched_once(*mine)


def _path(stage: stages.Stage, accession: int) -> str:
    return f"{stage.web.url.path}/workflowruns/{accession}"


async def _engine_calls(stage: stages.Stage, user: str) -> list[books.Record]:
    """The engine asks for everybody's submitted runs, once a call; the service for those of its host."""
    asked = await stage.web.requests(method="GET", user=user, query={"status": "submitted"})
    return [seen for seen in asked if "host" not in seen["query"]]


def _begun(stage: stages.Stage) -> list[tuple[float, int]]:
    """When each attempt of a run began, by the first lines of the transcripts."""
    headers = [_header(transcript) for transcript in stage.transcripts()]
    return sorted((header["seconds"], accession) for header in headers for accession in header["accessions"])


def _header(transcript: pathlib.Path) -> dict[str, Any]:
    with transcript.open("rb") as lines:
        header: dict[str, Any] = json.loads(next(lines))
    return header | {"seconds": datetime.datetime.fromisoformat(header["created"]).timestamp()}


def _started(service: services.Service) -> float:
    """When the service said its first word, to the millisecond below."""
    return datetime.datetime.fromisoformat(service.text.split()[0]).timestamp()
