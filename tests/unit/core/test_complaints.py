"""Runs that stay as they are: told once, shown as long as it is so."""

import pytest

from niassa_orch.core import board, complaints
from niassa_orch.domain import runs
from tests.fakes import neighbours_in_memory as fakes

RUN, OTHER = runs.Accession(7), runs.Accession(8)


class Scene:
    def __init__(self) -> None:
        self.told = fakes.board_of()
        self.line = self.told.line("bob")
        self.complaints = complaints.Complaints(self.line, self.told)

    @property
    def events(self) -> list[tuple[str, object]]:
        return [(event.name, event.fields["reason"]) for event in self.told.snapshot().events]

    @property
    def shown(self) -> dict[runs.Accession, str]:
        return dict(self.told.snapshot().accounts[0].left_alone)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def look(scene: Scene, reason: str) -> None:
    with scene.complaints.look(RUN):
        if reason:
            scene.complaints.add(RUN, reason)


def test_each_reason_is_told_once_and_shown_until_a_look_finds_it_mended(scene: Scene) -> None:
    for reason in ("no job", "no job", "its engine is 'x'", "no job"):
        look(scene, reason)
        assert scene.shown == {RUN: reason}
    look(scene, "")
    assert scene.shown == {}
    assert scene.events == [("run.left_alone", "no job"), ("run.left_alone", "its engine is 'x'")]
    assert scene.told.snapshot().events[0].level is board.Level.ERROR


def test_a_look_that_fails_found_nothing_out(scene: Scene) -> None:
    look(scene, "no job")
    with pytest.raises(TimeoutError), scene.complaints.look(RUN):
        raise TimeoutError
    assert scene.shown == {RUN: "no job"}


def test_what_is_over_is_shown_no_more_and_told_anew_when_it_comes_back(scene: Scene) -> None:
    look(scene, "no job")
    scene.complaints.add(OTHER, "no engine")
    scene.complaints.forget(RUN)
    assert scene.shown == {OTHER: "no engine"}
    look(scene, "no job")
    assert [reason for _, reason in scene.events] == ["no job", "no engine", "no job"]


def test_of_thousands_the_first_are_shown_and_each_is_told(scene: Scene) -> None:
    for number in range(1, 201):
        scene.complaints.add(runs.Accession(number), "no engine")
    assert list(scene.shown) == list(range(1, 51))
    assert len(scene.events) == 200


def test_who_serves_the_account_next_begins_with_what_it_finds_itself(scene: Scene) -> None:
    look(scene, "no job")
    following = complaints.Complaints(scene.line, scene.told)
    with following.look(OTHER):
        pass
    assert scene.shown == {}
