"""Texts of neighbours on a terminal: a reason may quote what a server or an engine wrote.

What could move the cursor, change colours or break a line there is shown as a mark instead. Called by the faces that
draw on a terminal; the log has its own way.
"""

_MARK = "\N{REPLACEMENT CHARACTER}"


def line(text: str) -> str:
    """The text on one line: line breaks and tabs become blanks, other unprintable characters a mark."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else _MARK for letter in text)
