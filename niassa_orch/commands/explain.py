"""The command ``explain``: prints what is known of one run and what keeps it, and decides nothing."""

import asyncio
import json
from collections.abc import Callable
from typing import Annotated

import typer

from niassa_orch import app, errors, logs
from niassa_orch.commands import asking, beginning
from niassa_orch.config import settings
from niassa_orch.control import client
from niassa_orch.core import explaining
from niassa_orch.domain import runs
from niassa_orch.faces import plain

_EXIT_FAILURE = 1
_ASKED = "asked"
_WEB_SERVICE = "web service"

_Tell = Callable[[str, str], None]


def explain(
    context: typer.Context,
    accession: Annotated[int, typer.Argument(min=1, metavar="ACCESSION", help="The run's accession.")],
    as_json: asking.Json = False,
) -> None:
    """Why a run is where it is: what the web service, profiles, journal and Oozie say of it, and what keeps it.

    Asks the running service, which knows most; when none answers, the same places itself: the first line says which.
    Changes nothing. Exit code 1 if no web service of any profile knows the run.

    \b
    niassa-orch explain 1234
    """
    service, redactor = beginning.at_once(context)
    said: list[dict[str, str]] = []

    def tell(who: str, text: str) -> None:
        said.append({"who": who, "text": text})
        if not as_json:
            print(f"{who + ':':12}  {plain.line(text)}", flush=True)

    run = runs.Accession(accession)
    try:
        is_known = asking.ask(service, lambda way: _through(way, run, tell))
    except errors.NoServiceError as exc:
        is_known = _ourselves(service, redactor, run, tell, exc)
    if as_json:
        print(json.dumps(said, indent=2))
    if not is_known:
        raise typer.Exit(_EXIT_FAILURE)


async def _through(way: client.Client, accession: runs.Accession, tell: _Tell) -> bool:
    """Ask the service; whether a web service knows the run: of one that none knows, nobody else has a word."""
    # Answered at once by a service that does not hang; the rest may take as long as its neighbours do.
    await way.snapshot()
    tell(_ASKED, "the running service")
    voices: set[str] = set()
    async for one in way.explain(accession):
        voices.add(one["who"])
        tell(one["who"], one["text"])
    return bool(voices - {_WEB_SERVICE})


def _ourselves(
    service: settings.Settings,
    redactor: logs.Redactor,
    accession: runs.Accession,
    tell: _Tell,
    silent: errors.NoServiceError,
) -> bool:
    def pass_on(one: explaining.Said) -> None:
        tell(one.who, one.text)

    # May ask a DNS server, which does not belong on the event loop.
    _ = service.effective_host
    tell(_ASKED, f"web services, journal and Oozie by this command: {silent}")
    return asyncio.run(app.explain(service, redactor, accession, pass_on))
