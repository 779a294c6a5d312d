"""What happened, step by step: the journal's rows and the audit trail's entries as one list in the order of time.

Pure. Both know of launches, acts on jobs and orders: each of these is told once. Called by ``core.post_mortem``.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from niassa_orch.core import audit, audit_reading, history_words
from niassa_orch.domain import orders
from niassa_orch.journal import reading, shadows

Step = history_words.Step
#: Between the entry of an audit trail and the row of the journal for one and the same thing, on a disk that is slow.
_APART_SECONDS = 60.0
_ACTS = ("kill", "resume", "rerun")
_ORDERS = tuple(map(str, orders.Kind))
_LAUNCH = "launch"
#: One thing that is done once at a time: what, whose, which run, which job or call.
_Key = tuple[str, str, int | None, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Found:
    """All that was read, in any order."""

    launches: Sequence[reading.PastLaunch] = ()
    acts: Sequence[reading.PastAct] = ()
    ordered: Sequence[reading.PastOrder] = ()
    shadowed: Sequence[shadows.Shadow] = ()
    entries: Sequence[audit_reading.Told] = ()


def steps(found: Found) -> tuple[Step, ...]:
    """All steps, oldest first; what is so now comes last."""
    told = [history_words.of_entry(begun, ended) for begun, ended in _pairs(_news(found))]
    told += [step for one in found.launches for step in history_words.of_launch(one)]
    known = _Known(found.entries)
    told += [history_words.of_act(one) for one in found.acts if not known.has(_act_key(one), one.created)]
    for one in found.ordered:
        told += [step for step in history_words.of_order(one) if not known.has(_order_key(one, step), step.time)]
    told += [step for shadow in found.shadowed for step in history_words.of_shadow(shadow)]
    return tuple(sorted(told, key=lambda step: (step.time == "", step.time)))


def _news(found: Found) -> Iterator[audit_reading.Told]:
    """Entries that say what the journal's launches do not, oldest first."""
    launches = {(one.launch.call_id, int(one.launch.accession)): one for one in found.launches}
    for told in sorted(found.entries, key=lambda one: one.time):
        entry = told.entry
        key = (str(entry.details.get("call", "")), entry.accession or 0)
        known = launches.get(key) if _is_launch(entry) else None
        if known is None or (entry.result and not _is_verdict(entry, known)):
            yield told


def _is_launch(entry: audit.Entry) -> bool:
    return entry.what == _LAUNCH


def _is_verdict(entry: audit.Entry, known: reading.PastLaunch) -> bool:
    return bool(known.settled) and entry.result == f"{known.launch.outcome}: {known.launch.reason}"


def _pairs(entries: Iterable[audit_reading.Told]) -> list[tuple[audit_reading.Told, audit_reading.Told | None]]:
    """What was about to be done with what came of it; a result whose beginning is not known stands for itself."""
    paired: list[tuple[audit_reading.Told, audit_reading.Told | None]] = []
    waiting: dict[_Key, int] = {}
    for told in entries:
        key = _key(told.entry)
        if not told.entry.result:
            waiting[key] = len(paired)
            paired.append((told, None))
        elif (place := waiting.pop(key, None)) is not None:
            paired[place] = (paired[place][0], told)
        else:
            paired.append((told, told))
    return paired


class _Known:
    """What the audit trail tells already, by what it is and when."""

    def __init__(self, entries: Iterable[audit_reading.Told]) -> None:
        self._times: dict[_Key, list[str]] = {}
        for told in entries:
            if told.entry.what in (*_ACTS, *_ORDERS, history_words.LIFT):
                self._times.setdefault(_short_key(told.entry), []).append(told.time)

    def has(self, key: _Key, time: str) -> bool:
        """Whether it tells of this thing at about this time."""
        return any(history_words.seconds_between(time, one) < _APART_SECONDS for one in self._times.get(key, ()))


def _key(entry: audit.Entry) -> _Key:
    """Which beginning and which result are of one thing."""
    details = " ".join(
        f"{name}={value}" for name, value in entry.details.items() if name != "job" or not _is_launch(entry)
    )
    return (entry.what, f"{entry.account} {entry.operator}", entry.accession, details)


def _short_key(entry: audit.Entry) -> _Key:
    job = str(entry.details.get("job", "")) if entry.what in _ACTS else ""
    accession = entry.accession if entry.what != history_words.LIFT else None
    return (entry.what, entry.account, accession, job)


def _act_key(act: reading.PastAct) -> _Key:
    return (act.act, act.account, act.accession, act.job_id)


def _order_key(one: reading.PastOrder, step: Step) -> _Key:
    if step.what == history_words.LIFT:
        return (history_words.LIFT, one.order.account, None, "")
    return (str(one.order.kind), one.order.account, one.order.accession, "")
