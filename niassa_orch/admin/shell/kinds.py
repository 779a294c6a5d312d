"""The kinds of commands that a shell text is made of. Pure; made by ``syntax``, followed by ``walking``."""

import dataclasses

from niassa_orch.admin.shell import tokens


@dataclasses.dataclass(frozen=True, slots=True)
class Simple:
    """A command and its words; ``feeds``: what it prints goes to the next one."""

    words: tuple[tokens.Word, ...]
    feeds: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Chain:
    """Commands joined by ``&&`` and ``||``: the first is run, and of the others as many as go well, or not."""

    body: "tuple[Node, ...]"


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """Commands in brackets; ``apart``: what they set is forgotten afterwards."""

    body: "tuple[Node, ...]"
    apart: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Branches:
    """Commands of which each part may be run or not."""

    parts: "tuple[tuple[Node, ...], ...]"


@dataclasses.dataclass(frozen=True, slots=True)
class Loop:
    """``for NAME in WORDS``; ``None`` stands for the arguments of the script."""

    name: str
    words: tuple[tokens.Word, ...] | None
    body: "tuple[Node, ...]"


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """``NAME() { ... }``."""

    name: str
    body: "tuple[Node, ...]"


Node = Simple | Chain | Block | Branches | Loop | Function
