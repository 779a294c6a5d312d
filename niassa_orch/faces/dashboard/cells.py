"""What lines on the terminal are made of: parts of text, each in a style, measured in the terminal's cells.

Pure. Styles are names for what is meant; what they look like depends on what the terminal can: many colours, eight, or
none. No style says anything that a word or a mark beside it does not say too: nobody needs to tell colours apart.
"""

import enum
import functools
from collections.abc import Iterable, Mapping
from typing import Final

import rich.cells

ELLIPSIS: Final = "\N{HORIZONTAL ELLIPSIS}"
RESET: Final = "\x1b[0m"


class Style(enum.StrEnum):
    """What a part of a line means."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    TITLE = "title"
    CHOSEN = "chosen"
    GOOD = "good"
    BUSY = "busy"
    WAITS = "waits"
    BAD = "bad"
    STOP = "stop"


Part = tuple[str, Style]
#: Parts from left to right.
Line = tuple[Part, ...]
EMPTY: Final[Line] = ()


#: What styles look like, as parameters of SGR. Colours as near to those of Okabe and Ito as 256 go.
Palette = Mapping[Style, str]
MANY: Final[Palette] = {
    Style.PLAIN: "",
    Style.STRONG: "1",
    Style.FAINT: "2",
    Style.TITLE: "1;38;5;75",
    Style.CHOSEN: "7",
    Style.GOOD: "38;5;36",
    Style.BUSY: "38;5;75",
    Style.WAITS: "38;5;214",
    Style.BAD: "1;38;5;202",
    Style.STOP: "1;97;48;5;160",
}
EIGHT: Final[Palette] = {
    **MANY,
    Style.TITLE: "1;36",
    Style.GOOD: "36",
    Style.BUSY: "34",
    Style.WAITS: "33",
    Style.BAD: "1;31",
    Style.STOP: "1;37;41",
}
NO_COLOURS: Final[Palette] = {
    **MANY,
    Style.TITLE: "1",
    Style.GOOD: "",
    Style.BUSY: "",
    Style.WAITS: "",
    Style.BAD: "1",
    Style.STOP: "1;7",
}


def palette(color_system: str | None, *, no_color: bool) -> Palette:
    """What fits a terminal; the system is named as rich names it."""
    if no_color or color_system is None:
        return NO_COLOURS
    return EIGHT if color_system == "standard" else MANY


def width(text: str) -> int:
    """How many cells a text takes; it has no control characters (``faces.plain``)."""
    return len(text) if text.isascii() else _wide(text)


@functools.lru_cache(maxsize=4096)
def _wide(text: str) -> int:
    return rich.cells.cell_len(text)


def line_width(line: Iterable[Part]) -> int:
    """How many cells a line takes."""
    return sum(width(text) for text, _ in line)


def cut(text: str, cells: int) -> str:
    """The text in at most so many cells; one that is cut ends with an ellipsis."""
    if width(text) <= cells:
        return text
    return rich.cells.set_cell_size(text, cells - 1).rstrip() + ELLIPSIS if cells > 0 else ""


def fitted(text: str, cells: int, *, to_right: bool = False) -> str:
    """The text in just so many cells, cut or with blanks."""
    if len(text) <= cells and text.isascii():
        return text.rjust(cells) if to_right else text.ljust(cells)
    text = cut(text, cells)
    blanks = " " * (cells - width(text))
    return blanks + text if to_right else text + blanks


def cut_line(line: Line, cells: int) -> Line:
    """The line in at most so many cells; one that is cut ends with an ellipsis."""
    if line_width(line) <= cells:
        return line
    kept: list[Part] = []
    for text, style in line:
        room = cells - line_width(kept)
        if width(text) >= room:
            # Something follows in any case, so that what just fits gives a cell to the ellipsis.
            kept.append((cut(text + "  ", room), style))
            break
        kept.append((text, style))
    return tuple(kept)


def filled(line: Line, cells: int, style: Style) -> Line:
    """The line in just so many cells, all of it in one style."""
    return ((fitted("".join(text for text, _ in line), cells), style),)


def folded(text: str, cells: int, style: Style = Style.PLAIN, indent: str = "") -> list[Line]:
    """The text in as many lines as it takes, broken at blanks where that is possible."""
    room, lines, rest = max(1, cells - len(indent)), [], text
    while width(rest) > room:
        chunk = _head(rest, room)
        at = chunk.rfind(" ")
        chunk = chunk[: at + 1] if at > room // 3 else chunk
        lines.append(((indent + chunk.rstrip(), style),))
        rest = rest[len(chunk) :].lstrip()
    return [*lines, ((indent + rest, style),)]


def _head(text: str, cells: int) -> str:
    """As much of the beginning as fits, and one letter at least."""
    if text[:cells].isascii():
        return text[:cells]
    used = 0
    for place, letter in enumerate(text):
        used += width(letter)
        if used > cells:
            return text[: max(1, place)]
    return text


def written(line: Line, palette: Palette) -> str:
    """The line as the terminal is told it."""
    return "".join(f"\x1b[{palette[style]}m{text}{RESET}" if palette[style] else text for text, style in line)


def text_of(line: Line) -> str:
    """The line without its styles."""
    return "".join(text for text, _ in line)
