"""Which requests a shared poller makes, with whose login, and what each account gets of what they bring."""

import asyncio
import dataclasses
from collections.abc import Callable

import pytest

from niassa_orch import errors
from niassa_orch.core import active_runs, enrolling, polling, sharing
from niassa_orch.domain import runs
from tests.fakes import clock as clocks
from tests.fakes import neighbours_in_memory as fakes

R = runs.RunStatus
FRESH_SECONDS, SWEEP_SECONDS = 25.0, 900.0
SMALL = [f"LIST {status}" for status in active_runs.ASKED]
BIG = [f"LIST {status}" for status in active_runs.FOLLOWING]


class Scene:
    """A web service that several accounts share; each has a login of its own, which may be refused."""

    def __init__(self) -> None:
        self.service = fakes.WebServiceInMemory()
        self.told = fakes.board_of()
        self.poller = polling.RunPoller("server2", self.told, FRESH_SECONDS, SWEEP_SECONDS)
        self.asked: list[str] = []
        self.refused: set[str] = set()
        self.forbidden: set[str] = set()
        self.members: dict[str, polling.Member] = {}
        self.takes_seconds: Callable[[], None] = lambda: None

    def join(self, name: str) -> active_runs.ActiveRuns:
        account = dataclasses.replace(fakes.BOB, name=name, web_user=f"{name}@lab.net")
        known: enrolling.Enrolled = fakes.enrolled(_Login(self, name), account=account)
        self.members[name] = self.poller.join(known, proven_at=float(len(self.members)))
        found = self.poller.runs_of(account.web_user)
        found.serve(None, "niassa-x", 600, lambda: None)
        return found

    async def refresh(self, name: str) -> None:
        await self.poller.refresh(self.members[name])


class _Login:
    """The web service as one login sees it."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._scene = scene
        self._name = name

    async def list_runs(self, status: runs.RunStatus, host: str) -> list[runs.WorkflowRun]:
        self._scene.asked.append(self._name)
        self._scene.takes_seconds()
        if self._name in self._scene.refused:
            raise errors.LoginRefusedError(self._name)
        if self._name in self._scene.forbidden:
            raise errors.ForbiddenError(self._name)
        return await self._scene.service.list_runs(status, host)


async def until(holds: Callable[[], bool]) -> None:
    """Let a sweep go on until this holds; the test's own time-out ends what never does."""
    while not holds():  # noqa: ASYNC110 - nobody tells when a sweep ends
        await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> clocks.Clock:
    found = clocks.Clock()
    for module in (polling, sharing):
        monkeypatch.setattr(module, "time", found)
    return found


@pytest.fixture
def scene(clock: clocks.Clock) -> Scene:  # noqa: ARG001 - time stands still
    return Scene()


async def test_the_first_look_reads_all_lists_once_for_everybody(scene: Scene) -> None:
    scene.service.schedule(1)
    scene.service.schedule(2, R.RUNNING, ownerUserName="alice@lab.net", statusCmd="2-W")
    bob, alice = scene.join("bob"), scene.join("alice")
    await asyncio.gather(scene.refresh("bob"), scene.refresh("alice"))
    assert scene.service.asked == SMALL + BIG
    assert ([run.accession for run in bob.scheduled], len(alice)) == ([1], 1)


async def test_while_it_is_fresh_nobody_asks_again_and_then_only_the_short_lists(
    scene: Scene, clock: clocks.Clock
) -> None:
    for name in ("bob", "alice"):
        scene.join(name)
    await scene.refresh("bob")
    scene.service.asked.clear()
    clock.advance(FRESH_SECONDS - 1)
    await scene.refresh("alice")
    assert scene.service.asked == []
    clock.advance(1)
    await scene.refresh("alice")
    await scene.refresh("bob")
    assert scene.service.asked == SMALL


async def test_logins_are_used_in_turn_so_that_polling_proves_them(scene: Scene, clock: clocks.Clock) -> None:
    for name in ("bob", "alice", "carol", "dave"):
        scene.join(name)
    scene.takes_seconds = lambda: clock.advance(0.1)
    for _ in range(4):
        clock.advance(FRESH_SECONDS)
        await scene.refresh("bob")
    assert {name: scene.asked.count(name) for name in scene.members} == {"bob": 4, "alice": 4, "carol": 3, "dave": 3}


async def test_a_login_that_is_refused_marks_its_account_and_the_next_one_is_asked(
    scene: Scene, clock: clocks.Clock
) -> None:
    scene.service.schedule(1, ownerUserName="alice@lab.net")
    scene.join("bob")
    alice = scene.join("alice")
    scene.refused.add("bob")
    await scene.refresh("alice")
    assert [run.accession for run in alice.scheduled] == [1]
    with pytest.raises(errors.LoginRefusedError, match="bob"):
        await scene.refresh("bob")
    assert scene.asked.count("bob") == 1, "each 401 may lock the account"
    scene.refused.add("alice")
    clock.advance(FRESH_SECONDS)
    with pytest.raises(errors.LoginRefusedError, match="alice"):
        await scene.refresh("alice")


async def test_an_account_whose_login_is_proven_ends_the_trouble_of_having_none(scene: Scene) -> None:
    scene.join("bob")
    scene.refused.add("bob")
    with pytest.raises(errors.LoginRefusedError):
        await scene.refresh("bob")
    scene.service.schedule(1)
    scene.refused.clear()
    scene.poller.leave(scene.members["bob"])
    bob = scene.join("bob")
    await scene.refresh("bob")
    assert [run.accession for run in bob.scheduled] == [1]


async def test_what_a_person_hurries_is_looked_at_again_though_it_was_just_being_looked_at(scene: Scene) -> None:
    bob = scene.join("bob")
    scene.service.before_get = [None] * 4 + [scene.poller.hurry]
    await scene.refresh("bob")
    scene.service.schedule(1)
    await scene.refresh("bob")
    assert [run.accession for run in bob.scheduled] == [1]


async def test_a_look_with_a_list_missing_changes_nothing_and_is_everybodys_trouble_until_it_is_over(
    scene: Scene, clock: clocks.Clock
) -> None:
    scene.service.schedule(1)
    bob = scene.join("bob")
    scene.join("alice")
    await scene.refresh("bob")
    scene.service.rows.clear()
    scene.service.before_get = [None, None, fakes.unreachable]
    clock.advance(FRESH_SECONDS)
    for name in ("bob", "alice"):
        with pytest.raises(errors.WebServiceUnavailableError):
            await scene.refresh(name)
    assert len(scene.service.asked) == 5 + 3, "the second account does not ask a server that just failed"
    assert [run.accession for run in bob.scheduled] == [1]
    clock.advance(FRESH_SECONDS)
    await scene.refresh("alice")
    assert bob.scheduled == [], "it is not in the list any more, and is to be read"


async def test_long_lists_that_fail_at_the_start_keep_nobody_from_launching(scene: Scene, clock: clocks.Clock) -> None:
    scene.service.schedule(1)
    scene.service.schedule(2, R.RUNNING, statusCmd="2-W")
    bob = scene.join("bob")
    scene.service.before_get = [None] * 4 + [fakes.unreachable]
    await scene.refresh("bob")
    assert ([run.accession for run in bob.scheduled], len(bob)) == ([1], 1)
    assert scene.poller.sweep_trouble == "no connection"
    clock.advance(FRESH_SECONDS)
    await scene.refresh("bob")
    assert scene.service.asked == SMALL + BIG + SMALL, "a server that fails is not asked for long lists each time"
    clock.advance(FRESH_SECONDS)
    await scene.refresh("bob")
    assert (len(bob), scene.poller.sweep_trouble) == (2, "")
    assert fakes.names(scene.told) == ["sweep.failed", "sweep.recovered"]


async def test_a_sweep_comes_after_its_time_and_nobody_waits_for_it(scene: Scene, clock: clocks.Clock) -> None:
    bob = scene.join("bob")
    await scene.refresh("bob")
    scene.service.schedule(1, R.RUNNING, statusCmd="1-W")
    clock.advance(SWEEP_SECONDS)
    await scene.refresh("bob")
    assert len(bob) == 0
    await until(lambda: bool(bob))
    await scene.poller.close()
    assert scene.service.asked == SMALL + BIG + SMALL + BIG


async def test_a_sweep_that_fails_is_told_and_tried_again(scene: Scene, clock: clocks.Clock) -> None:
    bob = scene.join("bob")
    await scene.refresh("bob")
    scene.service.schedule(1, R.RUNNING, statusCmd="1-W")
    clock.advance(SWEEP_SECONDS)
    scene.service.before_get = [None] * 4 + [fakes.unreachable]
    await scene.refresh("bob")
    await until(lambda: "sweep.failed" in fakes.names(scene.told))
    clock.advance(2 * FRESH_SECONDS)
    await scene.refresh("bob")
    await until(lambda: bool(bob))
    await scene.poller.close()


async def test_what_is_listed_of_others_hosts_and_statuses_is_nobodys(scene: Scene) -> None:
    async def lies(status: runs.RunStatus, host: str) -> list[runs.WorkflowRun]:
        return [
            runs.WorkflowRun(runs.Accession(1), status, "eve@lab.net", host),
            runs.WorkflowRun(runs.Accession(2), status, "bob@lab.net", "server1"),
            runs.WorkflowRun(runs.Accession(3), R.COMPLETED, "bob@lab.net", host),
            runs.WorkflowRun(runs.Accession(4), None, "bob@lab.net", host),
        ]

    scene.service.list_runs = lies  # type: ignore[method-assign]
    bob = scene.join("bob")
    await scene.refresh("bob")
    assert len(bob) == 0


async def test_runs_of_owners_without_an_account_are_counted_and_there_when_one_comes(scene: Scene) -> None:
    for accession in (1, 2):
        scene.service.schedule(accession, ownerUserName="eve@lab.net")
    scene.service.schedule(3, R.RUNNING, ownerUserName="eve@lab.net", statusCmd="3-W")
    scene.join("bob")
    await scene.refresh("bob")
    assert scene.poller.orphans() == {"eve@lab.net": 3}
    asked = len(scene.service.asked)
    eve = scene.join("eve")
    assert (len(scene.service.asked), len(eve), scene.poller.orphans()) == (asked, 3, {})


async def test_when_nobody_polls_any_more_nothing_is_known_of_runs_without_an_account(scene: Scene) -> None:
    scene.service.schedule(1, ownerUserName="eve@lab.net")
    scene.join("bob")
    await scene.refresh("bob")
    assert scene.poller.orphans() == {"eve@lab.net": 1}
    scene.poller.leave(scene.members["bob"])
    assert not scene.poller.orphans()


async def test_whoever_waits_is_not_left_alone_when_the_one_who_looks_is_cancelled(scene: Scene) -> None:
    for name in ("bob", "alice"):
        scene.join(name)
    scene.service.schedule(1)
    first, second = (asyncio.create_task(scene.refresh(name)) for name in ("bob", "alice"))
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert [run.accession for run in scene.poller.runs_of("bob@lab.net").scheduled] == [1]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_login_that_may_not_read_lists_is_its_own_accounts_trouble_only(scene: Scene) -> None:
    scene.service.schedule(1, ownerUserName="alice@lab.net")
    scene.join("bob")
    alice = scene.join("alice")
    scene.forbidden.add("bob")
    await scene.refresh("alice")
    assert [run.accession for run in alice.scheduled] == [1]
    with pytest.raises(errors.ForbiddenError, match="bob"):
        await scene.refresh("bob")
    assert scene.asked.count("bob") == 1


async def test_an_account_whose_login_was_just_proven_does_not_inherit_anothers_refusal(scene: Scene) -> None:
    scene.join("bob")
    scene.refused.add("bob")
    with pytest.raises(errors.LoginRefusedError):
        await scene.refresh("bob")
    scene.join("alice")
    await scene.refresh("alice")
