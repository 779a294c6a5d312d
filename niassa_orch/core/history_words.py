"""One step of what happened, and its words: of a launch, an act, an order, an entry of the audit trail.

Pure. Quotes no body and no text of a run: of the journal's ``seen`` only the status, of ``evidence`` only what was
concluded from. Called by ``core.history``.
"""

import dataclasses
import datetime
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from niassa_orch.core import audit, audit_reading
from niassa_orch.domain import runs
from niassa_orch.journal import reading, records, shadows

LIFT = "resume-orders"
_SERVICE = audit.SERVICE
_TICKS = os.sysconf("SC_CLK_TCK")
#: A call that seems to have begun later than this after its intent was not: the clocks are not of one boot.
_STARTS_SECONDS = 600.0
_UNKNOWN = "not known: the service ended before it was, or it is under way"
_DONE = {
    "kill": "job {job} killed",
    "resume": "job {job} resumed",
    "rerun": "job {job} rerun",
    "propagate": "the engine's own propagation called for {accessions}",
    "start": "service started, version {version}, host {host}",
    "stop": "service stopped",
    LIFT: "pauses and stops lifted",
    "poll-now": "looked at now, by order",
    "drain": "service drained",
    "reload": "profiles and secrets read again",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    Args:
        time: ISO 8601, UTC; ``""``: it is so now.
        what: ``launch``, ``call``, ``verdict``, ``kill``, ``write``, an order, and so on.
        said: What happened, in words.
        account: Whom it concerns; ``""``: all, or none.
        accession: Of the run.
        unix_user: As whom.
        by: Who wanted it; ``service`` when no person did.
        result: What came of it.
        source: Who knows: ``journal`` or ``audit trail``.
    """

    time: str
    what: str
    said: str
    account: str = ""
    accession: runs.Accession | None = None
    unix_user: str = ""
    by: str = _SERVICE
    result: str = ""
    source: str = "journal"

    @property
    def line(self) -> str:
        """One line for people: when, which run, what, as whom, by whom, with which result."""
        when = self.time[:23].replace("T", " ") if self.time else "now"
        which = f"run {self.accession}" if self.accession is not None else "-"
        who = [f"as {self.unix_user}"] if self.unix_user else []
        who += [f"by {self.by}"] if self.by != _SERVICE else []
        whose = f" ({', '.join(who)})" if who else ""
        result = f" -> {self.result}" if self.result else ""
        return f"{when:23}  {which:12} {self.account or '-':12} {self.said}{whose}{result}"


def of_launch(past: reading.PastLaunch) -> Iterator[Step]:
    """The moments of a launch that the journal has: intended, started, settled, or how it stands."""
    launch = past.launch
    about = {"account": launch.account, "accession": launch.accession, "unix_user": launch.unix_user}
    begun = f"launch intended, of {launch.owner} for {launch.host} ({launch.verb}, {launch.engine_family})"
    seen = _fields(launch.seen).get("status")
    record = f"; its record said {seen}" if seen else ""
    yield Step(launch.created, "launch", f"{begun}{record}; call {launch.call_id}", **about)  # type: ignore[arg-type]
    if launch.started:
        pid = f", sudo has pid {launch.pid}" if launch.pid is not None else ""
        yield Step(_started(launch), "call", f"engine call begun: transcript {launch.transcript}{pid}", **about)  # type: ignore[arg-type]
    if launch.outcome is None and not past.settled:
        yield Step("", "verdict", "its call is under way, or nobody looked at it since it ended", **about)  # type: ignore[arg-type]
        return
    word = f" (a person said {launch.told})" if launch.told else ""
    job = f", job {launch.job_id}" if launch.job_id else ""
    verdict = f"{launch.outcome}{word}{job}: {launch.reason}{_evidence(launch.evidence)}"
    yield Step(past.settled, "verdict", "settled" if past.settled else "not settled", result=verdict, **about)  # type: ignore[arg-type]


def of_act(act: reading.PastAct) -> Step:
    """Something that was done to a job."""
    said = _DONE[act.act].format(job=act.job_id)
    return Step(act.created, act.act, said, act.account, act.accession, act.unix_user, result=act.outcome or _UNKNOWN)


def of_order(past: reading.PastOrder) -> Iterator[Step]:
    """When an order was given, and when it was lifted."""
    order = past.order
    about = {"account": order.account, "accession": order.accession}
    until = {"until": None if order.until is None else _text(order.until)}
    said = _ordered(str(order.kind), until | {"reason": order.reason})
    yield Step(_text(order.since), str(order.kind), said, by=str(order.by), **about)  # type: ignore[arg-type]
    if past.lifted:
        yield Step(past.lifted, LIFT, f"lifted: {said}", by=past.lifted_by, **about)  # type: ignore[arg-type]


def of_shadow(shadow: shadows.Shadow) -> Iterator[Step]:
    """What shadow mode would have done, and what others did."""
    about = {"account": shadow.account, "accession": shadow.accession}
    if shadow.decided:
        yield Step(shadow.decided, "shadow", f"shadow mode would have: {shadow.wanted}, from {shadow.basis}", **about)  # type: ignore[arg-type]
    if shadow.came_at:
        yield Step(shadow.came_at, "shadow", f"shadow mode saw: {shadow.came} ({shadow.agreement})", **about)  # type: ignore[arg-type]


def of_entry(begun: audit_reading.Told, ended: audit_reading.Told | None) -> Step:
    """What the audit trail says of one thing: when it was begun, and what came of it."""
    entry = begun.entry
    result = _UNKNOWN if ended is None and _has_result(entry) else ended.entry.result if ended is not None else ""
    who = (entry.account, entry.accession, entry.unix_user, entry.operator)
    return Step(begun.time, entry.what, _said(entry), *who, result=result, source="audit trail")


def seconds_between(one: str, other: str) -> float:
    """Between two moments as the journal and the trail write them; without end where one is no moment."""
    try:
        apart = datetime.datetime.fromisoformat(one) - datetime.datetime.fromisoformat(other)
    except (ValueError, TypeError):
        return float("inf")
    return abs(apart.total_seconds())


def _has_result(entry: audit.Entry) -> bool:
    return entry.what not in ("start", "stop", "propagate")


def _said(entry: audit.Entry) -> str:
    details = {name: value for name, value in entry.details.items() if value not in (None, "")}
    if entry.what == "write":
        was = details.pop("from", "?")
        changed = ", ".join(f"{name} = {value}" for name, value in details.items())
        return f"record written, which said {was}: {changed}"
    if entry.what == "launch":
        return f"launch, call {details.get('call', '?')}"
    if (words := _DONE.get(entry.what)) is not None:
        return words.format_map(_Known(details))
    return _ordered(entry.what, details)


def _ordered(what: str, details: Mapping[str, object]) -> str:
    more = ", ".join(f"{name} {value}" for name, value in details.items() if value not in (None, ""))
    return f"{what}{f': {more}' if more else ''}"


class _Known(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


def _started(launch: records.Launch) -> str:
    """When sudo was started, by the kernel's own ticks; where they say nothing, when the launch was intended."""
    if launch.pid_started is None or launch.begun is None:
        return launch.created
    after = launch.pid_started / _TICKS - launch.begun
    if not -1.0 < after < _STARTS_SECONDS:
        return launch.created
    return _text(datetime.datetime.fromisoformat(launch.created) + datetime.timedelta(seconds=max(after, 0.001)))


def _evidence(text: str) -> str:
    """What a verdict goes by, of which the journal has JSON."""
    shown = []
    for part, said in _fields(text).items():
        known = _fields(said)
        words = [f"{name} {value}" for name, value in known.items() if value is not False and value not in (None, "")]
        shown.append(f"{part}: {', '.join(words) or 'nothing'}")
    return f" [{'; '.join(shown)}]" if shown else ""


def _fields(said: object) -> Mapping[str, Any]:
    """A table, or the table that a text holds as JSON; of anything else an empty one."""
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except (ValueError, RecursionError):
            return {}
    return said if isinstance(said, dict) else {}


def _text(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
