"""A workflow run of the web service stand-in as a record, and its XML, both ways. Pure.

Facts are those of the protocol, section 1: which elements there are, which of them a PUT writes, how lenient the
reader is. Storing is ``webservice_books``; nothing here knows HTTP.
"""

import dataclasses
import datetime
import functools
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from niassa_orch.domain import runs

#: The scalars that a PUT copies over the row, null included; also the text columns of the books.
WRITABLE = (
    "command",
    "currentWorkingDir",
    "host",
    "iniFile",
    "name",
    "seqwareRevision",
    "sgeNameIdMap",
    "status",
    "statusCmd",
    "stdErr",
    "stdOut",
    "template",
    "userName",
    "workflowEngine",
)

#: A run's primary key, ``workflowRunId``, is its accession less this: close enough to be mistaken, never the same.
ACCESSION_OFFSET = 1000

LIST_HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><WorkflowRunList2>'
LIST_TAIL = b"</WorkflowRunList2>"
EMPTY_LIST = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><WorkflowRunList2/>'

_STATUSES = frozenset(runs.RunStatus)


@dataclasses.dataclass(frozen=True, slots=True)
class Attribute:
    """One ``workflowRunAttributes`` element; the tag is its key."""

    tag: str
    value: str | None = None
    unit: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class StoredRun:
    """One run as the books hold it.

    Args:
        accession: ``swAccession``.
        owner: E-mail address of the owner.
        workflow_accession: The workflow that it is a run of.
        created_ms: Milliseconds since the epoch.
        updated_ms: Likewise; moves with every PUT that changes something.
        version: Counts every PUT; two PUTs that read the same one overlap.
        texts: By the names of ``WRITABLE``; absent means null.
        input_files: Accessions of input files; not filled in for rows of a list.
        attributes: Likewise.
    """

    accession: int
    owner: str
    workflow_accession: int | None
    created_ms: int
    updated_ms: int
    version: int
    texts: Mapping[str, str]
    input_files: tuple[int, ...] = ()
    attributes: tuple[Attribute, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Body:
    """What a ``<WorkflowRun>`` that came in says, after the lenient reading of it."""

    accession: int | None
    texts: Mapping[str, str]
    input_files: tuple[int, ...]
    attributes: tuple[Attribute, ...]
    owner_email: str | None
    workflow_accession: int | None


@functools.lru_cache(maxsize=1024)
def moment(milliseconds: int) -> str:
    """An xs:dateTime in UTC, the stand-in's zone; milliseconds are left out when zero."""
    when = datetime.datetime.fromtimestamp(milliseconds // 1000, tz=datetime.UTC)
    fraction = f".{milliseconds % 1000:03d}" if milliseconds % 1000 else ""
    return f"{when:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def document(run: StoredRun) -> bytes:
    """The answer to a single GET, to a PUT and to a POST."""
    inner = "".join(_children(run))
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><WorkflowRun>{inner}</WorkflowRun>'.encode()


def row(run: StoredRun) -> bytes:
    """One ``<list>`` of a list: scalars only, whatever the record holds besides."""
    scalars = "".join(_element(name, text) for name, text in sorted(_scalars(run).items()))
    return f"<list>{scalars}</list>".encode()


def workflow(accession: int) -> bytes:
    """The answer to ``.../workflow``."""
    inner = "".join(
        _element(name, text)
        for name, text in (
            ("name", f"workflow-{accession}"),
            ("swAccession", str(accession)),
            ("version", "1.0"),
            ("workflowId", str(accession)),
        )
    )
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Workflow>{inner}</Workflow>'.encode()


def read(body: bytes) -> Body:
    """Read a document as JAXB does: unknown and namespaced elements are dropped, of a repeated scalar the last wins.

    An unknown or padded status is null; so is a number that is none.

    Raises:
        ValueError: Not XML, or not a ``<WorkflowRun>``.
    """
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - the sandbox's own clients; expat refuses entity bombs
    except ElementTree.ParseError as exc:
        raise ValueError(str(exc)) from exc
    if root.tag != "WorkflowRun":
        msg = "the root is not WorkflowRun"
        raise ValueError(msg)
    last = {child.tag: child for child in root}
    texts = {name: last[name].text or "" for name in WRITABLE if name in last}
    if texts.get("status", "") not in _STATUSES:
        texts.pop("status", None)
    return Body(
        accession=_number(last.get("swAccession")),
        texts=texts,
        input_files=tuple(number for child in root.findall("inputFileAccessions") if (number := _number(child))),
        attributes=tuple(_attributes(root)),
        owner_email=root.findtext("owner/emailAddress"),
        workflow_accession=_number(root.find("workflow/swAccession")),
    )


def _children(run: StoredRun) -> list[str]:
    elements = [(name, _element(name, text)) for name, text in _scalars(run).items()]
    elements += [
        ("inputFileAccessions", _element("inputFileAccessions", str(number))) for number in sorted(run.input_files)
    ]
    elements += [("workflowRunAttributes", _attribute(attribute)) for attribute in run.attributes]
    return [element for _, element in sorted(elements, key=lambda pair: pair[0])]


def _scalars(run: StoredRun) -> dict[str, str]:
    scalars = {
        **run.texts,
        "createTimestamp": moment(run.created_ms),
        "isHasFile": "false",
        "isSelected": "false",
        "ownerUserName": run.owner,
        "swAccession": str(run.accession),
        "updateTimestamp": moment(run.updated_ms),
        "workflowRunId": str(run.accession - ACCESSION_OFFSET),
    }
    if run.workflow_accession is not None:
        scalars["workflowAccession"] = str(run.workflow_accession)
    return scalars


def _element(name: str, text: str) -> str:
    if not text:
        return f"<{name}/>"
    # A carriage return would come back as a line feed if it were sent as it is. By hand: lists have a million of these.
    escaped = text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("\r", "&#13;")
    return f"<{name}>{escaped}</{name}>"


def _attribute(attribute: Attribute) -> str:
    pairs = (("tag", attribute.tag), ("unit", attribute.unit), ("value", attribute.value))
    inner = "".join(_element(name, text) for name, text in pairs if text is not None)
    return f"<workflowRunAttributes>{inner}</workflowRunAttributes>"


def _attributes(root: ElementTree.Element) -> Iterator[Attribute]:
    for child in root.findall("workflowRunAttributes"):
        tag = child.findtext("tag")
        if tag:
            yield Attribute(tag, child.findtext("value"), child.findtext("unit"))


def _number(element: ElementTree.Element | None) -> int | None:
    text = "" if element is None else (element.text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
