"""One whole run, ``<WorkflowRun>``: what a GET gave, and what a PUT sends back with a change.

The server wipes every field that a PUT leaves out, so everything is kept in the bytes that came (``elements``): texts,
unknown elements, attributes of the run as whole subtrees. The whole is checked when it comes; a text is made of its
bytes when somebody asks for it. Left out on purpose is what would re-assign the run or replace its links. Pure; called
by ``webservice.client`` and by whoever decides what to write.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from niassa_orch.domain import runs
from niassa_orch.webservice import elements, fields, scanner

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

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?><WorkflowRun>'
_TAIL: Final = b"</WorkflowRun>"


@dataclasses.dataclass(frozen=True, slots=True)
class RunDocument:
    """A run as the server told it, with every element in its order. It has a usable accession.

    Args:
        parts: The children of ``<WorkflowRun>``; not printed, since an ``owner`` may hold a password's hash.
        accession: The run's ``swAccession``, by which a PUT finds it.
    """

    parts: tuple[elements.Part, ...] = dataclasses.field(repr=False)
    accession: runs.Accession = dataclasses.field(init=False, repr=False, compare=False)
    _last: Mapping[str, bytes] = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_last", dict(self.parts))
        accession = fields.accession_of(self.text(fields.ACCESSION) or "") or scanner.refuse(_NO_ACCESSION)
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

    @classmethod
    def of(cls, inside: Iterable[elements.Element]) -> "RunDocument":
        """The document of these elements.

        Raises:
            errors.MalformedAnswerError: There is no accession among them.
        """
        return cls(tuple((element.name, elements.written(element)) for element in inside))

    @property
    def elements(self) -> tuple[elements.Element, ...]:
        """The children of ``<WorkflowRun>`` with all that is in them."""
        return tuple(elements.read(source) for _, source in self.parts)

    @property
    def run(self) -> runs.WorkflowRun:
        """The run without its texts."""
        texts = {name: text for name in fields.KEPT if (text := self.text(name)) is not None}
        return fields.run_of(texts) or scanner.refuse(_NO_ACCESSION)  # ruled out by __post_init__

    def text(self, name: str) -> str | None:
        """The text of a scalar, blanks included; ``None`` when it is absent. Of a repeated one the last wins."""
        source = self._last.get(name)
        if source is None:
            return None
        text = elements.text_of(name, source)
        if text is None:  # no scalar: one that stands before it may be
            scalars = (elements.text_of(*part) for part in reversed(self.parts) if part[0] == name)
            text = next((scalar for scalar in scalars if scalar is not None), None)
        return text

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
        wanted = {
            name: elements.written(elements.Element(name, text)) for name, text in changes.items() if text is not None
        }
        return RunDocument(tuple(_replaced(self.parts, changes, wanted)))

    def to_xml(self) -> bytes:
        """The body of a PUT: UTF-8, no line added, no namespace, nothing of ``LEFT_OUT``."""
        sent = [elements.sendable(name, source) for name, source in self.parts if name not in LEFT_OUT]
        return b"".join([_HEAD, *sent, _TAIL])


def _replaced(
    parts: tuple[elements.Part, ...], changes: Mapping[str, str | None], wanted: dict[str, bytes]
) -> Iterator[elements.Part]:
    """Changed elements in the place of the old ones, once each; new ones at the end. Uses ``wanted`` up."""
    for name, source in parts:
        if name not in changes:
            yield name, source
        elif name in wanted:
            yield name, wanted.pop(name)
    yield from wanted.items()


class RunDocumentParser:
    """Builds a ``RunDocument`` from pieces, as they come from the wire: looks at every element, and takes none apart.

    Kept is where each child of ``<WorkflowRun>`` begins. Expat calls a function of ours for each start and a list's
    own ``append`` for each end, since what is done for an element is most of what a document costs.
    """

    def __init__(self) -> None:
        self._ended: list[str] = []
        self._scanner = scanner.Scanner(self._started, self._ended.append, LIMITS)
        self._expat = self._scanner.expat
        self._pieces: list[bytes] = []
        self._names: list[str] = []
        self._begins: list[int] = []
        self._begun = self._attributes = 0

    def feed(self, piece: bytes) -> None:
        """Read on.

        Raises:
            errors.MalformedAnswerError: The document is refused.
        """
        self._pieces.append(piece)
        self._scanner.feed(piece)
        if self._begun + self._attributes > LIMITS.elements:
            scanner.refuse(f"more than {LIMITS.elements} elements and attributes")

    def close(self) -> RunDocument:
        """The document, once it has ended.

        Raises:
            errors.MalformedAnswerError: The document is cut, or has no accession.
        """
        self._scanner.close()
        del self._expat
        body, begins = b"".join(self._pieces), self._begins
        # Where the last child ends, or after that: a comment may follow the run's own end.
        ends = [*begins[1:], body.rfind(b"</")]
        sources = [body[begin:end] for begin, end in zip(begins, ends, strict=False)]
        return RunDocument(tuple(zip(self._names, sources, strict=True)))

    def _started(self, name: str, attributes: list[str]) -> None:
        open_elements = self._begun - len(self._ended)
        self._begun += 1
        if attributes or open_elements != 1:
            self._look_closer(name, attributes, open_elements)
        if open_elements == 1:
            self._names.append(name)
            self._begins.append(self._expat.CurrentByteIndex)

    def _look_closer(self, name: str, attributes: list[str], open_elements: int) -> None:
        """At what most elements of a run are not: the root, with attributes, or deeper than its children."""
        if not open_elements and name != _ROOT:
            scanner.refuse(f"<{_ROOT}> was expected, and something else is there")
        self._scanner.check(open_elements + 1, attributes)
        self._attributes += len(attributes) // 2
