"""The guarded XML parser that both kinds of documents are read with.

pyexpat with our own limits: UTF-8 whatever the declaration says, no DOCTYPE and so no entities, bounded depth,
attributes and unfinished tokens. What the elements mean belongs to ``lists`` and ``documents``, which drive it.
"""

import dataclasses
from collections.abc import Callable
from pyexpat import errors as expat_errors
from typing import Any, Final, NoReturn
from xml.parsers import expat

from niassa_orch import errors

TextTaker = Callable[[str], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a document may ask of us before it is refused.

    Args:
        depth: Open elements at once.
        attributes: Attributes of one element.
        token_bytes: One tag, comment or processing instruction, which expat holds until it ends. Texts are not
            tokens: they stream.
        text_chars: One text that is kept.
        elements: Elements and attributes of a document, or rows of a list, that are kept.
    """

    depth: int = 32
    attributes: int = 64
    token_bytes: int = 1024 * 1024
    text_chars: int = 4096
    elements: int = 100_000


class Scanner:
    """Feeds expat and refuses what no neighbour of ours has a reason to send.

    Expat calls ``started`` and ``ended`` without anything of ours in between, which would cost more than expat itself.
    So ``started`` counts the open elements, and calls ``check`` for one that has attributes or is deeper than usual.

    Args:
        started: Called with name and attributes (name, value, name, value ...).
        ended: Called with the name.
        limits: See there.
    """

    def __init__(
        self, started: Callable[[str, list[str]], None], ended: Callable[[str], object], limits: Limits
    ) -> None:
        self._limits = limits
        self._fed_bytes = 0
        self._expat = expat.ParserCreate("utf-8")
        self._expat.ordered_attributes = True
        self._expat.buffer_text = True
        self._expat.StartElementHandler = started
        self._expat.EndElementHandler = ended
        self._expat.StartDoctypeDeclHandler = _refuse_doctype

    @property
    def expat(self) -> expat.XMLParserType:
        """For ``CurrentByteIndex``, where in all that was fed the element begins that ``started`` is called for.

        Whoever keeps it lets it go after ``close``: it holds the handlers.
        """
        return self._expat

    def take_texts(self, taker: TextTaker | None) -> None:
        """From here on hand texts, in pieces, to ``taker``; ``None`` drops them as they stream."""
        self._expat.CharacterDataHandler = taker

    def check(self, depth: int, attributes: list[str]) -> None:
        """Whether an element that starts is one too many.

        Args:
            depth: Its own; the root's is 1.
            attributes: As they were handed to ``started``.

        Raises:
            errors.MalformedAnswerError: It is nested too deep, or has too many attributes.
        """
        if depth > self._limits.depth:
            refuse(f"nested deeper than {self._limits.depth}")
        if len(attributes) > 2 * self._limits.attributes:
            refuse(f"an element has more than {self._limits.attributes} attributes")

    def feed(self, chunk: bytes) -> None:
        """Read on.

        Raises:
            errors.MalformedAnswerError: The document is refused; this scanner is of no further use.
        """
        # expat takes a byte order mark or a zero byte for UTF-16, whatever encoding it was told.
        if b"\x00" in chunk or (self._fed_bytes == 0 and chunk.startswith((b"\xfe", b"\xff"))):
            refuse("it is not UTF-8")
        self._parse(chunk, final=False)
        self._fed_bytes += len(chunk)
        # expat before 2.6 reads an unfinished token again with every piece; this bounds that and the memory for it.
        if self._fed_bytes - self._expat.CurrentByteIndex > self._limits.token_bytes:
            refuse(f"a tag, comment or declaration is longer than {self._limits.token_bytes} bytes")

    def close(self) -> None:
        """Tell that nothing more comes; this scanner is of no further use.

        Raises:
            errors.MalformedAnswerError: The document is not complete.
        """
        self._parse(b"", final=True)
        # Expat holds our handlers, and they hold expat: without this the collector has to find every parser that was.
        del self._expat

    def _parse(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._expat.Parse(chunk, final)
        except expat.ExpatError as exc:
            cut = exc.code in _CUT
            what = "it ends too early" if cut else f"{expat.ErrorString(exc.code)} in line {exc.lineno}"
            message = f"not acceptable XML: {what}"
            raise errors.MalformedAnswerError(message) from exc


_CUT: Final = frozenset(
    expat_errors.codes[text]
    for text in (
        expat_errors.XML_ERROR_NO_ELEMENTS,
        expat_errors.XML_ERROR_UNCLOSED_TOKEN,
        expat_errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
        expat_errors.XML_ERROR_PARTIAL_CHAR,
    )
)


def refuse(reason: str) -> NoReturn:
    """Raise the refusal; the reason never quotes the document.

    Raises:
        errors.MalformedAnswerError: Always.
    """
    message = f"not acceptable XML: {reason}"
    raise errors.MalformedAnswerError(message)


def _refuse_doctype(*_: object) -> None:
    refuse("it has a DOCTYPE")
