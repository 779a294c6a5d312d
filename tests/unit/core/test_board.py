import dataclasses
import pathlib

import pytest

from niassa_orch.core import account_line, board, freshness, gauges, pool, savings
from niassa_orch.domain import runs
from tests.fakes import neighbours_in_memory as fakes
from tests.fakes import secrets


def redact(text: str) -> str:
    return text.replace(secrets.PASSWORD, "***")


async def test_a_snapshot_tells_everything_at_one_moment() -> None:
    slots, calls = pool.Pool(10), pool.Pool(2)
    told = board.Board("server2", slots, calls, str)
    told.line("bob").state = account_line.State.OK
    told.line("alice")
    told.event("run.moved", account="bob", accession=7, to="running")
    async with slots.slot("bob"):
        told.draining = True
        told.requests, told.orphans = savings.Requests(7, 70), (("eve@lab.net", 3),)
        told.line("bob").lags = lags = freshness.NO_LAGS.noted(3)
        seen = told.snapshot()
    assert (seen.host, seen.draining) == ("server2", True)
    assert (seen.pool, seen.engine_calls) == (gauges.Use(1, 10, 0), gauges.Use(0, 2, 0))
    assert [line.name for line in seen.accounts] == ["alice", "bob"]
    assert (seen.requests.saved, seen.orphans) == (63, (("eve@lab.net", 3),))
    assert [line.lags for line in seen.accounts] == [freshness.NO_LAGS, lags]
    assert seen.uptime_seconds >= 0
    (event,) = seen.events
    assert (event.name, event.account, event.level) == ("run.moved", "bob", board.Level.INFO)
    assert list(event.fields.items()) == [("accession", 7), ("to", "running")]
    assert event.time.tzinfo is not None


def test_a_snapshot_does_not_change_when_the_board_does() -> None:
    told = fakes.board_of()
    line = told.line("bob")
    line.note_ended(runs.RunStatus.FAILED)
    counts = {runs.RunStatus.RUNNING: 1}
    line.counts = counts
    held = {runs.Accession(7): "two jobs"}
    line.held = held
    seen = told.snapshot()
    line.state = account_line.State.STOPPING
    line.note_ended(runs.RunStatus.FAILED)
    counts[runs.RunStatus.RUNNING] = 5
    held.clear()
    told.event("later")
    assert not told.snapshot().is_read
    told.keep(())
    assert told.snapshot().is_read
    (old,) = seen.accounts
    assert old.state is account_line.State.STARTING
    assert old.ended == {runs.RunStatus.FAILED: 1}
    assert old.counts == {runs.RunStatus.RUNNING: 1}
    assert old.held == {7: "two jobs"}
    assert seen.events == ()
    assert told.snapshot().accounts == ()


def test_a_snapshot_cannot_be_changed() -> None:
    told = fakes.board_of()
    told.line("bob").counts = {runs.RunStatus.RUNNING: 1}
    told.event("run.moved", accession=7)
    seen = told.snapshot()
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.host = "elsewhere"  # type: ignore[misc]
    with pytest.raises(TypeError):
        seen.events[0].fields["accession"] = 8  # type: ignore[index]
    with pytest.raises(TypeError):
        seen.accounts[0].counts[runs.RunStatus.RUNNING] = 2  # type: ignore[index]


def test_no_secret_reaches_a_face_or_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    told = fakes.board_of(redact)
    line = told.line("bob")
    line.reason = line.warning = line.waiting = line.refusal = f"said: {secrets.PASSWORD}"
    line.held = {runs.Accession(7): f"said: {secrets.PASSWORD}"}
    told.orphans = ((secrets.PASSWORD, 3),)
    path, words = pathlib.Path("/x") / secrets.PASSWORD, [secrets.PASSWORD]
    error = ValueError(secrets.PASSWORD)
    told.event("launch.called", account="bob", text=secrets.PASSWORD, path=path, words=words, error=error)
    seen = told.snapshot()
    shown = "".join(
        [repr(seen.accounts), repr(seen.orphans), *(str(value) for value in seen.events[0].fields.values())]
    )
    assert shown.count("***") == 10
    assert secrets.PASSWORD not in shown
    assert secrets.PASSWORD not in capsys.readouterr().out


def test_numbers_stay_numbers_in_events() -> None:
    told = fakes.board_of()
    told.event("beat", accession=7, seconds=1.5, good=True, nothing=None)
    assert dict(told.snapshot().events[0].fields) == {"accession": 7, "seconds": 1.5, "good": True, "nothing": None}


def test_only_the_last_events_are_kept() -> None:
    told = fakes.board_of()
    for number in range(250):
        told.event("beat", number=number)
    events = told.snapshot().events
    assert [event.fields["number"] for event in (events[0], events[-1])] == [50, 249]


def test_accounts_that_are_not_served_any_more_leave_the_board() -> None:
    told = fakes.board_of()
    for name in ("alice", "bob"):
        told.line(name)
    told.keep({"bob", "eve"})
    assert [line.name for line in told.snapshot().accounts] == ["bob"]


def test_what_accounts_counted_that_went_counts_on() -> None:
    told = fakes.board_of()
    for name, count in (("alice", 1), ("bob", 2), ("eve", 4)):
        line = told.line(name)
        line.note_ended(runs.RunStatus.FAILED)
        line.jobs_restored = line.requests_restored = line.requests_lost = count
        line.lags = line.lags.noted(count)
    told.keep({"eve", "alice"})
    told.keep({"eve"})
    gone = told.snapshot().gone
    assert gone.ended == {runs.RunStatus.FAILED: 2}
    assert (gone.jobs_restored, gone.requests_restored, gone.requests_lost) == (3, 3, 3)
    assert (gone.lags.count, gone.lags.sum_seconds) == (2, 3)
    told.keep({"eve", "alice"})
    assert told.line("alice").requests_lost == 0
