"""One whole run, ``<WorkflowRun>``: what a GET gave, and what a PUT sends back with a change.

The server wipes every field that a PUT leaves out, so everything is kept: texts, unknown elements, attributes of the
run as whole subtrees. Left out on purpose is what would re-assign the run or replace its links. Pure; called by
``webservice.client`` and by whoever decides what to write.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from xml.sax import saxutils

from niassa_orch.domain import runs
from niassa_orch.webservice import fields, scanner

LIMIT_BYTES: Final = 64 * 1024 * 1024
LIMITS: Final = scanner.Limits(text_chars=LIMIT_BYTES)

_PIECE_BYTES: Final = 64 * 1024

_ROOT: Final = "WorkflowRun"
_USUAL_DEPTH: Final = 3
_NO_ACCESSION: Final = "the run has no usable swAccession"

#: Never sent (protocol: a known ``emailAddress`` in owner re-assigns the run, the others replace its links).
LEFT_OUT: Final = frozenset({"owner", "workflow", "ius", "lanes", "processes"})
#: Not ours to change: the run's identity, what is left out, and what the server merges by itself.
_UNCHANGEABLE: Final = LEFT_OUT | {fields.ACCESSION, "inputFileAccessions", "workflowRunAttributes"}

#: Everything outside the production Char of XML 1.0, section 2.2; the server answers 400 to it.
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: The same in UTF-8, where a control character is a byte that is part of no other, and surrogates do not exist.
_CONTROL_BYTES: Final = bytes(number for number in range(0x20) if number not in b"\t\n\r")
_NO_CHARACTERS: Final = ("\ufffe".encode(), "\uffff".encode())
_RETURN: Final = {"\r": "&#13;"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_tuple: Final = tuple.__new__


class Element(NamedTuple):
    """One element. ``text`` is empty where there are children: mixed content is no part of these documents.

    A tuple, since a dataclass takes several times as long to make, and a run has dozens of them.

    Args:
        name: As it came.
        text: Its text, blanks included.
        children: In their order.
        attributes: Name and value, in their order.
    """

    name: str
    text: str = ""
    children: tuple["Element", ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Without text and children: an ``owner`` may hold a password's hash."""
        return f"Element(name={self.name!r}, attributes={self.attributes!r})"


@dataclasses.dataclass(frozen=True, slots=True)
class RunDocument:
    """A run as the server told it, with every element in its order. It has a usable accession.

    Args:
        elements: The children of ``<WorkflowRun>``; not printed, since an ``owner`` may hold a password's hash.
        accession: The run's ``swAccession``, by which a PUT finds it.
    """

    elements: tuple[Element, ...] = dataclasses.field(repr=False)
    accession: runs.Accession = dataclasses.field(init=False, repr=False, compare=False)
    _texts: Mapping[str, str] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Of a repeated scalar the last wins.
        texts = {name: text for name, text, children, _ in self.elements if not children}
        accession = fields.accession_of(texts.get(fields.ACCESSION, "")) or scanner.refuse(_NO_ACCESSION)
        object.__setattr__(self, "_texts", texts)
        object.__setattr__(self, "accession", accession)

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
        return fields.run_of(self._texts) or scanner.refuse(_NO_ACCESSION)  # ruled out by __post_init__

    def text(self, name: str) -> str | None:
        """The text of a scalar, blanks included; ``None`` when it is absent. Of a repeated one the last wins."""
        return self._texts.get(name)

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
        written = ['<?xml version="1.0" encoding="UTF-8"?><', _ROOT, ">"]
        for element in self.elements:
            if element.name not in LEFT_OUT:
                _write(element, written)
        written += ("</", _ROOT, ">")
        return _encoded("".join(written))


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


def _write(element: Element, written: list[str]) -> None:
    name = element.name
    if ":" in name:  # in a namespace: the server drops it
        return
    written += ("<", name)
    for attribute, value in element.attributes:
        if attribute != "xmlns" and ":" not in attribute:
            written.append(f" {attribute}={saxutils.quoteattr(value)}")
    # A carriage return of its own would be read back as a line feed.
    written += (">", saxutils.escape(element.text, _RETURN) if element.text else "")
    for child in element.children:
        _write(child, written)
    written += ("</", name, ">")


def _encoded(text: str) -> bytes:
    """UTF-8 without what XML cannot hold, as ``_clean``, in a tenth of its time: a PUT carries every text of a run."""
    encoded = text.encode("utf-8", "ignore").translate(None, _CONTROL_BYTES)
    for character in _NO_CHARACTERS:
        encoded = encoded.replace(character, b"")
    return encoded


class RunDocumentParser:
    """Builds a ``RunDocument`` from pieces, as they come from the wire."""

    def __init__(self) -> None:
        self._scanner = scanner.Scanner(self._started, self._ended, LIMITS)
        self._pieces: list[str] = []
        self._scanner.take_texts(self._pieces.append)
        self._outer: list[tuple[list[Element], list[str]]] = []
        self._siblings: list[Element] = []
        self._nodes = 0

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
        (root,) = self._siblings
        return RunDocument(root.children)

    def _started(self, name: str, attributes: list[str]) -> None:
        outer = self._outer
        if attributes or not outer or len(outer) > _USUAL_DEPTH:
            self._look_closer(name, attributes)
        self._nodes = nodes = self._nodes + 1
        if nodes > LIMITS.elements:
            scanner.refuse(f"more than {LIMITS.elements} elements and attributes")
        if self._pieces:
            self._pieces.clear()
        outer.append((self._siblings, attributes))
        self._siblings = []

    def _look_closer(self, name: str, attributes: list[str]) -> None:
        """At what most elements of a run are not: the root, with attributes, or deep."""
        if not self._outer and name != _ROOT:
            scanner.refuse(f"<{_ROOT}> was expected, and something else is there")
        self._scanner.check(len(self._outer) + 1, attributes)
        self._nodes += len(attributes) // 2

    def _ended(self, name: str) -> None:
        children, pieces = self._siblings, self._pieces
        self._siblings, attributes = self._outer.pop()
        text = ""
        if pieces:
            text = "" if children else "".join(pieces)
            pieces.clear()
        pairs = tuple(zip(attributes[::2], attributes[1::2], strict=True)) if attributes else ()
        # Past the constructor, which costs more than all the rest of this.
        self._siblings.append(_tuple(Element, (name, text, tuple(children), pairs)))
