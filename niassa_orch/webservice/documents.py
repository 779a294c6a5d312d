"""One whole run, ``<WorkflowRun>``: what a GET gave, and what a PUT sends back with a change.

The server wipes every field that a PUT leaves out, so everything is kept: texts, unknown elements, attributes of the
run as whole subtrees. Left out on purpose is what would re-assign the run or replace its links. Pure; called by
``webservice.client`` and by whoever decides what to write.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax import saxutils

from niassa_orch import errors
from niassa_orch.domain import runs
from niassa_orch.webservice import fields, scanner

LIMIT_BYTES: Final = 64 * 1024 * 1024
LIMITS: Final = scanner.Limits(text_chars=LIMIT_BYTES)

_PIECE_BYTES: Final = 64 * 1024

_ROOT: Final = "WorkflowRun"

#: Never sent (protocol: a known ``emailAddress`` in owner re-assigns the run, the others replace its links).
LEFT_OUT: Final = frozenset({"owner", "workflow", "ius", "lanes", "processes"})
#: Not ours to change: the run's identity, what is left out, and what the server merges by itself.
_UNCHANGEABLE: Final = LEFT_OUT | {fields.ACCESSION, "inputFileAccessions", "workflowRunAttributes"}

#: Everything outside the production Char of XML 1.0, section 2.2; the server answers 400 to it.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclasses.dataclass(frozen=True, slots=True)
class Element:
    """One element. ``text`` is empty where there are children: mixed content is no part of these documents.

    Args:
        name: As it came.
        text: Its text, blanks included.
        children: In their order.
        attributes: Name and value, in their order.
    """

    name: str
    text: str = dataclasses.field(default="", repr=False)
    children: tuple["Element", ...] = dataclasses.field(default=(), repr=False)
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def is_scalar(self) -> bool:
        """Whether it is a plain text."""
        return not self.children


@dataclasses.dataclass(frozen=True, slots=True)
class RunDocument:
    """A run as the server told it, with every element in its order. It has a usable accession.

    Args:
        elements: The children of ``<WorkflowRun>``; not printed, since an ``owner`` may hold a password's hash.
    """

    elements: tuple[Element, ...] = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        if fields.accession_of(self.text(fields.ACCESSION) or "") is None:
            scanner.refuse("the run has no usable swAccession")

    @classmethod
    def parse(cls, document: bytes) -> "RunDocument":
        """Read a whole document.

        Raises:
            errors.MalformedAnswerError: It is refused: not XML, too large, a DOCTYPE, another root, no accession.
        """
        if len(document) > LIMIT_BYTES:
            scanner.refuse(f"larger than {LIMIT_BYTES} bytes")
        parser = RunDocumentParser()
        for start in range(0, len(document), _PIECE_BYTES):
            parser.feed(document[start : start + _PIECE_BYTES])
        return parser.close()

    @property
    def run(self) -> runs.WorkflowRun:
        """The run without its texts."""
        run = fields.run_of({element.name: element.text for element in self.elements if element.is_scalar})
        if run is None:  # ruled out by __post_init__
            message = "the run has no usable swAccession"
            raise errors.MalformedAnswerError(message)
        return run

    @property
    def accession(self) -> runs.Accession:
        """The run's ``swAccession``, by which a PUT finds it."""
        return self.run.accession

    @property
    def current_working_dir(self) -> str | None:
        """Where the engine put the run, or ``None``; ends in the job's ``oozie-UUID``."""
        return self.text(fields.WORKING_DIR) or None

    def text(self, name: str) -> str | None:
        """The text of a scalar, blanks included; ``None`` when it is absent. Of a repeated one the last wins."""
        found = [element.text for element in self.elements if element.name == name and element.is_scalar]
        return found[-1] if found else None

    def changed(self, changes: Mapping[str, str | None]) -> "RunDocument":
        """The document with other texts; ``None`` takes an element out, which the server reads as null.

        Args:
            changes: Element name to text. Characters that XML cannot hold are left out.

        Raises:
            ValueError: A name that is none, or one that we must not change.
        """
        for name in changes:
            if name in _UNCHANGEABLE or not _NAME.fullmatch(name):
                message = f"the element {name!r} of a run is not ours to change"
                raise ValueError(message)
        wanted = {name: Element(name, _clean(text)) for name, text in changes.items() if text is not None}
        return RunDocument(tuple(_replaced(self.elements, changes, wanted)))

    def to_xml(self) -> bytes:
        """The body of a PUT: UTF-8, no line added, no namespace, nothing of ``LEFT_OUT``."""
        sent = [element for element in self.elements if element.name not in LEFT_OUT]
        body = "".join(_written(Element(_ROOT, children=tuple(sent))))
        return f'<?xml version="1.0" encoding="UTF-8"?>{body}'.encode()


def _replaced(
    elements: tuple[Element, ...], changes: Mapping[str, str | None], wanted: dict[str, Element]
) -> Iterator[Element]:
    """Changed elements in the place of the old ones, once each; new ones at the end. Uses ``wanted`` up."""
    for element in elements:
        if element.name not in changes:
            yield element
        elif element.name in wanted:
            yield wanted.pop(element.name)
    yield from wanted.values()


def _clean(text: str) -> str:
    return _NOT_XML.sub("", text)


def _written(element: Element) -> Iterator[str]:
    if ":" in element.name:  # in a namespace: the server drops it
        return
    yield f"<{element.name}"
    for name, value in element.attributes:
        if name != "xmlns" and ":" not in name:
            yield f" {name}={saxutils.quoteattr(_clean(value))}"
    yield ">"
    # A carriage return of its own would be read back as a line feed.
    yield saxutils.escape(_clean(element.text), {"\r": "&#13;"})
    for child in element.children:
        yield from _written(child)
    yield f"</{element.name}>"


@dataclasses.dataclass(slots=True)
class _Open:
    """An element whose end has not come yet."""

    name: str
    attributes: tuple[tuple[str, str], ...]
    pieces: list[str] = dataclasses.field(default_factory=list)
    children: list[Element] = dataclasses.field(default_factory=list)


class RunDocumentParser:
    """Builds a ``RunDocument`` from pieces, as they come from the wire."""

    def __init__(self) -> None:
        self._scanner = scanner.Scanner(self._started, self._ended, LIMITS)
        self._scanner.take_texts(self._take)
        self._open: list[_Open] = []
        self._nodes = 0
        self._root = Element(_ROOT)

    def feed(self, piece: bytes) -> None:
        """Read on.

        Raises:
            errors.MalformedAnswerError: The document is refused.
        """
        self._scanner.feed(piece)

    def close(self) -> RunDocument:
        """The document, once it has ended.

        Raises:
            errors.MalformedAnswerError: The document is cut, or has no accession.
        """
        self._scanner.close()
        return RunDocument(self._root.children)

    def _started(self, depth: int, name: str, attributes: list[str]) -> None:
        if depth == 1 and name != _ROOT:
            scanner.refuse(f"<{_ROOT}> was expected, and something else is there")
        self._nodes += 1 + len(attributes) // 2
        if self._nodes > LIMITS.elements:
            scanner.refuse(f"more than {LIMITS.elements} elements and attributes")
        self._open.append(_Open(name, tuple(zip(attributes[::2], attributes[1::2], strict=True))))

    def _take(self, piece: str) -> None:
        self._open[-1].pieces.append(piece)

    def _ended(self, _depth: int, _name: str) -> None:
        done = self._open.pop()
        text = "" if done.children else "".join(done.pieces)
        element = Element(done.name, text, tuple(done.children), done.attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
