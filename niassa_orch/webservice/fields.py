"""How the texts of a run's elements become a ``runs.WorkflowRun``.

One place for both documents, the list's rows and the single run, so that they can't disagree. Pure; called by
``lists`` and ``documents``.
"""

import re
import string
from collections.abc import Callable, Mapping
from typing import Final

from niassa_orch.domain import runs

ACCESSION: Final = "swAccession"
STATUS: Final = "status"
OWNER: Final = "ownerUserName"
HOST: Final = "host"
ENGINE: Final = "workflowEngine"
STATUS_CMD: Final = "statusCmd"
WORKING_DIR: Final = "currentWorkingDir"

#: The elements that a ``runs.WorkflowRun`` is made of.
KEPT: Final = frozenset({ACCESSION, STATUS, OWNER, HOST, ENGINE, STATUS_CMD, WORKING_DIR})

_STATUSES: Final = {status.value: status for status in runs.RunStatus}
_ACCESSION: Final = re.compile(r"[1-9][0-9]{0,17}")
#: What Java's ``String.trim`` takes off.
_JAVA_BLANKS: Final = "".join(map(chr, range(0x21)))
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def _as_is(text: str) -> str:
    return text


def run_of(texts: Mapping[str, str], share: Callable[[str], str] = _as_is) -> runs.WorkflowRun | None:
    """The run that these texts describe, or ``None`` when there is no usable accession among them.

    The status must be exact: a padded one is unknown, as it is to the server. Host and engine are compared exactly
    elsewhere and stay as they are; an empty text is an absent one. ``statusCmd`` is a token: blanks around it are none
    of it.

    Args:
        texts: By element name; an absent element is absent here too.
        share: Gives one string for equal texts, where many runs are kept; for owner, host and engine.
    """
    accession = accession_of(texts.get(ACCESSION, ""))
    if accession is None:
        return None
    return runs.WorkflowRun(
        accession=accession,
        status=_STATUSES.get(texts.get(STATUS, "")),
        owner=share(normal_owner(texts.get(OWNER, ""))),
        host=share(texts.get(HOST, "")) or None,
        engine=share(texts.get(ENGINE, "")) or None,
        status_cmd=texts.get(STATUS_CMD, "").strip(_JAVA_BLANKS) or None,
        working_dir=texts.get(WORKING_DIR) or None,
    )


def accession_of(text: str) -> runs.Accession | None:
    """An accession: up to 18 digits, blanks around them allowed; ``None`` for anything else."""
    digits = text.strip(_JAVA_BLANKS)
    return runs.Accession(int(digits)) if _ACCESSION.fullmatch(digits) else None


def normal_owner(text: str) -> str:
    """An owner as the web service stores logins: trimmed and in lower case.

    Trimmed as Java trims, and in lower case as far as ASCII goes: Python would take a no-break space off too, and make
    a ``k`` of the Kelvin sign, so that somebody else's runs would count as those of an account of ours. An owner with
    anything but ASCII in it equals no login, since ``config.checks`` refuses such logins.
    """
    return text.strip(_JAVA_BLANKS).translate(_ASCII_LOWER)
