"""One write to the web service: read, change, write whole, read again.

The web service has neither versions nor conditions, so that the last writer wins: the run is read last thing before the
write and left alone if it moved. A PUT is never repeated; when its fate is unknown, the run is read and the next beat
decides again. Called by ``core.launching`` and ``core.propagating``.
"""

import contextlib
import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Final

from niassa_orch import errors
from niassa_orch.core import audit, enrolling
from niassa_orch.domain import accounts, runs, selection
from niassa_orch.webservice import client, documents

#: What a write is judged by, if it is among the changes; and what a run calls it.
_EXACT: Final = {"status": "status", "statusCmd": "status_cmd"}


class Written(enum.StrEnum):
    """What became of a write.

    In the record; in the record already, so that nothing was written; the run had moved, so that nothing was; or not to
    be seen in the record.
    """

    TAKEN = "taken"
    SAME = "the same"
    MOVED = "moved"
    NOT_TAKEN = "not taken"

    @property
    def is_in_record(self) -> bool:
        """Whether the record says what was to be written."""
        return self in (Written.TAKEN, Written.SAME)


@dataclasses.dataclass(frozen=True, slots=True)
class Write:
    """A write, and the run as it was read last, which may be another account's by now.

    Args:
        written: What became of it.
        run: As it was read last.
        is_sent: Whether anything was sent: then it may have been on the record for a moment, whatever it says now.
    """

    written: Written
    run: runs.WorkflowRun
    is_sent: bool = True


async def read_unmoved(
    web_service: client.WebService, account: accounts.Account, basis: runs.WorkflowRun
) -> documents.RunDocument | None:
    """The run's document if the run is still the account's and still as it was when the decision was made."""
    document = await web_service.get_run(basis.accession)
    return document if _is_unmoved(document.run, account, basis) else None


async def write(enrolled: enrolling.Enrolled, basis: runs.WorkflowRun, changes: Mapping[str, str | None]) -> Write:
    """Change the run's record if it has not moved since ``basis``, and look whether it took.

    Args:
        enrolled: The owner; a run of anybody else is never written.
        basis: The run that the decision was made from.
        changes: Element names of ``<WorkflowRun>`` and their new texts.

    Raises:
        WebServiceError: The run could not be read or written; after a PUT of unknown fate (500, time-out, reset) the
            run was read once more, and this is raised only if that failed too.
    """
    web_service = enrolled.web_service
    document = await web_service.get_run(basis.accession)
    if not _is_unmoved(document.run, enrolled.account, basis):
        return Write(Written.MOVED, document.run, is_sent=False)
    wanted = document.changed(changes)
    differing = [name for name in changes if _text(document, name) != _text(wanted, name)]
    if not differing:
        return Write(Written.SAME, document.run, is_sent=False)
    entry = _entry(enrolled.account, basis, changes)
    enrolled.trail.note(entry)
    try:
        # When the answer is lost, the write is perhaps not: only the record can say.
        with contextlib.suppress(errors.WriteUnknownError):
            await web_service.put_run(wanted)
        after = await web_service.get_run(basis.accession)
    except errors.WebServiceError as exc:
        enrolled.trail.note(dataclasses.replace(entry, result=f"not known: {exc}"))
        raise
    written = _written(basis, document, after, changes, differing)
    enrolled.trail.note(dataclasses.replace(entry, result=str(written)))
    return Write(written, after.run)


def _is_unmoved(now: runs.WorkflowRun, account: accounts.Account, basis: runs.WorkflowRun) -> bool:
    return (now.status, now.status_cmd) == (basis.status, basis.status_cmd) and selection.is_of(now, account)


def _entry(account: accounts.Account, basis: runs.WorkflowRun, changes: Mapping[str, str | None]) -> audit.Entry:
    """For the trail: which elements, of texts no more than that."""
    details = {"from": basis.status} | {name: text if name in _EXACT else "..." for name, text in changes.items()}
    return audit.Entry("write", account.name, account.unix_user, accession=basis.accession, details=details)


def _written(
    basis: runs.WorkflowRun,
    before: documents.RunDocument,
    after: documents.RunDocument,
    changes: Mapping[str, str | None],
    differing: Sequence[str],
) -> Written:
    """What became of a write, as far as the record shows it."""
    if _took(before, after, changes, differing):
        return Written.TAKEN
    now = after.run
    untouched = (now.status, now.status_cmd) == (basis.status, basis.status_cmd)
    return Written.NOT_TAKEN if untouched or now.status is None else Written.MOVED


def _took(
    before: documents.RunDocument,
    after: documents.RunDocument,
    changes: Mapping[str, str | None],
    differing: Sequence[str],
) -> bool:
    """Whether the record shows a write: status and job as wanted; where neither was to change, other texts than before.

    A server may change the ends of their lines, so that they need not be what was sent.
    """
    exact = [name for name in _EXACT if name in changes]
    if exact:
        return all(getattr(after.run, _EXACT[name]) == changes[name] for name in exact)
    return all(_text(after, name) != _text(before, name) for name in differing)


def _text(document: documents.RunDocument, name: str) -> str:
    """A server may make null of an empty text, or the other way round."""
    return document.text(name) or ""
