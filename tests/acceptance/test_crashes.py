"""Never twice, never lost: the service is killed hundreds of times, and the neighbours' books show no trace of it.

``make crashtest CRASHES=2000 SEED=7`` does more of the first test and shows its table.
"""

import asyncio
import contextlib
import os
import pathlib
import pwd
import random
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from niassa_orch.sandbox import layout, up
from tests.acceptance import (
    books,
    crash_administrator,
    crash_books,
    crash_calls,
    crash_controls,
    crash_deck,
    crash_report,
    crash_users,
    crashes,
    stages,
)

pytestmark = pytest.mark.crashes

_CRASHES = int(os.environ.get("CRASHES") or 200)
_SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1_000_000))
#: Crashes on one stage; more of them are spread over more stages, two at a time.
_CRASHES_A_STAGE = 100
_STAGES_AT_ONCE = 2
#: A control takes from 2 to 15 crashes, mostly 3 to 5.
_MOST_CRASHES = 60
#: An engine that is quick, and waits for its lock as long as it takes: calls of killed services hold it.
_BEHAVIOUR = up.Behaviour(engine=layout.EngineOptions(jvm_seconds=0.1, lock_tries=300, lock_pause_seconds=0.05))


@pytest.mark.timeout(300 + 3 * _CRASHES)
async def test_a_service_that_is_killed_at_every_point_doubles_no_run_loses_none_and_tells_no_lie(
    tmp_path: pathlib.Path,
) -> None:
    report, deck = crash_report.Report(), crash_deck.Deck(_SEED)
    places = asyncio.Semaphore(_STAGES_AT_ONCE)

    async def crash(number: int, share: int) -> crash_report.Report:
        directory = tmp_path / str(number)
        directory.mkdir()
        accounts = ("alice", "bob", "carol")[: 2 + number % 2]
        async with places, stages.own(directory, *accounts, behaviour=_BEHAVIOUR) as stage:
            return await crashes.Harness(stage, stages.Crew(), _SEED + number, deck).crash(share, every_point=True)

    shares = [min(_CRASHES_A_STAGE, _CRASHES - done) for done in range(0, _CRASHES, _CRASHES_A_STAGE)]
    async with asyncio.TaskGroup() as group:
        rounds = [group.create_task(crash(number, share)) for number, share in enumerate(shares)]
    for one in rounds:
        report += one.result()
    sys.stdout.write(f"\n{report}\n")
    assert not report.findings, str(report)
    assert not report.never_hit, str(report)
    if _CRASHES >= _CRASHES_A_STAGE:  # in a short run chance may leave out one of them
        assert not report.never_disturbed, str(report)


@pytest.mark.real_users
@pytest.mark.timeout(300)
async def test_a_killed_service_never_launches_as_another_unix_user(
    people: stages.People, open_directory: pathlib.Path
) -> None:
    async with stages.of_people(open_directory, people, behaviour=_BEHAVIOUR) as stage:
        report = await crashes.Harness(stage, people.crew(), _SEED, crash_deck.Deck(_SEED)).crash(25)
    assert not report.findings, str(report)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("safeguard", crash_controls.CONTROLS)
async def test_without_one_safeguard_the_same_crashes_launch_a_run_twice(
    tmp_path: pathlib.Path, safeguard: str
) -> None:
    control = crash_controls.CONTROLS[safeguard]
    async with stages.own(tmp_path, "alice", "bob", behaviour=_BEHAVIOUR) as stage:
        taken = await crash_controls.crashes_until_doubled(control, stage, stages.Crew(), _SEED, _MOST_CRASHES)
    sys.stdout.write(f"\nwithout {safeguard}: launched twice after {taken} crashes, seed {_SEED}\n")
    assert taken is not None, f"seed {_SEED}: nothing was launched twice without {safeguard}"


_JOB = {"id": "1-W", "user": pwd.getpwuid(os.geteuid()).pw_name, "appPath": "file:///apps/alice/oozie-1"}
_TRUE = _JOB | {"status": "SUCCEEDED"}
_RUN = {"status": "completed", "statusCmd": "1-W"}


@pytest.mark.parametrize(
    ("run", "jobs", "doubts", "kinds"),
    [
        (_RUN, [_TRUE], {}, []),
        (_RUN, [_TRUE, _TRUE], {}, ["doubled"]),
        (_RUN | {"status": "submitted"}, [], {}, ["lost"]),
        (_RUN | {"status": "submitted"}, [], {1: {"outcome": "", "reason": ""}}, ["lost"]),
        (_RUN | {"status": "submitted"}, [], {1: {"outcome": "held", "reason": "cut"}}, ["held"]),
        (_RUN, [_TRUE | {"user": "niorch-stranger"}], {}, ["wrong user"]),
        (_RUN, [_TRUE | {"appPath": "file:///apps/bob/oozie-1"}], {}, ["wrong user"]),
        (_RUN, [], {}, ["lie"]),
        (_RUN | {"status": "failed"}, [_TRUE], {}, ["lie"]),
        (_RUN | {"statusCmd": None}, [_TRUE], {}, ["lie"]),
        (_RUN | {"status": "cancelled"}, [_TRUE | {"status": "KILLED"}], {}, ["lie"]),
        (_RUN, [_TRUE | {"status": "RUNNING"}], {}, ["lie"]),
    ],
)
async def test_the_judge_sees_every_kind_of_broken_promise(
    run: books.Record, jobs: list[books.Record], doubts: dict[int, books.Record], kinds: list[str]
) -> None:
    async with _empty_stage(pathlib.Path("/")) as stage:
        asked = crash_users.Users(stage, random.Random(1))  # noqa: S311 - guards no secret
        asked.scheduled[1] = "alice", crash_users.PLAIN
        seen = crash_books.Books({1: run}, {1: jobs}, {}, doubts, cancelled=())
        assert [finding.kind for finding in crash_books.judge(stage, asked, seen)] == kinds


_CUT = {"outcome": "held", "reason": "the transcript is cut: ...", "transcript": "alice--1.transcript"}
_HALF = _CUT | {"reason": "whitestar began it and did not say how it ended"}
_ASIDE = _CUT | {"outcome": "set aside", "reason": "3 launches of it came to nothing"}
_WHITESTAR = crash_users.Plan(engine="whitestar")


@pytest.mark.parametrize(
    ("doubt", "plan", "struck", "calls", "right"),
    [
        (_CUT, crash_users.PLAIN, "guardian", 1, True),
        (_CUT, crash_users.PLAIN, crash_calls.ALL, 1, True),
        (_CUT, crash_users.PLAIN, "JVM", 1, False),
        (_CUT, crash_users.PLAIN, None, 1, False),
        (_CUT | {"reason": ""}, crash_users.PLAIN, "guardian", 1, False),
        (_CUT | {"reason": "its transcript is gone"}, crash_users.PLAIN, "guardian", 1, False),
        (_HALF, _WHITESTAR, "JVM", 1, True),
        (_HALF, _WHITESTAR, None, 1, False),
        (_ASIDE, crash_users.PLAIN, None, 3, True),
        (_ASIDE, crash_users.PLAIN, None, 2, False),
    ],
)
async def test_the_administrator_takes_no_case_for_right_that_a_person_need_not_know(
    tmp_path: pathlib.Path, doubt: books.Record, plan: crash_users.Plan, struck: str | None, calls: int, right: bool
) -> None:
    settled = tmp_path / "state" / "calls" / "settled"
    settled.mkdir(parents=True)
    for number in range(calls):
        (settled / f"alice--{number}.transcript").write_text('{"niassa_orch_call": 1, "accessions": [1]}\n')
    async with _empty_stage(tmp_path) as stage:
        dice = random.Random(1)  # noqa: S311 - guards no secret
        asked, reaper = crash_users.Users(stage, dice), crash_calls.Reaper(stage, dice)
        asked.scheduled[1] = "alice", plan
        if struck is not None:
            reaper.struck[doubt["transcript"]] = struck
        administrator = crash_administrator.Administrator(stage, asked, reaper)
        assert administrator.is_right({"accession": 1, **doubt}) is right


@contextlib.asynccontextmanager
async def _empty_stage(directory: pathlib.Path) -> AsyncIterator[stages.Stage]:
    """A stage that is not up, for those who judge."""
    alice = layout.SandboxAccount("alice", _JOB["user"], "alice@lab.net", "secret", stages.HOST)
    nowhere = up.Addresses("http://127.0.0.1:9/SeqWareWebService", "http://127.0.0.1:9/oozie", os.getpid())
    async with aiohttp.ClientSession() as http:
        yield stages.Stage(layout.Layout(directory), [alice], nowhere, http, stages.Crew())
