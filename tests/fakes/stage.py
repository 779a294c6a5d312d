"""Everything around the core, for its tests: a real journal, real transcripts, neighbours in memory, a clock.

The engine is a tiny script in place of the mediator (``tests.fakes.calls``). ``restart`` is the end of the process as
far as files tell: the journal is opened again, nobody attends to anything.
"""

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import resource
import sqlite3
import types
import typing
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import pytest

from niassa_orch.config import settings
from niassa_orch.core import (
    account_line,
    attempts,
    board,
    caller,
    cycle,
    engine_lock,
    engine_propagating,
    engine_rounds,
    enrolling,
    explaining,
    following,
    intents,
    launching,
    limits,
    lost_requests,
    orders,
    pollers,
    polling,
    pool,
    propagating,
    requests_seen,
    rests,
    run_texts,
    settlement,
    shadowing,
    shares,
    sharing,
    state_directory,
    step_texts,
    supervisor,
    watching,
    whitestar_texts,
    worker,
    working_off,
)
from niassa_orch.domain import runs, settling
from niassa_orch.journal import records, store
from niassa_orch.seqware import call, identity
from tests.fakes import calls, neighbours_in_memory
from tests.fakes import clock as clocks

GRACE_SECONDS = 120.0
BEAT_SECONDS = 30.0
GONE_AFTER_SECONDS = 3600.0
TRIES = 3
CLEAN = settling.Outcome.CLEAN
JOB = "1-oozie-W"
DIRECTORY = "/scratch/oozie-1"
_PROCESS = records.Process('["sudo"]', 4711, 12)
_TIMED: tuple[types.ModuleType, ...] = (
    *(caller, engine_lock, engine_propagating, intents, launching, lost_requests, polling, propagating, cycle),
    *(
        requests_seen,
        rests,
        run_texts,
        settlement,
        shadowing,
        shares,
        sharing,
        step_texts,
        supervisor,
        watching,
        worker,
    ),
    *(explaining, following, working_off),
)


class Stage:
    """Bob's runs, his neighbours, and what the core keeps on disk.

    Args:
        directory: Of the test; the state directory is below it.
        slots: Of the pool.
    """

    def __init__(self, directory: pathlib.Path, slots: int = 4) -> None:
        self.directory = directory
        self.clock = clocks.Clock()
        self.service = neighbours_in_memory.WebServiceInMemory()
        self.oozie = neighbours_in_memory.OozieInMemory()
        self.told = neighbours_in_memory.board_of()
        self.slots = pool.Pool(slots)
        self.turns = pool.EngineTurns(2)
        self.mediator = directory / "mediator"
        if not self.mediator.exists():
            # It says that its user has no crontab, and of what is launched nothing.
            calls.mediator(self.mediator, [])
        self.known = neighbours_in_memory.enrolled(self.service, self.oozie, self.mediator)
        self.state = state_directory.StateDirectory(directory / "state")
        self.state.open()
        self.journal = store.Journal(self.state.journal)
        self.limits = limits.Limits(settings.Launching(), BEAT_SECONDS, tuple)
        self.orders = orders.StandingOrders(self.journal, self.told)
        self.intents = intents.Intents(self.journal, self.state, self.limits, self.orders)
        self.pollers = fresh_pollers(self.told)
        self.verdicts: list[runs.Accession] = []

    def restart(self) -> None:
        """What a new process finds."""
        self.pollers = fresh_pollers(self.told)
        self.journal.close()
        self.journal = store.Journal(self.state.journal)
        self.limits = limits.Limits(settings.Launching(), BEAT_SECONDS, tuple)
        self.orders = orders.StandingOrders(self.journal, self.told)
        self.intents = intents.Intents(self.journal, self.state, self.limits, self.orders)
        self.turns = pool.EngineTurns(2)

    def alter(self, statement: str) -> None:
        """Somebody else writes into the journal's file."""
        with contextlib.closing(sqlite3.connect(self.state.journal)) as database, database:
            database.execute(statement)

    def close(self) -> None:
        """Calls that still wait at their gate go on, and files are closed."""
        for gate in self.directory.glob("gate-*"):
            os.close(os.open(gate, os.O_RDWR | os.O_NONBLOCK))
        self.journal.close()
        self.state.close()

    @property
    def line(self) -> account_line.AccountLine:
        """Bob's on the board."""
        return self.told.line("bob")

    @property
    def events(self) -> list[str]:
        """Names of all events so far."""
        return neighbours_in_memory.names(self.told)

    def settlement(self, grace_seconds: float = GRACE_SECONDS) -> settlement.Settlement:
        """Of the journal as it is open now."""
        return settlement.Settlement(self.told, self.slots, self.journal, grace_seconds, TRIES)

    def launcher(self, name: str = "bob", engine: settings.Engine | None = None) -> launching.Launcher:
        """Of an account of this name."""
        line, chosen = self.told.line(name), engine or settings.Engine(batch=2)
        texts = whitestar_texts.WhitestarTexts(self.told, step_texts.StepTexts(self.told, settings.Texts()))
        tell = self.verdicts.append
        return launching.Launcher(line, self.told, self.turns, self.settlement(), self.intents, chosen, texts, tell)

    def propagator(self) -> propagating.Propagator:
        """Of the journal as it is open now."""
        return propagating.Propagator(self.line, self.told, self.journal, GONE_AFTER_SECONDS, settings.Texts())

    def cycle(
        self, launcher: launching.Launcher, stopping: asyncio.Event, sees: watching.Watch | None = None
    ) -> cycle.Cycle:
        """Bob's."""
        shadow = shadowing.Shadowing(self.line, self.told, self.slots, self.journal)
        watch = sees or watching.Watch(self.pollers, claims_nothing, lambda: None)
        made = self.propagator(), self.rounds(), shadow, watch, self.orders
        return cycle.Cycle(self.line, self.slots, launcher, *made, stopping)

    def engine_propagator(self, engine: settings.Engine | None = None) -> engine_propagating.EnginePropagator:
        """Of an account whose runs the engine propagates."""
        chosen = engine or settings.Engine(propagate_batch=2)
        return engine_propagating.EnginePropagator(self.told, self.slots, self.turns, self.intents, chosen)

    def rounds(self, propagator: engine_propagating.EnginePropagator | None = None) -> engine_rounds.EngineRounds:
        """Of bob's account."""
        return engine_rounds.EngineRounds(self.line, self.told, propagator or self.engine_propagator())

    def says(self, *lines: str, gate: bool = False) -> None:
        """What the engine will say; with a gate only once ``arrived`` gives it leave."""
        calls.mediator(self.mediator, lines, gate=self.directory / "gate" if gate else None)

    def bar(self, *accessions: int) -> None:
        """Make gates for calls that begin with these accessions."""
        for accession in accessions:
            os.mkfifo(self.directory / f"gate-{accession}")

    @contextlib.asynccontextmanager
    async def at_gate(self, accession: int) -> AsyncIterator[None]:
        """Wait until the call has come to its gate; it goes on when the context ends."""
        door = await asyncio.to_thread((self.directory / f"gate-{accession}").open, "w")
        try:
            yield
        finally:
            door.write("go\n")
            door.close()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let the core work until this holds; the test's own time-out ends what never does."""
        while not holds():  # noqa: ASYNC110 - the board tells nobody when it changes
            await asyncio.sleep(0.005)

    async def told_of(self, event: str) -> None:
        """Until there is such an event on the board."""
        await self.until(lambda: event in self.events)

    def is_alive(self, accession: int) -> bool:
        """Whether anything of the run's unsettled call lives."""
        return call.is_held(self.state.open_transcript(self.unsettled()[accession].transcript))

    @property
    def called(self) -> list[str]:
        """Verb and accessions of each call of the engine so far."""
        return calls.calls_of(self.mediator)

    async def intend(
        self, *accessions: int, lines: Sequence[str] | None = None, engine: str = "oozie-sge"
    ) -> attempts.Attempt:
        """A call that an earlier process intended; with ``lines`` it was made, is over, and said them."""
        batch = [
            runs.WorkflowRun(runs.Accession(number), runs.RunStatus.SUBMITTED, "bob@lab.net", "server2", engine)
            for number in accessions
        ]
        verb: identity.Verb = "launch-whitestar" if engine == "whitestar" else "launch"
        attempt = await self.intents.intend(self.known, verb, batch)
        if lines is not None:
            content = attempt.header.to_line() + "".join(f"{line}\n" for line in lines).encode()
            attempt.transcript.write_bytes(content)
            await self.journal.started(attempt.header.call_id, _PROCESS)
            attempt.started = True
        return attempt

    def unsettled(self) -> dict[int, records.Launch]:
        """By accession, as the journal has it."""
        return {int(launch.accession): launch for launch in self.journal.unsettled()}


def fresh_pollers(told: board.Board) -> pollers.Pollers:
    """Pollers that look at each beat, however soon it comes."""
    return pollers.Pollers(settings.Settings(beat=settings.Beat(jitter=1)), told)


def rows(stage: Stage) -> list[runs.WorkflowRun]:
    """All runs as they are, without asking."""
    return [stage.service.run(accession) for accession in stage.service.rows]


def stop_time(monkeypatch: pytest.MonkeyPatch, clock: clocks.Clock) -> None:
    """Let the core go by this clock."""
    for module in _TIMED:
        monkeypatch.setattr(module, "time", clock)


def renamed(stage: Stage, name: str, **changes: typing.Any) -> enrolling.Enrolled:
    """Bob's account under another profile name, or with other changes."""
    account = dataclasses.replace(neighbours_in_memory.BOB, name=name, **changes)
    return neighbours_in_memory.enrolled(stage.service, stage.oozie, stage.mediator, account)


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Every open of a file fails with EMFILE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def claims_nothing(_known: enrolling.Enrolled) -> None:
    """Of a watch that stands alone."""
