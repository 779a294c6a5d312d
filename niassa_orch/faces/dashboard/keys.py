"""What a terminal sends, made into keys: a state machine over bytes that never fails, whatever comes.

Pure. A key is a printable character, or a name such as ``up``; what is unknown is nothing. The escape key alone sends
the byte that longer sequences begin with: after a while without more, ``settle`` says that it was the key. Driven by
``seat``.
"""

import codecs
import enum
import re
from typing import Final

_ESCAPE: Final = "\x1b"
_MOST_PENDING: Final = 32
#: ``ESC [`` parameters, intermediates, a final; or ``ESC O`` and a letter.
_SEQUENCE: Final = re.compile(r"\x1b(?:\[([0-?]*)[ -/]*([@-~])|O([ -~]))")
_BEGUN: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?")


class Key(enum.StrEnum):
    """Keys that are no characters."""

    UP = "up"
    DOWN = "down"
    PAGE_UP = "page up"
    PAGE_DOWN = "page down"
    HOME = "home"
    END = "end"
    ENTER = "enter"
    ESCAPE = "escape"
    BACKSPACE = "backspace"
    REDRAW = "redraw"


_FINALS: Final = {"A": Key.UP, "B": Key.DOWN, "H": Key.HOME, "F": Key.END, "M": Key.ENTER}
_NUMBERS: Final = {
    "1": Key.HOME,
    "7": Key.HOME,
    "4": Key.END,
    "8": Key.END,
    "5": Key.PAGE_UP,
    "6": Key.PAGE_DOWN,
}
_CONTROLS: Final = {"\r": Key.ENTER, "\n": Key.ENTER, "\x7f": Key.BACKSPACE, "\x08": Key.BACKSPACE, "\x0c": Key.REDRAW}


class Keys:
    """Bytes in, keys out; a key is a ``Key`` or one printable character."""

    def __init__(self) -> None:
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""

    @property
    def is_waiting(self) -> bool:
        """Whether a sequence has begun, or the escape key was pressed."""
        return bool(self._pending)

    def feed(self, content: bytes) -> list[str]:
        """The keys that are complete now."""
        found: list[str] = []
        for letter in self._letters.decode(content):
            self._pending += letter
            self._take(found)
        return found

    def settle(self) -> list[str]:
        """Nothing came for a while: what has begun was the escape key, and what came after it."""
        pending, self._pending = self._pending, ""
        return [Key.ESCAPE] if pending == _ESCAPE else []

    def _take(self, found: list[str]) -> None:
        pending = self._pending
        if not pending.startswith(_ESCAPE):
            self._pending = ""
            found.extend(_plain(pending))
        elif whole := _SEQUENCE.fullmatch(pending):
            self._pending = ""
            found.extend(_named(*whole.groups()))
        elif not _BEGUN.fullmatch(pending) or len(pending) > _MOST_PENDING:
            self._break(found)

    def _break(self, found: list[str]) -> None:
        """What has begun is no sequence that there is: the last letter stands for itself, an escape for a new one."""
        pending, self._pending = self._pending, ""
        if pending[:-1] == _ESCAPE:
            found.append(Key.ESCAPE)
        if len(pending) <= _MOST_PENDING:
            self._pending = pending[-1]
            if self._pending != _ESCAPE:
                self._take(found)


def _plain(letter: str) -> list[str]:
    if letter in _CONTROLS:
        return [_CONTROLS[letter]]
    return [letter] if letter.isprintable() and letter != "\N{REPLACEMENT CHARACTER}" else []


def _named(parameters: str | None, final: str | None, after_o: str | None) -> list[str]:
    number = (parameters or "").partition(";")[0]
    key = _NUMBERS.get(number) if final == "~" else _FINALS.get(final or after_o or "")
    return [key] if key else []
