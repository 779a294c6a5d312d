"""Launches as the journal remembers them, for tests of the journal."""

import dataclasses
import typing

from niassa_orch.domain import runs, transitions
from niassa_orch.journal import records, store

WEB_SERVICE = "http://ws"
OOZIE = "http://oozie/oozie"
PROCESS = records.Process('["sudo"]', 4711, 12)
_BOB = records.Launch(
    call_id="",
    web_service=WEB_SERVICE,
    accession=runs.Accession(0),
    owner="bob@lab.net",
    host="server2",
    oozie=OOZIE,
    account="bob",
    unix_user="niassa-bob",
    verb="launch",
    engine_family=runs.EngineFamily.OOZIE,
    transcript="",
    boot_id="b00t",
    created="2026-01-01T00:00:00.000+00:00",
)


def launch(accession: int, call_id: str = "call", **changes: typing.Any) -> records.Launch:
    """Bob's launch of a run in this call."""
    fields: dict[str, typing.Any] = {
        "accession": runs.Accession(accession),
        "call_id": call_id,
        "transcript": f"bob--{call_id}.transcript",
    }
    return dataclasses.replace(_BOB, **(fields | changes))


def act(job_id: str, what: transitions.Act, run: int) -> records.Act:
    """Something done to a job for Bob's run 7."""
    return records.Act(OOZIE, job_id, what, run, runs.Accession(7), "bob", "niassa-bob")


def fenced(journal: store.Journal, web_service: str = WEB_SERVICE) -> set[runs.Accession]:
    """Runs of a web service that have an unsettled launch."""
    return {one.accession for one in journal.unsettled() if one.web_service == web_service}
