"""The command ``explain``: prints what is known of one run and what keeps it, and decides nothing."""

import asyncio
import dataclasses
import json
from typing import Annotated

import typer

from niassa_orch import app, cli_begin
from niassa_orch.core import explaining
from niassa_orch.domain import runs
from niassa_orch.faces import plain

_EXIT_FAILURE = 1


def explain(
    context: typer.Context,
    accession: Annotated[int, typer.Argument(min=1, help="The run's accession.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Why a run is where it is: what the web service, profiles, journal and Oozie say of it, and what keeps it.

    Asks them as the service does, and changes nothing; the service may run meanwhile or not. Exit code 1 if no web
    service of any profile knows the run.
    """
    service, redactor = cli_begin.one_shot(context)
    said: list[explaining.Said] = []

    def tell(one: explaining.Said) -> None:
        said.append(one)
        if not as_json:
            print(f"{one.who + ':':12}  {plain.line(one.text)}")

    is_known = asyncio.run(app.explain(service, redactor, runs.Accession(accession), tell))
    if as_json:
        print(json.dumps([dataclasses.asdict(one) for one in said], indent=2))
    if not is_known:
        raise typer.Exit(_EXIT_FAILURE)
