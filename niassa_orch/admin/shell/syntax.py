"""The shape of a shell text: simple commands, those joined by ``&&`` and ``||``, groups such as ``if``, and functions.

Pure. Redirections are dropped: where a log goes does not matter here. Text that is no shell, or more of it than we
know (``case``), raises ``ShellUnclearError``. Called by ``followed``.
"""

import dataclasses
import typing

from niassa_orch.admin.shell import tokens

_REDIRECTIONS = frozenset({"&>>", "<<<", "<<-", ">>", "<<", ">&", "<&", "&>", ">|", "<>", "<", ">"})
_JOINTS = ("&&", "||")
_SEPARATORS = frozenset({";", "&", "|", "\n", *_JOINTS})
_ENDS = (")", ";;", ";&", ";;&")
#: The words that part a group, each with those that may come next; one that is not named here ends the group.
_NEXT = {
    **dict.fromkeys(("if", "elif"), ("then",)),
    **dict.fromkeys(("for", "while", "until"), ("do",)),
    "then": ("elif", "else", "fi"),
    "else": ("fi",),
    "do": ("done",),
    "(": (")",),
    "{": ("}",),
}
_OPENING = ("if", "for", "while", "until", "(", "{")
_DEEPEST = 40


@dataclasses.dataclass(frozen=True, slots=True)
class Simple:
    """A command and its words; ``feeds``: what it prints goes to the next one."""

    words: tuple[tokens.Word, ...]
    feeds: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Chain:
    """Commands, each with the ``&&`` or ``||`` before it, which is ``""`` for the first."""

    body: "tuple[tuple[str, Node], ...]"


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """``if``, ``while``, ``until``, ``for`` or brackets: its parts, each with the word or bracket before it."""

    parts: "tuple[tuple[str, tuple[Node, ...]], ...]"


@dataclasses.dataclass(frozen=True, slots=True)
class Function:
    """``NAME() { ... }``."""

    name: str
    body: "tuple[Node, ...]"


Node = Simple | Chain | Group | Function


def parse(text: str) -> tuple[Node, ...]:
    """The commands of a shell text.

    Raises:
        ShellUnclearError: It is not understood.
    """
    parser = _Parser(tokens.split(text))
    nodes = parser.commands()
    parser.must_end()
    return nodes


class _Parser:
    def __init__(self, found: tuple[tokens.Token, ...]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    def must_end(self) -> None:
        if self._at < len(self._tokens):
            self._refuse(f"{self._next() or 'a word'} is not expected there")

    def commands(self, *ends: str) -> tuple[Node, ...]:
        """Commands up to one of the words or operators that end them here, which is left to be taken."""
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse("it is nested too deeply")
        found: list[Node] = []
        joint = ""
        while self._at < len(self._tokens) and self._next() not in (*ends, *_ENDS):
            if self._is_operator() and self._next() in _SEPARATORS:
                separator = self._take()
                joint = joint if joint in _JOINTS else separator
                continue
            node = self._command()
            if joint in _JOINTS and found:
                last = found.pop()
                node = Chain((*(last.body if isinstance(last, Chain) else (("", last),)), (joint, node)))
            found.append(node)
            joint = ""
        self._depth -= 1
        return tuple(found)

    def _command(self) -> Node:
        keyword = self._next()
        if keyword in _OPENING:
            return self._group()
        if keyword in ("case", "select", "coproc"):
            self._refuse(f"{keyword} is not followed")
        if keyword == "function" or (not self._is_operator() and (self._next(1), self._next(2)) == ("(", ")")):
            return self._function()
        return self._simple()

    def _group(self) -> Group:
        parts: list[tuple[str, tuple[Node, ...]]] = []
        while after := _NEXT.get(self._next()):
            parts.append((self._take(), self.commands(*after)))
            if self._next() not in after:
                self._refuse(f"{after[-1]} is missing")
        self._at += 1
        while self._redirected():
            continue
        return Group(tuple(parts))

    def _function(self) -> Function:
        self._at += self._next() == "function"
        name = self._take()
        while self._next() in ("(", ")", "\n"):
            self._at += 1
        if not name or self._next() != "{":
            self._refuse(f"the function {name} has no body in brackets")
        return Function(name, self._group().parts[0][1])

    def _simple(self) -> Simple:
        words: list[tokens.Word] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if isinstance(token, tokens.Word):
                words.append(token)
                self._at += 1
                if token.bare == "[[":
                    self._skip_condition()
            elif not self._redirected():
                break
        return Simple(tuple(words), feeds=self._next() == "|")

    def _redirected(self) -> bool:
        """Pass over one redirection, if one is next."""
        if not self._is_operator() or self._next() not in _REDIRECTIONS:
            return False
        operator = self._take()
        if self._at >= len(self._tokens) or self._is_operator():
            self._refuse(f"nothing stands after {operator}")
        self._at += 1
        return True

    def _skip_condition(self) -> None:
        """What lies within ``[[ ]]`` has operators of its own."""
        while self._next() != "]]":
            self._at += 1
            if self._at >= len(self._tokens):
                self._refuse("]] is missing")

    def _is_operator(self) -> bool:
        return self._at < len(self._tokens) and isinstance(self._tokens[self._at], tokens.Operator)

    def _next(self, ahead: int = 0) -> str:
        """The operator or unquoted word that is next, ``""`` for any other word and at the end."""
        if self._at + ahead >= len(self._tokens):
            return ""
        token = self._tokens[self._at + ahead]
        return token.text if isinstance(token, tokens.Operator) else token.bare

    def _take(self) -> str:
        self._at += 1
        return self._next(-1)

    def _refuse(self, reason: str) -> typing.NoReturn:
        last = self._tokens[min(self._at, len(self._tokens) - 1)] if self._tokens else None
        raise tokens.ShellUnclearError(last.line if last else 1, reason.replace("\n", "the end of the line"))
