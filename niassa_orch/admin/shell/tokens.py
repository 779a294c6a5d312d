"""Cuts shell text into words and operators, with what a shell would still put in: variables, output of commands.

Pure: text in, tokens out; nothing is run or looked up. What a crontab or its script says is only as good as this, so
text that cannot be cut (a quote that is never closed) raises ``ShellUnclearError`` and nothing is guessed. Called by
``syntax``; the rules are those of the POSIX shell, with the common words of bash.
"""

import collections.abc
import dataclasses
import enum
import re
import typing

from niassa_orch import errors

_OPERATOR = re.compile(r"&>>|<<<|<<-|;;&|&&|\|\||;;|;&|>>|<<|>&|<&|&>|>\||<>|[;&|()<>\n]")
_PASSED_OVER = re.compile(r"\\\n|#[^\n]*")
_PUT_IN = r"\$(?P<variable>[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])|`(?P<command>(?:[^`\\]|\\.)*+)`"
_BARE = re.compile(
    rf"(?P<plain>[^ \t\n\\'\"$`;&|()<>]+)|\\(?P<escaped>.?)|'(?P<quoted>[^']*)'"
    rf"|\$'(?P<unknown>(?:[^'\\]|\\.)*+)'|{_PUT_IN}",
    re.DOTALL,
)
_QUOTED = re.compile(
    rf"(?P<quoted>[^\\\"$`]+)|\\(?:\n(?P<joined>)|(?P<escaped>[$`\"\\]))|(?P<plain>\\)|{_PUT_IN}", re.DOTALL
)
_DEEPEST = 20


class ShellUnclearError(errors.NiassaOrchError):
    """Shell text that we do not understand; ``line`` is counted from 1."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason
        super().__init__(f"line {line}: {reason}")


class Kind(enum.Enum):
    """What a piece of a word is: itself, a variable's value, a command's output, or something else."""

    LITERAL = "literal"
    VARIABLE = "variable"
    COMMAND = "command"
    UNKNOWN = "unknown"


_KINDS = {"variable": Kind.VARIABLE, "command": Kind.COMMAND, "unknown": Kind.UNKNOWN}


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word; ``text`` is the literal, what stands in ``${}``, or the command."""

    kind: Kind
    text: str
    quoted: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """One word, its quotes taken off; ``bare`` is it where nothing is quoted or put in, such as a keyword."""

    pieces: tuple[Piece, ...]
    line: int
    bare: str

    @classmethod
    def of(cls, pieces: collections.abc.Sequence[Piece], line: int) -> "Word":
        """The word of these pieces."""
        plain = all(piece.kind is Kind.LITERAL and not piece.quoted for piece in pieces)
        return cls(tuple(pieces), line, "".join(piece.text for piece in pieces) if plain else "")


@dataclasses.dataclass(frozen=True, slots=True)
class Operator:
    """``;``, ``&&``, ``>``, the end of a line and the like."""

    text: str
    line: int


Token = Word | Operator


def split(text: str) -> tuple[Token, ...]:
    """The tokens of a shell text, comments and here-documents left out.

    Raises:
        ShellUnclearError: A quote or bracket is never closed.
    """
    return _Lexer(text).run()


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._pieces: list[Piece] | None = None
        self._begun = 1
        self._tokens: list[Token] = []
        self._here: list[tuple[str, bool]] = []
        self._awaits = ""

    def run(self) -> tuple[Token, ...]:
        while self._at < len(self._text):
            letter = self._text[self._at]
            passed_over = _PASSED_OVER.match(self._text, self._at)
            if passed_over and (letter == "\\" or self._pieces is None):
                self._go_to(passed_over.end())
            elif letter in " \t":
                self._end_word()
                self._go_to(self._at + 1)
            elif operator := _OPERATOR.match(self._text, self._at):
                self._operator(operator.group())
            else:
                self._part(letter)
        self._end_word()
        return tuple(self._tokens)

    def _part(self, letter: str) -> None:
        """A part of a word."""
        if self._pieces is None:
            self._pieces, self._begun = [], self._line
        if letter != '"':
            self._piece(_BARE, self._pieces, quoted=False)
            return
        begun = self._line
        self._pieces.append(Piece(Kind.LITERAL, "", quoted=True))
        self._go_to(self._at + 1)
        while not self._text.startswith('"', self._at):
            if self._at >= len(self._text):
                self._line = begun
                self._missing('"')
            self._piece(_QUOTED, self._pieces, quoted=True)
        self._go_to(self._at + 1)

    def _piece(self, pattern: re.Pattern[str], pieces: list[Piece], *, quoted: bool) -> None:
        match = pattern.match(self._text, self._at)
        if match is None:
            pieces.append(self._enclosed(quoted=quoted))
            return
        group = match.lastgroup or ""
        kind = _KINDS.get(group, Kind.LITERAL)
        pieces.append(Piece(kind, match[group], quoted or group in ("escaped", "quoted", "unknown")))
        self._go_to(match.end())

    def _enclosed(self, *, quoted: bool) -> Piece:
        """``$(...)``, ``$((...))`` or ``${...}``; or a ``$`` alone."""
        first, opening = self._text[self._at], self._text[self._at + 1 : self._at + 2]
        if first != "$" or (opening == "'" and not quoted):
            self._missing(first if first != "$" else opening)
        if opening not in ("(", "{"):
            self._go_to(self._at + 1)
            return Piece(Kind.LITERAL, "$", quoted)
        end = self._closed(opening, ")" if opening == "(" else "}")
        inside = self._text[self._at + 2 : end]
        self._go_to(end + 1)
        kind = Kind.VARIABLE if opening == "{" else Kind.UNKNOWN if inside.startswith("(") else Kind.COMMAND
        return Piece(kind, inside, quoted)

    def _closed(self, opening: str, closing: str) -> int:
        """Where the bracket that opens after a ``$`` is closed, quotes inside respected."""
        depth, end = 0, self._at + 1
        while end < len(self._text) and depth <= _DEEPEST:
            letter = self._text[end]
            if letter in "'\"":
                end = max(self._text.find(letter, end + 1), end)
            depth += (letter == opening) - (letter == closing)
            if depth == 0:
                return end
            end += 2 if letter == "\\" else 1
        self._missing(closing)

    def _missing(self, closing: str) -> typing.NoReturn:
        reason = f"a {closing} is missing"
        raise ShellUnclearError(self._line, reason)

    def _operator(self, operator: str) -> None:
        number = self._pieces is not None and Word.of(self._pieces, 0).bare
        if number and operator[0] in "<>" and number.isdecimal():
            self._pieces = None  # the 2 of 2>&1
        self._end_word()
        self._tokens.append(Operator(operator, self._line))
        self._go_to(self._at + len(operator))
        if operator in ("<<", "<<-"):
            self._awaits = operator
        elif operator == "\n":
            self._skip_here_documents()

    def _end_word(self) -> None:
        if self._pieces is None:
            return
        self._tokens.append(Word.of(self._pieces, self._begun))
        if self._awaits:
            self._here.append(("".join(piece.text for piece in self._pieces), self._awaits == "<<-"))
        self._pieces, self._awaits = None, ""

    def _skip_here_documents(self) -> None:
        for delimiter, indented in self._here:
            line = None
            while self._at < len(self._text) and line != delimiter:
                end = self._text.find("\n", self._at) + 1 or len(self._text)
                line = self._text[self._at : end].rstrip("\n")
                line = line.lstrip("\t") if indented else line
                self._go_to(end)
        self._here.clear()

    def _go_to(self, at: int) -> None:
        self._line += self._text.count("\n", self._at, at)
        self._at = at
