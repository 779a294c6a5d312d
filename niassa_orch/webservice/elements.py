"""The children of ``<WorkflowRun>``: kept as the bytes that came, and made a tree only where something looks inside.

Nearly all of them are a name and a text, most of which nobody reads: a PUT sends them back as they are. Here lives how
one of them is read, made and written; which of them are sent belongs to ``documents``, which calls this. Pure.
"""

from collections.abc import Callable
from typing import Final, NamedTuple
from xml.sax import saxutils

from niassa_orch import errors
from niassa_orch.webservice import scanner

#: Name, and bytes from the child's ``<`` on: it was well-formed and within all limits when it came. What follows its
#: end (texts of the run itself, comments, the run's own end) may stay.
Part = tuple[str, bytes]

#: In UTF-8 what is outside the production Char of XML 1.0, section 2.2; the server answers 400 to it. A control
#: character is a byte that is part of no other, and surrogates do not exist.
_CONTROL_BYTES: Final = bytes(number for number in range(0x20) if number not in b"\t\n\r")
_NO_CHARACTERS: Final = ("\ufffe".encode(), "\uffff".encode())
_CLOSES: Final = ord(">")
_RETURN: Final = {"\r": "&#13;"}


class Element(NamedTuple):
    """One element. ``text`` is empty where there are children: mixed content is no part of these documents.

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


def text_of(name: str, source: bytes) -> str | None:
    """The text of a child, blanks included; ``None`` if it has children, since then it is no scalar."""
    tag = name.encode() + b">"
    if _is_plain(tag, source) and b"&" not in source and b"\r" not in source:
        return source[len(tag) + 1 : -len(tag) - 2].decode()
    element = read(source)
    return None if element.children else element.text


def sendable(name: str, source: bytes) -> bytes:
    """What is sent of a child: nothing of a namespace, which the server drops, and nothing that follows its end."""
    return source if ":" not in name and _is_plain(name.encode() + b">", source) else written(read(source))


def read(source: bytes) -> Element:
    """All that is in a child."""
    return _Tree().read(source)


def written(element: Element) -> bytes:
    """The bytes of an element as a PUT has them; characters that XML cannot hold are left out."""
    pieces: list[str] = []
    _write(element, pieces.append)
    encoded = "".join(pieces).encode("utf-8", "ignore").translate(None, _CONTROL_BYTES)
    for character in _NO_CHARACTERS:
        encoded = encoded.replace(character, b"")
    return encoded


def _is_plain(tag: bytes, source: bytes) -> bool:
    """Whether it is just ``<name>text</name>``: no attribute, child, comment or CDATA, and nothing after it."""
    return source.count(b"<") == 2 and source[len(tag)] == _CLOSES and source.endswith(b"</" + tag)


def _write(element: Element, write: Callable[[str], object]) -> None:
    name = element.name
    if ":" in name:  # in a namespace: the server drops it
        return
    write(f"<{name}")
    for attribute, value in element.attributes:
        if attribute != "xmlns" and ":" not in attribute:
            write(f" {attribute}={saxutils.quoteattr(value)}")
    # A carriage return of its own would be read back as a line feed.
    write(f">{saxutils.escape(element.text, _RETURN)}")
    for child in element.children:
        _write(child, write)
    write(f"</{name}>")


class _Tree:
    """Reads the first element of some bytes."""

    def __init__(self) -> None:
        self._outer: list[tuple[list[Element], list[str]]] = []
        self._siblings: list[Element] = []
        self._pieces: list[str] = []

    def read(self, source: bytes) -> Element:
        """The element. What follows it was looked at when the document came, and is no document by itself."""
        reading = scanner.Scanner(self._started, self._ended, scanner.Limits())
        reading.take_texts(self._pieces.append)
        try:
            reading.feed(source)
            reading.close()
        except errors.MalformedAnswerError:
            if self._outer or not self._siblings:
                raise
        return self._siblings[0]

    def _started(self, _name: str, attributes: list[str]) -> None:
        self._pieces.clear()
        self._outer.append((self._siblings, attributes))
        self._siblings = []

    def _ended(self, name: str) -> None:
        children, text = self._siblings, "".join(self._pieces)
        self._pieces.clear()
        self._siblings, attributes = self._outer.pop()
        pairs = tuple(zip(attributes[::2], attributes[1::2], strict=True))
        self._siblings.append(Element(name, "" if children else text, tuple(children), pairs))
