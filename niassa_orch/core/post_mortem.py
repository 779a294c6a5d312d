"""Looks back: reads journal and audit trail of one run or one account, as much as was asked for and no more.

Works with and without a running service and disturbs none. What cannot be read is said, and the rest is told. Blocks.
Called by the command ``history`` and by the support bundle.
"""

import dataclasses
import pathlib
from collections.abc import Iterable

from niassa_orch import errors
from niassa_orch.config import settings
from niassa_orch.core import audit, audit_reading, history, history_words, state_directory
from niassa_orch.domain import orders, runs
from niassa_orch.journal import moments, reading

#: Of the audit trail so many entries are read for a step: it has two of each thing, and one of what the journal knows.
_ENTRIES_A_STEP = 4
_ORDERS = (*(str(kind) for kind in orders.Kind), history_words.LIFT)
_OF_SERVICE = ("start", "stop")
#: An order may have kept a run waiting for so long before anything happened to it.
_BEFORE_SECONDS = 7 * 86_400


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What happened.

    Args:
        steps: Oldest first; the newest ones, if there were more than was asked for.
        remarks: What could not be read, in words.
        is_cut: Whether there were more, before these.
    """

    steps: tuple[history.Step, ...]
    remarks: tuple[str, ...]
    is_cut: bool


def look_back(service: settings.Settings, wanted: reading.Wanted) -> Told:
    """What happened to a run or an account."""
    remarks: list[str] = []
    found = _journal(service, wanted, remarks)
    trail = _Trail(service.effective_audit_dir, wanted, remarks)
    names = _names(found, wanted) or trail.accounts()
    own = trail.entries(names)
    found = dataclasses.replace(found, entries=own)
    if wanted.accession is not None:
        found = _beside(found, names, trail)
    return _cut(history.steps(found), _horizon(found, wanted, trail), wanted, remarks)


def _journal(service: settings.Settings, wanted: reading.Wanted, remarks: list[str]) -> history.Found:
    path = state_directory.StateDirectory(service.state_dir).journal
    try:
        with reading.opened(path) as opened:
            return history.Found(
                opened.launches(wanted), opened.acts(wanted), opened.orders(wanted), opened.shadows(wanted)
            )
    except errors.JournalError as exc:
        remarks.append(str(exc))
        return history.Found()


def _names(found: history.Found, wanted: reading.Wanted) -> list[str]:
    """Whose files of the audit trail are read; all of them where nobody knows."""
    if wanted.account:
        return [wanted.account]
    if wanted.accession is None:
        return []
    launched, acted = {one.launch.account for one in found.launches}, {one.account for one in found.acts}
    return sorted((launched | acted | {one.account for one in found.shadowed}) - {""})


class _Trail:
    """Reads entries of the audit trail, and remembers whether there were more."""

    def __init__(self, directory: pathlib.Path, wanted: reading.Wanted, remarks: list[str]) -> None:
        self._directory = directory
        self._wanted = wanted
        self._remarks = remarks
        self.oldest: list[str] = []

    def accounts(self) -> list[str]:
        """Whose files there are."""
        return audit_reading.accounts(self._directory)

    def entries(self, names: Iterable[str]) -> list[audit_reading.Told]:
        """Of these accounts, and of all of them together: what concerns the run that is asked for, if one is."""
        accession, whose = self._wanted.accession, sorted({*names, ""})
        if accession is None:
            return [told for name in whose for told in self._read(name)]
        words = (str(accession).encode(),)
        return [told for name in whose for told in self._read(name, words) if _is_of(told.entry, accession)]

    def of_all(self, names: Iterable[str], since: str) -> list[audit_reading.Told]:
        """Orders for all runs of these accounts, starts and stops, since then; the newest, if there are many."""
        kinds = (*_ORDERS, *_OF_SERVICE)
        words = tuple(f'"{kind}"'.encode() for kind in kinds)
        cut = list(self.oldest)
        read = [told for name in sorted({*names, ""}) for told in self._read(name, words, since)]
        self.oldest = cut
        return [told for told in read if told.entry.accession is None and told.entry.what in kinds]

    def _read(self, name: str, words: tuple[bytes, ...] = (), since: str = "") -> list[audit_reading.Told]:
        most, until = self._wanted.most * _ENTRIES_A_STEP, self._wanted.until
        found: list[audit_reading.Told] = []
        later: list[audit_reading.Told] = []
        for told in audit_reading.entries(self._directory, name, words, since or self._wanted.since):
            if isinstance(told, audit_reading.Trouble):
                self._remarks.append(told.text)
            elif not until or told.time < until:
                found.append(told)
            elif told.entry.result:
                later.append(told)  # of something that may have been begun before
            if len(found) >= most:
                self.oldest.append(found[-1].time)
                break
        return [*later, *found]


def _is_of(entry: audit.Entry, accession: runs.Accession) -> bool:
    return entry.accession == accession or str(accession) in str(entry.details.get("accessions", "")).split()


def _beside(found: history.Found, names: Iterable[str], trail: _Trail) -> history.Found:
    """With orders for the run's account and for all, and starts of the service, while something happened to the run."""
    own = dataclasses.replace(found, ordered=[one for one in found.ordered if one.order.accession is not None])
    times = sorted(step.time for step in history.steps(own) if step.time)
    if not times:
        return own
    since = moments.earlier(times[0], _BEFORE_SECONDS)
    others = [told for told in trail.of_all(names, since) if told.entry.what in _ORDERS or told.time >= times[0]]
    held = [one for one in found.ordered if one.order.account in ("", *names)]
    return dataclasses.replace(found, ordered=held, entries=[*found.entries, *others])


def _horizon(found: history.Found, wanted: reading.Wanted, trail: _Trail) -> str:
    """Before it, not all is known that happened: something was left out."""
    ends = [*trail.oldest]
    if len(found.launches) == wanted.most:
        ends.append(found.launches[-1].last)
    if len(found.acts) == wanted.most:
        ends.append(found.acts[-1].created)
    return max(ends, default="")


def _cut(steps: tuple[history.Step, ...], horizon: str, wanted: reading.Wanted, remarks: list[str]) -> Told:
    since, until = max(horizon, wanted.since), wanted.until
    kept = [step for step in steps if step.time >= since and (not until or step.time < until) if step.time]
    kept += [step for step in steps if not step.time and not until]
    return Told(tuple(kept[-wanted.most :]), tuple(remarks), bool(horizon) or len(kept) > wanted.most)
