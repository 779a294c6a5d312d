"""The journal against a model that fits in the head, with restarts, cancellations and another process at any moment."""

import asyncio
import dataclasses
import pathlib
import sqlite3
import tempfile
from collections.abc import Coroutine

import hypothesis
import pytest
from hypothesis import stateful
from hypothesis import strategies as st

from niassa_orch import errors
from niassa_orch.domain import runs, settling, transitions
from niassa_orch.journal import records, store
from tests.fakes import launches

OOZIE = launches.OOZIE
Key = tuple[str, runs.Accession]

services = st.sampled_from([launches.WEB_SERVICE, "http://other"])
batches = st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True)
numbers = st.integers(0, 100)
unsettled = st.sampled_from([settling.Outcome.IN_DOUBT, settling.Outcome.HELD, settling.Outcome.SET_ASIDE])
verdicts = st.sampled_from([settling.Outcome.LAUNCHED, settling.Outcome.FAILED, settling.Outcome.CLEAN])
jobs = st.sampled_from(["1-W", "2-W"])


class JournalMachine(stateful.RuleBasedStateMachine):
    """What is open, what was settled and what was done to jobs, told twice."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.directory.name) / "journal.sqlite"
        self.runner = asyncio.Runner()
        self.journal = store.Journal(self.path)
        self.open: dict[Key, records.Launch] = {}
        self.settled: set[tuple[str, runs.Accession]] = set()
        self.jobs: dict[Key, str | None] = {}
        self.acts: dict[str, tuple[transitions.Act, int]] = {}
        self.calls = 0

    def teardown(self) -> None:
        self.journal.close()
        self.runner.close()
        self.directory.cleanup()

    def do(self, asked: Coroutine[None, None, None], *, patient: bool = True) -> None:
        """Wait for it; or be cancelled in its midst, and it is carried out all the same."""

        async def cancelled() -> None:
            task = asyncio.ensure_future(asked)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            await self.journal.past.known_job("", runs.Accession(0))  # one thread: it is done by now

        self.runner.run(asked if patient else cancelled())

    def pick(self, number: int) -> records.Launch:
        chosen = sorted(self.open)
        return self.open[chosen[number % len(chosen)]]

    @stateful.rule(service=services, batch=batches, patient=st.booleans())
    def intend(self, service: str, batch: list[int], *, patient: bool) -> None:
        self.calls += 1
        call = f"call-{self.calls}"
        wanted = [launches.launch(one, call, web_service=service, created=f"{self.calls:09}") for one in batch]
        if any(launch.key in self.open for launch in wanted):
            with pytest.raises(errors.JournalError):
                self.do(self.journal.intend(wanted))
            return
        self.do(self.journal.intend(wanted), patient=patient)
        self.open |= {launch.key: launch for launch in wanted}

    @stateful.precondition(lambda self: self.open)
    @stateful.rule(number=numbers, patient=st.booleans())
    def started(self, number: int, *, patient: bool) -> None:
        call = self.pick(number).call_id
        self.do(self.journal.started(call, launches.PROCESS), patient=patient)
        for key, launch in self.open.items():
            if launch.call_id == call:
                known = dataclasses.asdict(launches.PROCESS)
                self.open[key] = dataclasses.replace(launch, started=True, **known)

    @stateful.precondition(lambda self: self.open)
    @stateful.rule(number=numbers, outcome=unsettled, since=st.none() | st.floats(0, 1e9), patient=st.booleans())
    def note(self, number: int, outcome: settling.Outcome, since: float | None, *, patient: bool) -> None:
        launch = self.pick(number)
        self.do(self.journal.note(launch, outcome, f"why {number}", since), patient=patient)
        noted = dataclasses.replace(launch, outcome=outcome, reason=f"why {number}", none_since=since)
        self.open[launch.key] = noted

    @stateful.precondition(lambda self: self.open)
    @stateful.rule(number=numbers, outcome=verdicts, job=st.none() | jobs, patient=st.booleans())
    def settle(self, number: int, outcome: settling.Outcome, job: str | None, *, patient: bool) -> None:
        launch = self.open.pop(self.pick(number).key)
        self.do(self.journal.settle(launch, records.Settled(outcome, "verdict", job)), patient=patient)
        self.settled.add((launch.call_id, launch.accession))
        self.jobs[launch.key] = job

    @stateful.precondition(lambda self: self.open)
    @stateful.rule(number=numbers, job=st.none() | jobs)
    def another_process_settles(self, number: int, job: str | None) -> None:
        launch = self.open.pop(self.pick(number).key)
        other = store.Journal(self.path)
        self.do(other.settle(launch, records.Settled(settling.Outcome.CLEAN, "a person said so", job)))
        other.close()
        self.do(self.journal.refresh())
        self.settled.add((launch.call_id, launch.accession))
        self.jobs[launch.key] = job

    @stateful.rule(job=jobs, act=st.sampled_from(transitions.Act), run=st.integers(0, 5), patient=st.booleans())
    def act(self, job: str, act: transitions.Act, run: int, *, patient: bool) -> None:
        self.do(self.journal.acts.intend(launches.act(job, act, run)), patient=patient)
        self.acts[job] = (act, run)

    @stateful.rule(job=jobs, patient=st.booleans())
    def forget_act(self, job: str, *, patient: bool) -> None:
        self.do(self.journal.acts.forget(OOZIE, job), patient=patient)
        self.acts.pop(job, None)

    @stateful.rule()
    def restart(self) -> None:
        self.journal.close()
        self.journal = store.Journal(self.path)

    @stateful.invariant()
    def memory_says_what_the_model_says(self) -> None:
        assert {launch.key: launch for launch in self.journal.unsettled()} == self.open
        assert {job: done for job in ("1-W", "2-W") if (done := self.journal.acts.done(OOZIE, job))} == self.acts

    @stateful.invariant()
    def disk_says_what_memory_says_and_nothing_settled_comes_back(self) -> None:
        reader = sqlite3.connect(self.path)
        columns = ", ".join(records.COLUMNS)
        rows = reader.execute(f"SELECT {columns} FROM launches WHERE settled IS NULL").fetchall()  # noqa: S608
        done = set(reader.execute("SELECT call_id, accession FROM launches WHERE settled IS NOT NULL"))
        reader.close()
        assert sorted(map(records.of_row, rows), key=str) == sorted(self.journal.unsettled(), key=str)
        assert done == self.settled
        assert len({launch.key for launch in map(records.of_row, rows)}) == len(rows), "two launches of one run"

    @stateful.invariant()
    def the_last_verdict_says_which_job_a_run_has(self) -> None:
        for (service, accession), job in self.jobs.items():
            assert self.runner.run(self.journal.past.known_job(service, accession)) == job


JournalMachine.TestCase.settings = hypothesis.settings(max_examples=40, stateful_step_count=30, deadline=None)
test_the_journal_does_what_the_model_does = JournalMachine.TestCase
