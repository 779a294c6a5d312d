import dataclasses
import datetime

import pytest

from niassa_orch.control import documents
from niassa_orch.core import account_line, board, freshness, gauges, pulse
from niassa_orch.domain import runs
from tests.fakes import neighbours_in_memory as fakes

VERSION, SERVICE = "1.2.3", "ab12"


@pytest.fixture
def told() -> board.Board:
    made = fakes.board_of()
    bob, _ = made.line("bob"), made.line("alice")
    bob.account, bob.state, bob.counts = fakes.BOB, account_line.State.OK, {runs.RunStatus.RUNNING: 3}
    bob.note_ended(runs.RunStatus.FAILED)
    bob.held = {runs.Accession(7): "two jobs"}
    bob.calls = (gauges.EngineCall((runs.Accession(8),), 12.5, adopted=True, whitestar=False),)
    bob.launched, bob.lags = pulse.NO_PULSE.noted(600.0, 2), freshness.NO_LAGS.noted(3)
    made.event("run.moved", account="bob", accession=7, seconds=1.5, good=True, nothing=None, to="running")
    url = "http://ws"
    made.ask_neighbours = lambda: [gauges.Neighbour(gauges.Kind.WEB_SERVICE, url, 1.0, 0.25, "no connection")]
    return made


def brought(told: board.Board, seen: documents.Mark, service: str = SERVICE) -> documents.Picture:
    return documents.parse_picture(documents.picture(VERSION, service, told.snapshot(), seen))


def plain(snapshot: board.Snapshot) -> board.Snapshot:
    """What is told when something was seen does not travel."""
    return dataclasses.replace(snapshot, now=0.0, uptime_seconds=0.0, revisions=())


def test_a_snapshot_arrives_as_it_was_sent(told: board.Board) -> None:
    picture = brought(told, documents.Mark())
    assert plain(documents.merged(None, picture)) == plain(told.snapshot())
    assert (picture.niassa_orch, picture.names) == (VERSION, ("alice", "bob"))


def test_only_what_changed_travels_and_the_whole_is_known_again(told: board.Board) -> None:
    first = brought(told, documents.Mark())
    known = documents.merged(None, first)
    told.line("alice").waiting = "for the lock"
    told.event("later", account="alice")
    second = brought(told, first.mark)
    assert [line.name for line in second.snapshot.accounts] == ["alice"]
    assert [event.name for event in second.snapshot.events] == ["later"]
    assert plain(documents.merged(known, second)) == plain(told.snapshot())


def test_when_nothing_changed_no_account_travels(told: board.Board) -> None:
    seen = brought(told, documents.Mark()).mark
    assert brought(told, seen).snapshot.accounts == ()


def test_an_account_that_went_is_gone_from_the_whole_too(told: board.Board) -> None:
    first = brought(told, documents.Mark())
    told.keep({"bob"})
    whole = documents.merged(documents.merged(None, first), brought(told, first.mark))
    assert [line.name for line in whole.accounts] == ["bob"]


def test_a_service_that_started_anew_tells_everything(told: board.Board) -> None:
    seen = brought(told, documents.Mark(), "an earlier process").mark
    picture = brought(told, seen)
    assert len(picture.snapshot.accounts) == 2
    assert len(picture.snapshot.events) == 1


@pytest.mark.parametrize("text", ["", "ab12", "ab12.x.1", "ab12.1", "..", "ab12.-1.2", "ab12.\u0661.2", "9" * 5000])
def test_a_mark_that_nobody_wrote_has_seen_nothing(text: str) -> None:
    assert documents.mark(text) == documents.Mark()


def test_a_mark_is_read_as_it_was_written() -> None:
    written = documents.Mark("ab12", 17, 4)
    assert documents.mark(str(written)) == written


@pytest.mark.parametrize("content", [b"", b"[]", b'{"niassa_orch": "9"}', b"\xff"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        documents.parse_picture(content)


def test_an_event_for_machines_tells_all_of_it(told: board.Board) -> None:
    (event,) = told.snapshot().events
    told_of = documents.event(event)
    assert datetime.datetime.fromisoformat(told_of.pop("time")) == event.time
    assert told_of == {
        "number": 1,
        "level": "info",
        "event": "run.moved",
        "account": "bob",
        "fields": {"accession": 7, "seconds": 1.5, "good": True, "nothing": None, "to": "running"},
    }
