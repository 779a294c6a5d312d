"""What one worker is made of, out of what all workers share. No behaviour; called by ``core.worker``."""

import asyncio
from collections.abc import Callable

from niassa_orch.core import (
    account_line,
    cycle,
    desks,
    engine_propagating,
    engine_rounds,
    launching,
    propagating,
    settlement,
    shadowing,
    step_texts,
    watching,
    whitestar_texts,
)
from niassa_orch.domain import runs


def launcher(
    line: account_line.AccountLine, desk: desks.Desk, tell: Callable[[runs.Accession], None]
) -> launching.Launcher:
    """Of one account.

    Args:
        line: Its line on the board.
        desk: What all workers share.
        tell: Told of each run whose launch got a verdict.
    """
    engine = desk.service.engine
    tries = desk.service.launching.tries
    settle = settlement.Settlement(desk.told, desk.slots, desk.intended.journal, engine.doubt_grace_seconds, tries)
    texts = whitestar_texts.WhitestarTexts(desk.told, step_texts.StepTexts(desk.told, desk.service.texts))
    return launching.Launcher(line, desk.told, desk.turns, settle, desk.intended, engine, texts, tell)


def rounds(line: account_line.AccountLine, desk: desks.Desk) -> engine_rounds.EngineRounds:
    """Of one account, for the runs that the engine propagates."""
    engine = desk.service.engine
    calls = engine_propagating.EnginePropagator(desk.told, desk.slots, desk.turns, desk.intended, engine)
    return engine_rounds.EngineRounds(line, desk.told, calls)


def beats(
    line: account_line.AccountLine,
    desk: desks.Desk,
    launches: launching.Launcher,
    by_engine: engine_rounds.EngineRounds,
    watch: watching.Watch,
    stopping: asyncio.Event,
) -> cycle.Cycle:
    """The beat of one account.

    Args:
        line: Its line on the board.
        desk: What all workers share.
        launches: Its launcher.
        by_engine: Its rounds.
        watch: What it sees of its neighbours.
        stopping: Set when no new work may begin.
    """
    journal = desk.intended.journal
    propagator = propagating.Propagator(
        line, desk.told, journal, desk.service.oozie.gone_after_seconds, desk.service.texts
    )
    shadow = shadowing.Shadowing(line, desk.told, desk.slots, journal)
    return cycle.Cycle(line, desk.slots, launches, propagator, by_engine, shadow, watch, desk.orders, stopping)
