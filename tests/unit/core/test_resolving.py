"""What people say of launches: taken once, as it was meant, with who said it in the audit trail first."""

import contextlib
import json
import pathlib
import time
import typing
from collections.abc import AsyncIterator

import pytest

from niassa_orch import errors
from niassa_orch.core import audit, resolving, state_directory
from niassa_orch.domain import orders, runs, settling
from niassa_orch.journal import records, store
from niassa_orch.seqware import call
from tests.fakes import launches

A = runs.Accession(7)
Told = records.Told
Outcome = settling.Outcome
ALICE = orders.Operator(1001, "alice")


class Room:
    """A journal that a service has open, and who takes words beside it."""

    def __init__(self, directory: pathlib.Path, trail: audit.Trail) -> None:
        self.state = state_directory.StateDirectory(directory)
        self.trail, self.audit_dir = trail, directory / "audit"
        self.journal = store.Journal(self.state.journal)
        self.heard: list[str] = []
        self.words = resolving.Resolving(self.state, trail, self.heard.append)

    async def doubt(self, outcome: Outcome = Outcome.IN_DOUBT, **changes: typing.Any) -> str:
        """A launch of run 7 that is not settled; its mark."""
        launch = launches.launch(7, **changes)
        await self.journal.intend([launch])
        await self.journal.note(launch, outcome, "Oozie is asked")
        [doubt] = (await self.words.known(A)).doubts
        return doubt.mark

    async def open(self) -> list[tuple[Told | None, str | None]]:
        """What the service has heard of run 7's launches that are not settled."""
        await self.journal.refresh()
        return [(one.told, one.job_id) for one in self.journal.unsettled()]

    def entries(self) -> list[dict[str, typing.Any]]:
        """All that is in the trail."""
        self.trail.close()
        files = sorted(self.audit_dir.glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.fixture
async def room(tmp_path: pathlib.Path) -> AsyncIterator[Room]:
    with contextlib.closing(audit.Trail(tmp_path / "audit")) as trail:
        made = Room(tmp_path, trail)
        yield made
        made.journal.close()


async def test_a_word_is_in_the_trail_with_who_said_it_and_the_service_hears_it(room: Room) -> None:
    mark = await room.doubt()
    said = await room.words.resolve(resolving.Word(A, Told.LAUNCHED, "5-oozie-W", mark=mark), ALICE)
    assert said == "run 7 of bob: its job is 5-oozie-W"
    assert room.heard == ["bob"]
    assert await room.open() == [(Told.LAUNCHED, "5-oozie-W")]
    before, after = room.entries()
    assert (before["what"], before["account"], before["operator"]) == ("resolve", "bob", "alice (uid 1001)")
    assert (before["details"]["told"], before["result"], after["result"]) == ("launched", "", said)


async def test_a_launch_of_which_somebody_else_said_something_meanwhile_is_left_as_it_is(room: Room) -> None:
    mark = await room.doubt()
    await room.words.resolve(resolving.Word(A, Told.FAILED, mark=mark), ALICE)
    with pytest.raises(errors.OvertakenError, match="somebody said what became of it"):
        await room.words.resolve(resolving.Word(A, Told.RELAUNCH, mark=mark), ALICE)
    assert await room.open() == [(Told.FAILED, None)]


async def test_nothing_is_resolved_that_is_not_in_the_trail(room: Room) -> None:
    mark = await room.doubt()
    (room.audit_dir / "bob.jsonl").mkdir(parents=True)
    with pytest.raises(errors.AuditError):
        await room.words.resolve(resolving.Word(A, Told.RELAUNCH, mark=mark), ALICE)
    assert await room.open() == [(None, None)]
    assert room.heard == []


async def test_a_run_is_launched_again_whose_settled_launch_made_a_job_when_that_is_forgotten(room: Room) -> None:
    launch = launches.launch(7)
    await room.journal.intend([launch])
    await room.journal.settle(launch, records.Settled(Outcome.LAUNCHED, "it was", "1-oozie-W"))
    assert dict((await room.words.known(A)).jobs) == {launch.web_service: "1-oozie-W"}
    said = await room.words.resolve(resolving.Word(A, Told.RELAUNCH), ALICE)
    assert "1-oozie-W is forgotten" in said
    assert dict((await room.words.known(A)).jobs) == {}
    assert room.entries()[0]["details"]["forgotten"] == "1-oozie-W"
    with pytest.raises(errors.OrderError, match="no launch of run 7 is unsettled"):
        await room.words.resolve(resolving.Word(A, Told.RELAUNCH), ALICE)


async def test_a_launch_between_its_intent_and_its_call_is_in_flight_and_not_resolved(room: Room) -> None:
    await room.journal.intend([launches.launch(7, boot_id=call.current_boot_id(), begun=time.monotonic())])
    [doubt] = (await room.words.known(None)).doubts
    assert doubt.state == resolving.IN_FLIGHT
    with pytest.raises(errors.OrderError, match="still in flight"):
        await room.words.resolve(resolving.Word(A, Told.RELAUNCH, mark=doubt.mark), ALICE)


async def test_which_of_two_launches_is_meant_has_to_be_said(room: Room) -> None:
    await room.doubt()
    other = launches.launch(7, call_id="another", web_service="http://other")
    await room.journal.intend([other])
    await room.journal.note(other, Outcome.HELD, "cut")
    with pytest.raises(errors.OrderError, match="2 unsettled launches of run 7; say --web-service"):
        await room.words.resolve(resolving.Word(A, Told.FAILED), ALICE)
    await room.words.resolve(resolving.Word(A, Told.FAILED, web_service="http://other"), ALICE)
    assert set(await room.open()) == {(None, None), (Told.FAILED, None)}


@pytest.mark.parametrize(
    "word",
    [
        resolving.Word(A, Told.LAUNCHED),
        resolving.Word(A, Told.FAILED, "5-oozie-W"),
        resolving.Word(A, Told.LAUNCHED, "5 oozie"),
        resolving.Word(A, Told.LAUNCHED, "\x1b[2J"),
    ],
)
async def test_a_word_that_makes_no_sense_is_refused_and_not_written(room: Room, word: resolving.Word) -> None:
    await room.doubt()
    with pytest.raises(errors.OrderError):
        await room.words.resolve(word, ALICE)
    assert await room.open() == [(None, None)]
    assert room.entries() == []
