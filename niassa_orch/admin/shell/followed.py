"""What was seen of a crontab's command, and which lines of a text were followed.

Pure. ``Text`` is the net under ``walking``: a line that mentions launching or propagating and was not followed is
found by it. Called by ``states`` and ``walking``; ``Seen`` and ``Unclear`` are read by ``crontabs``.
"""

import dataclasses
import re

from niassa_orch.admin.shell import engine_calls, syntax, tokens

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


@dataclasses.dataclass(frozen=True, slots=True)
class Code:
    """A text, parsed: its commands or why there are none, the lines that mention launching, what it is about."""

    nodes: tuple[syntax.Node, ...]
    trouble: tokens.ShellUnclearError | None
    mentions: frozenset[int]
    is_about: bool


@dataclasses.dataclass(slots=True)
class Text:
    """A text while it is followed: the script that it is, whether it is about seqware, its lines that were followed."""

    script: str
    code: Code
    is_about: bool
    depth: int
    followed: set[int] = dataclasses.field(default_factory=set)
    set_aside: set[int] = dataclasses.field(default_factory=set)
    end: float = float("inf")

    def place(self, line: int) -> str:
        return f"{self.script} line {line}" if self.script else ""


def parse(text: str) -> Code:
    """Parse a text; comments mention nothing."""
    numbered = enumerate(text.split("\n"), 1)
    mentions = {number for number, line in numbered if engine_calls.MENTION.search(_COMMENT.sub("", line))}
    is_about = bool(_ABOUT.search(text) or engine_calls.MENTION.search(text))
    try:
        return Code(syntax.parse(text), None, frozenset(mentions), is_about)
    except tokens.ShellUnclearError as exc:
        return Code((), exc, frozenset(mentions), is_about)


def mentions(node: syntax.Simple, text: Text) -> frozenset[int]:
    """The lines of a command that mention launching, but for a mention in ``$(...)``, which nobody follows."""
    if not node.words:
        return frozenset()
    breaks = sum(piece.text.count("\n") for piece in node.words[-1].pieces)
    lines = text.code.mentions & frozenset(range(node.words[0].line, node.words[-1].line + breaks + 1))
    is_hidden = lines and any(_is_hidden(piece) for word in node.words for piece in word.pieces)
    return frozenset() if is_hidden else lines


def _is_hidden(piece: tokens.Piece) -> bool:
    return piece.kind is tokens.Kind.COMMAND and bool(engine_calls.MENTION.search(piece.text))
