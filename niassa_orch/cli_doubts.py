"""The commands about launches that are not settled: ``doubts`` and ``resolve``. They print and decide nothing.

They read and write the journal themselves, so that they work with and without a running service; a running one notices
at its next beat.
"""

import asyncio
import dataclasses
import json
import pathlib
import re
import time
from typing import Annotated

import typer

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import state_directory
from niassa_orch.domain import runs, settling
from niassa_orch.faces import plain
from niassa_orch.journal import records, store
from niassa_orch.seqware import call

_IN_FLIGHT = "in flight"
_SAID = "a person said so"
#: Of Oozie: digits, letters, and what parts them.
_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:-]{0,199}")
#: A disk that stalls longer than this between an intent and its call has other troubles.
_BEGINS_SECONDS = 600.0
_Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def doubts(context: typer.Context, as_json: _Json = False) -> None:
    """Launches that are not settled: in flight, in doubt (asked again by itself), held or set aside for a person."""
    service = settings.load(context.obj)
    launches = _unsettled(service)
    if as_json:
        print(json.dumps([dataclasses.asdict(launch) for launch in launches], indent=2))
        return
    for launch in launches:
        print(f"{launch.accession}  {_state(service, launch)} since {launch.created}")
        print(plain.line(f"    {launch.account} ({launch.owner}) as {launch.unix_user}, {launch.web_service}"))
        print(f"    transcript {_transcript(service, launch)}")
        if launch.reason:
            print(f"    {plain.line(launch.reason)}")
    if not launches:
        print("every launch is settled")


def resolve(
    context: typer.Context,
    accession: int,
    launched: Annotated[str | None, typer.Option(metavar="JOB_ID", help="Oozie has this job of it.")] = None,
    relaunch: Annotated[bool, typer.Option("--relaunch", help="Nothing of it runs: it may be launched again.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Nothing of it runs: its record shall say failed.")] = False,
    web_service: Annotated[str | None, typer.Option(help="Its URL, when two web services have the accession.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Settle a launch that is held, in doubt or set aside: say what became of it. Or let a run be launched again.

    Look first at what is printed, at its transcript and at Oozie: a run that is launched again while its job runs, runs
    twice. What the run's record has to say then (the job, or that it failed) is written by the service.
    """
    told = _told(launched, relaunch=relaunch, failed=failed)
    service = settings.load(context.obj)
    matching = [one for one in _unsettled(service) if one.accession == accession]
    if web_service is not None:
        matching = [one for one in matching if one.web_service == web_service]
    if relaunch and not matching:
        asyncio.run(_forget(service, runs.Accession(accession), web_service, yes=yes))
        return
    if len(matching) != 1:
        message = f"{len(matching)} unsettled launches of run {accession}; see: niassa-orch doubts"
        raise errors.JournalError(message)
    (launch,) = matching
    if _state(service, launch) == _IN_FLIGHT:
        message = f"the engine call of run {accession} is still in flight; its deadline ends it, then it is settled"
        raise errors.JournalError(message)
    known = dataclasses.asdict(launch) | {"transcript": _transcript(service, launch)}
    for name, value in known.items():
        if value not in (None, ""):
            print(f"{name:14} {plain.line(str(value))}")
    if not yes:
        said = "It may be launched again." if relaunch else "It failed." if failed else f"Its job is {launched}."
        typer.confirm(said, abort=True)
    asyncio.run(_settle(service, launch, told, launched))


def _told(launched: str | None, *, relaunch: bool, failed: bool) -> records.Told:
    """What the options say, if that is one thing."""
    if (launched is not None) + relaunch + failed != 1:
        message = "say one of --launched JOB_ID, --relaunch and --failed"
        raise typer.BadParameter(message)
    if launched is not None and not _JOB_ID.fullmatch(launched):
        message = f"{launched!r} is no id of a job"
        raise typer.BadParameter(message)
    return records.Told.RELAUNCH if relaunch else records.Told.FAILED if failed else records.Told.LAUNCHED


def _state(service: settings.Settings, launch: records.Launch) -> str:
    """In doubt, held, in flight; or over, when nobody looked at it since its call ended."""
    if launch.outcome is not None:
        return launch.outcome
    try:
        alive = call.is_held(_transcript(service, launch))
    except FileNotFoundError:
        alive = _may_begin(launch)
    return _IN_FLIGHT if alive else "over, not settled"


def _may_begin(launch: records.Launch) -> bool:
    """Whether a launch may be between its intent and its transcript, where there is nothing to see of it."""
    if launch.started or launch.begun is None or launch.boot_id != call.current_boot_id():
        return False
    return time.monotonic() - launch.begun < _BEGINS_SECONDS


def _transcript(service: settings.Settings, launch: records.Launch) -> pathlib.Path:
    return state_directory.StateDirectory(service.state_dir).open_transcript(launch.transcript)


def _unsettled(service: settings.Settings) -> tuple[records.Launch, ...]:
    journal = _opened(service)
    try:
        return journal.unsettled()
    finally:
        journal.close()


async def _settle(service: settings.Settings, launch: records.Launch, told: records.Told, job_id: str | None) -> None:
    journal = _opened(service)
    try:
        if told is records.Told.RELAUNCH:
            await journal.settle(launch, records.Settled(settling.Outcome.CLEAN, _SAID, told=told))
        elif told is records.Told.LAUNCHED and launch.engine_family is runs.EngineFamily.WHITESTAR:
            # It has no job that anybody could ask: what its record says is for the person to set right.
            settled = records.Settled(settling.Outcome.LAUNCHED, _SAID, str(launch.accession), told=told)
            await journal.settle(launch, settled)
        else:
            await journal.tell(launch, told, job_id)
    finally:
        journal.close()


async def _forget(service: settings.Settings, accession: runs.Accession, web_service: str | None, *, yes: bool) -> None:
    """Let a run be launched again whose launches are settled, once its record says submitted."""
    journal = _opened(service)
    try:
        known = [url for url in await journal.past.web_services_of(accession) if web_service in (None, url)]
        if len(known) != 1:
            message = f"the journal knows a job of run {accession} for {len(known)} web services: {', '.join(known)}"
            raise errors.JournalError(message)
        job_id = await journal.past.known_job(known[0], accession)
        print(plain.line(f"{accession} was launched before: {job_id} at {known[0]}"))
        if not yes:
            typer.confirm("Forget that, so that it is launched again when its record says submitted?", abort=True)
        await journal.past.forget_job(known[0], accession)
    finally:
        journal.close()


def _opened(service: settings.Settings) -> store.Journal:
    path = state_directory.StateDirectory(service.state_dir).journal
    return store.Journal(path, lambda: "no service ever ran with this state_dir")
