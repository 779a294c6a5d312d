"""The composition root: build everything once, start it, pass signals on, stop it. No logic of its own.

First SIGTERM or SIGINT: drain (no new work, verdicts are written); a second one cancels. SIGHUP: read accounts.d again;
under the dashboard it means that the terminal is gone: drain. So it is from the start on: what is drained
before it serves leaves without a beat. Engine calls live on in any case. Called by ``cli``.
"""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import AsyncIterator, Callable

import rich.console

from niassa_orch import __version__, errors, logs, service_notes, service_signals
from niassa_orch.admin import check as admin_check
from niassa_orch.config import settings
from niassa_orch.control import peers, server
from niassa_orch.core import (
    audit,
    board,
    crew,
    desks,
    enrolling,
    explaining,
    heart,
    intents,
    limits,
    neighbours,
    operating,
    orders,
    pollers,
    pool,
    resolving,
    savings,
    state_directory,
    supervisor,
)
from niassa_orch.core import census as core_census
from niassa_orch.domain import runs
from niassa_orch.faces import accounts_table, web
from niassa_orch.faces.dashboard import showing, source
from niassa_orch.journal import store
from niassa_orch.wire import sessions

#: A thousand accounts beat at any moment: one look into the journal serves those of a second.
_JOURNAL_FRESH_SECONDS = 1.0


@contextlib.asynccontextmanager
async def built(
    service: settings.Settings, redactor: logs.Redactor, signs: heart.Heart
) -> AsyncIterator[tuple[board.Board, desks.Desk]]:
    """Everything that workers share, for as long as the context lasts; ``signs`` are those of the service's life.

    Raises:
        SettingsError: The state directory cannot be used, or another instance uses it.
    """
    slots = pool.Pool(service.pool.size)
    turns = pool.EngineTurns(service.pool.engine_calls)
    told = board.Board(service.effective_host, slots, turns.calls, redactor.redact)
    directory = state_directory.StateDirectory(service.state_dir)
    directory.open()
    with contextlib.ExitStack() as opened:
        opened.callback(directory.close)
        # Propagation goes on without it; nothing is launched.
        journal = store.Journal(
            directory.journal, directory.why_no_new_journal, must_know=directory.open_names, patient=True
        )
        opened.callback(journal.close)
        told.tell_journal(journal.trouble)
        standing = orders.StandingOrders(journal, told)
        standing.look()
        async with _audited(service, redactor, told) as trail, _session(service) as http:
            reach, shared = neighbours.Neighbours(service, http), pollers.Pollers(service, told)
            told.ask_neighbours = shared.neighbours
            enrol = enrolling.Enrolling(service, directory, reach, redactor.register, trail)
            most = limits.Limits(service.launching, service.beat.interval_seconds, enrol.claims)
            intended = intents.Intents(journal, directory, most, standing, _JOURNAL_FRESH_SECONDS)
            if journal.is_open:
                intended.tidy()
            saved = savings.Savings(reach.requests_begun)
            try:
                shares = (shared, saved, standing, trail, signs)
                yield told, desks.Desk(service, told, slots, turns, intended, enrol, *shares)
            finally:
                await shared.close()


async def run(service: settings.Settings, redactor: logs.Redactor, console: rich.console.Console | None) -> None:
    """Serve all accounts until a signal says stop.

    Args:
        service: The settings of the process.
        redactor: Of the log; learns every secret.
        console: For the dashboard; ``None`` when there is no terminal, and the log's lines are all there is to see.
    """
    signals = service_signals.Signals(on_terminal=console is not None)
    async with contextlib.AsyncExitStack() as faces:
        signs = heart.Heart(faces.enter_context(service_notes.notifier()))
        told, desk = await faces.enter_async_context(built(service, redactor, signs))
        watched = supervisor.Supervisor(desk)
        signals.pass_on_to(watched)
        told.event("service.started", host=service.effective_host, accounts_dir=str(service.accounts_dir))
        operates = operating_of(desk, watched)
        await _answer(desk, operates, faces)
        await faces.enter_async_context(web.served(told, service.web))
        if console is not None:
            own = source.Own(told, operates, peers.operator(os.getuid()))
            await faces.enter_async_context(showing.shown(own, console))
        await watched.run()
        told.event("service.stopped")


def operating_of(desk: desks.Desk, watched: supervisor.Supervisor) -> operating.Operating:
    """What operators may do to a running service."""
    running = crew.Crew(watched, desk)
    words = resolving.Resolving(desk.intended.directory, desk.trail, running.hurry)
    return operating.Operating(desk.orders, desk.trail, running.names, running, words)


async def _answer(desk: desks.Desk, operates: operating.Operating, faces: contextlib.AsyncExitStack) -> None:
    """Let commands reach the service; a socket that cannot be made keeps no run from being launched, and is told."""
    control, folder = desk.service.control, desk.service.effective_runtime_dir
    answers = server.Server(desk.told, operates, control.group)
    try:
        await faces.enter_async_context(server.served(answers, folder, int(control.mode, 8), control.group))
    except errors.ControlError as exc:
        desk.told.event("control.unusable", level=board.Level.ERROR, reason=str(exc))
        desk.told.alarm("control", str(exc))


async def once(service: settings.Settings, redactor: logs.Redactor) -> bool:
    """One cycle of every account; returns whether all fared well."""
    async with built(service, redactor, heart.Heart()) as (_, desk):
        return await supervisor.Supervisor(desk).once()


async def census(service: settings.Settings, redactor: logs.Redactor) -> list[accounts_table.Row]:
    """Every profile, for the table of accounts; the service may run meanwhile."""
    async with _enrolling(service, redactor, service.state_dir) as enrol:
        entries = await core_census.take(service, enrol)
    return [_row(entry) for entry in entries]


async def account(service: settings.Settings, redactor: logs.Redactor, name: str) -> core_census.Shown:
    """One profile with all its values; the service may run meanwhile."""
    async with _enrolling(service, redactor, service.state_dir) as enrol:
        return await core_census.show(service, enrol, name)


async def accounts(service: settings.Settings, redactor: logs.Redactor) -> list[core_census.Shown]:
    """Every profile with all its values; the redactor knows every password after it. The service may run meanwhile."""
    with tempfile.TemporaryDirectory(prefix="niassa-orch-support.") as place:
        async with _enrolling(service, redactor, pathlib.Path(place)) as enrol:
            return await core_census.show_all(service, enrol)


async def check(
    service: settings.Settings,
    place: pathlib.Path,
    redactor: logs.Redactor,
    checked: admin_check.Checked,
    tell: admin_check.Tell,
) -> None:
    """Look at every link, and change nothing: what the mediator of our own user needs is made in ``place``."""
    async with _enrolling(service, redactor, place) as enrol:
        await admin_check.look(service, enrol, checked, tell)


async def explain(
    service: settings.Settings,
    redactor: logs.Redactor,
    accession: runs.Accession,
    tell: Callable[[explaining.Said], None],
) -> bool:
    """Everything that is known of a run, sentence by sentence; whether any web service knows it."""
    with tempfile.TemporaryDirectory(prefix="niassa-orch-explain.") as place, contextlib.ExitStack() as opened:
        async with _enrolling(service, redactor, pathlib.Path(place)) as enrol:
            known, refused = await core_census.enrolled(service, enrol)
            for name, reason in refused.items():
                tell(explaining.Said("account", f"{name} cannot be asked: {reason}"))
            journal, is_blind = _opened_journal(service, opened, tell)
            explains = explaining.Explaining(service, known, journal, is_blind=is_blind)
            async for said in explains.explain(accession):
                tell(said)
    return explains.is_known


def _opened_journal(
    service: settings.Settings, opened: contextlib.ExitStack, tell: Callable[[explaining.Said], None]
) -> tuple[store.Journal | None, bool]:
    """The journal, unless there is none yet, or it cannot be read; whether it is that."""
    file = state_directory.StateDirectory(service.state_dir).journal
    try:
        journal = store.Journal(file) if file.exists() else None
    except (errors.JournalError, OSError) as exc:
        tell(explaining.Said("journal", f"it cannot be read: {exc}"))
        return None, True
    if journal is None:
        tell(explaining.Said("journal", "there is none yet: no launch was begun here"))
        return None, False
    opened.callback(journal.close)
    return journal, False


@contextlib.asynccontextmanager
async def _audited(
    service: settings.Settings, redactor: logs.Redactor, told: board.Board
) -> AsyncIterator[audit.Trail]:
    """The audit trail, from the entry of the start to that of the end; one that cannot be written is told."""
    trail = audit.Trail(service.effective_audit_dir, redactor.redact, told.tell_audit)
    try:
        with contextlib.suppress(errors.AuditError):
            await trail.begin(audit.Entry("start", details={"host": service.effective_host, "version": __version__}))
        yield trail
        trail.note(audit.Entry("stop"))
    finally:
        trail.close()


@contextlib.asynccontextmanager
async def _enrolling(
    service: settings.Settings, redactor: logs.Redactor, place: pathlib.Path
) -> AsyncIterator[enrolling.Enrolling]:
    async with _session(service) as http:
        directory = state_directory.StateDirectory(place)
        yield enrolling.Enrolling(
            service, directory, neighbours.Neighbours(service, http), redactor.register, audit.Trail(None)
        )


def _session(service: settings.Settings) -> sessions.Session:
    """With as many connections to one host and port as there are turns: waiting for one would count as time-out."""
    return sessions.open_session(
        connections_per_host=service.pool.requests_per_web_service + service.pool.requests_per_oozie
    )


def _row(entry: core_census.Entry) -> accounts_table.Row:
    return accounts_table.Row(entry.profile, entry.unix_user, entry.state, entry.reason, entry.account)
