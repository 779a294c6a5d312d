import dataclasses

import pytest

from niassa_orch.core import account_line, board, orphans, pollers
from niassa_orch.domain import accounts
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import secrets

State = account_line.State
EVE = pollers.Owner("http://ws", "eve@lab.net", "server2")
ZOE = pollers.Owner("http://ws", "zoe@lab.net", "server2")
BOB = pollers.Owner(*fakes.BOB.claim)


class Scene:
    """A board with bob's account, and what is told of orphans."""

    def __init__(self) -> None:
        self.told = fakes.board_of(lambda text: text.replace(secrets.PASSWORD, "***"))
        self.orphans = orphans.Orphans(self.told)
        self.line("bob", State.OK, fakes.BOB)

    def line(self, name: str, state: State, account: accounts.Account | None = None) -> None:
        line = self.told.line(name)
        line.state, line.account = state, account

    def look(self, unserved: dict[pollers.Owner, int]) -> list[tuple[str, object, object]]:
        """What this look tells."""
        before = len(self.told.snapshot().events)
        self.orphans.look(unserved)
        events = self.told.snapshot().events[before:]
        return [(event.name, event.fields["owner"], event.fields.get("count")) for event in events]

    @property
    def shown(self) -> tuple[tuple[str, int], ...]:
        return self.told.snapshot().orphans


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_owner_whom_nobody_serves_is_told_once_and_once_when_it_is_over(scene: Scene) -> None:
    assert scene.look({EVE: 3}) == [("runs.orphaned", "eve@lab.net", 3)]
    event = scene.told.snapshot().events[-1]
    assert event.level is board.Level.WARNING
    assert "add, enable or mend a profile for that owner, or take the runs back" in str(event.fields["reason"])
    assert scene.look({EVE: 4}) == []
    assert scene.shown == (("eve@lab.net", 4),)
    assert scene.look({}) == [("runs.orphaned_no_more", "eve@lab.net", None)]
    assert scene.told.snapshot().events[-1].level is board.Level.INFO
    assert scene.look({}) == []
    assert not scene.shown
    assert scene.look({EVE: 1}) == [("runs.orphaned", "eve@lab.net", 1)]


def test_owners_with_most_runs_come_first(scene: Scene) -> None:
    elsewhere = EVE._replace(host="server3")
    told = scene.look({EVE: 3, ZOE: 5, elsewhere: 4})
    assert [count for _, _, count in told] == [5, 4, 3]
    assert scene.shown == (("eve@lab.net", 7), ("zoe@lab.net", 5))


@pytest.mark.parametrize("state", [state for state in State if state not in (State.STARTING, State.DISABLED)])
def test_runs_of_an_account_that_does_not_work_now_are_no_orphans(scene: Scene, state: State) -> None:
    scene.line("bob", state, fakes.BOB)
    assert scene.look({BOB: 5, EVE: 1}) == [("runs.orphaned", "eve@lab.net", 1)]
    assert scene.shown == (("eve@lab.net", 1),)


def test_runs_of_an_account_that_is_disabled_are_orphans_and_so_are_those_for_another_host(scene: Scene) -> None:
    assert [owner for _, owner, _ in scene.look({BOB._replace(host="server3"): 2})] == ["bob@lab.net"]
    scene.line("bob", State.DISABLED, fakes.BOB)
    assert scene.look({BOB: 5})[0] == ("runs.orphaned", "bob@lab.net", 5)


def test_nobody_is_told_of_while_an_account_starts_whose_owner_may_not_be_known_yet(scene: Scene) -> None:
    assert len(scene.look({EVE: 1})) == 1
    scene.line("zoe", State.STARTING)
    assert scene.look({ZOE: 2}) == []
    assert scene.shown == (("eve@lab.net", 1),)
    scene.line("zoe", State.OK, dataclasses.replace(fakes.BOB, name="zoe", web_user="zoe@lab.net"))
    assert [event for event, _, _ in scene.look({ZOE: 2})] == ["runs.orphaned_no_more"]
    assert not scene.shown


def test_a_flood_of_owners_is_told_little_by_little_and_shown_at_once(scene: Scene) -> None:
    many = {EVE._replace(web_user=f"user{number}"): number for number in range(1, 51)}
    told = [scene.look(many) for _ in range(4)]
    assert [len(some) for some in told] == [20, 20, 10, 0]
    assert [count for some in told for _, _, count in some] == list(range(50, 0, -1))
    assert len(scene.shown) == 50


def test_no_secret_is_shown_or_told(scene: Scene) -> None:
    scene.look({EVE._replace(web_user=f"x{secrets.PASSWORD}"): 1})
    assert scene.shown == (("x***", 1),)
    assert secrets.PASSWORD not in repr(scene.told.snapshot())
