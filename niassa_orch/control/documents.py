"""What goes over the control socket: snapshots of the board, whole or only what changed, and what they are made of.

Pure. A picture is of one version of niassa-orch: ``client`` refuses another's. Called by ``server`` and ``client``.
"""

import dataclasses
from typing import Annotated, Any, Final

import pydantic

from niassa_orch.core import account_line, board, gauges, resolving
from niassa_orch.domain import runs
from niassa_orch.journal import records

#: Of routes and documents; the path of every route begins with it.
VERSION: Final = "v1"
_EVENTS_SHOWN = 200
_PROBLEMS_TOLD = 5
#: SQLite's integers and a digit less.
_MOST_ACCESSION = 10**18 - 1


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """What a reader has seen: of which service, up to which revision of its accounts, up to which event."""

    service: str = ""
    revision: int = 0
    event: int = 0

    def __str__(self) -> str:
        return f"{self.service}.{self.revision}.{self.event}"


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """A snapshot less what its reader knows already.

    Args:
        niassa_orch: The version of the service.
        mark: What a reader has seen who has read this.
        names: All accounts, in the order in which they are shown.
        snapshot: With the accounts that changed and the events that are new.
    """

    niassa_orch: str
    mark: Mark
    names: tuple[str, ...]
    snapshot: board.Snapshot


#: With a bound it is looked at, and what is no Unicode is refused.
_Text = Annotated[str, pydantic.Field(max_length=4096)]


class OrderBody(pydantic.BaseModel):
    """What an order says. Texts are not quoted when they are refused."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, strict=True)

    account: Annotated[_Text, pydantic.Field(min_length=1)] | None = None
    all: bool = False
    launching_only: bool = False
    until: pydantic.AwareDatetime | None = None
    reason: _Text = ""
    accession: Annotated[int, pydantic.Field(ge=1, le=_MOST_ACCESSION)] | None = None

    def whose(self) -> str | None:
        """The account that is meant; ``None``: all of them, which must be said. Raises ValueError."""
        if (self.account is None) is not self.all:
            message = 'say either "account" or "all"'
            raise ValueError(message)
        return self.account

    def which(self) -> runs.Accession:
        """The run that is meant; raises ValueError."""
        if self.accession is None:
            message = 'say which "accession"'
            raise ValueError(message)
        return runs.Accession(self.accession)


class WordBody(pydantic.BaseModel):
    """What a person says of a launch. Texts are not quoted when they are refused."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    accession: Annotated[int, pydantic.Field(ge=1, le=_MOST_ACCESSION, strict=True)]
    told: records.Told
    job: _Text | None = None
    web_service: _Text | None = None
    mark: _Text = ""

    def word(self) -> resolving.Word:
        """As ``core.resolving`` takes it."""
        return resolving.Word(runs.Accession(self.accession), self.told, self.job, self.web_service, self.mark)


_PICTURE: Final = pydantic.TypeAdapter(Picture)
_SNAPSHOT: Final = pydantic.TypeAdapter(board.Snapshot)


def misread(exc: pydantic.ValidationError) -> str:
    """What is wrong with a body, in words that quote nothing of it."""
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(": ".join((*map(str, one["loc"][:1]), one["msg"])) for one in found[:_PROBLEMS_TOLD])


def mark(text: str) -> Mark:
    """A mark as ``str`` writes it; of anything else that nothing was seen."""
    service, _, rest = text.partition(".")
    revision, _, event = rest.partition(".")
    if revision.isascii() and event.isascii() and revision.isdigit() and event.isdigit():
        return Mark(service, int(revision[:18]), int(event[:18]))
    return Mark()


def picture(version: str, service: str, snapshot: board.Snapshot, seen: Mark) -> bytes:
    """A snapshot as JSON, less what was seen.

    Args:
        version: Of niassa-orch.
        service: Of this process and no other.
        snapshot: All of it.
        seen: By the reader.
    """
    if seen.service != service:
        seen = Mark(service)
    known = zip(snapshot.accounts, snapshot.revisions, strict=True)
    now = Mark(service, snapshot.revision, max((event.number for event in snapshot.events), default=seen.event))
    changed = dataclasses.replace(
        snapshot,
        accounts=tuple(_plain(line) for line, revision in known if revision > seen.revision),
        events=tuple(
            dataclasses.replace(event, fields=dict(event.fields))
            for event in snapshot.events
            if event.number > seen.event
        ),
        revisions=(),
    )
    names = tuple(line.name for line in snapshot.accounts)
    return _PICTURE.dump_json(Picture(version, now, names, changed))


def parse_picture(content: bytes) -> Picture:
    """What ``picture`` wrote.

    Raises:
        ValueError: It is nothing of the kind.
    """
    return _PICTURE.validate_json(content)


def merged(before: board.Snapshot | None, brought: Picture) -> board.Snapshot:
    """The whole snapshot: what was known, and what a picture brought."""
    known = {line.name: line for line in (*(before.accounts if before else ()), *brought.snapshot.accounts)}
    events = (*(before.events if before else ()), *brought.snapshot.events)
    return dataclasses.replace(
        brought.snapshot,
        accounts=tuple(known[name] for name in brought.names if name in known),
        events=events[-_EVENTS_SHOWN:],
    )


def whole(snapshot: board.Snapshot) -> bytes:
    """A snapshot that ``client`` brought, as JSON; its moments are of the machine's monotonic clock, as ``now`` is."""
    return _SNAPSHOT.dump_json(snapshot, indent=2)


def event(told: board.Event) -> dict[str, Any]:
    """An event for machines."""
    return {
        "number": told.number,
        "time": told.time.isoformat(),
        "level": str(told.level),
        "event": told.name,
        "account": told.account or None,
        "fields": dict(told.fields),
    }


def known(found: resolving.Known) -> dict[str, Any]:
    """Launches that are not settled, and the jobs that a run was launched as, for machines."""
    return {"launches": [doubt.to_json() for doubt in found.doubts], "jobs": dict(found.jobs)}


def run(active: gauges.ActiveRun) -> dict[str, Any]:
    """An active run for machines."""
    return {
        "accession": active.run.accession,
        "account": active.account,
        "status": active.run.status,
        "host": active.run.host,
        "engine": active.run.engine,
        "job": active.run.status_cmd,
        "launch": active.launch or None,
        "reason": active.reason or None,
        "urgent": active.is_urgent,
    }


def _plain(line: account_line.AccountLine) -> account_line.AccountLine:
    """A line whose mappings are such as can be written."""
    return dataclasses.replace(
        line, counts=dict(line.counts), ended=dict(line.ended), held=dict(line.held), left_alone=dict(line.left_alone)
    )
