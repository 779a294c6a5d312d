"""Cuts shell text into words and operators, with what a shell would still put in: variables, output of commands.

Pure: text in, tokens out; nothing is run or looked up. What a crontab or its script says is only as good as this, so
text that cannot be cut (a quote that is never closed) raises ``ShellUnclearError`` and nothing is guessed. Called by
``syntax``; the rules are those of the POSIX shell, with the common words of bash.
"""

import dataclasses
import enum
import re

from niassa_orch import errors

#: Operators, longest first.
_OPERATORS = (
    *("&>>", "<<<", "<<-", ";;&", "&&", "||", ";;", ";&", ">>", "<<", ">&", "<&", "&>", ">|", "<>"),
    *(";", "&", "|", "(", ")", "<", ">", "\n"),
)
_PLAIN = re.compile(r"[^\s\\'\"$`;&|()<>#]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]")
_QUOTED_PLAIN = re.compile(r"[^\\\"$`]+")
_DESCRIPTOR = re.compile(r"[0-9]+")
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


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """A part of a word; ``text`` is the literal, what stands in ``${}``, or the command."""

    kind: Kind
    text: str
    quoted: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """One word, its quotes taken off."""

    pieces: tuple[Piece, ...]
    line: int

    @property
    def bare(self) -> str:
        """The word where nothing of it is quoted or put in, such as a keyword; else ``""``."""
        plain = all(piece.kind is Kind.LITERAL and not piece.quoted for piece in self.pieces)
        return "".join(piece.text for piece in self.pieces) if plain else ""


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
        self._awaits: str = ""

    def run(self) -> tuple[Token, ...]:
        while self._at < len(self._text):
            self._step()
        self._end_word()
        return tuple(self._tokens)

    def _step(self) -> None:
        letter = self._text[self._at]
        if self._text.startswith("\\\n", self._at):
            self._advance(2)
        elif letter in " \t":
            self._end_word()
            self._advance(1)
        elif letter == "#" and self._pieces is None:
            end = self._text.find("\n", self._at)
            self._advance((len(self._text) if end < 0 else end) - self._at)
        elif letter in ";&|()<>\n":
            self._operator(next(one for one in _OPERATORS if self._text.startswith(one, self._at)))
        else:
            self._part(letter)

    def _part(self, letter: str) -> None:
        """A part of a word."""
        if self._pieces is None:
            self._pieces, self._begun = [], self._line
        if letter == "\\":
            self._add(Kind.LITERAL, self._text[self._at + 1 : self._at + 2], quoted=True)
            self._advance(2)
        elif letter == "'":
            self._add(Kind.LITERAL, self._until("'"), quoted=True)
        elif letter == '"':
            self._double_quoted()
        elif letter in "$`":
            self._put_in(quoted=False)
        else:
            plain = _PLAIN.match(self._text, self._at)
            self._add(Kind.LITERAL, plain.group() if plain else letter, quoted=False)
            self._advance(len(plain.group()) if plain else 1)

    def _operator(self, operator: str) -> None:
        number = self._pieces is not None and Word(tuple(self._pieces), 0).bare
        if number and operator[0] in "<>" and _DESCRIPTOR.fullmatch(number):
            self._pieces = None  # the 2 of 2>&1
        self._end_word()
        self._tokens.append(Operator(operator, self._line))
        self._advance(len(operator))
        if operator in ("<<", "<<-"):
            self._awaits = operator
        elif operator == "\n":
            self._skip_here_documents()

    def _end_word(self) -> None:
        if self._pieces is None:
            return
        word = Word(tuple(self._pieces), self._begun)
        self._pieces = None
        self._tokens.append(word)
        if self._awaits:
            self._here.append(("".join(piece.text for piece in word.pieces), self._awaits == "<<-"))
            self._awaits = ""

    def _skip_here_documents(self) -> None:
        for delimiter, indented in self._here:
            while self._at < len(self._text):
                end = self._text.find("\n", self._at) + 1 or len(self._text)
                line = self._text[self._at : end].rstrip("\n")
                self._advance(end - self._at)
                if (line.lstrip("\t") if indented else line) == delimiter:
                    break
        self._here.clear()

    def _double_quoted(self) -> None:
        begun = self._line
        self._add(Kind.LITERAL, "", quoted=True)
        self._advance(1)
        while (letter := self._text[self._at : self._at + 1]) != '"':
            if not letter:
                reason = 'a " is never closed'
                raise ShellUnclearError(begun, reason)
            if letter in "$`":
                self._put_in(quoted=True)
            elif letter == "\\":
                self._escaped(self._text[self._at + 1 : self._at + 2])
            else:
                plain = _QUOTED_PLAIN.match(self._text, self._at)
                self._add(Kind.LITERAL, plain.group() if plain else letter, quoted=True)
                self._advance(len(plain.group()) if plain else 1)
        self._advance(1)

    def _escaped(self, letter: str) -> None:
        """A backslash in double quotes, which means something before few letters only."""
        kept = "" if letter == "\n" else letter if letter in '$`"\\' else "\\" + letter
        self._add(Kind.LITERAL, kept, quoted=True)
        self._advance(2)

    def _put_in(self, *, quoted: bool) -> None:
        """What a shell replaces: ``$X``, ``${X}``, ``$(...)``, backticks."""
        if self._text[self._at] == "`":
            self._add(Kind.COMMAND, self._until("`"), quoted=quoted)
            return
        self._advance(1)
        name = _NAME.match(self._text, self._at)
        if name:
            self._add(Kind.VARIABLE, name.group(), quoted=quoted)
            self._advance(len(name.group()))
        elif self._text.startswith("((", self._at):
            self._add(Kind.UNKNOWN, self._enclosed("(", ")"), quoted=quoted)
        elif self._text.startswith("(", self._at):
            self._add(Kind.COMMAND, self._enclosed("(", ")"), quoted=quoted)
        elif self._text.startswith("{", self._at):
            self._add(Kind.VARIABLE, self._enclosed("{", "}"), quoted=quoted)
        elif self._text.startswith("'", self._at) and not quoted:
            self._add(Kind.UNKNOWN, self._until("'"), quoted=True)
        else:
            self._add(Kind.LITERAL, "$", quoted=quoted)

    def _until(self, closing: str) -> str:
        """What lies between here and the next of the same, which may be escaped only where it is a backtick."""
        end = self._at + 1
        while end < len(self._text) and self._text[end] != closing:
            end += 2 if closing == "`" and self._text[end] == "\\" else 1
        return self._taken(end, closing)

    def _enclosed(self, opening: str, closing: str) -> str:
        """What lies between here and the bracket that closes, quotes inside respected."""
        depth, end = 0, self._at
        while end < len(self._text):
            letter = self._text[end]
            if letter in "'\"":
                end = max(self._text.find(letter, end + 1), end)
            depth += (letter == opening) - (letter == closing)
            if depth == 0 or depth > _DEEPEST:
                break
            end += 2 if letter == "\\" else 1
        return self._taken(end if depth == 0 else len(self._text), closing)

    def _taken(self, end: int, closing: str) -> str:
        if end >= len(self._text):
            reason = f"a {closing} is missing"
            raise ShellUnclearError(self._line, reason)
        inside = self._text[self._at + 1 : end]
        self._advance(end + 1 - self._at)
        return inside

    def _add(self, kind: Kind, text: str, *, quoted: bool) -> None:
        if self._pieces is not None:
            self._pieces.append(Piece(kind, text, quoted))

    def _advance(self, letters: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + letters)
        self._at += letters
