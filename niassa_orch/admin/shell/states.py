"""What a shell knows while it runs a text: variables, directory, arguments, and what words become by them.

Pure. ``None`` stands for a value that is known only when it runs; a word that holds one is ``None``. Nothing is ever
made up in its place. Called by ``walking``.
"""

import collections.abc
import dataclasses
import itertools
import posixpath
import re

from niassa_orch.admin.shell import kinds, syntax, tokens

Value = str | None
_GLOB = re.compile(r"[*?\[]|\{.*[,.].*\}")
_TILDE = re.compile(r"~([A-Za-z0-9_.-]*)(?=/|$)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*]")
_DEFAULT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*|[0-9])(:?[-=])(.*)", re.DOTALL)
_LONGEST = 10_000
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """What the host knows that a crontab's text does not say.

    Args:
        home: The home directory of a Unix user; ``None`` where there is no such user.
        read: The text of a shell script, read as that Unix user; ``None`` where the path is no text, or nothing at all.
            Raises ``UnreadableError`` where it cannot be told.
        hostnames: What ``hostname`` prints, by its options.
        login_files: What a login shell reads first, by home directory.
    """

    home: collections.abc.Callable[[str], Value]
    read: collections.abc.Callable[[str, str], Value]
    hostnames: collections.abc.Mapping[tuple[str, ...], str]
    login_files: collections.abc.Callable[[str], collections.abc.Sequence[str]]


@dataclasses.dataclass(slots=True)
class State:
    """A shell at one moment. ``script`` is its ``$0``, ``stdin`` what a shell without a script would read."""

    around: Surroundings
    user: str
    directory: Value
    variables: dict[str, Value]
    exported: set[str]
    script: Value = None
    arguments: tuple[Value, ...] = ()
    functions: dict[str, tuple[kinds.Node, ...]] = dataclasses.field(default_factory=dict)
    stdin: str = ""
    exports_all: bool = False

    def copy(self) -> "State":
        """A shell of its own with the same knowledge."""
        same = {"variables": dict(self.variables), "exported": set(self.exported), "functions": dict(self.functions)}
        return dataclasses.replace(self, **same)  # type: ignore[arg-type]

    def put(self, name: str, value: Value, *, exported: bool = False) -> None:
        """Set a variable; one that grows without end is not followed."""
        self.variables[name] = value if value is None or len(value) <= _LONGEST else None
        if exported or self.exports_all:
            self.exported.add(name)

    def environment(self, name: str, default: Value) -> Value:
        """What a program that is started here finds in its environment."""
        return self.variables.get(name) if name in self.exported and name in self.variables else default

    def blur(self, others: collections.abc.Iterable["State"]) -> None:
        """Forget what is different in shells that took another way."""
        for other in others:
            for name in {*self.variables, *other.variables}:
                known = (self.variables.get(name), name in self.exported)
                if known != (other.variables.get(name), name in other.exported):
                    self.variables[name] = None
                    self.exported.add(name)
            self.directory = self.directory if self.directory == other.directory else None
            self.functions |= other.functions

    def path(self, name: str) -> Value:
        """A path as an absolute one; ``None`` where the directory is not known."""
        if name.startswith("/"):
            return posixpath.normpath(name)
        return None if self.directory is None else posixpath.normpath(posixpath.join(self.directory, name))


def assignment(word: tokens.Word, state: State) -> tuple[str, Value] | None:
    """The variable that a word sets, and its value; ``None`` where it sets none."""
    first = word.pieces[0] if word.pieces else None
    if first is None or first.quoted or first.kind is not tokens.Kind.LITERAL:
        return None
    match = _ASSIGNMENT.match(first.text)
    if match is None:
        return None
    rest = (dataclasses.replace(first, text=first.text[match.end() :]), *word.pieces[1:])
    return match[1], _joined(_expanded(rest, state))


def values(word: tokens.Word, state: State) -> list[Value]:
    """What a word becomes: mostly one value, several where a variable that is not quoted holds several."""
    if len(word.pieces) == 1 or (len(word.pieces) == 2 and word.pieces[0].text == ""):
        only = word.pieces[-1]
        if only.kind is tokens.Kind.VARIABLE and only.text in ("@", "*"):
            return list(state.arguments)
        if only.kind in (tokens.Kind.VARIABLE, tokens.Kind.COMMAND) and not only.quoted:
            value = _value(only, state)
            return [None] if value is None else list(value.split())
    if any(not piece.quoted and _GLOB.search(piece.text) for piece in word.pieces if _is_literal(piece)):
        # [ is a command.
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
    if pieces and _is_literal(pieces[0]) and not pieces[0].quoted:
        parts[0] = _without_tilde(pieces[0].text, state)
    return parts


def _without_tilde(text: str, state: State) -> Value:
    match = _TILDE.match(text)
    if match is None:
        return text
    home = state.around.home(match[1]) if match[1] else state.variables.get("HOME")
    return None if home is None else home + text[match.end() :]


def _is_literal(piece: tokens.Piece) -> bool:
    return piece.kind is tokens.Kind.LITERAL


def _value(piece: tokens.Piece, state: State) -> Value:
    if _is_literal(piece):
        return piece.text
    if piece.kind is tokens.Kind.UNKNOWN:
        return None
    return _variable(piece.text, state) if piece.kind is tokens.Kind.VARIABLE else _output(piece.text, state)


def _variable(text: str, state: State) -> Value:
    """What ``${text}`` is: a variable, with a default, or a path's folder or last part."""
    if _NAME.fullmatch(text):
        if text == "0":
            return state.script
        if text.isdigit():
            return state.arguments[int(text) - 1] if int(text) <= len(state.arguments) else ""
        return state.variables.get(text)
    for ending, part in (("%/*", posixpath.dirname), ("##*/", posixpath.basename)):
        if text.endswith(ending) and _NAME.fullmatch(name := text.removesuffix(ending)):
            value = _variable(name, state)
            return None if value is None else part(value)
    default = _DEFAULT.fullmatch(text)
    if default is None or not _is_plain(default[3]):
        return None
    name = default[1]
    if not name.isdigit() and name not in state.variables:
        return default[3]
    value = _variable(name, state)
    return default[3] if value == "" and (default[2][0] == ":" or name.isdigit()) else value


def _is_plain(text: str) -> bool:
    return not any(letter in "$`\\'\"~" for letter in text)


def _output(code: str, state: State) -> Value:
    """What a few harmless commands print; of any other it is not known."""
    try:
        nodes = syntax.parse(code)
    except tokens.ShellUnclearError:
        return None
    state = state.copy()
    found: Value = None
    chains = (one.body if isinstance(one, kinds.Chain) else (one,) for one in nodes)
    for node in itertools.chain.from_iterable(chains):
        if not isinstance(node, kinds.Simple) or found is not None:
            return None
        words = [value for word in node.words for value in values(word, state)]
        known = [word for word in words if word is not None]
        if len(known) != len(words) or not words:
            return None
        if known[0] == "cd" and len(known) == 2:
            state.directory = state.path(known[1])
        else:
            found = _printed(known[0], known[1:], state)
            if found is None:
                return None
    return found


def _printed(command: str, words: list[str], state: State) -> Value:
    if command in ("dirname", "basename") and len(words) == 1:
        return posixpath.dirname(words[0]) or "." if command == "dirname" else posixpath.basename(words[0])
    if command == "pwd":
        return state.directory
    if [command, *words] in (["whoami"], ["id", "-un"], ["logname"]):
        return state.user
    if command == "hostname":
        return state.around.hostnames.get(tuple(words))
    return None
