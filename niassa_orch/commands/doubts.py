"""The commands about launches that are not settled: ``doubts`` and ``resolve``. They print and decide nothing.

The running service is asked over its control socket; without one that answers, the journal itself. What a word means is
``core.resolving``'s.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from niassa_orch import errors, logs
from niassa_orch.commands import asking, beginning
from niassa_orch.config import settings
from niassa_orch.control import documents
from niassa_orch.core import resolving
from niassa_orch.domain import runs
from niassa_orch.faces import plain
from niassa_orch.journal import records


def doubts(context: typer.Context, as_json: asking.Json = False) -> None:
    """Launches that are not settled: in flight, in doubt (asked again by itself), held or set aside for a person.

    Asks the running service, or, when none answers, the journal.

    \b
    niassa-orch doubts
    """
    launches = _known(*beginning.at_once(context), None)["launches"]
    if as_json:
        print(json.dumps(launches, indent=2))
        return
    for launch in launches:
        print(plain.line(f"{launch['accession']}  {launch['state']} since {launch['created']}"))
        print(plain.line("    {account} ({owner}) as {unix_user}, {web_service}".format(**launch)))
        print(plain.line(f"    transcript {launch['transcript']}"))
        if launch["reason"]:
            print(f"    {plain.line(launch['reason'])}")
    if not launches:
        print("every launch is settled")


def resolve(
    context: typer.Context,
    accession: Annotated[int, typer.Argument(min=1, metavar="ACCESSION", help="The run's accession.")],
    launched: Annotated[str | None, typer.Option(metavar="JOB_ID", help="Oozie has this job of it.")] = None,
    relaunch: Annotated[bool, typer.Option("--relaunch", help="Nothing of it runs: it may be launched again.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Nothing of it runs: its record shall say failed.")] = False,
    web_service: Annotated[str | None, typer.Option(help="Its URL, when two web services have the accession.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines; goes with --yes.")] = False,
) -> None:
    """Settle a launch that is held, in doubt or set aside: say what became of it. Or let a run be launched again.

    Look first at what is printed, at its transcript and at Oozie: a run that is launched again while its job runs, runs
    twice. What the run's record has to say then (the job, or that it failed) is written by the service. Who said what
    is in the audit trail.

    \b
    niassa-orch resolve 1234 --launched 0000005-231123000000000-oozie-oozi-W
    niassa-orch resolve 1234 --relaunch
    """
    told = _told(launched, relaunch=relaunch, failed=failed)
    if as_json and not yes:
        message = "--json goes with --yes: a program cannot be asked"
        raise typer.BadParameter(message)
    service, redactor = beginning.at_once(context)
    known = _known(service, redactor, runs.Accession(accession))
    seen = [one for one in known["launches"] if web_service in (None, one["web_service"])]
    jobs = {url: job for url, job in known["jobs"].items() if web_service in (None, url)}
    if len(seen) > 1 or (not seen and not (relaunch and jobs)):
        more = "; say --web-service URL" if seen else ""
        message = f"{len(seen)} unsettled launches of run {accession}{more}; see: niassa-orch doubts"
        raise errors.OrderError(message)
    if not as_json and (not seen or seen[0]["state"] != resolving.IN_FLIGHT):
        _confirm(_shown(accession, seen, jobs, told, launched), yes=yes)
    mark = seen[0]["mark"] if seen else ""
    body = asking.body(
        documents.WordBody, accession=accession, told=told, job=launched, web_service=web_service, mark=mark
    )
    _say(service, redactor, body, as_json=as_json)


def _shown(
    accession: int, seen: list[dict[str, Any]], jobs: Mapping[str, str], told: records.Told, job_id: str | None
) -> str:
    """Print what is known; returns what to ask."""
    for launch in seen:
        for name, value in launch.items():
            if value not in (None, "") and name != "mark":
                print(f"{name:14} {plain.line(str(value))}")
    if not seen:
        for url, job in jobs.items():
            print(plain.line(f"{accession} was launched before: {job} at {url}"))
        return "Forget that, so that it is launched again when its record says submitted?"
    said = {records.Told.RELAUNCH: "It may be launched again.", records.Told.FAILED: "It failed."}
    return said.get(told, f"Its job is {job_id}.")


def _confirm(question: str, *, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)


def _told(launched: str | None, *, relaunch: bool, failed: bool) -> records.Told:
    """What the options say, if that is one thing."""
    if (launched is not None) + relaunch + failed != 1:
        message = "say one of --launched JOB_ID, --relaunch and --failed"
        raise typer.BadParameter(message)
    if launched is not None and not resolving.is_job_id(launched):
        message = f"{launched!r} is no id of a job"
        raise typer.BadParameter(message)
    return records.Told.RELAUNCH if relaunch else records.Told.FAILED if failed else records.Told.LAUNCHED


def _known(service: settings.Settings, redactor: logs.Redactor, accession: runs.Accession | None) -> dict[str, Any]:
    try:
        return asking.ask(service, lambda way: way.doubts(accession))
    except errors.NoServiceError as exc:
        found = asking.beside(service, redactor, exc, lambda operates, _by: operates.doubts(accession))
        return documents.known(found)


def _say(service: settings.Settings, redactor: logs.Redactor, body: documents.WordBody, *, as_json: bool) -> None:
    try:
        answer = asking.ask(service, lambda way: way.resolve(body)) | {"through": "service"}
    except errors.NoServiceError as exc:
        done = asking.beside(service, redactor, exc, lambda operates, by: operates.resolve(body.word(), by))
        answer = {"said": done.text, "orders": [], "through": "journal"}
    asking.tell(answer, as_json=as_json)
