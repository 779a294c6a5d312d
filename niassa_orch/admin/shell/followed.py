"""What was seen of a crontab's command, and which lines of a text were followed.

Pure. ``Text`` is the net under ``walking``: a line that mentions launching or propagating and was not followed is
found by it. Called by ``walking``; ``Seen`` and ``Unclear`` are read by ``crontabs``.
"""

import dataclasses
import re

from niassa_orch.admin.shell import engine_calls, kinds

_ABOUT = re.compile(r"seqware|niassa", re.IGNORECASE)
_COMMENT = re.compile(r"(^|\s)#[^'\"]*$")


@dataclasses.dataclass(frozen=True, slots=True)
class Unclear:
    """Something that was not understood: where (``""`` is the crontab's line itself), and why."""

    place: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a command comes to: calls of the engine, what is not understood, and names of other commands."""

    calls: tuple[engine_calls.EngineCall, ...]
    unclear: tuple[Unclear, ...]
    others: tuple[str, ...]


@dataclasses.dataclass(slots=True)
class Text:
    """A text that is followed: the script that it is, whether it is about seqware, and its lines that were followed."""

    script: str
    is_about: bool
    depth: int
    followed: set[int] = dataclasses.field(default_factory=set)
    set_aside: set[int] = dataclasses.field(default_factory=set)
    end: float = float("inf")

    def place(self, line: int) -> str:
        return f"{self.script} line {line}" if self.script else ""


def mentions(code: str) -> set[int]:
    """The lines that mention launching or propagating, but for comments."""
    numbered = enumerate(code.split("\n"), 1)
    return {number for number, line in numbered if engine_calls.MENTION.search(_COMMENT.sub("", line))}


def lines_of(node: kinds.Simple) -> set[int]:
    last = node.words[-1] if node.words else None
    if last is None:
        return set()
    breaks = sum(piece.text.count("\n") for piece in last.pieces)
    return set(range(node.words[0].line, last.line + breaks + 1))


def is_about(code: str) -> bool:
    """Whether a text has to do with seqware at all: of any other, what cannot be followed is not worth telling."""
    return bool(_ABOUT.search(code) or engine_calls.MENTION.search(code))
