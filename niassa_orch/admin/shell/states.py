"""What a shell knows while it runs a text: variables, directory, arguments, and what words become by them.

Pure. ``None`` stands for a value that is known only when it runs; a word that holds one is ``None``. Nothing is ever
made up in its place. Called by ``builtins`` and ``walking``.
"""

import collections.abc
import dataclasses
import posixpath
import re

from niassa_orch.admin.shell import followed, syntax, tokens

Value = str | None
_GLOB = re.compile(r"[*?\[]|\{.*[,.].*\}")
_TILDE = re.compile(r"~([A-Za-z0-9_.-]*)(?=/|$)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*]")
_DEFAULT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9])(:?[-=])([^$`\\'\"~]*)")
_LONGEST = 10_000
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """What the host knows that a crontab's text does not say; one an import, since it keeps what it has parsed.

    Args:
        home: The home directory of a Unix user; ``None`` where there is no such user.
        read: The text of a shell script, read as that Unix user; ``None`` where the path is no text, or nothing at all.
            Raises ``UnclearError`` where it cannot be told.
        hostnames: What ``hostname`` prints, by its options.
        login_files: What a login shell reads first, by home directory.
    """

    home: collections.abc.Callable[[str], Value]
    read: collections.abc.Callable[[str, str], Value]
    hostnames: collections.abc.Mapping[tuple[str, ...], str]
    login_files: collections.abc.Callable[[str], collections.abc.Sequence[str]]
    _parsed: dict[str, followed.Code] = dataclasses.field(default_factory=dict)

    def parsed(self, text: str) -> followed.Code:
        """A text, parsed once, however many lines of crontabs call it."""
        if text not in self._parsed:
            self._parsed[text] = followed.parse(text)
        return self._parsed[text]


@dataclasses.dataclass(slots=True)
class State:
    """A shell at one moment. ``script`` is its ``$0``."""

    around: Surroundings
    user: str
    directory: Value
    variables: dict[str, Value]
    exported: set[str]
    script: Value = None
    arguments: tuple[Value, ...] = ()
    functions: dict[str, tuple[syntax.Node, ...]] = dataclasses.field(default_factory=dict)
    exports_all: bool = False
    #: What is exported or not, nobody knows: whatever it is set to, what a program finds is known only when it runs.
    unsure: frozenset[str] = frozenset()

    def copy(self) -> "State":
        """A shell of its own with the same knowledge."""
        same = {"variables": dict(self.variables), "exported": set(self.exported), "functions": dict(self.functions)}
        return dataclasses.replace(self, **same)  # type: ignore[arg-type]

    def become(self, other: "State") -> None:
        """Know what another shell knows, as one does that went its way."""
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(other, field.name))

    def put(self, name: str, value: Value, *, exported: bool = False) -> None:
        """Set a variable; one that grows without end is not followed."""
        if exported or self.exports_all:
            self.exported.add(name)
            self.unsure -= {name}
        is_known = value is not None and len(value) <= _LONGEST and name not in self.unsure
        self.variables[name] = value if is_known else None

    def environment(self, name: str, default: Value) -> Value:
        """What a program that is started here finds in its environment."""
        return self.variables.get(name) if name in self.exported and name in self.variables else default

    def blur(self, others: collections.abc.Iterable["State"]) -> None:
        """Forget what is different in shells that took another way."""
        for other in others:
            self.unsure |= other.unsure | (self.exported ^ other.exported)
            self.exported |= other.exported
            for name in {*self.variables, *other.variables}:
                if name in self.unsure or self.variables.get(name) != other.variables.get(name):
                    self.variables[name] = None
            self.directory = self.directory if self.directory == other.directory else None
            self.functions |= other.functions
            if self.arguments != other.arguments:
                self.arguments = (None,) * max(len(self.arguments), len(other.arguments))

    def path(self, name: str) -> Value:
        """A path as an absolute one; ``None`` where the directory is not known."""
        if name.startswith("/"):
            return posixpath.normpath(name)
        return None if self.directory is None else posixpath.normpath(posixpath.join(self.directory, name))


def assignment(word: tokens.Word, state: State) -> tuple[str, Value] | None:
    """The variable that a word sets, and its value; ``None`` where it sets none."""
    first = word.pieces[0] if word.pieces else None
    if first is None or first.quoted or not _is_literal(first) or not (match := _ASSIGNMENT.match(first.text)):
        return None
    rest = (dataclasses.replace(first, text=first.text[match.end() :]), *word.pieces[1:])
    return match[1], _joined(_expanded(rest, state))


def values(words: collections.abc.Iterable[tokens.Word], state: State) -> list[Value]:
    """What words become: mostly one value each, several where a variable that is not quoted holds several."""
    return [value for word in words for value in _values(word, state)]


def _values(word: tokens.Word, state: State) -> list[Value]:
    if len(word.pieces) == 1 or (len(word.pieces) == 2 and word.pieces[0].text == ""):
        only = word.pieces[-1]
        if only.kind is tokens.Kind.VARIABLE and only.text in ("@", "*"):
            return list(state.arguments)
        if not only.quoted and not _is_literal(only):
            value = _value(only, state)
            return [None] if value is None else list(value.split())
    if any(not piece.quoted and _GLOB.search(piece.text) for piece in word.pieces if _is_literal(piece)):
        return [word.bare] if word.bare in ("[", "[[") else [None]
    parts = _expanded(word.pieces, state)
    for piece, part in zip(word.pieces, parts, strict=True):
        if part and not piece.quoted and not _is_literal(piece) and part.split() != [part]:
            return [None]
    return [_joined(parts)]


def _joined(parts: list[Value]) -> Value:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _expanded(pieces: collections.abc.Sequence[tokens.Piece], state: State) -> list[Value]:
    parts = [_value(piece, state) for piece in pieces]
    first = pieces[0] if pieces else None
    if first and _is_literal(first) and not first.quoted and (match := _TILDE.match(first.text)):
        home = state.around.home(match[1]) if match[1] else state.variables.get("HOME")
        parts[0] = None if home is None else home + first.text[match.end() :]
    return parts


def _is_literal(piece: tokens.Piece) -> bool:
    return piece.kind is tokens.Kind.LITERAL


def _value(piece: tokens.Piece, state: State) -> Value:
    if _is_literal(piece):
        return piece.text
    if piece.kind is tokens.Kind.VARIABLE:
        return _variable(piece.text, state)
    return _output(piece.text, state) if piece.kind is tokens.Kind.COMMAND else None


def _variable(text: str, state: State) -> Value:
    """What ``${text}`` is: a variable, or one with a default."""
    if text.isdigit() and text != "0":
        return state.arguments[int(text) - 1] if int(text) <= len(state.arguments) else ""
    if _NAME.fullmatch(text):
        return state.script if text == "0" else state.variables.get(text)
    if text.endswith("%/*"):
        folder = _variable(text.removesuffix("%/*"), state)
        return None if folder is None else posixpath.dirname(folder)
    default = _DEFAULT.fullmatch(text)
    if default is None:
        return None
    name = default[1]
    is_set = name in state.variables or (name.isdigit() and int(name) <= len(state.arguments))
    value = _variable(name, state) if is_set else None
    return default[3] if not is_set or (value == "" and default[2][0] == ":") else value


def _output(code: str, state: State) -> Value:
    """What a few harmless commands print, such as ``cd X && pwd``; of any other it is not known."""
    nodes = state.around.parsed(code).nodes
    body = (
        nodes[0].body if len(nodes) == 1 and isinstance(nodes[0], syntax.Chain) else tuple(("", one) for one in nodes)
    )
    shell = state.copy()
    for joint, node in body:
        words = values(node.words, shell) if isinstance(node, syntax.Simple) and joint != "||" else [None]
        known = [word for word in words if word is not None]
        if len(known) != len(words) or not words:
            return None
        if node is body[-1][1]:
            return _printed(known, shell)
        if known[0] != "cd" or len(known) != 2:
            return None
        shell.directory = shell.path(known[1])
    return None


def _printed(words: list[str], state: State) -> Value:
    command, *rest = words
    if command in ("dirname", "basename") and len(rest) == 1:
        return posixpath.dirname(rest[0]) or "." if command == "dirname" else posixpath.basename(rest[0])
    if command == "hostname":
        return state.around.hostnames.get(tuple(rest))
    if words in (["whoami"], ["id", "-un"]):
        return state.user
    return state.directory if words == ["pwd"] else None
